"""Bad input is named before any training, and costs a fitted estimator nothing."""

import copy
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 2, "random_state": 0}
CLASSIFIERS = [
    SoftmaxClassifier(**QUICK),
    MLPDropoutClassifier(8, **QUICK),
    ConvNetClassifier(4, hidden_layer_sizes=8, **QUICK),
]
TRANSFORMER = DenoisingAutoencoderTransformer(4, **QUICK)
VARIATIONAL = VariationalAutoencoderTransformer(2, hidden_layer_sizes=8, **QUICK)
ESTIMATORS = [*CLASSIFIERS, TRANSFORMER, VARIATIONAL]

every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
every_classifier = pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)


def output(estimator, X):
    method = "transform" if hasattr(estimator, "transform") else "predict_proba"
    return getattr(estimator, method)(X)


def spoiled(X, value):
    X = X.astype(object) if isinstance(value, str) else X.astype(type(value))
    X[3, 1] = value
    return X


BAD_X = {
    "series": (lambda X: pd.Series(X[0]), ValueError, "2-dimensional"),
    "nan": (lambda X: spoiled(X, np.nan), ValueError, "X contains NaN"),
    "infinity": (lambda X: spoiled(X, np.inf), ValueError, "X contains infinity"),
    "string": (lambda X: spoiled(X, "a"), ValueError, "could not convert"),
    "complex": (lambda X: spoiled(X, 1j), ValueError, "Complex data"),
    "no rows": (lambda X: X[:0], ValueError, "0 sample"),
    "no features": (lambda X: X[:, :0], ValueError, "0 feature"),
    "one row as 1-D": (lambda X: X[0], ValueError, "1D array|1d array"),
    "scalar": (lambda X: 3.0, ValueError, "scalar array"),
    "dict": (lambda X: {"a": X}, (ValueError, TypeError), "dict"),
    "ragged": (lambda X: [[1.0], [1.0, 2.0]], ValueError, "inhomogeneous"),
}


@every_estimator
@pytest.mark.parametrize("bad", BAD_X)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
def test_bad_X(estimator, bad, method, small):
    X, y = small
    spoil, error, message = BAD_X[bad]
    fitted = clone(estimator).fit(X, y)
    expected, state = output(fitted, X), set(vars(fitted))
    bad_X = spoil(X)
    if method == "predict":
        call = partial(output, fitted)
    else:
        n_samples = len(bad_X) if hasattr(bad_X, "__len__") else 1
        call = partial(getattr(fitted, method), y=y[:n_samples])
    with pytest.raises(error, match=message):
        call(bad_X)
    assert_array_equal(output(fitted, X), expected)
    assert set(vars(fitted)) == state


BAD_Y = {
    "one class": (lambda y: np.zeros_like(y), "2 classes.*one class"),
    "continuous": (lambda y: y + 0.5, "[Cc]ontinuous"),
    "nan": (lambda y: np.where(y == 1, np.nan, y), "y contains NaN|Input y"),
    "too short": (lambda y: y[1:], "inconsistent numbers of samples"),
    "two columns": (lambda y: np.c_[y, y], "1d array|multi"),
    "none": (lambda y: None, "requires y to be passed"),
    "string": (lambda y: "abc", "y must be array-like.*got 'abc'"),
    "scikit-learn's mark": (lambda y: "no_validation", "y must be array-like"),
    "text of NumPy": (lambda y: np.str_("abc"), "y must be array-like"),
}


@every_classifier
@pytest.mark.parametrize("bad", BAD_Y)
def test_bad_y(estimator, bad, small):
    X, y = small
    spoil, message = BAD_Y[bad]
    fitted = clone(estimator).fit(X, y)
    expected = fitted.predict_proba(X)
    for form in (X, torch.tensor(X)):
        with pytest.raises(ValueError, match=message):
            fitted.fit(form, spoil(y))
        with pytest.raises(ValueError, match=message):
            fitted.set_params(warm_start=True).fit(form, spoil(y))
        fitted.set_params(warm_start=False)
    assert_array_equal(fitted.predict_proba(X), expected)
    assert_array_equal(fitted.classes_, [0, 1, 2])


@every_classifier
def test_strings_are_no_labels_of_other_calls_either(estimator, small):
    X, y = small
    with pytest.raises(ValueError, match="y must be array-like"):
        clone(estimator).partial_fit(X, "no_validation", classes=[0, 1, 2])
    with pytest.raises(ValueError, match="X_val or y_val is not valid: y must be"):
        clone(estimator).fit(X, y, X_val=X, y_val="no_validation")


@every_classifier
@pytest.mark.parametrize(
    ("sample_weight", "message"),
    [
        (-np.ones(60), "[Nn]egative"),
        (np.zeros(60), "zero"),
        (np.full(60, np.nan), "sample_weight contains NaN|Input sample_weight"),
        (np.ones(59), "sample_weight.shape"),
        (np.ones((60, 2)), "1D"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_sample_weight(estimator, sample_weight, message, method, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    expected = fitted.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X, y, sample_weight=sample_weight)
    assert_array_equal(fitted.predict_proba(X), expected)


@every_classifier
@pytest.mark.parametrize(
    "class_weight", [{0: -1}, {0: 0, 1: 0, 2: 0}, {1: np.nan}, {2: np.inf}]
)
def test_bad_class_weight(estimator, class_weight, small):
    with pytest.raises(ValueError, match="class_weight=.* must give finite, non-neg"):
        clone(estimator).set_params(class_weight=class_weight).fit(*small)


@every_estimator
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "sgdd"),
        ("optimizer", torch.nn.Linear),
        ("optimizer", torch.optim.SGD([torch.zeros(1)])),
        ("learning_rate", 0.0),
        ("lr_schedule", "linear"),
        ("weight_decay", -1.0),
        ("batch_size", 0),
        ("max_epochs", 0),
        ("max_epochs", "many"),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("tol", -1.0),
        ("callbacks", print),
        ("dtype", "float16"),
        ("random_state", "seed"),
    ],
)
def test_bad_parameters_are_named(estimator, name, value, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    expected = output(fitted, X)
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        fitted.set_params(**{name: value}).fit(X, y)
    assert_array_equal(output(fitted, X), expected)


@every_estimator
@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device must be 'auto', 'cpu'.*; got 'gpu'"),
        ("cuda:99", "device='cuda:99' cannot be used.*CUDA device"),
        (torch.device("cuda:99"), "device='cuda:99'"),
        ("meta", "must be 'cpu', 'cuda' or 'mps', not 'meta'"),
    ],
)
def test_bad_devices_are_named(estimator, device, message, small):
    with pytest.raises(ValueError, match=message):
        clone(estimator).set_params(device=device).fit(*small)


@every_estimator
def test_wrong_width_and_renamed_columns(estimator, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    with pytest.raises(ValueError, match=r"4 features.*expecting 5"):
        output(fitted, X[:, :4])
    fitted.fit(pd.DataFrame(X, columns=list("abcde")), y)
    with pytest.raises(ValueError, match="feature names"):
        output(fitted, pd.DataFrame(X, columns=list("abcdf")))
    assert list(fitted.feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(pd.DataFrame(X * np.nan, columns=list("vwxyz")), y)
    assert list(fitted.feature_names_in_) == list("abcde")


@every_estimator
def test_unfitted(estimator, small):
    with pytest.raises(NotFittedError):
        output(clone(estimator), small[0])


@every_estimator
def test_fitted_attributes_name_themselves_before_fit(estimator, small):
    unfitted = clone(estimator)
    kind = type(estimator)
    names = [name for name in dir(kind) if name.endswith("_") and name[0] != "_"]
    assert {"module_", "device_"} <= set(names)
    for name in names:
        assert not hasattr(unfitted, name)
        message = f"{kind.__name__} instance is not fitted yet.*attribute '{name}'"
        with pytest.raises(AttributeError, match=message) as raised:
            getattr(unfitted, name)
        assert isinstance(raised.value, NotFittedError)
        assert getattr(kind, name).__doc__
    with pytest.raises(ValueError, match="NaN"):
        unfitted.fit(small[0] * np.nan, small[1])
    assert not any(hasattr(unfitted, name) for name in names)
    assert all(hasattr(unfitted.fit(*small), name) for name in names)


@every_classifier
def test_partial_fit_labels(estimator, small):
    X, y = small
    with pytest.raises(ValueError, match="classes must be passed"):
        clone(estimator).partial_fit(X, y)
    with pytest.raises(ValueError, match="2 classes in classes.*one class"):
        clone(estimator).partial_fit(X, np.zeros(60), classes=[0])
    fitted = clone(estimator).partial_fit(X, y, classes=[0, 1, 2])
    expected = fitted.predict_proba(X)
    with pytest.raises(ValueError, match="unseen labels.*7"):
        fitted.partial_fit(X, np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match="not the same as on last call"):
        fitted.partial_fit(X, y, classes=[0, 1, 2, 3])
    assert_array_equal(fitted.predict_proba(X), expected)
    named = clone(estimator).partial_fit(
        X[:40], np.array(["cat", "dog"])[y[:40]], ["cat", "dog"]
    )
    with pytest.raises(ValueError, match="unseen labels.*dogma"):
        named.partial_fit(X[:2], ["cat", "dogma"])
    tiny = clone(estimator).partial_fit(X, y, classes=np.array([0, 1, 2], np.int8))
    with pytest.raises(ValueError, match="unseen labels.*256"):
        tiny.partial_fit(X[:2], [256, 1])
    balanced = clone(estimator).set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="balanced.*not supported"):
        balanced.partial_fit(X, y, classes=[0, 1, 2])


@every_estimator
@pytest.mark.filterwarnings("ignore:optimizer changed since:UserWarning")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_unstable_training_raises_and_undoes_itself(estimator, method, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    before = copy.deepcopy(fitted.net_.optimizer_.state_dict())
    expected, n_iter = output(fitted, X), fitted.n_iter_
    fitted.set_params(learning_rate=1e30, optimizer="sgd", warm_start=True)
    fitted.set_params(max_epochs=10, batch_size=10)
    message = "epoch .*learning_rate=1e.30.*StandardScaler"
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X * 1e9, y)
    assert_array_equal(output(fitted, X), expected)
    assert fitted.n_iter_ == n_iter == len(fitted.net_.history)
    after = fitted.net_.optimizer_.state_dict()["state"]
    assert after.keys() == before["state"].keys()
    for number, state in before["state"].items():
        for name, value in state.items():
            assert torch.equal(after[number][name], value)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
def test_features_that_overflow_a_squared_gradient_are_named(optimizer, small):
    X, y = small
    model = MLPDropoutClassifier(optimizer=optimizer, standardize=False, max_epochs=3)
    with pytest.raises(ValueError, match="Training became unstable in epoch"):
        model.fit(X * 1e30, y)


@every_estimator
@pytest.mark.parametrize(
    "container", [np.asarray, torch.tensor], ids=["array", "tensor"]
)
def test_numbers_too_large_for_float32(estimator, container, small):
    X, y = small
    large = container(spoiled(X, 1e39))
    if "standardize" in estimator.get_params() or estimator is VARIATIONAL:
        scaled = clone(estimator).fit(large, y)
        assert np.isfinite(output(scaled, large)).all()
        if estimator is VARIATIONAL:  # which always scales X
            return
        estimator = clone(estimator).set_params(standardize=False)
    fitted = clone(estimator).fit(X, y)
    expected = output(fitted, X)
    with pytest.raises(
        ValueError, match="X contains infinity|large for dtype..float32"
    ):
        clone(estimator).fit(large, y)
    if isinstance(estimator, ConvNetClassifier):  # whose convolutions are in float32
        with pytest.raises(ValueError, match="X contains infinity|dtype..float32"):
            output(fitted, large)
    else:
        others = np.delete(output(fitted, large), 3, axis=0)
        expected = np.delete(expected, 3, axis=0)
        assert_allclose(others, expected, rtol=1e-9, atol=1e-12)


@every_classifier
def test_probabilities_are_never_nan(estimator, small):
    X, y = small
    fitted = clone(estimator).set_params(max_epochs=50).fit(X, y)
    with torch.no_grad():
        for parameter in fitted.module_.parameters():
            parameter.mul_(1000)
    with pytest.raises(ValueError, match="Input X contains values so large"):
        fitted.predict_proba(np.full((1, 5), 3e38, np.float32))
    extreme = fitted.predict_log_proba(X * 1e6)
    assert np.isfinite(extreme).all()


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


FORMS = {
    "list": lambda X: X.tolist(),
    "object": lambda X: X.astype(object),
    "float16": lambda X: X.astype(np.float16),
    "big-endian": lambda X: X.astype(">f8"),
    "Fortran": np.asfortranarray,
    "negative strides": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "frame": pd.DataFrame,
    "CSR matrix": sparse.csr_matrix,
    "CSR array": sparse.csr_array,
    "COO matrix": sparse.coo_matrix,
    "CSC matrix": sparse.csc_matrix,
    "CSC array": sparse.csc_array,
    "tensor": torch.tensor,
    "tensor of another layout": lambda X: torch.tensor(X.T.copy()).T,
    "tensor with a gradient": lambda X: torch.tensor(X, requires_grad=True),
}


@every_estimator
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_X_gives_the_same_net(estimator, form, small):
    X, y = small
    X = X.astype(np.float16).astype(np.float64)
    expected = output(clone(estimator).fit(X, y), X)
    other = FORMS[form](X)
    found = output(clone(estimator).fit(other, y), other)
    assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert_allclose(output(clone(estimator).fit(X, y), other), expected, rtol=1e-6)


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, TRANSFORMER], ids=str)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_integers_and_booleans(estimator, dtype, small):
    X, y = (small[0] > 0).astype(dtype), small[1]
    expected = output(clone(estimator).fit(X.astype(float), y), X.astype(float))
    assert_array_equal(output(clone(estimator).fit(X, y), X), expected)


@every_estimator
def test_one_row_predicts_like_many(estimator, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    expected = output(fitted, X)
    rows = np.concatenate([output(fitted, X[i : i + 1]) for i in range(60)])
    assert_allclose(rows, expected, rtol=1e-6, atol=1e-7)


@every_estimator
def test_prediction_is_deterministic_whatever_the_mode_of_the_module(estimator, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    expected = output(fitted, X)
    fitted.module_.train()
    assert_array_equal(output(fitted, X), expected)
    assert fitted.module_.training


@every_estimator
def test_prediction_in_many_blocks(estimator, small):
    X, y = small
    fitted = clone(estimator).fit(X, y)
    many = np.tile(X, (30, 1))
    expected = np.tile(output(fitted, X), (30, 1))
    assert_allclose(output(fitted, many), expected, rtol=1e-6, atol=1e-7)


@every_estimator
def test_a_pickle_holds_no_training_data(estimator):
    rng = np.random.default_rng(0)
    sizes = []
    for n_samples in (100, 5000):
        X, y = rng.normal(size=(n_samples, 20)), np.arange(n_samples) % 3
        fitted = clone(estimator).set_params(early_stopping=True).fit(X, y)
        sizes.append(len(pickle.dumps(fitted)))
    assert abs(sizes[1] - sizes[0]) < 200
    # The weights once, and what the optimizer keeps of each.
    tensors = list(fitted.module_.parameters())
    for state in fitted.net_.optimizer_.state.values():
        tensors.extend(state.values())
    n_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert sizes[1] < n_bytes + 20_000


@pytest.mark.kernels
@every_estimator
def test_a_pickle_goes_on_where_training_was(estimator, small):
    X, y = small
    arguments = {"classes": [0, 1, 2]} if estimator in CLASSIFIERS else {}
    straight = clone(estimator).partial_fit(X, y, **arguments)
    resumed = pickle.loads(pickle.dumps(straight))
    assert_array_equal(output(resumed, X), output(straight, X))
    for model in (straight, resumed):
        model.partial_fit(X, y)
    assert_array_equal(output(resumed, X), output(straight, X))
