import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import subspace_angles
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

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


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
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


def test_masking_level_above_one():
    coder = DenoisingAutoencoderTransformer(noise="masking", noise_level=2)
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
