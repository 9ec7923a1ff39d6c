"""Find or download the original files of MNIST."""

import hashlib
import os
import tempfile
from pathlib import Path

import pooch
from requests import RequestException

from sknets.datasets._idx import read_bytes

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Checksums of the uncompressed bytes, because mirrors compress them differently.
SHA256 = {
    "train-images-idx3-ubyte": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}

TIMEOUT_SECONDS = 30


def find_or_download(names, data_home, *, download_if_missing, n_retries):
    """Return the verified contents of some of the original files.

    Parameters
    ----------
    names : list of str
        Keys of SHA256.
    data_home : str, path-like or None
    download_if_missing : bool
    n_retries : int

    Returns
    -------
    contents : dict of str to bytes
    """
    folders = _folders(data_home)
    return {
        name: _find(name, folders, download_if_missing, n_retries) for name in names
    }


def _folders(data_home):
    homes = [data_home, os.environ.get("SKNETS_DATA"), "~/sknets_data"]
    return [Path(home).expanduser() / "mnist" for home in homes if home]


def _find(name, folders, download_if_missing, n_retries):
    for folder in folders:
        for path in (folder / f"{name}.gz", folder / name):
            if path.exists():
                return _verified(path, name)
    if not download_if_missing:
        searched = ", ".join(map(str, folders))
        raise OSError(
            f"{name} was not found in {searched}, and download_if_missing is False."
        )
    return _download(name, folders[0], n_retries)


def _verified(path, name):
    content = read_bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"{path} is not the original {name}: the SHA-256 of its uncompressed bytes "
            f"is {found}; expected {SHA256[name]}. Delete the file to download it "
            "again."
        )
    return content


def _download(name, folder, n_retries):
    """Try the mirrors in turn. Only a complete and verified file reaches `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    failures = {}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as staging:
        for number, mirror in enumerate(MIRRORS):
            files = pooch.create(
                Path(staging) / str(number),
                base_url=mirror,
                registry={f"{name}.gz": None},
                retry_if_failed=n_retries - 1,
            )
            downloader = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
            try:
                path = files.fetch(f"{name}.gz", downloader=downloader)
                content = _verified(path, name)
            except (RequestException, ValueError) as error:
                failures[mirror] = error
                continue
            os.replace(path, folder / f"{name}.gz")
            return content
    reasons = "\n".join(f"- {mirror}: {error}" for mirror, error in failures.items())
    corrupt = any(isinstance(error, ValueError) for error in failures.values())
    raise (ValueError if corrupt else ConnectionError)(
        f"{name} could not be downloaded. Put the file into {folder} by hand, or use "
        f"load_mnist_sample, which needs no network.\n{reasons}"
    )
