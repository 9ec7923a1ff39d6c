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
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight, validate_data

__all__ = [
    "CALLBACK_ATTRIBUTES",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "SubclassOf",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_sizes",
    "class_weights",
    "fit_context",
    "validate_data",
    "validate_params",
    "without_callbacks",
]

check_partial_fit_first_call = _check_partial_fit_first_call

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
    weight = _check_sample_weight(
        sample_weight, X, dtype=dtype, ensure_non_negative=True
    )
    if not weight.any():  # before 1.9 scikit-learn lets these pass
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def class_weights(class_weight, *, classes, codes, sample_weight):
    """Return the weight of each class; "balanced" counts rows by their weights.

    scikit-learn 1.6 counts rows alone.
    """
    weights = compute_class_weight(class_weight, classes=classes, y=classes[codes])
    if class_weight != "balanced":
        return weights
    counts = np.bincount(codes, weights=sample_weight)
    return counts.sum() / (len(counts) * counts)


def check_sizes(sizes, name):
    """Return layer sizes, given as an integer or a sequence, as a tuple of integers."""
    sizes = tuple(np.atleast_1d(sizes).tolist())
    for size in sizes:
        check_scalar(size, name, Integral, min_val=1)
    return sizes
