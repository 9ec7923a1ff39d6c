"""MNIST: the full data set, a sample that needs no network, and the file format."""

from sknets.datasets._idx import read_idx
from sknets.datasets._mnist import fetch_mnist, load_mnist_sample

__all__ = ["fetch_mnist", "load_mnist_sample", "read_idx"]
