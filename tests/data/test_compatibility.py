"""What versions of scikit-learn differ in."""

import runpy
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils.class_weight import compute_class_weight

import sknets._data.compatibility
from sknets import SoftmaxClassifier
from sknets._data.compatibility import class_weights


def test_without_callbacks_of_scikit_learn_the_error_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)  # fails to import
    names = runpy.run_path(sknets._data.compatibility.__file__)
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


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "b": 0.5}, None])
def test_class_weights_count_a_row_as_often_as_it_weighs(class_weight):
    classes, codes = np.array(["a", "b", "c"]), np.array([2, 0, 1, 2, 2, 0])
    repeats = np.array([1, 2, 1, 0, 3, 1])
    found = class_weights(
        class_weight, classes=classes, codes=codes, sample_weight=repeats
    )
    repeated = classes[np.repeat(codes, repeats)]
    expected = compute_class_weight(class_weight, classes=classes, y=repeated)
    assert_allclose(found, expected)


def test_balanced_classes_without_a_row_are_refused():
    classes, codes = np.array(["a", "b"]), np.zeros(3, int)
    with pytest.raises(ValueError, match="labels that are in y"):
        class_weights("balanced", classes=classes, codes=codes, sample_weight=None)
