"""The one place that knows private names of scikit-learn."""

from numbers import Integral

import numpy as np
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
    "HasMethods",
    "Interval",
    "StrOptions",
    "SubclassOf",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_sizes",
    "fit_context",
    "validate_data",
    "validate_params",
]

check_partial_fit_first_call = _check_partial_fit_first_call

# The most units of a layer, or pixels along a side: what a 32-bit integer holds.
MAX_SIZE = 2**31 - 1


class SubclassOf(HasMethods):
    """Accept the subclasses of a class, such as every optimizer of torch.

    scikit-learn takes no constraints but its own, hence the parent.
    """

    def __init__(self, parent):
        super().__init__("__subclasses__")
        self.parent = parent

    def is_satisfied_by(self, val):
        return isinstance(val, type) and issubclass(val, self.parent)

    def __str__(self):
        return f"a subclass of {self.parent.__module__}.{self.parent.__qualname__}"


def check_sample_weight(sample_weight, X, *, dtype):
    """Return non-negative weights of shape (n_samples,) that are not all zero."""
    return _check_sample_weight(
        sample_weight,
        X,
        dtype=dtype,
        ensure_non_negative=True,
        allow_all_zero_weights=False,
    )


def check_sizes(sizes, name):
    """Return layer sizes, given as an integer or a sequence, as a tuple of integers."""
    # An array of integers would make a one of True.
    sizes = tuple(np.atleast_1d(np.asarray(sizes, dtype=object)).tolist())
    for size in sizes:
        if isinstance(size, bool):
            raise TypeError(f"{name} must be an instance of int, not bool.")
        check_scalar(size, name, Integral, min_val=1, max_val=MAX_SIZE)
    return tuple(int(size) for size in sizes)
