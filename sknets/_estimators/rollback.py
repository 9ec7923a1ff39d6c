"""Restore an estimator after an error."""

from contextlib import contextmanager

from sknets._compute.devices import explain_memory_errors
from sknets._data.sklearn_compat import CALLBACK_ATTRIBUTES


@contextmanager
def unchanged_on_error(estimator, *, continues):
    """Restore the state of an estimator if the `with` block raises an error.

    Parameters
    ----------
    estimator : NetworkEstimator
    continues : bool
        Whether the block goes on training the net of an earlier call.
    """
    attributes = vars(estimator).copy()
    snapshot = estimator.net_.snapshot() if continues else None
    what = f"training {type(estimator).__name__} in batches of {estimator.batch_size}"
    try:
        with explain_memory_errors(f"{what} rows"):
            yield
    except BaseException:
        # scikit-learn uses these attributes later, to end its callbacks.
        for name in CALLBACK_ATTRIBUTES:
            if name in vars(estimator):
                attributes[name] = vars(estimator)[name]
        vars(estimator).clear()
        vars(estimator).update(attributes)
        if snapshot is not None:
            estimator.net_.restore(snapshot)
        raise
