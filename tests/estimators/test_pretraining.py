"""Weights from unsupervised training: of deep autoencoders, and of classifiers."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import DenoisingAutoencoderTransformer, MLPDropoutClassifier


def weights(layers):
    return [
        layer.weight.detach().cpu().numpy()
        for layer in layers
        if hasattr(layer, "bias")
    ]


# -- greedy layers of a deep autoencoder ---------------------------------------------


def test_pretraining_is_a_chain_of_shallow_autoencoders(digits):
    """With a vanishing learning rate afterwards, the stack is its parts."""
    X = 8 * digits[0]
    options = {
        "activation": "tanh",
        "noise": "masking",
        "noise_level": 0.2,
        "learning_rate": 0.001,
    }
    deep = DenoisingAutoencoderTransformer(
        8,
        hidden_layer_sizes=(32, 16),
        pretrain_epochs=5,
        max_epochs=1,
        optimizer=AdamForShallowNets,
        random_state=0,
        **options,
    ).fit(X)
    codes = X
    outputs = ["identity", "tanh", "tanh"]
    decoders = reversed(deep.module_.decoder[::2])
    for encoder, decoder, output in zip(
        deep.module_.encoder[::2], decoders, outputs, strict=True
    ):
        before = codes
        # Only the outer layers work in the unit of X.
        unit = float(deep.module_.encoder.divisor) if codes is X else 1.0
        weight, bias = (p.detach().cpu().numpy() for p in encoder.parameters())
        weight = weight / unit
        codes = np.tanh(codes @ weight.T + bias)
        weight, bias = (p.detach().cpu().numpy() for p in decoder.parameters())
        restored = unit * (codes @ weight.T + bias)
        if output == "tanh":
            restored = np.tanh(restored)
        shallow = DenoisingAutoencoderTransformer(
            codes.shape[1],
            output_activation=output,
            max_epochs=5,
            random_state=1,
            **options,
        )
        shallow._measures_unit = before is X
        shallow.fit(before)
        error = 0.5 * ((restored - before) ** 2).sum(axis=1).mean()
        assert_allclose(error, shallow.reconstruction_error_, rtol=0.1)


class AdamForShallowNets(torch.optim.Adam):
    """Adam for one hidden layer; leaves deeper nets as they are."""

    def step(self, closure=None):
        if sum(len(group["params"]) for group in self.param_groups) <= 4:
            return super().step(closure)
        with torch.enable_grad():
            return closure()


def test_pretraining_lowers_the_first_error(digits):
    X = digits[0]
    options = {"hidden_layer_sizes": (64, 32), "batch_size": 32}
    options |= {"max_epochs": 1, "random_state": 0}
    cold = DenoisingAutoencoderTransformer(16, **options).fit(X)
    warm = DenoisingAutoencoderTransformer(16, pretrain_epochs=20, **options).fit(X)
    assert warm.n_iter_ == cold.n_iter_ == 1
    assert warm.reconstruction_error_ < 0.7 * cold.reconstruction_error_


def test_pretraining_is_reproducible(digits, global_random_state):
    coder = DenoisingAutoencoderTransformer(
        8,
        hidden_layer_sizes=16,
        tied_weights=True,
        activation="logistic",
        activity_penalty="kl",
        pretrain_epochs=2,
        max_epochs=2,
        random_state=0,
    ).set_output(transform="pandas")
    before = global_random_state()
    first = coder.fit_transform(digits[0])
    assert_array_equal(first, clone(coder).fit_transform(digits[0]))
    assert global_random_state() == before
    other = clone(coder).set_params(random_state=1).fit_transform(digits[0])
    assert not np.allclose(first, other)


def test_pretraining_of_a_single_layer_changes_nothing(small):
    X, _ = small
    plain = DenoisingAutoencoderTransformer(3, max_epochs=3, random_state=0)
    same = clone(plain).set_params(pretrain_epochs=5)
    assert_array_equal(plain.fit_transform(X), same.fit_transform(X))


# -- hidden layers of a classifier ---------------------------------------------------


@pytest.fixture(scope="module")
def coder(digits):
    return DenoisingAutoencoderTransformer(
        16,
        hidden_layer_sizes=32,
        activation="relu",
        noise="masking",
        noise_level=0.3,
        random_state=0,
    ).fit(digits[0])


def classifier(pretrained, **options):
    defaults = {"max_epochs": 1, "random_state": 0}
    return MLPDropoutClassifier((32, 16), pretrained=pretrained, **defaults | options)


@pytest.mark.parametrize("wrap", ["plain", "frozen", "pipeline", "frozen pipeline"])
def test_hidden_layers_start_from_the_encoder(wrap, coder, digits):
    pretrained = coder
    if "pipeline" in wrap:
        pretrained = make_pipeline(PCA(64).fit(digits[0]), coder)
    if "frozen" in wrap:
        pretrained = FrozenEstimator(pretrained)
    X, _, y, _ = digits
    # A step of 1e-30 changes no weight.
    model = classifier(pretrained, optimizer="sgd", learning_rate=1e-30).fit(X, y)
    for ours, theirs in zip(
        weights(model.module_.hidden), weights(coder.module_.encoder), strict=True
    ):
        assert_array_equal(ours, theirs)
    # The output layer starts from zero, as without pre-training.
    assert_allclose(model.predict_proba(X), 0.1, atol=1e-6)


def test_the_encoders_unit_goes_into_the_first_layer(digits):
    X, _, y, _ = digits
    X = 16 * X
    coder = DenoisingAutoencoderTransformer(16, activation="relu", max_epochs=2)
    coder.set_params(random_state=0).fit(X)
    model = classifier(coder, optimizer="sgd", learning_rate=1e-30)
    hidden = model.set_params(hidden_layer_sizes=16, dropout=0).fit(X, y).module_.hidden
    codes = hidden(torch.from_numpy(X).to(model.device_)).detach().cpu()
    assert_allclose(codes, coder.transform(X), rtol=1e-4, atol=1e-4)


def test_further_layers_start_as_without_pretraining(coder, digits):
    X, _, y, _ = digits
    options = {"optimizer": "sgd", "learning_rate": 1e-30}
    warm = classifier(coder, **options).set_params(hidden_layer_sizes=(32, 16, 8))
    cold = clone(warm).set_params(pretrained=None)
    *_, warm_last = weights(warm.fit(X, y).module_.hidden)
    *_, cold_last = weights(cold.fit(X, y).module_.hidden)
    assert_array_equal(warm_last, cold_last)


def test_pretraining_helps_where_labels_are_few(coder, digits):
    X, X_test, y, y_test = digits
    options = {"max_epochs": 20, "learning_rate": 0.03}
    warm = classifier(coder, **options).fit(X[:50], y[:50])
    cold = classifier(None, **options).fit(X[:50], y[:50])
    assert warm.score(X_test, y_test) > cold.score(X_test, y_test) + 0.02


def test_the_autoencoder_stays_as_it_was(coder, digits):
    X, _, y, _ = digits
    before = coder.transform(X)
    classifier(coder).fit(X, y)
    assert_array_equal(coder.transform(X), before)


def test_clone_keeps_the_fitted_autoencoder(coder, digits):
    X, _, y, _ = digits
    model = classifier(coder)
    cloned = clone(model)
    assert cloned.pretrained is not coder
    assert not hasattr(cloned, "module_")
    assert_array_equal(
        model.fit(X, y).predict_proba(X), cloned.fit(X, y).predict_proba(X)
    )


def test_grid_search_in_a_pipeline(coder, digits):
    X, _, y, _ = digits
    model = make_pipeline(StandardScaler(), classifier(coder))
    grid = {
        "mlpdropoutclassifier__dropout": [0.0, 0.25],
        "mlpdropoutclassifier__pretrained": [None, FrozenEstimator(coder)],
    }
    search = GridSearchCV(model, grid, cv=2).fit(X[:200], y[:200])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_grid_of_unfrozen_autoencoders_is_an_error(coder, digits):
    X, _, y, _ = digits
    search = GridSearchCV(
        classifier(None), {"pretrained": [coder]}, cv=2, error_score="raise"
    )
    with pytest.raises(NotFittedError, match="sklearn.frozen.FrozenEstimator"):
        search.fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrained": PCA(16)}, "pretrained must be a fitted Denoising"),
        (
            {"pretrained": make_pipeline(StandardScaler(), PCA(16))},
            "pretrained must be a fitted Denoising",
        ),
        ({"pretrained": DenoisingAutoencoderTransformer(16)}, "is not fitted"),
        ({"hidden_layer_sizes": (16,)}, r"must start with .* \(32, 16\)"),
        ({"hidden_layer_sizes": (32, 17)}, r"\(32, 17\) must start with .* \(32, 16\)"),
        ({"activation": "tanh"}, "'tanh' must be that of pretrained: 'relu'"),
        ({"pretrained": "encoder"}, "'pretrained' parameter of MLPDropoutClassifier"),
    ],
)
def test_what_does_not_fit_is_named(options, message, coder, digits):
    X, _, y, _ = digits
    with pytest.raises(ValueError, match=message):
        classifier(coder).set_params(**options).fit(X, y)


def test_another_number_of_features_leaves_the_classifier_as_it_was(coder, digits):
    X, _, y, _ = digits
    model = classifier(coder).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="X has 63 features, but .* fitted on 64"):
        model.fit(X[:, 1:], y)
    assert_array_equal(model.predict_proba(X), before)


def test_partial_fit_starts_from_the_encoder_too(coder, digits):
    X, _, y, _ = digits
    options = {"optimizer": "sgd", "learning_rate": 1e-30}
    model = classifier(coder, **options).partial_fit(X, y, classes=range(10))
    assert_array_equal(
        weights(model.module_.hidden)[0], weights(coder.module_.encoder)[0]
    )


def test_nothing_reaches_the_fitted_autoencoder(digits):
    X, _, y, _ = digits
    coder = DenoisingAutoencoderTransformer(20, activation="relu", max_epochs=2)
    coder.set_params(random_state=0).fit(X)
    model = MLPDropoutClassifier(20, pretrained=coder, max_epochs=1)
    BaggingClassifier(model, n_estimators=2, random_state=0).fit(X, y)
    assert coder.random_state == 0
    changed = clone(model).set_params(pretrained__noise_level=0.5)
    assert coder.noise_level == 0.1
    with pytest.warns(UserWarning, match="noise_level changed since pretrained was"):
        changed.fit(X, y)


def test_an_autoencoder_that_is_not_fitted_can_be_set():
    model = MLPDropoutClassifier(pretrained=DenoisingAutoencoderTransformer())
    assert model.set_params(pretrained__noise_level=0.5).pretrained.noise_level == 0.5
