"""Loaders of MNIST: the shipped sample and the full set."""

from importlib import resources
from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_scalar

from sknets._help import shown_in
from sknets.datasets._download import find_or_download
from sknets.datasets._idx import parse_idx, read_bytes

DATA_FOLDER = resources.files("sknets.datasets") / "data"
N_VALIDATION = 5000
SIDE = 28


@shown_in("sknets.datasets")
def load_mnist_sample(*, subset="train", return_X_y=False, as_frame=False):
    """Load a sample of 6,000 MNIST digits that ships with the package.

    The digits are drawn from the original MNIST: 5,000 from its training part and 1,000
    from its test part, stratified by digit.

    =================   ==============
    Classes                         10
    Samples train                 5000
    Samples test                  1000
    Dimensionality                 784
    Features            real, in [0, 1]
    =================   ==============

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Part to load. "all" is the training part followed by the test part.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` alone.

    as_frame : bool, default=False
        Whether `data` is a pandas DataFrame and `target` a Series.

    Returns
    -------
    sample : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with the attributes

        data : float32 {ndarray, DataFrame} of shape (n_samples, 784)
            Pixels from 0 (paper) to 1 (ink). Each row is a flattened image.
        target : int64 {ndarray, Series} of shape (n_samples,)
            Digits.
        images : float32 ndarray of shape (n_samples, 28, 28)
            The same pixels in the shape of images.
        frame : DataFrame of shape (n_samples, 785)
            Data and target. Only present with ``as_frame=True``.
        feature_names : list of str
            ``pixel_<row>_<column>``.
        target_names : ndarray of shape (10,)
            The digits.
        DESCR : str
            Description of MNIST.

    (data, target) : tuple
        If `return_X_y` is True.

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is not installed.
    ValueError
        If `subset` is unknown.

    See Also
    --------
    fetch_mnist : The full data set.

    Examples
    --------
    >>> from sknets.datasets import load_mnist_sample
    >>> X, y = load_mnist_sample(return_X_y=True)
    >>> X.shape, y.shape
    ((5000, 784), (5000,))
    """
    parts = {"train": ["train"], "test": ["t10k"], "all": ["train", "t10k"]}
    _check_subset(subset, parts)
    images, labels = _concatenate(
        [_sample_array(f"sample-{part}-{kind}-ubyte.gz") for part in parts[subset]]
        for kind in ("images-idx3", "labels-idx1")
    )
    return _to_bunch(images, labels, return_X_y=return_X_y, as_frame=as_frame)


@shown_in("sknets.datasets")
def fetch_mnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
    n_retries=3,
):
    """Load the MNIST data set of handwritten digits, downloading it if necessary.

    The first 5,000 digits of the original training file are the validation part.

    ==================   ==============
    Classes                          10
    Samples train                 55000
    Samples validation             5000
    Samples test                  10000
    Dimensionality                  784
    Features             real, in [0, 1]
    ==================   ==============

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder with the files in a subfolder ``mnist``. If they are not there, the
        folder in the environment variable ``SKNETS_DATA`` is searched, then
        ``~/sknets_data``. Downloaded files are saved in the first of these folders that
        is given.

    subset : {"train", "validation", "test", "all"}, default="train"
        Part to load. "all" has all 70,000 digits in the order of the original files.

    download_if_missing : bool, default=True
        If False, raise an OSError instead of downloading missing files.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` alone.

    as_frame : bool, default=False
        Whether `data` is a pandas DataFrame and `target` a Series.

    n_retries : int, default=3
        Number of attempts to download a file from each of the mirrors.

    Returns
    -------
    mnist : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with the same attributes as from `load_mnist_sample`.

    (data, target) : tuple
        If `return_X_y` is True.

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is not installed.
    OSError
        If files are missing and cannot be downloaded.
    TypeError
        If `n_retries` is no integer.
    ValueError
        If a file does not have the bytes of the original. Also if `subset` is unknown,
        or `n_retries` is less than 1.

    See Also
    --------
    load_mnist_sample : A sample that needs no network.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
    document recognition", Proceedings of the IEEE 86, 1998.

    Examples
    --------
    >>> from sknets.datasets import fetch_mnist
    >>> X, y = fetch_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    parts = {
        "train": ["train"],
        "validation": ["train"],
        "test": ["t10k"],
        "all": ["train", "t10k"],
    }
    _check_subset(subset, parts)
    check_scalar(n_retries, "n_retries", Integral, min_val=1)
    names = [
        [f"{part}-{kind}-ubyte" for part in parts[subset]]
        for kind in ("images-idx3", "labels-idx1")
    ]
    contents = find_or_download(
        [*names[0], *names[1]],
        data_home,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
    )
    images, labels = _concatenate(
        [parse_idx(contents[name], name) for name in column] for column in names
    )
    rows = {"train": slice(N_VALIDATION, None), "validation": slice(N_VALIDATION)}
    rows = rows.get(subset, slice(None))
    return _to_bunch(
        images[rows], labels[rows], return_X_y=return_X_y, as_frame=as_frame
    )


def _check_subset(subset, allowed):
    if subset not in allowed:
        names = ", ".join(map(repr, allowed))
        raise ValueError(
            f"The 'subset' parameter must be one of {names}; got {subset!r}."
        )


def _sample_array(name):
    with resources.as_file(DATA_FOLDER / name) as path:
        return parse_idx(read_bytes(path), name)


def _concatenate(columns):
    return [np.concatenate(arrays) for arrays in columns]


def _to_bunch(images, labels, *, return_X_y, as_frame):
    data = images.reshape(len(images), -1).astype(np.float32)
    data /= 255
    target = labels.astype(np.int64)
    names = [f"pixel_{row}_{column}" for row in range(SIDE) for column in range(SIDE)]
    bunch = Bunch(
        data=data,
        target=target,
        images=data.reshape(-1, SIDE, SIDE),
        feature_names=names,
        target_names=np.arange(10),
        DESCR=(DATA_FOLDER / "mnist.rst").read_text(encoding="utf-8"),
    )
    if as_frame:
        import pandas as pd

        bunch.data = pd.DataFrame(data, columns=names)
        bunch.target = pd.Series(target, name="digit")
        bunch.frame = pd.concat([bunch.data, bunch.target], axis=1)
    return (bunch.data, bunch.target) if return_X_y else bunch
