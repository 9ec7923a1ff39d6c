"""Errors of data name what is wrong: the column, the kind of y, the form of X."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
)

NUMBERS = pd.DataFrame({"age": [30.0, 40.0, 50.0, 60.0], "visits": [1, 2, 3, 4]})
TEXT = NUMBERS.assign(city=["Rome", "Oslo", "Rome", "Bonn"])


@pytest.mark.parametrize(
    ("X", "column"),
    [
        (TEXT, "'city'"),
        (TEXT.astype({"city": "category"}), "'city'"),
        (TEXT.to_numpy(), "2"),
        (TEXT.to_numpy().tolist(), "2"),
        (np.array([["1", "a"]] * 4), "1"),
    ],
)
def test_text_in_x_is_named_by_its_column(X, column):
    with pytest.raises(ValueError, match=f"X has text in column {column}: .*OneHot"):
        MLPDropoutClassifier().fit(X, [0, 1, 0, 1])


@pytest.mark.parametrize("X", [NUMBERS, sparse.eye_array(4, format="csr")])
def test_text_in_y_of_a_regressor_is_not_taken_for_text_in_x(X):
    with pytest.raises(ValueError, match="y must hold real numbers: .* use a class"):
        MLPDropoutRegressor().fit(X, pd.Series(["no", "yes", "no", "yes"]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        # pandas 2 makes objects of these.
        (pd.Series(["a", "b", None, "a"], dtype="str"), "y contains NaN|NoneType, str"),
        (np.array(["a", None, "b", "a"], object), "types NoneType, str"),
        (np.array(["a", 1, 2, "a"], object), "types int, str"),
        (np.array([2, 1, "a", 1], object), "types int, str"),
    ],
)
def test_missing_and_mixed_labels_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxClassifier().fit(NUMBERS, y)


@pytest.mark.parametrize("model", [SoftmaxClassifier, DenoisingAutoencoderTransformer])
def test_images_for_dense_networks_get_the_advice_to_flatten_them(model):
    X, y = np.zeros((4, 3, 3)), [0, 1, 0, 1]
    with pytest.raises(ValueError, match=r"dim 3.*X\.reshape\(len\(X\), -1\)"):
        model().fit(X, y)


def test_text_in_x_is_named_in_predict_too():
    fitted = SoftmaxClassifier(max_epochs=1).fit(TEXT.assign(city=0), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="X has text in column 'city'"):
        fitted.predict(TEXT)


def test_the_name_of_a_class_weight_is_no_sample_weight():
    with pytest.raises(ValueError, match=r"sample_weight must be.*'balanced'.*class_w"):
        MLPDropoutClassifier().fit(NUMBERS, [0, 1, 0, 1], sample_weight="balanced")
