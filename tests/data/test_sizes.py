"""Sizes of layers that are none, or that no memory holds, are named."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 2, "random_state": 0}
SEQUENCES = [
    (MLPDropoutClassifier, "hidden_layer_sizes"),
    (ConvNetClassifier, "hidden_layer_sizes"),
    (ConvNetClassifier, "channels"),
    (DenoisingAutoencoderTransformer, "hidden_layer_sizes"),
    (VariationalAutoencoderTransformer, "hidden_layer_sizes"),
]
NUMBERS = [
    (ConvNetClassifier, "kernel_size"),
    (DenoisingAutoencoderTransformer, "n_components"),
    (VariationalAutoencoderTransformer, "n_components"),
]


def fit(kind, name, size, data):
    return kind(**{name: size}, **QUICK).fit(*data)


@pytest.mark.parametrize("size", [True, np.True_, 2**31, 10**12, 2**63, 10**30])
@pytest.mark.parametrize(("kind", "name"), SEQUENCES + NUMBERS)
def test_what_is_no_size_is_named(kind, name, size, small):
    with pytest.raises((ValueError, TypeError), match=name):
        fit(kind, name, size, small)


@pytest.mark.parametrize(
    "sizes",
    [[True], (True, 8), (8, True), [np.True_, 8], np.array([True]), (8, 10**12), [8.0]],
)
@pytest.mark.parametrize(("kind", "name"), SEQUENCES)
def test_what_is_no_size_in_a_sequence_is_named(kind, name, sizes, small):
    with pytest.raises((ValueError, TypeError), match=name):
        fit(kind, name, sizes, small)


@pytest.mark.parametrize(
    "image_shape", [(True, 5), (1, 5, True), [True], (1, 10**12), (5, 2**31)]
)
def test_what_is_no_side_of_an_image_is_named(image_shape, small):
    with pytest.raises((ValueError, TypeError), match="image_shape"):
        fit(ConvNetClassifier, "image_shape", image_shape, small)


LARGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("kind", "name", "sizes"),
    [
        # More bytes than 64 bits address: in all layers, or in the second alone.
        *[(kind, name, (LARGEST, LARGEST)) for kind, name in SEQUENCES],
        (ConvNetClassifier, "kernel_size", LARGEST),
        # They can be addressed, but no machine has them.
        (MLPDropoutClassifier, "hidden_layer_sizes", (10**9, 10**9)),
        (ConvNetClassifier, "kernel_size", 10**8),
    ],
)
def test_a_network_that_no_memory_holds_is_named(kind, name, sizes, small):
    fitted = kind(**QUICK).fit(*small)
    method = "transform" if hasattr(fitted, "transform") else "predict_proba"
    expected = getattr(fitted, method)(small[0])
    fitted.set_params(**{name: sizes})
    with pytest.raises(MemoryError, match="not enough memory.*5 inputs") as raised:
        fitted.fit(*small)
    assert f"{name}={sizes}" in str(raised.value)
    assert_array_equal(getattr(fitted, method)(small[0]), expected)


@pytest.mark.parametrize("form", [list, tuple, np.array, np.int64, int])
def test_every_form_of_a_size_builds_the_same_layers(form, small):
    sizes = form([8, 4]) if form not in (np.int64, int) else form(8)
    module = fit(MLPDropoutClassifier, "hidden_layer_sizes", sizes, small).module_
    found = [layer.out_features for layer in module.hidden[::3]]
    assert found == np.atleast_1d(sizes).tolist()
    assert all(type(size) is int for size in found)
