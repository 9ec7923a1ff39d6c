"""Private names of scikit-learn, and differences between its versions.

No other module may depend on either.
"""

from numbers import Integral

import numpy as np
import sklearn
from sklearn.base import _fit_context as fit_context
from sklearn.utils import check_scalar
from sklearn.utils._metadata_requests import SIMPLE_METHODS
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
    "apply_settings",
    "check_parameters",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_sizes",
    "fit_context",
    "settings_of",
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


def check_parameters(estimator):
    """Return an estimator. Raise if a parameter is not valid, as `fit` does."""
    estimator._validate_params()
    return estimator


def settings_of(estimator):
    """Return what `set_output` and `set_fit_request` have set, as plain values.

    Raises
    ------
    TypeError
        If the estimator has callbacks of scikit-learn, which are no plain values.
    """
    if getattr(estimator, "_skl_callbacks", None):
        raise TypeError("the callbacks of set_callbacks")
    requests = vars(estimator).get("_metadata_request")
    routing = {
        method: dict(getattr(requests, method).requests)
        for method in SIMPLE_METHODS
        if requests is not None and getattr(requests, method).requests
    }
    output = vars(estimator).get("_sklearn_output_config", {})
    return {"output": dict(output), "routing": routing}


def apply_settings(estimator, settings):
    """Restore what `settings_of` returned. Raise ValueError for anything else."""
    if settings.keys() != {"output", "routing"}:
        raise ValueError("the settings are not those of output and routing")
    output, routing = settings["output"], settings["routing"]
    if type(output) is not dict or type(routing) is not dict:
        raise ValueError("the settings of output or routing are not objects")
    if output:
        known = [{"transform": name} for name in ("default", "pandas", "polars")]
        if output not in known or not hasattr(estimator, "set_output"):
            raise ValueError("the settings of output are unknown")
        estimator.set_output(**output)
    with sklearn.config_context(enable_metadata_routing=True):
        for method, requests in routing.items():
            name = f"set_{method}_request"
            if method not in SIMPLE_METHODS or not hasattr(estimator, name):
                raise ValueError("the settings of routing are unknown")
            getattr(estimator, name)(**requests)


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
    if isinstance(sample_weight, str):
        raise ValueError(
            "sample_weight must be array-like, with a number per row; got "
            f"{sample_weight!r}. Weights of classes are set by class_weight."
        )
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
