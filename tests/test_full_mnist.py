"""What the README claims of the full MNIST, where it is there without a download."""

import pytest
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets.datasets import fetch_mnist

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mnist():
    try:
        train = fetch_mnist(download_if_missing=False, return_X_y=True)
    except OSError:
        pytest.skip("the full MNIST is not on this machine")
    test = fetch_mnist(subset="test", download_if_missing=False, return_X_y=True)
    return *train, *test


@pytest.mark.parametrize(
    ("classifier", "accuracy"),
    [
        (SoftmaxClassifier(random_state=0), 0.92),
        (MLPDropoutClassifier(random_state=0), 0.98),
        (ConvNetClassifier(random_state=0), 0.99),
    ],
    ids=str,
)
def test_defaults(classifier, accuracy, mnist):
    X, y, X_test, y_test = mnist
    assert X.shape == (55_000, 784)
    assert classifier.fit(X, y).score(X_test, y_test) >= accuracy


def test_autoencoder_undercuts_the_articles_cost(mnist):
    X, _, X_test, _ = mnist
    scaler = StandardScaler().fit(X)
    coder = DenoisingAutoencoderTransformer(
        lr_schedule="constant", max_epochs=20, random_state=0
    ).fit(scaler.transform(X))
    assert -coder.score(scaler.transform(X_test)) * 10_000 <= 675_218
