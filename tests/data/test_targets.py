"""Labels as numbers for a loss, and back."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils.class_weight import compute_class_weight

from sknets._data.targets import SingleLabel


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "b": 0.5}, None])
def test_class_weights_count_a_row_as_often_as_it_weighs(class_weight):
    classes, codes = np.array(["a", "b", "c"]), np.array([2, 0, 1, 2, 2, 0])
    repeats = np.array([1, 2, 1, 0, 3, 1])
    found = SingleLabel(classes).class_weights(class_weight, codes, repeats)
    repeated = classes[np.repeat(codes, repeats)]
    expected = compute_class_weight(class_weight, classes=classes, y=repeated)
    assert_allclose(found, expected)


def test_a_class_without_a_row_takes_no_part_in_the_balance():
    targets = SingleLabel(np.array(["a", "b", "c"]))
    codes, weight = np.array([0, 2, 2, 1]), np.array([1.0, 1.0, 1.0, 0.0])
    found = targets.class_weights("balanced", codes, weight)
    assert_allclose(found, [3 / 2, 0, 3 / 4])
