"""What the displays draw, read from matplotlib's objects."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets.inspection import (
    FilterDisplay,
    LatentDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
)

QUICK = {"max_epochs": 3, "random_state": 0}


@pytest.fixture(autouse=True)
def closed_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pixels():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32)[:300], y[:300]


@pytest.fixture(scope="module")
def coder(pixels):
    return DenoisingAutoencoderTransformer(20, **QUICK).fit(pixels[0])


def drawn(display):
    """Draw a display, which must not fail, and return it."""
    display.figure_.canvas.draw()
    return display


class TestLossCurveDisplay:
    def test_lines_are_the_curves(self, small):
        model = MLPDropoutClassifier(8, early_stopping=True, **QUICK).fit(*small)
        display = drawn(LossCurveDisplay.from_estimator(model))
        training, validation = display.lines_
        assert_array_equal(training.get_xdata(), [1, 2, 3])
        assert_array_equal(training.get_ydata(), model.loss_curve_)
        assert_array_equal(validation.get_ydata(), model.validation_loss_curve_)
        assert training.get_color() == validation.get_color()
        *_, best = display.ax_.lines
        assert best.get_xdata() == [model.best_epoch_]
        labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert labels == [
            "MLPDropoutClassifier, training",
            "MLPDropoutClassifier, validation",
            f"best epoch: {model.best_epoch_}",
        ]

    def test_several_estimators_on_the_same_axes(self, small):
        pipeline = make_pipeline(StandardScaler(), SoftmaxClassifier(**QUICK))
        first = LossCurveDisplay.from_estimator(pipeline.fit(*small), name="a")
        second = LossCurveDisplay.from_curves([3, 2], name="b", ax=first.ax_, lw=5)
        assert second.figure_ is first.figure_
        assert second.lines_[0].get_linewidth() == 5
        assert first.lines_[0].get_color() != second.lines_[0].get_color()

    def test_a_single_epoch_is_visible(self):
        (line,) = drawn(LossCurveDisplay.from_curves([0.5])).lines_
        assert line.get_marker() == "o"

    def test_what_has_no_curve_is_named(self, small):
        with pytest.raises(TypeError, match="needs an estimator with 'loss_curve_'"):
            LossCurveDisplay.from_estimator(PCA(2).fit(small[0]))
        with pytest.raises(NotFittedError):
            LossCurveDisplay.from_estimator(SoftmaxClassifier())


class TestReconstructionDisplay:
    def test_images_are_rows_and_their_reconstructions(self, coder, pixels):
        X = pixels[0][:4]
        display = drawn(ReconstructionDisplay.from_estimator(coder, X))
        assert_array_equal(display.images["original"], X.reshape(4, 8, 8))
        restored = display.images["reconstruction"].reshape(4, 64)
        assert_allclose(restored, coder.reconstruct(X), atol=1e-5)
        (image,) = display.images_
        sheet = image.get_array()
        assert sheet.shape == (17, 35)
        assert_array_equal(sheet[:8, 9:17], X[1].reshape(8, 8))
        assert_allclose(sheet[9:, :8], restored[0].reshape(8, 8))
        labels = [label.get_text() for label in display.ax_.get_yticklabels()]
        assert labels == ["original", "reconstruction"]

    def test_corrupted_copies_are_restored(self, coder, pixels):
        X = pixels[0][:3]
        corrupted = np.where(np.random.default_rng(0).random(X.shape) < 0.5, 0, X)
        pipeline = make_pipeline(StandardScaler().fit(X), coder)
        display = ReconstructionDisplay.from_estimator(
            pipeline, X, corrupted=corrupted, kind="sheet"
        )
        assert list(drawn(display).images) == [
            "original",
            "corrupted",
            "reconstruction",
        ]
        expected = pipeline.inverse_transform(pipeline.transform(corrupted))
        assert_allclose(display.images["reconstruction"].reshape(3, 64), expected)
        assert len(display.images_) == 3

    def test_a_sheet_has_ten_images_a_row(self, coder, pixels):
        display = ReconstructionDisplay.from_estimator(
            coder, pixels[0][:25], kind="sheet"
        )
        assert drawn(display).images_[0].get_array().shape == (3 * 9 - 1, 10 * 9 - 1)

    @pytest.mark.parametrize("kind", ["rows", "sheet"])
    @pytest.mark.parametrize("shape", [(1, 4, 6), (5, 4, 6, 1), (5, 4, 6, 3)])
    def test_shapes(self, shape, kind):
        images = np.random.default_rng(0).random(shape)
        _, ax = plt.subplots()
        display = ReconstructionDisplay.from_images(
            images, images / 2, kind=kind, ax=ax
        )
        assert drawn(display).ax_ is ax

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"image_shape": (5, 5)}, ValueError, r"image_shape=\(5, 5\) does not fit"),
            ({"kind": "grid"}, ValueError, "kind must be 'rows' or 'sheet'"),
        ],
    )
    def test_bad_options_are_named(self, options, error, message, coder, pixels):
        with pytest.raises(error, match=message):
            ReconstructionDisplay.from_estimator(coder, pixels[0][:2], **options)

    def test_images_of_two_shapes_are_an_error(self):
        with pytest.raises(ValueError, match="need one shape"):
            ReconstructionDisplay.from_images(np.ones((2, 4)), np.ones((3, 4)))
        with pytest.raises(ValueError, match="cannot be shown"):
            ReconstructionDisplay.from_images(np.ones((2, 4, 4, 2)), np.ones((2, 4)))
        with pytest.raises(TypeError, match="'inverse_transform'"):
            ReconstructionDisplay.from_estimator(SoftmaxClassifier(), np.ones((2, 4)))


class TestFilterDisplay:
    def test_classes_of_softmax(self, pixels):
        model = SoftmaxClassifier(**QUICK).fit(*pixels)
        display = drawn(FilterDisplay.from_estimator(model))
        assert_array_equal(display.filters, model.coef_.reshape(10, 8, 8))
        assert [text.get_text() for text in display.ax_.texts] == list("0123456789")
        low, high = display.image_.get_clim()
        assert high == -low == np.abs(model.coef_).max()

    def test_hidden_units_are_in_units_of_X(self, pixels):
        X, y = pixels
        options = {"standardize": True, "dropout": 0.0, **QUICK}
        model = MLPDropoutClassifier(7, **options).fit(X, y)
        weights = FilterDisplay.from_estimator(model).filters.reshape(7, 64)
        first = model.module_.hidden[0]
        scaled = model.module_.input_scale
        at_zero, moved = (
            first(scaled(torch.from_numpy(rows).to(model.device_))).detach().cpu()
            for rows in (np.zeros((1, 64), np.float32), np.eye(64, dtype=np.float32))
        )
        assert_allclose(weights.T, moved - at_zero, rtol=1e-3, atol=1e-3)

    def test_kernels(self, pixels):
        model = ConvNetClassifier((6, 4), hidden_layer_sizes=8, **QUICK).fit(*pixels)
        display = drawn(FilterDisplay.from_estimator(model, max_filters=5))
        assert display.filters.shape == (5, 5, 5)
        assert display.titles is None

    @pytest.mark.parametrize(
        "coder",
        [
            DenoisingAutoencoderTransformer(6, activation="identity", **QUICK),
            DenoisingAutoencoderTransformer(6, tied_weights=True, **QUICK),
            VariationalAutoencoderTransformer(
                2, hidden_layer_sizes=6, loss="cross_entropy", **QUICK
            ),
        ],
        ids=str,
    )
    def test_atoms_are_what_a_unit_adds(self, coder, pixels):
        coder.fit(pixels[0])
        pipeline = make_pipeline(FrozenEstimator(coder)).fit(pixels[0])
        display = drawn(FilterDisplay.from_estimator(pipeline))
        assert display.filters.shape == (6, 8, 8)
        if coder.get_params().get("activation") == "identity":
            codes = np.eye(6, dtype=np.float32)
            expected = coder.inverse_transform(codes) - coder.inverse_transform(
                0 * codes
            )
            assert_allclose(display.filters.reshape(6, 64), expected, atol=1e-5)

    def test_rows_that_are_no_squares(self, small):
        model = SoftmaxClassifier(**QUICK).fit(small[0], small[1] > 0)
        assert drawn(FilterDisplay.from_estimator(model)).filters.shape[1:] == (1, 5)

    def test_colours(self):
        weights = np.random.default_rng(0).normal(size=(3, 4, 5, 3))
        display = drawn(FilterDisplay.from_weights(weights, titles=["a", "b", "c"]))
        assert 0 <= display.image_.get_array().min() < display.image_.get_array().max()
        drawn(FilterDisplay.from_weights(np.zeros((1, 9))))

    def test_other_estimators_are_an_error(self, small):
        with pytest.raises(TypeError, match="of sknets; got PCA"):
            FilterDisplay.from_estimator(PCA(2).fit(small[0]))


class TestLatentDisplay:
    def test_points_are_codes_by_label(self, small):
        X, y = small
        names = np.array(["a", "b", "c"])[y]
        coder = DenoisingAutoencoderTransformer(3, **QUICK).fit(X)
        display = LatentDisplay.from_estimator(coder, X, names, components=(2, 0), s=3)
        codes = coder.transform(X)
        for label, points in zip("abc", drawn(display).collections_, strict=True):
            assert_array_equal(points.get_offsets(), codes[names == label][:, [2, 0]])
            assert points.get_sizes() == 3
        assert display.ax_.get_xlabel() == "Component 2"
        legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert legend == ["a", "b", "c"]

    def test_numbers_have_a_colour_bar(self):
        codes, y = np.random.default_rng(0).random((2, 20, 2))
        display = drawn(LatentDisplay.from_codes(codes, y[:, 0]))
        assert_array_equal(display.collections_[0].get_array(), y[:, 0])
        assert len(display.figure_.axes) == 2

    @pytest.mark.parametrize("n_labels", [1, 12, 30])
    def test_any_number_of_labels(self, n_labels):
        codes = np.random.default_rng(0).random((60, 2))
        display = drawn(LatentDisplay.from_codes(codes, np.arange(60) % n_labels))
        colours = {tuple(c.get_facecolor()[0]) for c in display.collections_}
        assert len(colours) == n_labels

    def test_without_labels(self):
        display = drawn(LatentDisplay.from_codes(np.eye(2)))
        assert display.ax_.get_legend() is None

    @pytest.mark.parametrize(
        ("codes", "y", "message"),
        [
            (np.ones((4, 3)), None, r"codes must have shape \(n_samples, 2\)"),
            (np.ones((4, 2)), [1, 2], r"y must have shape \(4,\)"),
        ],
    )
    def test_bad_shapes_are_named(self, codes, y, message):
        with pytest.raises(ValueError, match=message):
            LatentDisplay.from_codes(codes, y)

    def test_components_that_are_not_there(self, small):
        coder = DenoisingAutoencoderTransformer(2, **QUICK).fit(small[0])
        with pytest.raises(ValueError, match=r"components=\(0, 2\) must be"):
            LatentDisplay.from_estimator(coder, small[0], components=(0, 2))


def test_matplotlib_is_needed_only_to_draw(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = LatentDisplay(np.eye(2))
    with pytest.raises(ImportError, match=r"LatentDisplay.plot needs matplotlib"):
        display.plot()


# -- rows that are not square images ---------------------------------------------------


def test_strips_of_a_table_fill_their_axes():
    rows = np.random.default_rng(0).normal(size=(5, 13))
    for display in (
        FilterDisplay.from_weights(rows),
        FilterDisplay.from_weights(rows, titles=list("abcde")),
        ReconstructionDisplay.from_images(rows, rows),
    ):
        display.figure_.canvas.draw()
        box = display.ax_.get_window_extent()
        inches = box.height / display.figure_.dpi
        n_strips = 5 if isinstance(display, FilterDisplay) else 2
        assert inches / n_strips > 0.2  # with equal pixels, all strips had 0.1 inches


def test_long_rows_that_may_be_images_get_a_warning():
    rows = np.zeros((4, 24 * 32))
    for draw in (
        lambda **options: FilterDisplay.from_weights(rows, **options),
        lambda **options: ReconstructionDisplay.from_images(rows, rows, **options),
    ):
        with pytest.warns(UserWarning, match=r"768 features .* set image_shape="):
            draw()
        draw(image_shape=(24, 32))
