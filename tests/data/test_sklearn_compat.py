"""What versions of scikit-learn differ in."""

import runpy
import sys

import numpy as np
import pytest

import sknets._data.sklearn_compat
from sknets import SoftmaxClassifier


def test_without_callbacks_of_scikit_learn_the_error_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)  # fails to import
    names = runpy.run_path(sknets._data.sklearn_compat.__file__)
    estimator = names["CallbackSupportMixin"]()
    assert not hasattr(estimator, "set_callbacks")
    assert names["without_callbacks"](estimator) is estimator
    with pytest.raises(
        AttributeError, match=r"set_callbacks needs scikit-learn >= 1\.9"
    ):
        estimator.set_callbacks()


def test_weights_that_are_all_zero_are_named(small):
    with pytest.raises(ValueError, match="at least one non-zero"):
        SoftmaxClassifier(max_epochs=1).fit(*small, sample_weight=np.zeros(60))
