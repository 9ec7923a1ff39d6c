"""Draw the sample of MNIST digits that the package ships.

Read the four original files of MNIST, gzipped or not, from a folder. Write a stratified
sample of 5,000 training and 1,000 test digits to ``sknets/datasets/data``, as gzipped
IDX files. The result depends only on the original files and the seed::

    python tools/draw_mnist_sample.py FOLDER
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from sknets.datasets import read_idx

TARGET = Path(__file__).parents[1] / "sknets" / "datasets" / "data"


def find(folder, name):
    """Return the path of a file, or of its gzipped version."""
    path = folder / name
    return path if path.exists() else path.with_name(name + ".gz")


def write_idx(path, array):
    """Write a uint8 array as a gzipped IDX file, with the same bytes each time."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


def main():
    """Draw the training part and the test part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the original files")
    folder = parser.parse_args().folder
    TARGET.mkdir(exist_ok=True)
    for part, size in {"train": 5000, "t10k": 1000}.items():
        images = read_idx(find(folder, f"{part}-images-idx3-ubyte"))
        labels = read_idx(find(folder, f"{part}-labels-idx1-ubyte"))
        images, _, labels, _ = train_test_split(
            images, labels, train_size=size, stratify=labels, random_state=0
        )
        write_idx(TARGET / f"sample-{part}-images-idx3-ubyte.gz", images)
        write_idx(TARGET / f"sample-{part}-labels-idx1-ubyte.gz", labels)


if __name__ == "__main__":
    main()
