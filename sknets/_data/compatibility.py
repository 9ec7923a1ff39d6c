"""The one place that knows private names of scikit-learn, and how versions differ."""

from numbers import Integral

import numpy as np
import sklearn
from sklearn.base import _fit_context as fit_context
from sklearn.utils import check_scalar
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight, validate_data

__all__ = [
    "CALLBACK_ATTRIBUTES",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "MakerOf",
    "StrOptions",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_sizes",
    "fit_context",
    "validate_data",
    "validate_params",
    "without_callbacks",
]

check_partial_fit_first_call = _check_partial_fit_first_call

# The most units of a layer, or pixels along a side: what a 32-bit integer holds.
MAX_SIZE = 2**31 - 1

# scikit-learn ends the callbacks of a call of `fit` by these.
CALLBACK_ATTRIBUTES = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Says what is missing where scikit-learn has no callbacks of its own."""

        @property
        def set_callbacks(self):
            """Raise AttributeError, so that there is no such method."""
            raise AttributeError(
                "set_callbacks needs scikit-learn >= 1.9, but this is scikit-learn "
                f"{sklearn.__version__}. The parameter callbacks takes those of skorch."
            )


def without_callbacks(estimator):
    """Return an estimator whose callbacks of scikit-learn, if any, are removed."""
    supported = hasattr(estimator, "set_callbacks")
    return estimator.set_callbacks() if supported else estimator


class MakerOf(HasMethods):
    """Accept the subclasses of a class, and callables that are no classes.

    scikit-learn takes no constraints but its own, hence the parent.
    """

    def __init__(self, parent):
        super().__init__("__call__")
        self.parent = parent

    def is_satisfied_by(self, val):
        return issubclass(val, self.parent) if isinstance(val, type) else callable(val)

    def __str__(self):
        parent = f"{self.parent.__module__}.{self.parent.__qualname__}"
        return f"a subclass of {parent} or a callable that makes one"


def check_sample_weight(sample_weight, X, *, dtype):
    """Return non-negative weights of shape (n_samples,) that are not all zero."""
    weight = _check_sample_weight(
        sample_weight, X, dtype=dtype, ensure_non_negative=True
    )
    if not weight.any():  # before 1.9 scikit-learn lets these pass
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def check_sizes(sizes, name):
    """Return layer sizes, given as an integer or a sequence, as a tuple of integers."""
    # An array of integers would make a one of True.
    sizes = tuple(np.atleast_1d(np.asarray(sizes, dtype=object)).tolist())
    for size in sizes:
        if isinstance(size, bool):
            raise TypeError(f"{name} must be an instance of int, not bool.")
        check_scalar(size, name, Integral, min_val=1, max_val=MAX_SIZE)
    return tuple(int(size) for size in sizes)
