import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
)
from sknets._layers import ACTIVATIONS, ROUNDED_APART, VECTOR_SIZE


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.random((157, 10)).astype(np.float32), np.arange(157) % 3


def check_rows_do_not_meet(method, X):
    together = method(X)
    order = np.random.default_rng(1).permutation(len(X))
    alone = np.concatenate([method(row[np.newaxis]) for row in X])
    # scikit-learn's checks allow 1e-7, which in float32 is less than the last bit.
    assert_array_equal(method(X[order]), together[order])
    assert_array_equal(alone, together)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_components", [13, 20])
@pytest.mark.parametrize(
    ("output_activation", "loss"),
    [
        ("identity", "squared_error"),
        ("softplus", "squared_error"),
        ("logistic", "squared_error"),
        ("logistic", "cross_entropy"),
    ],
)
def test_rows_of_an_autoencoder(
    activation, n_components, output_activation, loss, data
):
    X, _ = data
    coder = DenoisingAutoencoderTransformer(
        n_components,
        hidden_layer_sizes=16,
        activation=activation,
        output_activation=output_activation,
        loss=loss,
        max_epochs=3,
        random_state=0,
    ).fit(X)
    for method in (coder.transform, coder.reconstruct, coder.score_samples):
        check_rows_do_not_meet(method, X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "classifier", [MLPDropoutClassifier(), ConvNetClassifier(channels=(3, 5))]
)
def test_rows_of_a_classifier(classifier, activation, data):
    classifier.set_params(
        hidden_layer_sizes=16, activation=activation, max_epochs=3, random_state=0
    )
    classifier.fit(*data)
    check_rows_do_not_meet(classifier.predict_proba, data[0])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_that_round_apart_are_known(activation):
    function = ACTIVATIONS[activation]()
    numbers = torch.randn(4096, generator=torch.Generator().manual_seed(0)) * 3
    size = VECTOR_SIZE if isinstance(function, ROUNDED_APART) else 5
    in_pieces = torch.cat([function(piece) for piece in numbers.split(size)])
    assert torch.equal(function(numbers), in_pieces)
