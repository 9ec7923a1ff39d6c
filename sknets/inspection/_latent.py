"""Codes of rows in two dimensions."""

import numpy as np
from sklearn.utils.multiclass import type_of_target

from sknets._help import shown_in
from sknets.inspection._estimators import require
from sknets.inspection._figures import find_axes

MAX_LABELS = 20


@shown_in("sknets.inspection")
class LatentDisplay:
    """Two-dimensional codes of rows, coloured by a label or a number.

    Use `from_estimator` or `from_codes` to create it.

    Parameters
    ----------
    codes : array-like of shape (n_samples, 2)
        Position of each row.

    y : array-like of shape (n_samples,), default=None
        Label or number of each row, for its colour.

    names : tuple of str, default=("Component 0", "Component 1")
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the picture.

    figure_ : matplotlib Figure
        The figure of the axes.

    collections_ : list of matplotlib PathCollection
        The points: of each label, or of all rows.

    See Also
    --------
    ReconstructionDisplay : What an autoencoder restores from its codes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import DenoisingAutoencoderTransformer
    >>> from sknets.inspection import LatentDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> coder = DenoisingAutoencoderTransformer(2, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), coder).fit(X)
    >>> display = LatentDisplay.from_estimator(pipeline, X, y)
    >>> len(display.collections_)
    3
    >>> plt.close(display.figure_)
    """

    def __init__(self, codes, y=None, *, names=("Component 0", "Component 1")):
        self.codes = codes
        self.y = y
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, components=(0, 1), ax=None, **scatter_options
    ):
        """Draw two features that a fitted transformer or pipeline makes of X.

        Parameters
        ----------
        estimator : estimator
            Fitted transformer.

        X : array-like of shape (n_samples, n_features)
            Rows to draw.

        y : array-like of shape (n_samples,), default=None
            Label or number of each row, for its colour.

        components : tuple of two int, default=(0, 1)
            Features to draw, on the horizontal and on the vertical axis.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **scatter_options
            Options for ``Axes.scatter``.

        Returns
        -------
        display : LatentDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator does not transform.
        ValueError
            If `components` are not two features of the transformer, or X is not
            valid.
        """
        require(estimator, ["transform"], cls.__name__)
        codes = np.asarray(estimator.transform(X))
        n_components = codes.shape[1]
        if len(components) != 2 or not all(
            -n_components <= component < n_components for component in components
        ):
            raise ValueError(
                f"components={components} must be the numbers of two of the "
                f"{n_components} features that {type(estimator).__name__} returns."
            )
        names = tuple(f"Component {component}" for component in components)
        display = cls(codes[:, list(components)], y, names=names)
        return display.plot(ax, **scatter_options)

    @classmethod
    def from_codes(cls, codes, y=None, *, ax=None, **scatter_options):
        """Draw given codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, 2)
            Position of each row.

        y : array-like of shape (n_samples,), default=None
            Label or number of each row, for its colour.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **scatter_options
            Options for ``Axes.scatter``.

        Returns
        -------
        display : LatentDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the codes do not have two columns, or y not a value for each.
        """
        return cls(codes, y).plot(ax, **scatter_options)

    def plot(self, ax=None, **scatter_options):
        """Draw the codes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **scatter_options
            Options for ``Axes.scatter``.

        Returns
        -------
        self : LatentDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the codes do not have two columns, or y not a value for each.
        """
        codes, y = np.asarray(self.codes), self.y
        if codes.ndim != 2 or codes.shape[1] != 2:
            raise ValueError(
                f"codes must have shape (n_samples, 2); got {codes.shape}."
            )
        if y is not None and np.shape(y) != (len(codes),):
            raise ValueError(
                f"y must have shape ({len(codes)},), one value per row; got "
                f"{np.shape(y)}."
            )
        self.ax_ = find_axes(ax, type(self).__name__)
        self.figure_ = self.ax_.figure
        options = {"s": min(20.0, max(4.0, 6000 / len(codes))), "linewidths": 0}
        options |= scatter_options
        if y is None:
            self.collections_ = [self.ax_.scatter(*codes.T, **options)]
        elif type_of_target(y) in ("binary", "multiclass"):
            self._plot_labels(codes, np.asarray(y), options)
        else:
            self.collections_ = [self.ax_.scatter(*codes.T, c=np.asarray(y), **options)]
            self.figure_.colorbar(self.collections_[0], ax=self.ax_)
        self.ax_.set(xlabel=self.names[0], ylabel=self.names[1])
        return self

    def _plot_labels(self, codes, y, options):
        from matplotlib import colormaps

        labels = np.unique(y)
        qualitative = colormaps["tab10" if len(labels) <= 10 else "tab20"]
        spread = colormaps["turbo"](np.linspace(0, 1, len(labels)))
        colours = qualitative.colors if len(labels) <= MAX_LABELS else spread
        self.collections_ = [
            self.ax_.scatter(
                *codes[y == label].T, **{"color": colours[i], "label": label} | options
            )
            for i, label in enumerate(labels)
        ]
        self.ax_.legend(
            markerscale=max(1.0, (30 / options["s"]) ** 0.5),
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            ncols=-(-len(labels) // MAX_LABELS),
        )
