"""Curves of the loss over the epochs of training."""

import numpy as np

from sknets._help import shown_in
from sknets.inspection._estimators import last_step, require
from sknets.inspection._figures import find_axes


@shown_in("sknets.inspection")
class LossCurveDisplay:
    """Loss of the training data, and of the validation data, in each epoch.

    Use `from_estimator` or `from_curves` to create it. To compare several estimators,
    pass the axes of the first display to the others.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        Loss of the training data.

    validation_loss_curve : array-like of shape (n_epochs,), default=None
        Loss of the validation data.

    best_epoch : int, default=None
        Epoch whose weights are kept, counted from 1. It is marked.

    name : str, default=None
        Name of the estimator in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the picture.

    figure_ : matplotlib Figure
        The figure of the axes.

    lines_ : list of matplotlib Line2D
        The curve of the training loss, and that of the validation loss if there is one.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores for growing training data.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sknets import MLPDropoutClassifier
    >>> from sknets.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPDropoutClassifier(early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel()
    'Epoch'
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, loss_curve, *, validation_loss_curve=None, best_epoch=None, name=None
    ):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, name=None, **line_options):
        """Draw the curves of a fitted estimator, or of the last step of a pipeline.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator with the attribute `loss_curve_`.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        name : str, default=None
            Name in the legend. None stands for the name of the class.

        **line_options
            Options of both lines, for ``Axes.plot``.

        Returns
        -------
        display : LossCurveDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no `loss_curve_`.
        """
        estimator = last_step(estimator)
        require(estimator, ["loss_curve_"], cls.__name__)
        return cls.from_curves(
            estimator.loss_curve_,
            validation_loss_curve=getattr(estimator, "validation_loss_curve_", None),
            best_epoch=getattr(estimator, "best_epoch_", None),
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            **line_options,
        )

    @classmethod
    def from_curves(
        cls,
        loss_curve,
        *,
        validation_loss_curve=None,
        best_epoch=None,
        name=None,
        ax=None,
        **line_options,
    ):
        """Draw given curves.

        Parameters
        ----------
        loss_curve : array-like of shape (n_epochs,)
            Loss of the training data.

        validation_loss_curve : array-like of shape (n_epochs,), default=None
            Loss of the validation data.

        best_epoch : int, default=None
            Epoch whose weights are kept, counted from 1. It is marked.

        name : str, default=None
            Name in the legend.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **line_options
            Options of both lines, for ``Axes.plot``.

        Returns
        -------
        display : LossCurveDisplay
            The display, which is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        display = cls(
            loss_curve,
            validation_loss_curve=validation_loss_curve,
            best_epoch=best_epoch,
            name=name,
        )
        return display.plot(ax, **line_options)

    def plot(self, ax=None, **line_options):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **line_options
            Options of both lines, for ``Axes.plot``. Validation has the same colour,
            and a dashed line unless `linestyle` is given.

        Returns
        -------
        self : LossCurveDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = find_axes(ax, type(self).__name__)
        self.figure_ = self.ax_.figure
        self.lines_ = [self._draw(self.loss_curve, "training", line_options)]
        if self.validation_loss_curve is not None:
            dashed = {"linestyle": "--", "color": self.lines_[0].get_color()}
            self.lines_.append(
                self._draw(
                    self.validation_loss_curve, "validation", dashed | line_options
                )
            )
        self._mark_best_epoch()
        self.ax_.set(xlabel="Epoch", ylabel="Loss")
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.legend()
        return self

    def _draw(self, curve, part, line_options):
        label = part if self.name is None else f"{self.name}, {part}"
        marker = {"marker": "o"} if len(curve) == 1 else {}
        options = {"label": label} | marker | line_options
        (line,) = self.ax_.plot(np.arange(1, len(curve) + 1), curve, **options)
        return line

    def _mark_best_epoch(self):
        if self.best_epoch is None:
            return
        line = self.lines_[-1]
        self.ax_.plot(
            self.best_epoch,
            line.get_ydata()[self.best_epoch - 1],
            marker="o",
            color=line.get_color(),
            linestyle="none",
            label=f"best epoch: {self.best_epoch}",
        )
