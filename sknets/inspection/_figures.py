"""Axes, and grids of images on them."""

import math
import warnings

import numpy as np

# Rows of more features, without an image_shape, are more often images than tables.
LONGEST_STRIP = 64


def pyplot(display):
    """Return matplotlib's pyplot. Raise if matplotlib is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display}.plot needs matplotlib. Install it with: pip install matplotlib"
        ) from error
    return plt


def find_axes(ax, display, **figure_options):
    """Return the axes to draw on: `ax`, or those of a new figure."""
    plt = pyplot(display)
    if ax is None:
        _, ax = plt.subplots(**{"layout": "constrained"} | figure_options)
    return ax


def as_images(rows, image_shape):
    """Return rows as images of shape (n, height, width) or (n, height, width, 3 or 4).

    Parameters
    ----------
    rows : ndarray of shape (n, n_features), or images
    image_shape : tuple of int or None
        (height, width) or (height, width, channels). None takes a square if the number
        of features has one, else images of height 1.
    """
    rows = np.asarray(rows)
    if rows.ndim > 2 and image_shape is None:
        return without_single_channel(rows)
    rows = rows.reshape(len(rows), -1)
    n_features = rows.shape[1]
    if image_shape is None:
        side = math.isqrt(n_features)
        image_shape = (side, side) if side**2 == n_features else (1, n_features)
        if image_shape[0] == 1 and n_features > LONGEST_STRIP:
            warnings.warn(
                f"Rows of {n_features} features are drawn as strips. If they are "
                "images, set image_shape=(height, width).",
                stacklevel=4,
            )
    if math.prod(image_shape) != n_features or len(image_shape) not in (2, 3):
        raise ValueError(
            f"image_shape={tuple(image_shape)} does not fit rows of {n_features} "
            "features; expected (height, width) or (height, width, channels)."
        )
    return without_single_channel(rows.reshape(len(rows), *image_shape))


def without_single_channel(images):
    """Return images without the axis of channels if there is only one."""
    single = images.ndim == 4 and images.shape[3] == 1
    images = images[..., 0] if single else images
    if images.ndim != 3 and (images.ndim != 4 or images.shape[3] not in (3, 4)):
        raise ValueError(
            f"Images of shape {images.shape[1:]} cannot be shown; expected (height, "
            "width), or (height, width, channels) with 1, 3 or 4 channels."
        )
    return images


def tile(images, n_columns, fill, gap=1):
    """Return one image of all images, row by row, with gaps between them.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, channels)
    n_columns : int
    fill : float
        Value of the gaps, and of places without an image.
    gap : int
        In pixels.
    """
    n, height, width = images.shape[:3]
    n_rows = -(-n // n_columns)
    high, wide = height + gap, width + gap
    sheet = np.full(
        (n_rows * high - gap, n_columns * wide - gap, *images.shape[3:]), fill, float
    )
    for i, image in enumerate(images):
        row, column = divmod(i, n_columns)
        top, left = row * high, column * wide
        sheet[top : top + height, left : left + width] = image
    return sheet


def strip_options(height):
    """Return options of `imshow`. Images of height 1 are stretched to be visible."""
    return {"aspect": "auto"} if height == 1 else {}


def show_image(ax, image, **options):
    """Draw an image without ticks. Return matplotlib's object."""
    drawn = ax.imshow(image, interpolation="nearest", **options)
    ax.set(xticks=[], yticks=[])
    return drawn
