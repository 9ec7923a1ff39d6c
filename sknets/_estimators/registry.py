"""The estimators that users import from sknets, by name."""

from sknets._help import shown_in

PUBLIC_ESTIMATORS = {}


def public(estimator_class):
    """Enter an estimator in the closed list of those that `load` returns.

    Also say that the class is in `sknets`, from where users import it.
    """
    shown_in("sknets")(estimator_class)
    PUBLIC_ESTIMATORS[estimator_class.__name__] = estimator_class
    return estimator_class


def trusted_types():
    """Return the names of these classes, in the form that skops expects."""
    return [f"sknets.{name}" for name in sorted(PUBLIC_ESTIMATORS)]
