import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from sknets import MLPDropoutClassifier, VariationalAutoencoderTransformer
from sknets._estimators import generative

QUICK = {"hidden_layer_sizes": 32, "max_epochs": 5, "random_state": 0}


@pytest.fixture(scope="module")
def pixels():
    return load_digits().data.astype(np.float32) / 16


@pytest.fixture(scope="module")
def bernoulli(pixels):
    return VariationalAutoencoderTransformer(
        10, hidden_layer_sizes=100, loss="cross_entropy", random_state=0
    ).fit(pixels)


@pytest.fixture(scope="module")
def normal(pixels):
    return VariationalAutoencoderTransformer(
        10, hidden_layer_sizes=100, random_state=0
    ).fit(pixels)


@pytest.fixture(params=["bernoulli", "normal"])
def fitted(request):
    return request.getfixturevalue(request.param)


# -- probabilistic PCA ---------------------------------------------------------------


def wine():
    return StandardScaler().fit_transform(load_wine().data)


PCA_DATA = {
    "wine, 2": (wine, 2),
    "wine, 4": (wine, 4),
    "wine in other units": (lambda: 1000 * wine() + 5000, 2),
    "digits, 3": (lambda: load_digits().data[:600], 3),
}


@pytest.fixture(scope="module", params=PCA_DATA)
def linear(request):
    """Return X, the linear model and probabilistic PCA."""
    load, n_components = PCA_DATA[request.param]
    X = load()
    coder = VariationalAutoencoderTransformer(
        n_components,
        hidden_layer_sizes=(),
        learning_rate=0.01,
        batch_size=len(X),
        max_epochs=3000,
        dtype="float64",
        random_state=0,
    ).fit(X)
    return X, coder, PCA(n_components, svd_solver="full").fit(X)


class TestLinearModel:
    def test_the_bound_is_the_likelihood_of_pca(self, linear):
        X, coder, pca = linear
        bound = coder.score_samples(X, n_draws=200).mean()
        assert abs(bound - pca.score(X)) < 0.05
        assert_allclose(coder.noise_variance_, pca.noise_variance_, rtol=0.01)

    def test_the_log_likelihood_is_that_of_pca_row_by_row(self, linear):
        X, coder, pca = linear
        found = coder.log_likelihood(X, n_draws=200)
        assert np.abs(found - pca.score_samples(X)).max() < 1
        assert abs(found.mean() - pca.score(X)) < 0.05

    def test_reconstructions_span_the_subspace_of_pca(self, linear):
        X, coder, pca = linear
        restored = coder.reconstruct(X) - coder.reconstruct(X).mean(axis=0)
        basis = np.linalg.svd(restored, full_matrices=False)[2][: coder.n_components]
        angles = np.rad2deg(subspace_angles(basis.T, pca.components_.T))
        assert angles.max() < 1
        # The prior shrinks the codes, and with them the reconstructions.
        shrunk = 1 - pca.noise_variance_ / pca.explained_variance_
        expected = pca.inverse_transform(shrunk * pca.transform(X))
        spread = np.linalg.norm(X - X.mean(axis=0))
        assert np.linalg.norm(coder.reconstruct(X) - expected) < 0.01 * spread

    def test_samples_have_the_covariance_of_pca(self, linear):
        X, coder, pca = linear
        samples = coder.sample(200_000)
        expected = pca.get_covariance()
        spread = np.linalg.norm(expected)
        assert np.linalg.norm(np.cov(samples.T) - expected) < 0.03 * spread
        error = np.linalg.norm(samples.mean(axis=0) - X.mean(axis=0))
        assert error < 0.02 * np.sqrt(np.trace(expected))

    def test_all_units_are_active(self, linear):
        _, coder, _ = linear
        assert coder.n_active_units_ == coder.n_components


def test_a_unit_is_active_where_the_variance_exceeds_that_of_the_noise():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(2000, 2))
    X = factors @ rng.normal(size=(2, 12)) + 0.3 * rng.normal(size=(2000, 12))
    coder = VariationalAutoencoderTransformer(
        6,
        hidden_layer_sizes=64,
        noise_variance=0.12,
        max_epochs=200,
        learning_rate=0.01,
        random_state=0,
    ).fit(X)
    variances = np.linalg.eigvalsh(np.cov(X.T))
    assert coder.n_active_units_ == (variances > 0.12).sum() == 2


def test_the_units_of_x_only_shift_the_bound(pixels):
    options = {"hidden_layer_sizes": 32, "max_epochs": 10, "random_state": 0}
    X = pixels.astype(np.float64)
    plain = VariationalAutoencoderTransformer(3, **options).fit(X)
    scaled = VariationalAutoencoderTransformer(3, **options).fit(1000 * X + 1e5)
    shift = X.shape[1] * np.log(1000)
    # Other values of a row give other draws, so only the means agree.
    assert abs(scaled.score(1000 * X + 1e5) + shift - plain.score(X)) < 0.1
    assert_allclose(scaled.noise_variance_, 1e6 * plain.noise_variance_, rtol=1e-3)
    codes = plain.transform(X)
    assert_allclose(scaled.transform(1000 * X + 1e5), codes, rtol=1e-2, atol=1e-3)
    restored = plain.reconstruct(X)
    assert_allclose(
        scaled.reconstruct(1000 * X + 1e5), 1000 * restored + 1e5, rtol=1e-4
    )


def test_a_given_variance_is_kept(pixels):
    coder = VariationalAutoencoderTransformer(3, noise_variance=0.05, **QUICK)
    assert_allclose(coder.fit(pixels).noise_variance_, 0.05, rtol=1e-6)
    assert "noise.bias" not in dict(coder.module_.named_parameters())


def test_weight_decay_leaves_the_variance_alone(pixels):
    coder = VariationalAutoencoderTransformer(3, weight_decay=0.1, **QUICK).fit(pixels)
    (free,) = (g for g in coder.net_.optimizer_.param_groups if not g["weight_decay"])
    assert any(p is coder.module_.noise.bias for p in free["params"])


# -- scores --------------------------------------------------------------------------


def test_scores_are_the_same_in_each_call(fitted, pixels):
    assert_array_equal(fitted.score_samples(pixels), fitted.score_samples(pixels))
    assert_array_equal(fitted.log_likelihood(pixels), fitted.log_likelihood(pixels))
    assert fitted.score(pixels) == fitted.score(pixels)
    mean = fitted.score_samples(pixels).mean(dtype=np.float64)
    assert_allclose(fitted.score(pixels), mean)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_the_same_seed_gives_the_same_scores(loss, pixels):
    coder = VariationalAutoencoderTransformer(3, loss=loss, **QUICK)
    one, other = (clone(coder).fit(pixels) for _ in range(2))
    assert_array_equal(one.score_samples(pixels), other.score_samples(pixels))
    assert_array_equal(one.sample(3), other.sample(3))


def test_scoring_and_sampling_do_not_change_the_estimator(fitted, pixels):
    before = pickle.dumps(fitted)
    fitted.score_samples(pixels)
    fitted.log_likelihood(pixels, n_draws=2)
    fitted.sample(4)
    fitted.transform(pixels, return_std=True)
    assert pickle.dumps(fitted) == before


def test_the_score_of_a_row_does_not_depend_on_other_rows(fitted, pixels):
    X = pixels.astype(np.float64)
    order = np.random.default_rng(0).permutation(len(X))
    for scores in (fitted.score_samples, fitted.log_likelihood):
        expected = scores(X)
        assert_allclose(scores(X[order]), expected[order], rtol=1e-9)
        assert_allclose(scores(X[:7]), expected[:7], rtol=1e-9)
        assert_allclose(scores(pixels), expected, rtol=1e-3)


def test_more_draws_change_scores_but_not_their_mean(fitted, pixels):
    few = fitted.score_samples(pixels, n_draws=1)
    many = fitted.score_samples(pixels, n_draws=100)
    difference = few - many
    error = difference.std() / np.sqrt(len(pixels))
    assert np.abs(difference).max() > 0.1
    assert abs(difference.mean()) < 4 * error


def test_importance_weights_raise_the_estimate(fitted, pixels):
    bound = fitted.score_samples(pixels, n_draws=100).mean()
    estimates = [
        fitted.log_likelihood(pixels, n_draws=n_draws).mean()
        for n_draws in (1, 5, 50, 500)
    ]
    differences = np.diff(estimates)
    assert (differences > 0).all()
    # With one draw, its expectation is the bound.
    assert abs(estimates[0] - bound) < 0.2
    assert min(estimates[1:]) > bound
    # The gain of more draws becomes smaller.
    assert differences[2] < differences[0]


def test_anomalies_score_low(fitted, pixels):
    # Every feature keeps its distribution, none its relation to the others.
    shuffled = np.random.default_rng(0).permuted(pixels, axis=0)
    scores = fitted.score_samples(np.vstack([pixels, shuffled]))
    assert roc_auc_score(np.repeat([1, 0], len(pixels)), scores) > 0.9


# -- curves --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_curves_are_the_terms_of_the_bound(loss, pixels):
    coder = VariationalAutoencoderTransformer(
        5, loss=loss, hidden_layer_sizes=64, beta=2.0, max_epochs=40, random_state=0
    ).fit(pixels)
    reconstruction = np.array(coder.reconstruction_curve_)
    divergence = np.array(coder.divergence_curve_)
    assert_allclose(coder.elbo_curve_, reconstruction - divergence)
    assert_allclose(coder.loss_curve_, 2 * divergence - reconstruction)
    # The rate has fallen to zero, so the last epoch saw nearly the final weights.
    assert_allclose(coder.elbo_curve_[-1], coder.score(pixels), rtol=0.01)
    mean, deviation = coder.transform(pixels, return_std=True)
    variance = deviation.astype(np.float64) ** 2
    expected = 0.5 * (variance + mean**2 - 1 - np.log(variance)).sum(axis=1).mean()
    assert_allclose(divergence[-1], expected, rtol=0.02)
    assert coder.net_.history[-1, "train_divergence"] == divergence[-1]


@pytest.mark.parametrize("options", [{}, {"beta": 3.0}, {"n_draws": 4}], ids=str)
def test_the_validation_loss_is_the_bound_of_held_out_rows(options, pixels):
    X, X_val = pixels[:1000], pixels[1000:]
    coder = VariationalAutoencoderTransformer(
        3, loss="cross_entropy", **options, **QUICK
    ).fit(X, X_val=X_val)
    n_draws = options.get("n_draws", 1)
    bound = coder.score_samples(X_val, n_draws=n_draws).mean(dtype=np.float64)
    mean, deviation = coder.transform(X_val.astype(np.float64), return_std=True)
    variance = deviation**2
    divergence = 0.5 * (variance + mean**2 - 1 - np.log(variance)).sum(axis=1).mean()
    expected = -bound + (coder.beta - 1) * divergence
    assert_allclose(coder.validation_loss_curve_[-1], expected, rtol=1e-5)


def test_early_stopping_keeps_the_best_bound(pixels):
    coder = VariationalAutoencoderTransformer(
        10,
        hidden_layer_sizes=200,
        learning_rate=0.01,
        lr_schedule="constant",
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=300,
        random_state=0,
    )
    X, X_val = pixels[:300], pixels[300:600]
    coder.fit(X, X_val=X_val)
    assert coder.n_iter_ < 300
    losses = coder.validation_loss_curve_
    assert np.argmin(losses) + 1 == coder.best_epoch_
    bound = coder.score_samples(X_val, n_draws=1).mean(dtype=np.float64)
    assert_allclose(min(losses), -bound, rtol=1e-4)


def test_beta_moves_the_codes_to_the_prior(pixels):
    options = {"hidden_layer_sizes": 64, "max_epochs": 40, "random_state": 0}
    divergences, bounds = [], []
    for beta in (0.0, 1.0, 8.0):
        coder = VariationalAutoencoderTransformer(8, beta=beta, **options).fit(pixels)
        divergences.append(coder.divergence_curve_[-1])
        bounds.append(coder.score(pixels))
    assert divergences[0] > divergences[1] > divergences[2]
    assert bounds[1] > max(bounds[0], bounds[2])


def test_training_continues_with_its_curves(pixels):
    coder = VariationalAutoencoderTransformer(3, **QUICK).set_params(warm_start=True)
    first = coder.fit(pixels).score(pixels)
    assert coder.fit(pixels).score(pixels) > first
    assert len(coder.elbo_curve_) == coder.n_iter_ == 10
    coder.partial_fit(pixels)
    assert len(coder.divergence_curve_) == 11
    assert not hasattr(coder, "n_active_units_")


def test_partial_fit_over_chunks_learns(pixels):
    coder = VariationalAutoencoderTransformer(5, **QUICK)
    scores = []
    for _ in range(10):
        for chunk in np.array_split(pixels, 4):
            coder.partial_fit(chunk)
        scores.append(coder.score(pixels))
    assert scores[-1] > scores[0] + 5


def test_ctrl_c_after_training_keeps_the_coder(pixels, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    coder = VariationalAutoencoderTransformer(3, **QUICK)
    monkeypatch.setattr(generative, "evaluate", interrupt)
    with pytest.warns(UserWarning, match="n_active_units_ is NaN"):
        coder.fit(pixels)
    assert np.isnan(coder.n_active_units_)
    assert coder.transform(pixels).shape == (len(pixels), 3)


# -- codes and samples ---------------------------------------------------------------


def test_transform_gives_means_and_deviations(fitted, pixels):
    means, deviations = fitted.transform(pixels, return_std=True)
    assert_array_equal(means, fitted.transform(pixels))
    assert means.shape == deviations.shape == (len(pixels), 10)
    assert (deviations > 0).all()
    assert (deviations <= 1).all()
    module, X = fitted.module_, torch.tensor(pixels)
    mean, spread = np.hsplit(module.encoder(module.input_scale(X)).detach().numpy(), 2)
    assert_allclose(means, mean, rtol=1e-4, atol=1e-5)
    assert_allclose(deviations, (1 + np.exp(-spread)) ** -0.5, rtol=1e-4)


def test_the_codes_of_all_rows_follow_the_prior(normal, pixels):
    means, deviations = normal.transform(pixels, return_std=True)
    second_moments = (means**2 + deviations**2).mean(axis=0)
    assert_allclose(means.mean(axis=0), 0, atol=0.3)
    assert_allclose(second_moments, 1, atol=0.5)


def test_set_output_wraps_the_means(pixels):
    coder = VariationalAutoencoderTransformer(2, **QUICK).set_output(transform="pandas")
    means, deviations = coder.fit(pixels).transform(pixels, return_std=True)
    assert list(means.columns) == list(coder.get_feature_names_out())
    assert isinstance(deviations, np.ndarray)


def test_reconstruct_is_inverse_transform_of_transform(fitted, pixels):
    expected = fitted.inverse_transform(fitted.transform(pixels))
    assert_allclose(fitted.reconstruct(pixels), expected, rtol=1e-4, atol=1e-5)
    mean = np.broadcast_to(pixels.mean(axis=0), pixels.shape)
    error = ((fitted.reconstruct(pixels) - pixels) ** 2).mean()
    assert error < 0.5 * ((mean - pixels) ** 2).mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_dtype_is_kept(fitted, pixels, dtype):
    X = pixels[:20].astype(dtype)
    outputs = [*fitted.transform(X, return_std=True), fitted.reconstruct(X)]
    outputs += [fitted.score_samples(X), fitted.log_likelihood(X)]
    assert {output.dtype for output in outputs} == {np.dtype(dtype)}
    assert fitted.sample(2).dtype == np.float32


def test_samples_of_probabilities_are_zeros_and_ones(bernoulli):
    samples = bernoulli.sample(3000)
    means = bernoulli.sample(3000, noise=False)
    assert set(np.unique(samples)) == {0, 1}
    assert means.min() >= 0
    assert means.max() <= 1
    assert_allclose(samples.mean(axis=0), means.mean(axis=0), atol=0.04)


def test_samples_look_like_digits(bernoulli, pixels):
    y = load_digits().target
    reader = LogisticRegression(max_iter=2000).fit(pixels, y)
    samples = bernoulli.sample(1000, noise=False)
    confidence = reader.predict_proba(samples).max(axis=1).mean()
    independent = np.random.default_rng(0).permuted(pixels, axis=0)
    assert confidence > reader.predict_proba(independent).max(axis=1).mean()
    counts = np.bincount(reader.predict(samples), minlength=10)
    assert (counts > 20).all()
    # They are nearer to real digits than digits of independent pixels are.
    assert nearest(samples, pixels).mean() < 0.6 * nearest(independent, pixels).mean()


def nearest(queries, pixels):
    squares = (queries**2).sum(axis=1)[:, None] + (pixels**2).sum(axis=1)
    return (squares - 2 * queries @ pixels.T).min(axis=1)


def test_random_state_decides_the_samples(pixels):
    coder = VariationalAutoencoderTransformer(2, **QUICK).fit(pixels)
    assert_array_equal(coder.sample(2), coder.sample(2))
    coder.set_params(random_state=np.random.RandomState(0))
    first = coder.sample(2)
    assert not np.array_equal(coder.sample(2), first)
    coder.set_params(random_state=np.random.RandomState(0))
    assert_array_equal(coder.sample(2), first)
    coder.set_params(random_state=None)
    assert not np.array_equal(coder.sample(2), coder.sample(2))


def test_features_feed_a_classifier(bernoulli, pixels):
    y = load_digits().target
    features = bernoulli.transform(pixels)
    reader = LogisticRegression(max_iter=2000).fit(features[:1000], y[:1000])
    assert reader.score(features[1000:], y[1000:]) > 0.85


# -- forms of X, and what is not valid -----------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_sparse_rows_train_like_dense_ones(loss, pixels):
    coder = VariationalAutoencoderTransformer(3, loss=loss, **QUICK)
    rows = sparse.csr_array(pixels)
    dense = clone(coder).fit(pixels)
    coder.fit(rows)
    assert_allclose(coder.loss_curve_, dense.loss_curve_, rtol=1e-5)
    assert_allclose(coder.transform(rows), dense.transform(pixels), atol=1e-4)
    assert_allclose(coder.score_samples(rows), dense.score_samples(pixels), rtol=1e-3)


@pytest.mark.parametrize("value", [-0.5, 1.5])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, torch.as_tensor])
def test_values_outside_are_named(bernoulli, pixels, value, container):
    X = pixels.copy()
    X[3, 4] = value
    X = container(X)
    before = bernoulli.score_samples(pixels)
    coder = pickle.loads(pickle.dumps(bernoulli))
    for name in ("fit", "partial_fit", "score", "score_samples", "log_likelihood"):
        with pytest.raises(ValueError, match=f"X must be in .* from .*{value}"):
            getattr(coder, name)(X)
    with pytest.raises(ValueError, match="X_val is not valid: X must be in"):
        coder.fit(pixels, X_val=X)
    assert_array_equal(coder.score_samples(pixels), before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("n_components", 2.5),
        ("hidden_layer_sizes", (0,)),
        ("hidden_layer_sizes", -3),
        ("beta", -0.1),
        ("beta", np.nan),
        ("n_draws", 0),
        ("noise_variance", 0.0),
        ("noise_variance", -1.0),
        ("noise_variance", "known"),
        ("loss", "absolute_error"),
        ("activation", "sine"),
    ],
)
def test_what_cannot_be_meant_is_named(normal, pixels, name, value):
    coder = pickle.loads(pickle.dumps(normal))
    coder.set_params(**{name: value})
    with pytest.raises((ValueError, TypeError), match=name):
        coder.fit(pixels)
    coder.set_params(**{name: normal.get_params()[name]})
    assert_array_equal(coder.score_samples(pixels), normal.score_samples(pixels))


def test_a_variance_without_squared_error_is_named(pixels):
    coder = VariationalAutoencoderTransformer(loss="cross_entropy", noise_variance=1.0)
    with pytest.raises(ValueError, match="noise_variance=1.0 needs loss='squared_err"):
        coder.fit(pixels)


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, None])
def test_a_number_of_samples_that_is_none_is_named(fitted, n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        fitted.sample(n_samples)


@pytest.mark.parametrize("n_draws", [0, 1.5])
@pytest.mark.parametrize("method", ["score_samples", "log_likelihood"])
def test_a_number_of_draws_that_is_none_is_named(fitted, pixels, method, n_draws):
    with pytest.raises((ValueError, TypeError), match="n_draws"):
        getattr(fitted, method)(pixels, n_draws=n_draws)


def test_attributes_that_are_not_there(bernoulli):
    assert not hasattr(bernoulli, "noise_variance_")
    with pytest.raises(AttributeError, match="only defined for loss='squared_error'"):
        bernoulli.noise_variance_  # noqa: B018
    plain = VariationalAutoencoderTransformer()
    for name in ("noise_variance_", "elbo_curve_", "divergence_curve_"):
        with pytest.raises(AttributeError, match=f"not fitted yet.*{name!r}"):
            getattr(plain, name)


def test_perceptrons_cannot_start_from_it(normal, pixels):
    model = MLPDropoutClassifier(100, pretrained=normal)
    with pytest.raises(ValueError, match="must be a fitted DenoisingAutoencoder"):
        model.fit(pixels, load_digits().target)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden_layer_sizes": (50, 25)},
        {"activation": "softplus"},
        {"noise_variance": 0.2},
        {"n_draws": 4},
    ],
    ids=str,
)
def test_heavy_tails_and_constant_columns_train_without_care(options):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(1000, 5))
    X = factors @ rng.normal(size=(5, 40)) + 0.1 * rng.normal(size=(1000, 40))
    X[:, 10:20] = np.exp(2 * X[:, 10:20] / X[:, 10:20].std(axis=0))
    X[:, 20:25] = rng.standard_cauchy(size=(1000, 5))
    X[:, 25:30] = 0
    X[:, 30:33] = rng.random((1000, 3)) < 0.002
    X = StandardScaler().fit_transform(X)
    assert np.abs(X).max() > 20
    coder = VariationalAutoencoderTransformer(10, random_state=0, **options).fit(X)
    assert np.isfinite(coder.elbo_curve_).all()
    assert ((coder.reconstruct(X) - X) ** 2).sum() < 0.7 * (X**2).sum()
    assert np.abs(coder.reconstruct(X)[:, 25:30]).mean() < 0.1


@pytest.mark.parametrize("X", [np.zeros((20, 3)), np.full((20, 3), 1e9)], ids=str)
def test_constant_rows_are_restored(X):
    coder = VariationalAutoencoderTransformer(2, random_state=0).fit(X)
    assert_allclose(coder.reconstruct(X), X, rtol=1e-6, atol=1)
    assert np.isfinite(coder.score(X))
