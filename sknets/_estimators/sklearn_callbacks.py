"""An observer of training that calls scikit-learn's own callbacks."""

from sknets._training.observers import Observer


class EpochTasks(Observer):
    """Report each epoch of one `fit` to the estimator's callbacks, as a task.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its `net_` is ready for training.
    n_epochs : int
        Maximum number of epochs.
    data : dict
        `X`, `y` and `metadata` to pass to the callbacks.
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
    """Return the arguments of `fit` in the form that callbacks expect."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}
