"""scikit-learn's own callbacks: a task for each epoch."""

from sknets._training.observers import Observer


class EpochTasks(Observer):
    """Make each epoch of one call of `fit` a task of the estimator's callbacks.

    Parameters
    ----------
    estimator : NetworkEstimator
        With an untrained `net_`, or one to go on with.
    n_epochs : int
        At most.
    data : dict
        `X`, `y` and `metadata` as callbacks are to see them.
    """

    def __init__(self, estimator, n_epochs, data):
        self.estimator = estimator
        self.data = data
        self.root = None
        if getattr(estimator, "_skl_callbacks", None):
            self.root = estimator._init_callback_context(max_subtasks=n_epochs)
            self.root.call_on_fit_task_begin(estimator=estimator, **data)

    def begin_epoch(self, trainer):
        """Begin the task of an epoch."""
        if self.root is not None:
            self.epoch = self.root.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self, trainer):
        """End the task of an epoch. Return True to stop training."""
        return self.root is not None and self._end(self.epoch)

    def end(self, trainer):
        """End the task of the whole training."""
        if self.root is not None:
            self._end(self.root)

    def _end(self, task):
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=self._fitted_attributes,
            **self.data,
        )

    def _fitted_attributes(self):
        net = self.estimator.net_.frozen_copy()
        return {"net_": net, **curve_attributes(net.curves)}


def curve_attributes(curves):
    """Return the fitted attributes that describe the epochs so far."""
    return {
        "n_iter_": len(curves),
        "loss_curve_": curves.train_loss,
        "validation_loss_curve_": curves.valid_loss,
        "validation_scores_": curves.valid_score,
    }


def as_given(X, y, sample_weight):
    """Return the arguments of `fit` as callbacks take them."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}
