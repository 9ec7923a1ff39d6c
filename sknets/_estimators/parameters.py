"""Constraints of the shared parameters, and which of them later calls read."""

import warnings
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.metrics import get_scorer_names

from sknets._data.sklearn_compat import Interval, StrOptions, SubclassOrFactory
from sknets._training.optimizers import OPTIMIZERS

SHARED_CONSTRAINTS = {
    "optimizer": [
        StrOptions(set(OPTIMIZERS)),
        SubclassOrFactory(torch.optim.Optimizer),
    ],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "lr_schedule": [StrOptions({"constant", "cosine", "trapezoid"}), callable],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "tol": [Interval(Real, 0, None, closed="left")],
    "scoring": [StrOptions(set(get_scorer_names())), callable, None],
    "warm_start": ["boolean"],
    "callbacks": [list, None],
    "device": [str, torch.device],
    "dtype": [StrOptions({"float32", "float64"})],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

STANDARDIZE_CONSTRAINT = ["boolean", StrOptions({"auto"})]
DECAY_CONSTRAINT = [*SHARED_CONSTRAINTS["weight_decay"], StrOptions({"auto"})]


# Parameters that each call of `fit` and `partial_fit` reads again. The others are
# only read when a network is built.
EFFECTIVE_PARAMETERS = {
    "batch_size",
    "class_weight",
    "early_stopping",
    "learning_rate",
    "lr_schedule",
    "max_epochs",
    "max_grad_norm",
    "n_iter_no_change",
    "scoring",
    "tol",
    "validation_fraction",
    "warm_start",
}


def warn_of_ineffective_parameters(estimator):
    """Warn if parameters have changed that are only read when a network is built."""
    changed = changed_parameters(estimator, EFFECTIVE_PARAMETERS)
    if changed:
        warnings.warn(
            f"{', '.join(changed)} changed since the network was built. Training that "
            "continues ignores the change. To build a new network, call fit with "
            "warm_start=False.",
            stacklevel=6,
        )


def changed_parameters(estimator, ignored):
    """Return the names of the parameters that changed since the network was built.

    Parameters
    ----------
    estimator : NetworkEstimator
        A fitted estimator.
    ignored : set of str
        Names of parameters to leave out.
    """
    return [
        name
        for name, value in estimator._parameters_of_net.items()
        if name not in ignored and not is_same(getattr(estimator, name), value)
    ]


def is_same(value, other):
    """Return whether two values of a parameter are the same object or equal."""
    if value is other:
        return True
    try:
        return bool(np.array_equal(value, other))
    except (TypeError, ValueError):
        return False
