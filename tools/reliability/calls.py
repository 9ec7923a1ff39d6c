"""Random calls of all estimators: right answers, or errors that the package means."""

import linecache
import traceback
import warnings

import numpy as np
import pandas as pd
import torch
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from scipy import sparse

import sknets
from tools.reliability.outcome import Outcome

DTYPES = ("f4", "f8", "f2", "i1", "u1", "i8", "b1", ">f4", ">f8", "longdouble", "O")
LAYOUTS = (
    *("C", "C", "F", "F", "strided", "reversed", "read-only", "frame", "tensor", "csr"),
    *("C", "F", "strided", "reversed", "read-only", "list", "tuple", "frame", "tensor"),
    *("csr", "csc", "coo", "csr array", "frame of mixed types"),
)
LABELS = {
    "integers": [3, 7, 9],
    "negative": [-1, 0, 1],
    "unsigned": np.array([0, 1, 2**64 - 1], np.uint64),
    "strings": ["a", "bb", ""],
    "objects": np.array(["a", "bb", "c"], object),
    "bytes": [b"a", b"b", b"c"],
    "booleans": [False, True, True],
    "integral floats": [0.0, 1.0, 2.0],
    "dates": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[D]"),
    "one class": [5, 5, 5],
    "mixed": np.array([1, "a", None], object),
}
TARGETS = (
    *LABELS,
    "real",
    "two columns",
    "multilabel",
    "column",
    "huge",
    "NaN",
    "none",
)
WEIGHTS = ("none", "ones", "random", "some zero", "zero", "negative", "NaN", "huge")
WEIGHTS += ("tiny", "wrong length", "column", "integers")
NEW_ROWS = (0, 1, 1, 1, 2, 2, 3, 5, 5, 5)
USUAL_ROWS = st.sampled_from((0, 1, 2, 3, *range(4, 13), 12, 12, 12, 40))
SCALES = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1e-30, 1e6, 1e30, 1e37)

# Parameters: valid values, and values that must be refused.
SIZES = ((3,), 2, (2, 3), [1]), (0, (2, -1), (), "x", 2.5)
ACTIVATIONS = ("relu", "tanh", "logistic", "identity"), ("softmax", None)
SHARED = {
    "optimizer": (("sgd", "adagrad", "adam", "adamw"), ("rmsprop", None)),
    "learning_rate": (("auto", 1e-6, 0.1, 1, 100.0, 1e30), (0, -1, "x", np.nan)),
    "lr_schedule": (("constant", "cosine", "trapezoid"), ("step", None)),
    "weight_decay": ((0, 0.1, 10), (-1, np.nan, "x")),
    "max_grad_norm": ((None, 1e-3, 1), (0, "x")),
    "batch_size": ((1, 2, 3, 5, 20), (0, 1.5, "x")),
    "max_epochs": ((1, 2, 3), (0, 1.5, "x")),
    "early_stopping": ((True,), ("x", None)),
    "validation_fraction": ((0.1, 0.5, 0.9, 0.999), (0, 1)),
    "n_iter_no_change": ((1, 2, "auto"), (0, "x")),
    "tol": ((0, 1e-4, 10), (-1, "x")),
    "warm_start": ((True,), ("x", None)),
    "dtype": (("float64",), ("float16", None, np.float32)),
    "random_state": ((None, 1, 2**32 - 1), (-1, "x")),
    "scoring": (
        (None, "accuracy", "r2", "neg_log_loss", "roc_auc", "max_error"),
        ("x", 1),
    ),
    "callbacks": ((None, []), ("x", [1])),
    "device": (("auto", torch.device("cpu")), ("x", "cuda:99", "meta")),
}
CLASSIFIER = {
    "class_weight": ((None, "balanced"), ({3: 2.0}, {"a": 0.0}, {0: -1}, "x")),
    "standardize": ((True, False, "auto"), ("x", None)),
}
PERCEPTRON = {
    "hidden_layer_sizes": SIZES,
    "activation": ACTIVATIONS,
    "dropout": ((0, 0.3, 0.99), (1, -0.1)),
}
OWN = {
    sknets.SoftmaxClassifier: CLASSIFIER,
    sknets.MLPDropoutClassifier: CLASSIFIER | PERCEPTRON,
    sknets.MLPDropoutRegressor: PERCEPTRON
    | {
        "standardize": CLASSIFIER["standardize"],
        "loss": (("squared_error", "absolute_error", "huber"), ("x", None)),
    },
    sknets.ConvNetClassifier: CLASSIFIER
    | PERCEPTRON
    | {
        "channels": SIZES,
        "kernel_size": ((1, 2, 3, 5), (0, "x")),
        "image_shape": ((None,), ((2, 2), (1, 4), (2, 2, 1), (3, 3), 4)),
    },
    sknets.DenoisingAutoencoderTransformer: {
        "n_components": ((1, 2, 3), (0, "x")),
        "hidden_layer_sizes": ((2, (), (2, 3)), (0, "x")),
        "activation": ACTIVATIONS,
        "noise": (("gaussian", "masking", "salt_and_pepper"), ("x", None)),
        "noise_level": ((0, 0.1, 1), (2, -1, "x")),
        "tied_weights": ((True,), ("x",)),
        "pretrain_epochs": ((0, 1, 2), (-1, "x")),
        "output_activation": (("identity", "logistic"), ("x",)),
        "loss": (("squared_error",), ("cross_entropy", "x")),
        "activity_penalty": ((None, "l1"), ("kl", "x")),
    },
    sknets.VariationalAutoencoderTransformer: {
        "n_components": ((1, 2, 3), (0, "x")),
        "hidden_layer_sizes": ((2, (), (2, 3)), (0, "x")),
        "activation": ACTIVATIONS,
        "loss": (("squared_error",), ("cross_entropy", "x")),
        "noise_variance": (("learned", 1.0, 1e-3), (0, -1, "x")),
        "beta": ((0, 1, 4.0), (-1, "x")),
        "n_draws": ((1, 3), (0, "x")),
    },
}


@st.composite
def parameters(draw, kind):
    """Draw a few parameters of an estimator; the others keep their defaults."""
    known = SHARED | OWN[kind]
    names = st.lists(st.sampled_from(sorted(known)), max_size=6, unique=True)
    values = {name: draw(st.sampled_from(known[name][0])) for name in draw(names)}
    if draw(st.integers(0, 7)) == 0:
        name = draw(st.sampled_from(sorted(known)))
        values[name] = draw(st.sampled_from(known[name][1]))
    return {"max_epochs": 2, "random_state": 0, "device": "cpu"} | values


@st.composite
def arrays(draw, kind, n_rows=None, n_columns=None):
    """Draw the description of X."""
    conv = kind is sknets.ConvNetClassifier
    return {
        "rows": draw(USUAL_ROWS) if n_rows is None else n_rows,
        "columns": n_columns or draw(st.sampled_from((4, 1, 9) if conv else (1, 2, 5))),
        "dtype": draw(st.sampled_from(DTYPES)),
        "layout": draw(st.sampled_from(LAYOUTS)),
        "scale": draw(st.sampled_from(SCALES)),
        "spoiled": draw(st.sampled_from((None,) * 30 + (np.nan, np.inf))),
        "shape": draw(
            st.sampled_from((2,) * 20 + (1, 3) + ((3, 4) * 4 if conv else ()))
        ),
        "seed": draw(st.integers(0, 99)),
    }


@st.composite
def calls(draw):
    """Draw an estimator, data to train it on, and data to evaluate it on."""
    kind = draw(st.sampled_from(sorted(OWN, key=lambda kind: kind.__name__)))
    X = draw(arrays(kind))
    other_columns = draw(st.sampled_from((X["columns"],) * 15 + (3,)))
    fit = ("real", "two columns") if "Regressor" in kind.__name__ else tuple(LABELS)[:9]
    return {
        "kind": kind,
        "parameters": draw(parameters(kind)),
        "X": X,
        "y": draw(st.one_of(st.sampled_from(fit), st.sampled_from(TARGETS))),
        "weight": draw(
            st.one_of(st.sampled_from(WEIGHTS[:4]), st.sampled_from(WEIGHTS))
        ),
        "validation": draw(st.sampled_from((None,) * 10 + (1, 5, 5, 5, 0))),
        "method": draw(st.sampled_from(("fit", "fit", "partial_fit", "fit twice"))),
        "X_new": draw(arrays(kind, draw(st.sampled_from(NEW_ROWS)), other_columns)),
    }


def make_array(described):
    """Return X as described."""
    rng = np.random.default_rng(described["seed"])
    n, d = described["rows"], described["columns"]
    values = described["scale"] * rng.normal(size=(n, d))
    if described["spoiled"] is not None and values.size:
        values.flat[rng.integers(values.size)] = described["spoiled"]
    with np.errstate(all="ignore"):
        values = values.astype(described["dtype"])
    if described["shape"] == 1:
        values = values.ravel()
    elif described["shape"] == 3:
        side = int(np.sqrt(d))
        values = values.reshape((n, side, side) if side**2 == d else (n, d, 1))
    elif described["shape"] == 4:
        values = values.reshape(n, d, 1, 1)
    return lay_out(values, described["layout"])


def lay_out(values, layout):
    """Return an array in another form, or as it is if that has no such form."""
    flat = values.ndim == 2
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "strided":
        wide = np.repeat(values, 2, axis=0)
        return wide[::2]
    if layout == "reversed":
        return values[::-1]
    if layout == "read-only":
        values.flags.writeable = False
        return values
    if layout in ("list", "tuple"):
        return (list if layout == "list" else tuple)(values.tolist())
    if layout == "frame" and flat:
        return pd.DataFrame(values)
    if layout == "frame of mixed types" and flat:
        frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])
        return frame.assign(x0=["a"] * len(frame))
    native = values.dtype.isnative and values.dtype.kind in "fiub"
    if layout == "tensor" and native and values.dtype.itemsize <= 8:
        return torch.tensor(values)
    if flat and native and values.dtype.itemsize in (4, 8):
        if layout in ("csr", "csc", "coo"):
            return sparse.coo_matrix(values).asformat(layout)
        if layout == "csr array":
            return sparse.csr_array(values)
    return values


def make_targets(kind, n):
    """Return y for n rows."""
    rng = np.random.default_rng(n)
    if kind in LABELS:
        labels = LABELS[kind]
        return np.asarray(labels)[np.arange(n) % 3]
    return {
        "real": rng.normal(size=n),
        "two columns": rng.normal(size=(n, 2)),
        "multilabel": rng.integers(0, 2, (n, 3)),
        "column": np.arange(n)[:, np.newaxis] % 2,
        "huge": rng.normal(size=n) * 1e300,
        "NaN": np.full(n, np.nan),
        "none": None,
    }[kind]


def make_weights(kind, n):
    """Return sample weights for n rows."""
    rng = np.random.default_rng(n)
    return {
        "none": None,
        "ones": np.ones(n),
        "random": rng.random(n),
        "some zero": np.arange(n) % 2.0,
        "zero": np.zeros(n),
        "negative": -np.ones(n),
        "NaN": np.full(n, np.nan),
        "huge": np.full(n, 1e300),
        "tiny": np.full(n, 1e-300),
        "wrong length": np.ones(n + 1),
        "column": np.ones((n, 1)),
        "integers": np.arange(n),
    }[kind]


def snapshot(data):
    """Return what must not change in an argument."""
    if sparse.issparse(data):
        csr = data.tocsr()
        return [csr.data.tobytes(), csr.indices.tobytes(), csr.indptr.tobytes()]
    if isinstance(data, torch.Tensor):
        return data.numpy().tobytes()
    if isinstance(data, np.ndarray) and data.dtype != object:
        return data.tobytes()
    return repr(data)


def is_meant(error):
    """Return whether an error was raised on purpose, by this package or by a check."""
    if not isinstance(error, (ValueError, TypeError)):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    if "/sknets/" in last.filename:
        return linecache.getline(last.filename, last.lineno).strip().startswith("raise")
    return any(
        f"/{name}/" in last.filename for name in ("sklearn", "numpy", "pandas", "scipy")
    )


def evaluate(model, X, n_rows):
    """Call all methods that take X. Raise an AssertionError for a wrong answer."""
    names = "predict", "predict_proba", "decision_function", "transform", "reconstruct"
    names += "predict_log_proba", "score_samples"
    for name in names:
        if not hasattr(model, name):
            continue
        result = getattr(model, name)(X)
        assert result.shape[0] == n_rows, (name, result.shape)
        if result.dtype.kind == "f":
            assert np.isfinite(result).all(), (name, "not finite")
        if name == "predict_proba":
            assert ((result >= 0) & (result <= 1 + 1e-6)).all()
            n_classes = len(model.classes_)
            assert result.shape == (n_rows, n_classes), result.shape
        if name == "predict" and hasattr(model, "classes_"):
            codes = np.unique(result)
            assert np.isin(codes, model.classes_).all() or result.ndim == 2


def run(call):
    """Make the calls. Return what came of them, or raise an AssertionError."""
    kind = call["kind"]
    X, n = make_array(call["X"]), call["X"]["rows"]
    y, weight = make_targets(call["y"], n), make_weights(call["weight"], n)
    options = {}
    is_coder = hasattr(kind, "reconstruct")
    if weight is not None and not is_coder:
        options["sample_weight"] = weight
    if call["validation"] is not None and call["method"] != "partial_fit":
        n_val = min(call["validation"], n)
        options["X_val"] = make_array(call["X"] | {"rows": n_val})
        if not is_coder:
            options["y_val"] = None if y is None else y[:n_val]
    X_new = make_array(call["X_new"])
    given = [X, y, X_new, *options.values()]
    before = [snapshot(data) for data in given]
    phase = "fit"
    try:
        model = kind(**call["parameters"])
        if call["method"] == "partial_fit":
            if hasattr(kind, "decision_function") and y is not None:
                options["classes"] = np.unique(y.astype(str) if y.dtype == "O" else y)
            model.partial_fit(X, y, **options)
        else:
            model.fit(X, y, **options)
        if call["method"] == "fit twice":
            model.fit(X, y, **options)
        phase = "evaluation"
        evaluate(model, X_new, call["X_new"]["rows"])
        result = "right answers"
    except AssertionError:
        raise
    except Exception as error:
        if not is_meant(error):
            raise AssertionError(f"{phase}: {error!r}") from error
        name = type(error).__name__.replace("NotFitted", "Value")
        result = f"{'an' if name[0] in 'AEIOU' else 'a'} {name} in {phase}"
    after = [snapshot(data) for data in given]
    assert before == after, "an argument was changed"
    return result


def draw_calls(n, number, folder):
    """Make random calls of all estimators."""
    outcome = Outcome()

    @seed(number)
    @settings(
        max_examples=n,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls())
    def try_call(call):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcome.add(run(call))
            except AssertionError as error:
                outcome.fail(f"{error}: {call}")

    try_call()
    return outcome
