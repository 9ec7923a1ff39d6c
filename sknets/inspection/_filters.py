"""Weights of a network as images."""

import numpy as np

from sknets._help import shown_in
from sknets.inspection._estimators import last_step
from sknets.inspection._figures import (
    as_images,
    find_axes,
    show_image,
    strip_options,
    tile,
)

MAX_FILTERS = 100


@shown_in("sknets.inspection")
class FilterDisplay:
    """Weights as images: what the units of a layer look for, or what they draw.

    Use `from_estimator` or `from_weights` to create it.

    Parameters
    ----------
    filters : ndarray of shape (n, height, width) or (n, height, width, 3)
        One image for each unit or class.

    titles : list of str, default=None
        Title of each image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the picture.

    figure_ : matplotlib Figure
        The figure of the axes.

    image_ : matplotlib AxesImage
        The sheet of all images.

    See Also
    --------
    ReconstructionDisplay : What an autoencoder restores from images.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sknets import SoftmaxClassifier
    >>> from sknets.inspection import FilterDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = FilterDisplay.from_estimator(SoftmaxClassifier().fit(X, y))
    >>> display.filters.shape
    (10, 8, 8)
    >>> plt.close(display.figure_)
    """

    def __init__(self, filters, *, titles=None):
        self.filters = filters
        self.titles = titles

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        image_shape=None,
        max_filters=MAX_FILTERS,
        ax=None,
        **image_options,
    ):
        """Draw the weights of a fitted estimator, or of a pipeline's last step.

        These are `coef_` of softmax regression, one image for each class; weights of
        the first hidden layer of a perceptron; kernels of the first convolution; and
        weights of the last layer of an autoencoder, which are what each of its units
        adds to a reconstruction.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of this package.

        image_shape : tuple of int, default=None
            (height, width) or (height, width, channels) of a row of X. None takes a
            square if there is one, else images of height 1. Kernels of convolutions
            have their own shape.

        max_filters : int, default=100
            Number of units to draw, the first ones.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **image_options
            Options for ``Axes.imshow``.

        Returns
        -------
        display : FilterDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator is none of this package.
        ValueError
            If the weights do not have the form of images.
        """
        weights, titles = find_weights(last_step(estimator))
        return cls.from_weights(
            weights[:max_filters],
            titles=None if titles is None else titles[:max_filters],
            image_shape=image_shape if weights.ndim == 2 else None,
            ax=ax,
            **image_options,
        )

    @classmethod
    def from_weights(
        cls, weights, *, titles=None, image_shape=None, ax=None, **image_options
    ):
        """Draw given weights.

        Parameters
        ----------
        weights : array-like
            Of shape (n, n_features), or images of shape (n, height, width) or (n,
            height, width, channels).

        titles : list of str, default=None
            Title of each image.

        image_shape : tuple of int, default=None
            (height, width) or (height, width, channels) of a row. None takes a square
            if there is one, else images of height 1.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **image_options
            Options for ``Axes.imshow``.

        Returns
        -------
        display : FilterDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the weights do not have the form of images.
        """
        display = cls(as_images(weights, image_shape), titles=titles)
        return display.plot(ax, **image_options)

    def plot(self, ax=None, **image_options):
        """Draw the weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **image_options
            Options for ``Axes.imshow``. By default, red is positive, blue is negative,
            and white is zero. Images with channels are scaled such that grey is zero.

        Returns
        -------
        self : FilterDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n, height, width = self.filters.shape[:3]
        n_columns = int(np.ceil(np.sqrt(n * height / width)))
        n_columns = min(max(n_columns, 1), n)
        n_rows = -(-n // n_columns)
        ratio = n_rows * height / (n_columns * width)
        wide = min(max(0.9 * n_columns, 3), 8)
        strip = 0.3 if self.titles is None else 0.6
        lowest = max(strip * n_rows, 1.2) if height == 1 else 1.2
        size = (wide + 1, min(max(wide * ratio, lowest), 10))
        self.ax_ = find_axes(ax, type(self).__name__, figsize=size, layout="compressed")
        self.figure_ = self.ax_.figure
        limit = np.abs(self.filters).max() or 1.0
        if self.filters.ndim == 4:
            filters, options = (self.filters / limit + 1) / 2, {}
            fill = 1.0
        else:
            filters, fill = self.filters, np.nan
            options = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
        options |= strip_options(height)
        gap = 1 if self.titles is None else 1 + height // 4
        sheet = tile(filters, n_columns, fill, gap)
        self.image_ = show_image(self.ax_, sheet, **options | image_options)
        self.ax_.spines[:].set_visible(False)
        for i, title in enumerate(self.titles or []):
            row, column = divmod(i, n_columns)
            left, top = column * (width + gap), row * (height + gap)
            self.ax_.text(
                left + (width - 1) / 2, top - 1, title, ha="center", va="bottom"
            )
        if self.filters.ndim == 3:
            self.figure_.colorbar(self.image_, ax=self.ax_, shrink=0.8)
        return self


def find_weights(estimator):
    """Return the weights to draw and a title for each, or None for the titles."""
    if hasattr(estimator, "coef_"):
        classes = getattr(estimator, "classes_", range(len(estimator.coef_)))
        return np.asarray(estimator.coef_), [str(label) for label in classes]
    module = getattr(estimator, "module_", None)
    if hasattr(module, "convolutions"):
        kernels = next(p for p in module.convolutions.parameters() if p.ndim == 4)
        return as_array(kernels).transpose(0, 2, 3, 1), None
    if hasattr(module, "hidden"):
        weight, _ = module.input_scale.fold_into(module.hidden[0])
        return as_array(weight), None
    if hasattr(module, "decoder"):
        return atoms(module.decoder), None
    raise TypeError(
        "FilterDisplay needs an estimator of sknets; got "
        f"{type(estimator).__name__}. Use FilterDisplay.from_weights."
    )


def atoms(decoder):
    """Return what each unit of the last hidden layer adds to a reconstruction."""
    last, factor = decoder[-1], getattr(decoder, "factor", None)
    is_tied = not hasattr(last, "weight")
    weight = last.mirrored[0].weight if is_tied else last.weight.t()
    return as_array(weight) * (1.0 if factor is None else float(factor))


def as_array(tensor):
    """Return a tensor as an ndarray."""
    return tensor.detach().cpu().numpy()
