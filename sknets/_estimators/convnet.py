"""Convolutional network."""

import math
import warnings
from numbers import Integral, Real

import numpy as np
import torch

from sknets._data.inputs import NO_Y
from sknets._data.sklearn_compat import Interval, StrOptions, check_sizes
from sknets._estimators.automatic import Budget
from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.registry import public
from sknets._networks.activations import ACTIVATIONS
from sknets._networks.convnet import ConvNet

# Height and width. Rows of fewer features are more often tables than images.
SMALLEST_COLOUR_IMAGE = 8


@public
@complete_docstring
class ConvNetClassifier(NetworkClassifier):
    """Convolutional network for images.

    Each block has a convolution that keeps height and width, 2 x 2 max pooling and an
    activation. Fully connected layers with dropout follow.

    X has one image per row, of shape (n_samples, height, width) or (n_samples, height,
    width, channels), or flat, of shape (n_samples, n_features). Channels come last,
    unlike in torch. A net that was fitted on one form predicts on the others.

    Parameters
    ----------
    channels : int or sequence of int, default=(32, 64)
        Number of output channels of each convolution.

    kernel_size : int, default=5
        Height and width of the convolution kernels, in pixels.

    hidden_layer_sizes : int or sequence of int, default=(1024,)
        Number of units in each fully connected hidden layer.

    activation : {activations}, default="relu"
        Activation function of all hidden layers.

    dropout : float, default=0.5
        Probability, in [0, 1), that a unit of a fully connected hidden layer is dropped
        for a row of a training batch. 0 switches dropout off.

    image_shape : (height, width) or (height, width, channels), default=None
        Shape of the image in a flat row, in C order. None takes the shape from 3-D or
        4-D X. For flat X, None means square images of one channel if the number of
        features is a square number, else images of height 1 and one channel. `fit`
        and the first `partial_fit` warn if flat rows may be square images of three
        channels, or if channels seem to come first.

    {parameters}

    Attributes
    ----------
    {attributes}

    image_shape_ : (height, width, channels)
        Shape of each image.

    See Also
    --------
    MLPDropoutClassifier : Classifier without convolutions.

    Notes
    -----
    All weights start from a normal distribution of standard deviation 0.1, cut at 0.2.
    All biases start from 0.1.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning
       applied to document recognition", Proceedings of the IEEE 86, 1998.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import ConvNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = ConvNetClassifier(channels=(8,), hidden_layer_sizes=64, random_state=0)
    >>> model.fit(X[:1000] / 16, y[:1000]).score(X[1000:] / 16, y[1000:]) > 0.9
    True
    >>> model.image_shape_
    (8, 8, 1)
    """

    _budget = Budget(750, 0, max_updates=750, min_epochs=3)
    _rates = {"sgd": 0.1, "adagrad": 0.03, "adam": 0.001, "adamw": 0.001}
    _multi_label = True
    _saved_attributes = (*NetworkClassifier._saved_attributes, "image_shape_")
    _size_parameters = ("channels", "kernel_size", "hidden_layer_sizes")
    _random_parts = "initial weights, shuffling, dropout and the validation split"
    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "image_shape": ["array-like", None],
    }

    def __init__(
        self,
        channels=(32, 64),
        *,
        kernel_size=5,
        hidden_layer_sizes=(1024,),
        activation="relu",
        dropout=0.5,
        image_shape=None,
        class_weight=None,
        standardize="auto",
        optimizer="adam",
        learning_rate="auto",
        lr_schedule="cosine",
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=50,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change="auto",
        tol=1e-4,
        scoring=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        dtype="float32",
        random_state=None,
        verbose=0,
    ):
        self._store(locals())

    def _validate(self, X, y=NO_Y, *, reset, **options):
        seen_shape = shape_of_images(X)
        if not reset:
            self._check_images(X, seen_shape)
        if seen_shape is not None:
            reshape = torch.reshape if torch.is_tensor(X) else np.reshape
            X = reshape(X, (-1, math.prod(seen_shape)))
        validated = super()._validate(X, y, reset=reset, **options)
        if reset:
            rows = validated if y is NO_Y else validated[0]
            self.image_shape_ = self._resolve_image_shape(seen_shape, rows.shape[1])
        return validated

    def _check_images(self, X, seen_shape):
        """Raise if X is a single image, or has images of another shape than in fit."""
        shape = tuple(getattr(X, "shape", ()))
        one_image = (self.image_shape_, self.image_shape_[:2])
        if shape in one_image and shape[-1] != self.n_features_in_:
            raise ValueError(
                f"X has the shape {shape} of a single image. Pass X[np.newaxis], of "
                f"shape {(1, *shape)}."
            )
        if seen_shape not in (None, self.image_shape_):
            raise ValueError(
                f"X has images of shape {seen_shape} (height, width, channels), but "
                f"{type(self).__name__} was fitted on images of {self.image_shape_}."
            )

    def _resolve_image_shape(self, seen_shape, n_features):
        if self.image_shape is not None:
            wanted = as_image_shape(self.image_shape)
            if wanted != (seen_shape or wanted) or math.prod(wanted) != n_features:
                seen = f"{n_features} features"
                if seen_shape is not None:
                    seen = f"images of shape {seen_shape}"
                raise ValueError(
                    f"image_shape={self.image_shape} does not fit X, which has {seen}."
                )
            return wanted
        advice = advise_on_channels(seen_shape, n_features)
        if advice is not None:
            warnings.warn(advice, stacklevel=5)
        side = math.isqrt(n_features)
        square = side**2 == n_features
        return seen_shape or ((side, side, 1) if square else (1, n_features, 1))

    @property
    def _n_channels(self):
        return self.image_shape_[2]

    def _build_module(self, n_features, n_outputs):
        (kernel_size,) = check_sizes(self.kernel_size, "kernel_size")
        return ConvNet(
            self.image_shape_,
            check_sizes(self.channels, "channels"),
            kernel_size,
            check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes"),
            n_outputs,
            self.activation,
            self.dropout,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def shape_of_images(X):
    """Return (height, width, channels) of 3-D or 4-D X, or None for flat X."""
    if not hasattr(X, "shape"):
        try:
            X = np.asarray(X)
        except ValueError:
            check_one_shape(X)
            raise
        if X.shape == () and X.dtype == object:
            return None  # not an array: scikit-learn raises the error
    shape = tuple(X.shape)
    if len(shape) == 1 and X.dtype == object:
        check_one_shape(X)
    if len(shape) in (3, 4):
        return as_image_shape(shape[1:])
    if len(shape) != 2:
        found = f"a {len(shape)}D array of shape {shape}" if shape else "a scalar array"
        raise ValueError(
            "Expected 2-dimensional X of shape (n_samples, n_features), or images of "
            "shape (n_samples, height, width) or (n_samples, height, width, channels); "
            f"got {found}. Reshape your data."
        )
    return None


def check_one_shape(images):
    """Raise if a sequence of images has several shapes."""
    shapes = {image.shape for image in images if hasattr(image, "shape")}
    if len(shapes) > 1:
        found = ", ".join(str(shape) for shape in sorted(shapes)[:5])
        raise ValueError(
            f"The images in X have {len(shapes)} shapes, such as {found}. Give all the "
            "same size and channels, for example with convert and resize of PIL.Image."
        )


def advise_on_channels(seen_shape, n_features):
    """Return a warning if images seem to have their channels elsewhere, else None."""
    if seen_shape is not None:
        if seen_shape[0] not in (1, 3, 4) or min(seen_shape[1:]) <= 4:
            return None
        return (
            f"X has images of shape {seen_shape}, which is read as (height, width, "
            "channels). The first of these looks like the number of channels. Channels "
            "come last: np.moveaxis(X, 1, -1) moves them there. If the shape is right, "
            f"set image_shape={seen_shape}."
        )
    side = math.isqrt(n_features // 3)
    if 3 * side**2 != n_features or side < SMALLEST_COLOUR_IMAGE:
        return None
    return (
        f"Rows of {n_features} features become images of height 1 and width "
        f"{n_features}. If they are square images of 3 channels, channels last, set "
        f"image_shape=({side}, {side}, 3). For images of another shape, set "
        "image_shape=(height, width). If they are no images, set "
        f"image_shape=(1, {n_features})."
    )


def as_image_shape(shape):
    """Return (height, width, channels). A shape without channels has one channel."""
    shape = check_sizes(shape, "image_shape")
    if len(shape) not in (2, 3):
        raise ValueError(f"image_shape must have 2 or 3 entries; got {shape}.")
    return shape if len(shape) == 3 else (*shape, 1)
