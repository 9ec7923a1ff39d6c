"""Images beside what an autoencoder makes of them."""

import numpy as np

from sknets._help import shown_in
from sknets.inspection._estimators import require
from sknets.inspection._figures import (
    as_images,
    find_axes,
    show_image,
    strip_options,
    tile,
)

N_SHEET_COLUMNS = 10


@shown_in("sknets.inspection")
class ReconstructionDisplay:
    """Original images, corrupted copies if given, and reconstructions.

    Use `from_estimator` or `from_images` to create it.

    Parameters
    ----------
    images : dict of str to ndarray of shape (n, height, width) or (n, height, width, 3)
        Images of each kind, by its title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, or those that contain the sheets.

    figure_ : matplotlib Figure
        The figure of the axes.

    images_ : list of matplotlib AxesImage
        The sheets: one with ``kind="rows"``, else one for each kind of image.

    See Also
    --------
    FilterDisplay : The weights of a network.
    LatentDisplay : The codes of rows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sknets import DenoisingAutoencoderTransformer
    >>> from sknets.inspection import ReconstructionDisplay
    >>> X = load_digits().data / 16
    >>> coder = DenoisingAutoencoderTransformer(20, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(coder, X[:10])
    >>> list(display.images)
    ['original', 'reconstruction']
    >>> plt.close(display.figure_)
    """

    def __init__(self, images):
        self.images = images

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        corrupted=None,
        image_shape=None,
        kind="rows",
        ax=None,
        **image_options,
    ):
        """Draw rows of X and what an autoencoder, or a pipeline with one, restores.

        Parameters
        ----------
        estimator : estimator
            Fitted transformer with `inverse_transform`.

        X : array-like of shape (n_samples, n_features)
            Rows to draw. With ``kind="rows"``, about ten fit.

        corrupted : array-like of shape (n_samples, n_features), default=None
            Corrupted copies of X. If given, the reconstructions are those of them.

        image_shape : tuple of int, default=None
            (height, width) or (height, width, channels) of a row. None takes a square
            if there is one, else images of height 1.

        kind : {"rows", "sheet"}, default="rows"
            "rows" draws one row of images for each kind. "sheet" draws one sheet with
            10 images a row for each kind, side by side.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **image_options
            Options for ``Axes.imshow``, such as `cmap`, `vmin` and `vmax`.

        Returns
        -------
        display : ReconstructionDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator does not transform, or not back.
        ValueError
            If the rows do not have the form of images, or not all the same form. Also
            if `kind` is unknown.
        """
        require(estimator, ["transform", "inverse_transform"], cls.__name__)
        source = X if corrupted is None else corrupted
        restored = estimator.inverse_transform(estimator.transform(source))
        return cls.from_images(
            X,
            restored,
            corrupted=corrupted,
            image_shape=image_shape,
            kind=kind,
            ax=ax,
            **image_options,
        )

    @classmethod
    def from_images(
        cls,
        original,
        reconstruction,
        *,
        corrupted=None,
        image_shape=None,
        kind="rows",
        ax=None,
        **image_options,
    ):
        """Draw given images.

        Parameters
        ----------
        original, reconstruction : array-like
            Rows of shape (n_samples, n_features), or images of shape (n_samples,
            height, width) or (n_samples, height, width, channels).

        corrupted : array-like, default=None
            Corrupted copies, of the same shape.

        image_shape : tuple of int, default=None
            (height, width) or (height, width, channels) of a row. None takes a square
            if there is one, else images of height 1.

        kind : {"rows", "sheet"}, default="rows"
            One row of images for each kind, or one sheet.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **image_options
            Options for ``Axes.imshow``.

        Returns
        -------
        display : ReconstructionDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the rows do not have the form of images, or not all the same form. Also
            if `kind` is unknown.
        """
        given = {
            "original": original,
            "corrupted": corrupted,
            "reconstruction": reconstruction,
        }
        images = {
            title: as_images(rows, image_shape)
            for title, rows in given.items()
            if rows is not None
        }
        shapes = {title: found.shape for title, found in images.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"Images of one display need one shape; got {shapes}.")
        return cls(images).plot(ax, kind=kind, **image_options)

    def plot(self, ax=None, *, kind="rows", **image_options):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        kind : {"rows", "sheet"}, default="rows"
            One row of images for each kind, or one sheet.

        **image_options
            Options for ``Axes.imshow``. Images without channels are white on black,
            from the smallest to the largest value of the originals.

        Returns
        -------
        self : ReconstructionDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `kind` is unknown.
        """
        if kind not in ("rows", "sheet"):
            raise ValueError(f"kind must be 'rows' or 'sheet'; got {kind!r}.")
        draw = self._plot_rows if kind == "rows" else self._plot_sheets
        draw(ax, self._limits() | image_options)
        self.figure_ = self.ax_.figure
        return self

    def _limits(self):
        original = self.images["original"]
        options = strip_options(original.shape[1])
        if original.ndim == 4:
            return options
        limits = {"vmin": original.min(), "vmax": original.max()}
        return {"cmap": "gray"} | limits | options

    def _sheet(self, images, n_columns):
        # The gaps have the colour of the largest value.
        images = images.clip(0, 1) if images.ndim == 4 else images
        fill = 1.0 if images.ndim == 4 else self.images["original"].max()
        return tile(images, n_columns, fill)

    def _plot_rows(self, ax, image_options):
        n, height, width = self.images["original"].shape[:3]
        n_kinds = len(self.images)
        wide = min(max(0.75 * n, 3), 12)
        high = min(max(wide * n_kinds * height / (n * width), 0.5 * n_kinds), 9)
        self.ax_ = find_axes(
            ax, type(self).__name__, figsize=(wide + 1.2, high), layout="compressed"
        )
        sheet = self._sheet(np.concatenate(list(self.images.values())), n)
        self.images_ = [show_image(self.ax_, sheet, **image_options)]
        centres = (height + 1) * np.arange(n_kinds) + (height - 1) / 2
        self.ax_.set_yticks(centres, list(self.images))
        self.ax_.tick_params(left=False)
        self.ax_.spines[:].set_visible(False)

    def _plot_sheets(self, ax, image_options):
        n_kinds = len(self.images)
        self.ax_ = find_axes(ax, type(self).__name__, figsize=(4 * n_kinds, 4.4))
        self.ax_.set_axis_off()
        self.images_ = []
        for i, (title, images) in enumerate(self.images.items()):
            place = ((i + 0.02) / n_kinds, 0, 0.96 / n_kinds, 0.96)
            inset = self.ax_.inset_axes(place)
            sheet = self._sheet(images, min(len(images), N_SHEET_COLUMNS))
            self.images_.append(show_image(inset, sheet, **image_options))
            inset.set_title(title)
