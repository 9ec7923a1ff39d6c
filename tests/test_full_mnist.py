"""What the README claims of the full MNIST, where it is there without a download."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
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
        (MLPDropoutClassifier(random_state=0), 0.981),
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
        noise_level=0.01,
        learning_rate=0.001,
        lr_schedule="constant",
        max_epochs=20,
        random_state=0,
    ).fit(scaler.transform(X))
    assert -coder.score(scaler.transform(X_test)) * 10_000 <= 675_218


def test_variational_autoencoder_beats_pytorchs_example_by_three_nats(mnist):
    X, _, X_test, _ = (part.astype(np.float32) for part in mnist)
    coder = VariationalAutoencoderTransformer(loss="cross_entropy", random_state=0)
    # The example, with 10 epochs at a constant rate, has -105.9.
    assert coder.fit(X).score(X_test) > -102.9
    assert coder.log_likelihood(X_test[:1000]).mean() > coder.score(X_test[:1000]) + 2


@pytest.fixture(scope="module")
def standardised(mnist):
    X, _, X_test, _ = mnist
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test)


def cost_of_pca(n_components, X, X_test):
    pca = PCA(n_components, random_state=0).fit(X)
    restored = pca.inverse_transform(pca.transform(X_test))
    return 0.5 * ((restored - X_test) ** 2).sum()


def test_one_hidden_layer_undercuts_pca(standardised):
    X, X_test = standardised
    coder = DenoisingAutoencoderTransformer(
        activation="identity", learning_rate=0.001, random_state=0
    )
    cost = -coder.fit(X).score(X_test) * 10_000
    assert cost < cost_of_pca(200, X, X_test)


def test_default_is_close_to_pca(mnist):
    X, _, X_test, _ = mnist
    cost = -DenoisingAutoencoderTransformer(random_state=0).fit(X).score(X_test)
    assert 10_000 * cost < 1.04 * cost_of_pca(200, X, X_test)


def test_a_deep_net_of_30_features_undercuts_pca_by_far(standardised):
    X, X_test = standardised
    coder = DenoisingAutoencoderTransformer(
        30,
        hidden_layer_sizes=(500, 250),
        activation="relu",
        noise_level=0.3,
        random_state=0,
    )
    cost = -coder.fit(X).score(X_test) * 10_000
    assert cost < 0.7 * cost_of_pca(30, X, X_test)


def test_features_learned_against_masking_feed_a_classifier_and_restore(mnist):
    X, y, X_test, y_test = mnist
    coder = DenoisingAutoencoderTransformer(
        noise="masking", noise_level=0.5, random_state=0
    ).fit(X)
    accuracies = []
    for features in (coder, PCA(200, random_state=0).fit(X)):
        reader = LogisticRegression(C=0.1, tol=1e-3, max_iter=1000)
        model = make_pipeline(StandardScaler(), reader)
        model.fit(features.transform(X), y)
        accuracies.append(model.score(features.transform(X_test), y_test))
    assert accuracies[0] > max(accuracies[1], 0.925) + 0.02
    masked = np.random.default_rng(0).random(X_test.shape) < 0.5
    corrupted = np.where(masked, 0, X_test)
    restored = coder.reconstruct(corrupted)
    errors = [((images - X_test) ** 2).sum() for images in (corrupted, restored)]
    assert errors[0] > 3 * errors[1]
