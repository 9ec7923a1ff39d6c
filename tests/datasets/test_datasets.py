import gc
import gzip
import hashlib
import threading
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

from sknets.datasets import _download, fetch_mnist, load_mnist_sample, read_idx

NAMES = list(_download.SHA256)

# pooch leaves the connection of a refused download to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def idx_bytes(array, code=8):
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


# -- read_idx ------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("code", "dtype"),
    [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")],
)
def test_read_idx(tmp_path, code, dtype, compress):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / "file"
    path.write_bytes(compress(idx_bytes(array, code)))
    found = read_idx(path)
    assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert found.flags.writeable
    assert_array_equal(read_idx(str(path)), array)


GOOD = idx_bytes(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"\x89PNG\r\n", "magic number.*89504e47"),
        (bytes([0, 0, 7, 1, 0, 0, 0, 0]), "data type 0x07; expected one of 0x08"),
        (bytes([0, 0, 8, 0]), "0 dimensions"),
        (GOOD[:9], "truncated within its header of 12 bytes"),
        (GOOD[:-1], "17 bytes.*requires 18"),
        (GOOD + b"\0", "19 bytes.*requires 18"),
        (gzip.compress(GOOD, mtime=0)[:-9], "gzip"),
        (gzip.compress(GOOD, mtime=0)[:15] + b"\0" * 15, "gzip"),
    ],
)
def test_read_idx_names_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "broken-file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"broken-file.*{message}"):
        read_idx(path)


def test_read_idx_of_a_huge_header_allocates_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes([0, 0, 8, 3]) + b"\xff" * 12)
    with pytest.raises(ValueError, match="truncated or corrupt"):
        read_idx(path)


def test_read_idx_of_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")


# -- the sample ----------------------------------------------------------------------


def test_sample_is_stratified_and_real():
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    assert X.shape == (5000, 784)
    assert X_test.shape == (1000, 784)
    assert X.dtype == np.float32
    assert y.dtype == np.int64
    assert (X.min(), X.max()) == (0, 1)
    # The shares of the digits in all of MNIST's 60,000, by its authors.
    shares = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert abs(np.bincount(y) / 5000 - np.array(shares) / 60_000).max() < 2e-4
    linear = LogisticRegression(C=0.01).fit(X, y)
    assert linear.score(X_test, y_test) > 0.85


def test_sample_all_is_train_and_test():
    X, y = load_mnist_sample(subset="all", return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    assert_array_equal(X[5000:], X_test)
    assert_array_equal(y[5000:], y_test)


def test_sample_bunch_and_frame():
    sample = load_mnist_sample(subset="test", as_frame=True)
    assert sample.images.shape == (1000, 28, 28)
    assert sample.frame.shape == (1000, 785)
    assert list(sample.data.columns) == sample.feature_names
    assert sample.feature_names[29] == "pixel_1_1"
    assert sample.target.name == "digit"
    assert "MNIST" in sample.DESCR
    assert_array_equal(sample.target_names, range(10))
    assert_array_equal(sample.images[3, 14], sample.data.iloc[3, 14 * 28 : 15 * 28])


@pytest.mark.parametrize("loader", [load_mnist_sample, fetch_mnist])
def test_bad_subset_is_named(loader):
    with pytest.raises(ValueError, match="'subset' parameter"):
        loader(subset="training")


# -- fetch_mnist ---------------------------------------------------------------------


@pytest.fixture
def originals(monkeypatch, tmp_path):
    """Small stand-ins for the four files, known by their checksums; no other homes."""
    rng = np.random.default_rng(0)
    contents, checksums = {}, {}
    for name in NAMES:
        n = 5020 if name.startswith("train") else 30
        shape = (n, 28, 28) if "images" in name else (n,)
        content = idx_bytes(rng.integers(0, 10, shape, dtype=np.uint8))
        contents[name] = content
        checksums[name] = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(_download, "SHA256", checksums)
    monkeypatch.delenv("SKNETS_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_download, "MIRRORS", ())
    return contents


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """A web server on localhost, with a list of what it was asked for."""
    root, asked = tmp_path / "mirror", []
    root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path)
            failures = root / "fail-first"
            if failures.exists():
                failures.unlink()
                self.send_error(503)
                return
            super().do_GET()

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(root))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(_download, "MIRRORS", (address + "empty/", address))
    yield root, asked
    server.shutdown()
    server.server_close()
    thread.join()
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def place(folder, contents, compress=bytes, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name + suffix)).write_bytes(compress(content))


@pytest.mark.parametrize(("compress", "suffix"), [(bytes, ""), (gzip.compress, ".gz")])
def test_finds_files_and_splits_them(originals, tmp_path, compress, suffix):
    place(tmp_path / "mnist", originals, compress, suffix)
    pixels = np.frombuffer(originals["train-images-idx3-ubyte"], np.uint8, offset=16)
    pixels = pixels.reshape(5020, 784) / np.float32(255)
    fetch = partial(fetch_mnist, data_home=tmp_path, return_X_y=True)
    assert_array_equal(fetch()[0], pixels[5000:])
    assert_array_equal(fetch(subset="validation")[0], pixels[:5000])
    assert fetch(subset="test")[0].shape == (30, 784)
    X, y = fetch(subset="all")
    assert X.shape == (5050, 784)
    assert_array_equal(X[:5020], pixels)
    assert len(y) == 5050


def test_data_home_then_environment_then_home(originals, tmp_path, monkeypatch):
    monkeypatch.setenv("SKNETS_DATA", str(tmp_path / "environment"))
    fetch = partial(fetch_mnist, subset="test", download_if_missing=False)
    with pytest.raises(OSError, match="download_if_missing is False") as error:
        fetch(data_home=tmp_path / "given")
    order = [str(error.value).index(f"{h}/") for h in ("given", "environment", "home")]
    assert order == sorted(order)
    place(tmp_path / "home" / "sknets_data" / "mnist", originals)
    assert fetch().data.shape == (30, 784)
    broken = dict.fromkeys(NAMES, b"broken")
    place(tmp_path / "environment" / "mnist", broken)
    with pytest.raises(ValueError, match="environment.*is not the original"):
        fetch()
    place(tmp_path / "given" / "mnist", originals)
    assert fetch(data_home=str(tmp_path / "given")).data.shape == (30, 784)


def test_downloads_once_from_the_mirror_that_has_it(originals, tmp_path, mirror):
    root, asked = mirror
    place(root, originals, gzip.compress, ".gz")
    home = tmp_path / "data"
    first = fetch_mnist(data_home=home, subset="test", n_retries=1)
    assert len(asked) == 4  # two files, each first from the mirror that lacks it
    assert sorted(p.name for p in (home / "mnist").iterdir()) == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]
    again = fetch_mnist(data_home=home, subset="test")
    assert len(asked) == 4
    assert_array_equal(first.data, again.data)


def test_a_failure_that_passes_is_retried(originals, tmp_path, mirror, monkeypatch):
    root, asked = mirror
    monkeypatch.setattr(_download, "MIRRORS", _download.MIRRORS[1:])
    place(root, originals, gzip.compress, ".gz")
    (root / "fail-first").touch()
    fetch_mnist(data_home=tmp_path, subset="test", n_retries=2)
    assert len(asked) == 3


def test_a_wrong_download_is_named_and_not_kept(originals, tmp_path, mirror):
    root, _ = mirror
    place(root, dict.fromkeys(NAMES, GOOD), gzip.compress, ".gz")
    with pytest.raises(ValueError, match="could not be downloaded(.|\n)*SHA-256"):
        fetch_mnist(data_home=tmp_path / "data", n_retries=1)
    assert list((tmp_path / "data" / "mnist").iterdir()) == []


def test_no_mirror_answers(originals, tmp_path, mirror):
    with pytest.raises(ConnectionError, match="load_mnist_sample"):
        fetch_mnist(data_home=tmp_path / "data", n_retries=1)


def test_a_disk_error_comes_out_and_leaves_nothing(
    originals, tmp_path, mirror, monkeypatch
):
    def full(*args):
        raise OSError(28, "No space left on device")

    root, _ = mirror
    place(root, originals, gzip.compress, ".gz")
    monkeypatch.setattr(_download.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        fetch_mnist(data_home=tmp_path / "data", n_retries=1)
    assert list((tmp_path / "data" / "mnist").iterdir()) == []


def test_real_addresses_are_kept():
    assert len(_download.MIRRORS) >= 2
    assert all(mirror.startswith("https://") for mirror in _download.MIRRORS)
    assert all(len(digest) == 64 for digest in _download.SHA256.values())
