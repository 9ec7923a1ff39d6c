"""Private names of scikit-learn, and differences between its versions.

No other module may depend on either.
"""

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
    "SubclassOrFactory",
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

# Maximal number of units of a layer, and of pixels along a side of an image: the
# maximum of 32-bit integers.
MAX_SIZE = 2**31 - 1

# scikit-learn needs these attributes to end its callbacks after `fit`.
CALLBACK_ATTRIBUTES = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Stand-in for versions of scikit-learn without callbacks of their own."""

        @property
        def set_callbacks(self):
            """Raise AttributeError, so that ``hasattr`` returns False."""
            raise AttributeError(
                "set_callbacks needs scikit-learn >= 1.9, but the installed version is "
                f"{sklearn.__version__}. For callbacks of skorch, set the parameter "
                "callbacks."
            )


def without_callbacks(estimator):
    """Remove scikit-learn's callbacks, if any, from an estimator and return it."""
    supported = hasattr(estimator, "set_callbacks")
    return estimator.set_callbacks() if supported else estimator


class SubclassOrFactory(HasMethods):
    """Constraint that accepts subclasses of `parent`, and callables but no other class.

    It inherits from `HasMethods` because scikit-learn only accepts its own constraints.
    """

    def __init__(self, parent):
        super().__init__("__call__")
        self.parent = parent

    def is_satisfied_by(self, val):
        return issubclass(val, self.parent) if isinstance(val, type) else callable(val)

    def __str__(self):
        parent = f"{self.parent.__module__}.{self.parent.__qualname__}"
        return f"a subclass of {parent} or a callable that returns an instance"


def check_sample_weight(sample_weight, X, *, dtype):
    """Return non-negative weights of shape (n_samples,) that are not all zero."""
    weight = _check_sample_weight(
        sample_weight, X, dtype=dtype, ensure_non_negative=True
    )
    if not weight.any():  # scikit-learn accepts them before 1.9
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def check_sizes(sizes, name):
    """Return layer sizes, given as an integer or a sequence, as a tuple of integers."""
    # Without dtype=object, NumPy could convert True to 1.
    sizes = tuple(np.atleast_1d(np.asarray(sizes, dtype=object)).tolist())
    for size in sizes:
        if isinstance(size, bool):
            raise TypeError(f"{name} must be an instance of int, not bool.")
        check_scalar(size, name, Integral, min_val=1, max_val=MAX_SIZE)
    return tuple(int(size) for size in sizes)
