"""scikit-learn's own callbacks: a task for each epoch."""


class EpochTasks:
    """The epochs of one call of `fit`, as tasks of the estimator's callbacks.

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

    def begin(self):
        """Take note of the beginning of an epoch."""
        if self.root is not None:
            self.epoch = self.root.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self):
        """Take note of the end of an epoch; return whether to stop."""
        return self.root is not None and self._end(self.epoch)

    def close(self):
        """Take note of the end of training."""
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
        return {"net_": net, **net.curves()}


def as_given(X, y, sample_weight):
    """Return the arguments of `fit` as callbacks take them."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}
