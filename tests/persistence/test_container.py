"""Files of arrays and a document: what comes back, and what is refused."""

import json
import os
import pickle
import struct

import numpy as np
import pytest
import safetensors.numpy
import torch

from sknets._persistence import atomic
from sknets._persistence.atomic import write_atomically
from sknets._persistence.container import read_container, write_container

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([0.1, np.pi]),
    "scalar": np.array(7.0, np.float32),
    "empty": np.zeros((0, 3)),
    "strided": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
}
DOCUMENT = {"z": [1, 2.5, None], "a": {"ü": "é"}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def test_comes_back(path):
    write_container(path, ARRAYS, DOCUMENT)
    arrays, document = read_container(path)
    assert document == DOCUMENT
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_safetensors_reads_it_too(path):
    write_container(path, ARRAYS, DOCUMENT)
    arrays = safetensors.numpy.load_file(path)
    np.testing.assert_array_equal(arrays["strided"], ARRAYS["strided"])


def test_equal_contents_have_equal_bytes(path):
    written = set()
    for names in (sorted(ARRAYS), sorted(ARRAYS, reverse=True)):
        write_container(path, {name: ARRAYS[name] for name in names}, DOCUMENT)
        written.add(path.read_bytes())
    assert len(written) == 1


# -- refusals ------------------------------------------------------------------------


def forge(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


META = {"__metadata__": {"sknets": "{}"}}
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def tensor(**changes):
    return META | {"x": TENSOR | changes}


HUGE = {"shape": [2_500_000_000], "data_offsets": [0, 10_000_000_000]}
REFUSED = {
    "empty": (b"", "does not fit into the file"),
    "text": (b"hello, this is no file of a model", "does not fit into the file"),
    "long header": (struct.pack("<Q", 10**9) + b"{}", "does not fit into the file"),
    "no JSON": (forge(b"{nonsense"), "header is not valid JSON"),
    "a list": (forge([]), "header is not a JSON object"),
    "no metadata": (forge({"x": TENSOR}, bytes(8)), "but not one of `save`"),
    "foreign": (forge({"__metadata__": {"format": "pt"}}), "but not one of `save`"),
    "more metadata": (
        forge({"__metadata__": {"sknets": "{}", "pickle": "gASV"}}),
        "keys \\['pickle', 'sknets'\\]",
    ),
    "metadata no text": (forge({"__metadata__": {"sknets": {}}}), "keys .*'sknets'"),
    "document no JSON": (
        forge({"__metadata__": {"sknets": "{"}}),
        "metadata is not valid JSON",
    ),
    "document a list": (forge({"__metadata__": {"sknets": "[]"}}), "not a JSON object"),
    "duplicate tensors": (
        forge(
            b'{"__metadata__":{"sknets":"{}"},'
            b'"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
            b'"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
            bytes(8),
        ),
        "header has the key 'x' twice",
    ),
    "duplicate parameters": (
        forge({"__metadata__": {"sknets": '{"a":1,"a":2}'}}),
        "metadata has the key 'a' twice",
    ),
    "10 GB": (forge(tensor(**HUGE), bytes(8)), "promises 10000000000 bytes, more than"),
    "10 GB of shape": (forge(tensor(shape=[10**10]), bytes(8)), "promises 40000000000"),
    "bytes": (forge(tensor(dtype="U8", shape=[8]), bytes(8)), "dtype 'U8'; expected"),
    "unknown dtype": (forge(tensor(dtype=["F32"]), bytes(8)), "dtype \\['F32'\\]"),
    "negative": (forge(tensor(shape=[-2]), bytes(8)), "no sizes"),
    "fractions": (forge(tensor(shape=[2.0]), bytes(8)), "no sizes"),
    "booleans": (forge(tensor(shape=[2, True]), bytes(8)), "no sizes"),
    "offsets": (forge(tensor(data_offsets=[0, 4, 8]), bytes(8)), "malformed"),
    "wrong size": (forge(tensor(shape=[1]), bytes(8)), "its shape needs 4"),
    "gap": (forge(tensor(data_offsets=[4, 12]), bytes(12)), "gap or overlaps"),
    "overlap": (forge(tensor() | {"y": TENSOR}, bytes(8)), "gap or overlaps"),
    "rest": (forge(tensor(), bytes(9)), "8 bytes, but the file 9"),
    "cut": (forge(tensor(), bytes(7)), "promises 8 bytes, more than the 7"),
    "entry": (forge(META | {"x": TENSOR | {"code": "import os"}}), "malformed entry"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case, path):
    data, message = REFUSED[case]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_container(path)


class Hostile:
    def __reduce__(self):
        return (os.mkdir, ("code-ran",))


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5, "torch"])
def test_never_unpickles(protocol, path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if protocol == "torch":
        torch.save(Hostile(), path)
    else:
        path.write_bytes(pickle.dumps(Hostile(), protocol))
    message = "does not fit" if protocol == 0 else "pickle or a ZIP archive"
    with pytest.raises(ValueError, match=message):
        read_container(path)
    assert not (tmp_path / "code-ran").exists()


def test_a_header_whose_length_looks_like_a_pickle(path):
    # The first bytes are those of a pickle of protocol 4.
    text = json.dumps(META).encode()
    path.write_bytes(forge(text.ljust(0x0480)))
    assert path.read_bytes().startswith(b"\x80\x04")
    assert read_container(path) == ({}, {})


# -- atomic writing ------------------------------------------------------------------


def test_a_file_is_replaced(path, tmp_path):
    write_atomically(path, b"old")
    write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_a_link(path, tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    path.symlink_to(target)
    write_atomically(path, b"data")
    assert path.is_symlink()
    assert target.read_bytes() == b"data"


@pytest.mark.parametrize("fault", [OSError(28, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_the_old_file_stays_after_a_fault(fault, step, path, tmp_path, monkeypatch):
    write_atomically(path, b"old")

    def fail(*args):
        raise fault

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(type(fault)):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "file", b"")


def test_bytes_are_on_the_disk_before_the_name(path, monkeypatch):
    events = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def recorded(*args, name=name, original=original):
            events.append(name)
            return original(*args)

        monkeypatch.setattr(atomic.os, name, recorded)
    write_atomically(path, b"data")
    assert events == ["fsync", "replace", "fsync"]
