import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sknets import ConvNetClassifier
from sknets.datasets import load_mnist_sample

TINY = {
    "channels": 4,
    "kernel_size": 3,
    "hidden_layer_sizes": 16,
    "max_epochs": 3,
    "random_state": 0,
}


def bars(n, height, width):
    """Vertical and horizontal bars at random places."""
    rng = np.random.default_rng(0)
    X, y = np.zeros((n, height, width)), np.arange(n) % 2
    for image, vertical in zip(X, y, strict=True):
        if vertical:
            image[:, rng.integers(width)] = 1
        else:
            image[rng.integers(height)] = 1
    return X + rng.normal(0, 0.1, X.shape), y


@pytest.fixture
def images():
    return bars(120, 6, 5)


def test_sees_what_a_linear_model_cannot():
    # All bars of a square image have the same ink, and every pixel is as often in one
    # kind as in the other.
    X, y = bars(600, 6, 6)
    options = TINY | {"max_epochs": 20, "learning_rate": 0.01}
    net = ConvNetClassifier(**options).fit(X[:400], y[:400])
    linear = LogisticRegression().fit(X[:400].reshape(400, -1), y[:400])
    assert net.score(X[400:], y[400:]) > 0.98
    assert linear.score(X[400:].reshape(200, -1), y[400:]) < 0.7


def test_three_forms_of_the_same_images_give_the_same_net(images):
    X, y = images
    flat, four_d = X.reshape(120, 30), X[..., np.newaxis]
    nets = [
        ConvNetClassifier(**TINY).fit(X, y),
        ConvNetClassifier(**TINY).fit(four_d, y),
        ConvNetClassifier(image_shape=(6, 5), **TINY).fit(flat, y),
        ConvNetClassifier(image_shape=(6, 5, 1), **TINY).fit(X, y),
    ]
    expected = nets[0].predict_proba(X)
    for net in nets:
        assert net.image_shape_ == (6, 5, 1)
        assert net.n_features_in_ == 30
        for form in (X, flat, four_d):
            assert_array_equal(net.predict_proba(form), expected)


def test_colour_images():
    rng = np.random.default_rng(0)
    X, y = rng.random((90, 5, 4, 3)), np.arange(90) % 3
    X[np.arange(90), :, :, y] += 1
    options = TINY | {"max_epochs": 150}
    net = ConvNetClassifier(**options).fit(X[:60], y[:60])
    assert net.image_shape_ == (5, 4, 3)
    assert net.score(X[60:], y[60:]) > 0.95
    flat = ConvNetClassifier(image_shape=(5, 4, 3), **options)
    flat.fit(X[:60].reshape(60, -1), y[:60])
    assert_array_equal(flat.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize(
    ("n_features", "expected"), [(16, (4, 4, 1)), (12, (1, 12, 1)), (1, (1, 1, 1))]
)
def test_flat_rows_fold_to_squares_or_lines(n_features, expected):
    X, y = np.random.default_rng(0).random((20, n_features)), np.arange(20) % 2
    assert ConvNetClassifier(**TINY).fit(X, y).image_shape_ == expected


SUSPICIOUS = [
    ((10, 3 * 9**2), r"height 1 and width 243.*set image_shape=\(9, 9, 3\)"),
    ((10, 3 * 32**2), r"image_shape=\(32, 32, 3\).*image_shape=\(1, 3072\)"),
    ((10, 1, 7, 5), r"Channels come last: np.moveaxis\(X, 1, -1\)"),
    ((10, 3, 6, 5), r"shape \(3, 6, 5\).*np.moveaxis.*image_shape=\(3, 6, 5\)"),
    ((10, 4, 6, 6), r"np.moveaxis\(X, 1, -1\)"),
]


def fit_parts(net, X, y):
    return net.partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("fit", [ConvNetClassifier.fit, fit_parts])
@pytest.mark.parametrize(("shape", "message"), SUSPICIOUS)
def test_images_that_seem_to_have_channels_elsewhere_warn_once(shape, message, fit):
    X, y = np.zeros(shape), np.arange(10) % 2
    net = ConvNetClassifier(**TINY)
    with pytest.warns(UserWarning, match=message) as caught:
        fit(net, X, y)
    assert [warning.filename for warning in caught] == [__file__]
    net.set_params(warm_start=True).fit(X, y, X_val=X, y_val=y)
    net.partial_fit(X, y)
    net.predict(X)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((10, 243), (9, 9, 3)),
        ((10, 243), (1, 243, 1)),
        ((10, 1, 7, 5), (1, 7, 5)),
        ((10, 3, 6, 5), (3, 6, 5)),
    ],
)
def test_an_explicit_shape_does_not_warn(shape, image_shape):
    X, y = np.zeros(shape), np.arange(10) % 2
    net = ConvNetClassifier(image_shape=image_shape, **TINY).fit(X, y)
    assert net.image_shape_ == image_shape


def test_moved_channels_do_not_warn():
    X, y = np.zeros((10, 3, 6, 5)), np.arange(10) % 2
    net = ConvNetClassifier(**TINY).fit(np.moveaxis(X, 1, -1), y)
    assert net.image_shape_ == (6, 5, 3)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 3 * 7**2), (1, 147, 1)),  # too few features for an image
        ((10, 3 * 9**2 + 1), (1, 244, 1)),
        ((10, 4 * 9**2), (18, 18, 1)),  # a square number
        ((10, 3, 6), (3, 6, 1)),
        ((10, 3, 6, 3), (3, 6, 3)),
        ((10, 4, 4, 8), (4, 4, 8)),
        ((10, 2, 6, 6), (2, 6, 6)),
        ((10, 5, 6, 7), (5, 6, 7)),
    ],
)
def test_other_shapes_do_not_warn(shape, expected):
    X, y = np.zeros(shape), np.arange(10) % 2
    assert ConvNetClassifier(**TINY).fit(X, y).image_shape_ == expected


@pytest.mark.parametrize(
    ("image_shape", "shape", "message"),
    [
        ((5, 5), (10, 30), "image_shape=.*30 features"),
        ((5, 6), (10, 6, 5), "image_shape=.*6, 5, 1"),
        ((6, 5, 3), (10, 6, 5), "image_shape"),
        ((30,), (10, 30), "image_shape must have 2 or 3 entries"),
        ((-6, -5), (10, 30), "image_shape"),
        ("ab", (10, 30), "image_shape"),
    ],
)
def test_shapes_that_do_not_fit(image_shape, shape, message):
    X, y = np.ones(shape), np.arange(10) % 2
    with pytest.raises((ValueError, TypeError), match=message):
        ConvNetClassifier(image_shape=image_shape, **TINY).fit(X, y)


@pytest.mark.parametrize("form", [np.asarray, torch.tensor, np.ndarray.tolist])
@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((), "scalar array"),
        ((30,), r"1D array of shape \(30,\)"),
        ((10, 2, 3, 5, 1), r"5D array of shape \(10, 2, 3, 5, 1\)"),
    ],
)
def test_other_numbers_of_dimensions_are_named(form, shape, found, images):
    X, y = form(np.ones(shape)), np.arange(10) % 2
    message = (
        r"\(n_samples, n_features\).*\(n_samples, height, width\).*"
        rf"\(n_samples, height, width, channels\); got a {found}\. Reshape your data"
    )
    fitted = ConvNetClassifier(**TINY).fit(*images)
    expected = fitted.predict_proba(images[0])
    for method in (fitted.predict, lambda X: fitted.fit(X, y)):
        with pytest.raises(ValueError, match=message):
            method(X)
    assert_array_equal(fitted.predict_proba(images[0]), expected)


def test_images_of_another_shape_are_rejected_in_prediction(images):
    X, y = images
    net = ConvNetClassifier(**TINY).fit(X, y)
    for wrong in (X.transpose(0, 2, 1), X.reshape(120, 3, 5, 2)):
        with pytest.raises(ValueError, match="images of shape.*was fitted on"):
            net.predict(wrong)
    with pytest.raises(ValueError, match="29 features"):
        net.predict(X.reshape(120, 30)[:, 1:])


def test_list_of_images(images):
    X, y = images
    expected = ConvNetClassifier(**TINY).fit(X, y).predict_proba(X)
    net = ConvNetClassifier(**TINY).fit(X.tolist(), y.tolist())
    assert_allclose(net.predict_proba(X.tolist()), expected)


def test_initial_weights_are_the_articles():
    X, y = np.zeros((4, 784)), np.array([0, 1, 0, 1])
    net = ConvNetClassifier(learning_rate=1e-30, max_epochs=1, random_state=0)
    module = net.fit(X, y).module_
    shapes = [tuple(p.shape) for name, p in module.named_parameters() if "w" in name]
    assert shapes == [(32, 1, 5, 5), (64, 32, 5, 5), (1024, 3136), (2, 1024)]
    for name, parameter in module.named_parameters():
        values = parameter.detach().cpu().numpy()
        if name.endswith("bias"):
            assert_allclose(values, 0.1)
        else:
            assert abs(values).max() <= 0.2
            assert_allclose(values.std(), 0.088, rtol=5 / (2 * values.size) ** 0.5)
    assert isinstance(module.head.hidden[0], torch.nn.Linear)


@pytest.mark.slow
def test_learns_real_digits():
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    net = ConvNetClassifier(max_epochs=3, random_state=0).fit(X, y)
    assert net.score(X_test, y_test) > 0.94


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("other", [(30, 20), (24, 32, 3)])
def test_images_of_several_shapes_are_named(other, as_array):
    X = [np.zeros((24, 32)), np.zeros(other)]
    if as_array:
        X = np.array([*X, None], dtype=object)[:2]
    shapes = ", ".join(map(str, sorted([(24, 32), other])))
    with pytest.raises(ValueError, match=re.escape(f"2 shapes, such as {shapes}.")):
        ConvNetClassifier(**TINY).fit(X, [0, 1])


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3)])
def test_a_single_image_gets_the_advice_to_add_an_axis(shape):
    X, y = np.random.default_rng(0).random((20, *shape)), np.arange(20) % 2
    net = ConvNetClassifier(**TINY).fit(X, y)
    with pytest.raises(ValueError, match=r"single image. Pass X\[np.newaxis\]"):
        net.predict(X[0])
    assert net.predict(X[0][np.newaxis]).shape == (1,)


def test_one_row_is_not_taken_for_a_single_image_of_height_one():
    X, y = np.random.default_rng(0).random((20, 7)), np.arange(20) % 2
    net = ConvNetClassifier(**TINY).fit(X, y)
    assert net.image_shape_ == (1, 7, 1)
    assert net.predict(X[:1]).shape == (1,)


@pytest.mark.parametrize("shape", [(3, 6, 5, 3), (3, 7, 5)])
def test_images_to_predict_of_another_shape_are_named_by_their_shape(shape):
    X, y = np.random.default_rng(0).random((20, 6, 5)), np.arange(20) % 2
    net = ConvNetClassifier(**TINY).fit(X, y)
    found = re.escape(str((*shape[1:], 1)[:3]))
    with pytest.raises(ValueError, match=rf"{found}.*was fitted on images of \(6, 5"):
        net.predict(np.zeros(shape))
