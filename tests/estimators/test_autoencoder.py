import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import subspace_angles
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknets import DenoisingAutoencoderTransformer


@pytest.fixture(scope="module")
def fitted(digits):
    return DenoisingAutoencoderTransformer(20, random_state=0).fit(digits[0])


def test_linear_and_noiseless_spans_the_subspace_of_pca():
    X = StandardScaler().fit_transform(load_wine().data)
    coder = DenoisingAutoencoderTransformer(
        2,
        activation="identity",
        noise=None,
        learning_rate=0.01,
        batch_size=len(X),
        max_epochs=4000,
        dtype="float64",
        random_state=0,
    ).fit(X)
    pca = PCA(2).fit(X)
    decoder = coder.module_.decoder[0].weight.detach().cpu().numpy()
    angles = np.rad2deg(subspace_angles(decoder, pca.components_.T))
    assert angles.max() < 1
    expected = pca.inverse_transform(pca.transform(X))
    assert_allclose(coder.reconstruct(X), expected, atol=0.02)
    error = 0.5 * ((X - expected) ** 2).sum(axis=1).mean()
    assert_allclose(-coder.score(X), error, rtol=1e-4)


def test_linear_noiseless_and_tied_spans_the_subspace_of_pca_on_digits(digits):
    X = digits[0].astype(np.float64)
    coder = DenoisingAutoencoderTransformer(
        5,
        activation="identity",
        noise=None,
        tied_weights=True,
        learning_rate=0.01,
        batch_size=len(X),
        max_epochs=1000,
        dtype="float64",
        random_state=0,
    ).fit(X)
    encoder = coder.module_.encoder[0].weight.detach().cpu().numpy()
    angles = np.rad2deg(subspace_angles(encoder.T, PCA(5).fit(X).components_.T))
    assert angles.max() < 1


def test_score_is_the_articles_cost(fitted, digits):
    X = digits[1]
    cost = 0.5 * ((fitted.reconstruct(X) - X) ** 2).sum()
    assert_allclose(-fitted.score(X) * len(X), cost, rtol=1e-5)


def test_reconstruct_is_inverse_transform_of_transform(fitted, digits):
    X = digits[1]
    expected = fitted.inverse_transform(fitted.transform(X))
    assert_allclose(fitted.reconstruct(X), expected, rtol=1e-5, atol=1e-5)


def test_transform_is_the_hidden_layer(fitted, digits):
    X = digits[1]
    linear = fitted.module_.encoder[0]
    weight, bias = (
        linear.weight.detach().cpu().numpy(),
        linear.bias.detach().cpu().numpy(),
    )
    expected = np.log1p(np.exp(X @ weight.T + bias))
    assert_allclose(fitted.transform(X), expected, rtol=1e-4, atol=1e-5)


def test_score_samples_are_the_errors_of_the_rows(fitted, digits):
    X = digits[1]
    expected = -0.5 * ((fitted.reconstruct(X) - X) ** 2).sum(axis=1)
    assert_allclose(fitted.score_samples(X), expected, rtol=1e-4)
    assert_allclose(fitted.score_samples(X).mean(), fitted.score(X), rtol=1e-5)


def test_anomalies_score_low(fitted, digits):
    X = digits[1]
    # Every feature keeps its distribution, none its relation to the others.
    shuffled = np.random.default_rng(0).permuted(X, axis=0)
    scores = fitted.score_samples(np.vstack([X, shuffled]))
    assert roc_auc_score(np.repeat([1, 0], len(X)), scores) > 0.95


def test_reconstruction_error_is_that_of_the_training_data(digits):
    X = digits[0]
    coder = DenoisingAutoencoderTransformer(
        20, max_epochs=3, early_stopping=True, noise_level=0.5, random_state=0
    ).fit(X)
    error = 0.5 * ((coder.reconstruct(X) - X) ** 2).sum(axis=1).mean()
    assert_allclose(coder.reconstruction_error_, error, rtol=1e-5)
    assert not hasattr(coder.partial_fit(X), "reconstruction_error_")


@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt_and_pepper"])
def test_noise_acts_in_training_only(noise, digits):
    X = digits[0]
    options = {"max_epochs": 10, "random_state": 0}
    clean = DenoisingAutoencoderTransformer(20, noise=None, **options).fit(X)
    noisy = DenoisingAutoencoderTransformer(
        20, noise=noise, noise_level=0.8, **options
    ).fit(X)
    assert noisy.loss_curve_[-1] > clean.loss_curve_[-1]
    assert_array_equal(noisy.transform(X), noisy.transform(X))
    assert noisy.score(X) == noisy.score(X)


def test_denoising_restores_masked_entries(digits):
    X, X_test, _, _ = digits
    mask = np.random.default_rng(0).random(X_test.shape) < 0.5
    corrupted = np.where(mask, 0, X_test)

    def error(**noise):
        coder = DenoisingAutoencoderTransformer(100, random_state=0, **noise).fit(X)
        return ((coder.reconstruct(corrupted) - X_test) ** 2).mean()

    denoising = error(noise="masking", noise_level=0.5)
    assert denoising < 0.8 * ((corrupted - X_test) ** 2).mean()
    assert denoising < 0.8 * error(noise=None)


def test_depth_pays_where_the_code_is_small(digits):
    X, X_test, _, _ = digits
    deep = DenoisingAutoencoderTransformer(
        2,
        hidden_layer_sizes=(64, 32),
        activation="tanh",
        learning_rate=0.005,
        batch_size=50,
        max_epochs=60,
        random_state=0,
    )
    pca = PCA(2).fit(X)
    error = ((pca.inverse_transform(pca.transform(X_test)) - X_test) ** 2).sum(axis=1)
    assert -deep.fit(X).score(X_test) < 0.9 * 0.5 * error.mean()
    assert deep.transform(X_test).shape == (len(X_test), 2)


@pytest.fixture(scope="module")
def pixels():
    return load_digits().data[:1000].astype(np.float32) / 16


@pytest.fixture(scope="module")
def probabilistic(pixels):
    return DenoisingAutoencoderTransformer(
        30,
        loss="cross_entropy",
        output_activation="logistic",
        learning_rate=0.005,
        max_epochs=50,
        random_state=0,
    ).fit(pixels)


class TestCrossEntropy:
    def test_reconstructions_are_probabilities(self, probabilistic, pixels):
        restored = probabilistic.reconstruct(pixels)
        assert restored.min() >= 0
        assert restored.max() <= 1
        codes = probabilistic.transform(pixels)
        assert_allclose(probabilistic.inverse_transform(codes), restored, atol=1e-5)

    def test_score_is_the_log_loss(self, probabilistic, pixels):
        labels = (pixels[:50] > 0.5).astype(np.float32)
        restored = probabilistic.reconstruct(labels).astype(np.float64)
        expected = log_loss(labels.ravel(), restored.ravel()) * labels.shape[1]
        assert_allclose(-probabilistic.score(labels), expected, rtol=1e-4)
        assert_allclose(
            -probabilistic.score_samples(labels).mean(), expected, rtol=1e-4
        )

    def test_learns(self, probabilistic, pixels):
        mean = np.broadcast_to(pixels.mean(axis=0), pixels.shape)
        assert ((probabilistic.reconstruct(pixels) - pixels) ** 2).mean() < 0.4 * (
            (mean - pixels) ** 2
        ).mean()

    @pytest.mark.parametrize("value", [-0.5, 1.5])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_values_outside_are_named(self, probabilistic, pixels, value, container):
        X = pixels.copy()
        X[3, 4] = value
        X = container(X)
        before = probabilistic.transform(pixels)
        for name in ("fit", "partial_fit", "score", "score_samples"):
            with pytest.raises(ValueError, match=f"X must be in .* from .*{value}"):
                getattr(probabilistic, name)(X)
        assert_array_equal(probabilistic.transform(pixels), before)

    def test_needs_logistic_outputs(self, pixels):
        coder = DenoisingAutoencoderTransformer(loss="cross_entropy")
        with pytest.raises(ValueError, match="needs output_activation='logistic'"):
            coder.fit(pixels)


class TestActivityPenalty:
    def activity(self, X, **options):
        coder = DenoisingAutoencoderTransformer(
            30, max_epochs=30, batch_size=50, random_state=0, **options
        ).fit(X)
        return np.abs(coder.transform(X)), coder

    def test_kl_moves_the_mean_activation_to_the_target(self, pixels):
        options = {"activation": "logistic"}
        free, _ = self.activity(pixels, **options)
        options |= {"activity_penalty": "kl", "activity_weight": 10.0}
        for target in (0.05, 0.2):
            sparse_codes, _ = self.activity(pixels, target_activity=target, **options)
            assert abs(sparse_codes.mean() - target) < 0.05
        assert free.mean() > 0.3

    def test_l1_makes_codes_sparse(self, pixels):
        options = {"activation": "relu", "tied_weights": True}
        free, _ = self.activity(pixels, **options)
        penalty = {"activity_penalty": "l1", "activity_weight": 0.3}
        sparse_codes, _ = self.activity(pixels, **options, **penalty)
        assert sparse_codes.mean() < 0.6 * free.mean()
        assert (sparse_codes == 0).mean() > (free == 0).mean() + 0.1

    def test_is_no_part_of_the_score(self, pixels):
        codes, coder = self.activity(
            pixels, activity_penalty="l1", activity_weight=1.0, noise=None
        )
        error = 0.5 * ((coder.reconstruct(pixels) - pixels) ** 2).sum(axis=1).mean()
        assert_allclose(-coder.score(pixels), error, rtol=1e-5)
        assert_allclose(coder.reconstruction_error_, error, rtol=1e-5)
        # The rate has fallen to zero, so the last epoch saw nearly the final weights.
        unit = float(coder.module_.encoder.divisor)
        penalty = unit**2 * codes.sum(axis=1).mean()
        assert_allclose(coder.loss_curve_[-1], error + penalty, rtol=0.02)

    def test_kl_needs_logistic_codes(self, pixels):
        coder = DenoisingAutoencoderTransformer(activity_penalty="kl")
        with pytest.raises(ValueError, match="needs activation='logistic'"):
            coder.fit(pixels)

    def test_of_weight_zero_is_none(self, pixels):
        options = {"max_epochs": 2, "random_state": 0}
        plain = DenoisingAutoencoderTransformer(5, **options).fit(pixels)
        zero = DenoisingAutoencoderTransformer(
            5, activity_penalty="l1", activity_weight=0, **options
        ).fit(pixels)
        assert plain.loss_curve_ == zero.loss_curve_


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise_level": 0.3},
        {"noise": "masking", "noise_level": 0.3},
        {"noise": "salt_and_pepper", "noise_level": 0.3},
        {"hidden_layer_sizes": (50, 25), "activation": "relu"},
        {"tied_weights": True},
        {"pretrain_epochs": 10, "hidden_layer_sizes": 40},
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
    coder = DenoisingAutoencoderTransformer(20, random_state=0, **options).fit(X)
    assert np.isfinite(coder.loss_curve_).all()
    mean_predictor = 0.5 * (X**2).sum(axis=1).mean()
    assert coder.reconstruction_error_ < 0.6 * mean_predictor
    assert np.abs(coder.reconstruct(X)[:, 25:30]).mean() < 0.1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd"},
        {"tied_weights": True, "activity_penalty": "l1"},
        {"hidden_layer_sizes": 8, "pretrain_epochs": 1, "max_grad_norm": 1.0},
        {"noise": "masking", "noise_level": 0.3, "weight_decay": 1e-3},
    ],
    ids=str,
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_the_unit_of_X_does_not_matter(container, options, pixels):
    coders = [
        DenoisingAutoencoderTransformer(5, max_epochs=2, random_state=0, **options)
        .fit(container(factor * pixels))
        .partial_fit(container(factor * pixels))
        for factor in (1.0, 2.0**-20, 2.0**12)
    ]
    expected = coders[0].transform(pixels)
    for factor, coder in zip((2.0**-20, 2.0**12), coders[1:], strict=True):
        X = container(factor * pixels)
        assert_allclose(coder.transform(X), expected, rtol=1e-4, atol=1e-4)
        assert_allclose(
            coder.score_samples(X),
            factor**2 * coders[0].score_samples(pixels),
            rtol=1e-4,
        )
        assert_allclose(
            coder.loss_curve_, factor**2 * np.array(coders[0].loss_curve_), rtol=1e-4
        )


def test_the_unit_is_that_of_the_first_rows(pixels):
    coder = DenoisingAutoencoderTransformer(5, random_state=0)
    coder.partial_fit(0 * pixels)
    assert coder.module_.encoder.divisor is None  # all zeros
    coder = DenoisingAutoencoderTransformer(5, random_state=0)
    coder.partial_fit(pixels).partial_fit(100 * pixels)
    rms = np.sqrt(np.mean(pixels**2))
    assert coder.module_.encoder.divisor == 2.0 ** np.round(np.log2(rms))


def test_output_activation_keeps_reconstructions_in_range(pixels):
    coder = DenoisingAutoencoderTransformer(
        10, output_activation="logistic", max_epochs=5, random_state=0
    ).fit(pixels)
    codes = coder.transform(pixels).astype(np.float64)
    layer = coder.module_.decoder[0]
    weight, bias = (p.detach().cpu().numpy() for p in layer.parameters())
    expected = expit(codes @ weight.T + bias)
    assert_allclose(coder.reconstruct(pixels), expected, rtol=1e-4, atol=1e-6)


def test_sparse_rows_train_like_dense_ones(pixels):
    options = {"noise": "salt_and_pepper", "noise_level": 0.2, "max_epochs": 3}
    coder = DenoisingAutoencoderTransformer(
        10, hidden_layer_sizes=20, pretrain_epochs=2, random_state=0, **options
    )
    dense = coder.fit_transform(pixels)
    rows = sparse.csr_matrix(pixels)
    assert_array_equal(coder.fit_transform(rows), dense)
    assert_allclose(coder.score_samples(rows), coder.score_samples(pixels))


def test_polars_output(digits):
    polars = pytest.importorskip("polars")
    coder = DenoisingAutoencoderTransformer(3, max_epochs=1).set_output(
        transform="polars"
    )
    frame = coder.fit_transform(digits[0])
    assert isinstance(frame, polars.DataFrame)
    assert frame.columns == list(coder.get_feature_names_out())


def test_early_stopping_of_a_deep_net(digits):
    coder = DenoisingAutoencoderTransformer(
        8,
        hidden_layer_sizes=16,
        early_stopping=True,
        n_iter_no_change=2,
        tol=0.5,
        max_epochs=200,
        random_state=0,
    ).fit(digits[0])
    assert coder.n_iter_ < 200
    losses = [epoch["valid_loss"] for epoch in coder.net_.history]
    for k in (-2, -1):
        assert losses[k] >= min(losses[:k]) - 0.5


def test_feature_names_and_pandas_output(digits):
    coder = DenoisingAutoencoderTransformer(3, max_epochs=1).set_output(
        transform="pandas"
    )
    frame = coder.fit_transform(digits[0])
    names = [f"denoisingautoencodertransformer{i}" for i in range(3)]
    assert list(frame.columns) == names == list(coder.get_feature_names_out())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_dtype_is_kept(fitted, digits, dtype):
    X = digits[1].astype(dtype)
    codes = fitted.transform(X)
    for output in (codes, fitted.reconstruct(X), fitted.inverse_transform(codes)):
        assert output.dtype == dtype


def test_inverse_transform_rejects_a_wrong_width(fitted):
    with pytest.raises(ValueError, match="19 features.*n_components=20"):
        fitted.inverse_transform(np.zeros((2, 19)))


@pytest.mark.parametrize("noise", ["masking", "salt_and_pepper"])
def test_a_fraction_above_one(noise):
    coder = DenoisingAutoencoderTransformer(noise=noise, noise_level=2)
    with pytest.raises(ValueError, match="noise_level=2 must be at most 1"):
        coder.fit(np.eye(5))


def test_partial_fit_over_chunks_learns(digits):
    X = digits[0]
    coder = DenoisingAutoencoderTransformer(20, random_state=0)
    for chunk in np.array_split(X, 4):
        coder.partial_fit(chunk)
    first = coder.score(X)
    for _ in range(10):
        for chunk in np.array_split(X, 4):
            coder.partial_fit(chunk)
    assert coder.n_iter_ == 44
    assert coder.score(X) > first


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_pretraining_does_no_harm(activation, digits):
    X = digits[0]
    deep = DenoisingAutoencoderTransformer(
        8, hidden_layer_sizes=(32, 16), activation=activation, random_state=0
    )
    scratch = deep.fit(X).reconstruction_error_
    pretrained = clone(deep).set_params(pretrain_epochs=20).fit(X)
    assert pretrained.reconstruction_error_ < 1.1 * scratch


def test_a_relu_output_learns(digits):
    X = np.abs(digits[0])
    coder = DenoisingAutoencoderTransformer(
        20, output_activation="relu", max_epochs=30, random_state=0
    ).fit(X)
    mean_predictor = 0.5 * ((X - X.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert coder.reconstruction_error_ < mean_predictor


def test_a_huge_entry_is_reported_by_scores_too(digits):
    X = digits[0].copy()
    coder = DenoisingAutoencoderTransformer(5, max_epochs=1, random_state=0).fit(X)
    X[3, 2] = 1e25
    for method in (coder.score, coder.score_samples):
        with pytest.raises(ValueError, match="so large that"):
            method(X)


def test_cross_entropy_takes_what_a_scaler_rounds(digits):
    X = MinMaxScaler().fit_transform(digits[0])
    X[0, 0] = np.nextafter(np.float32(1), np.float32(2))
    coder = DenoisingAutoencoderTransformer(
        5, output_activation="logistic", loss="cross_entropy", max_epochs=1
    )
    assert np.isfinite(coder.fit(X).reconstruction_error_)
