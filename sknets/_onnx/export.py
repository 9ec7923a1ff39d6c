"""`to_onnx`: a fitted estimator or pipeline as an ONNX model."""

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknets._data.inputs import to_host


def to_onnx(estimator, X=None, *, options=None, **arguments):
    """Convert a fitted estimator or pipeline to an ONNX model.

    The model runs in ONNX Runtime, without Python packages. Its input is named "X" and
    takes any number of rows. The conversion is done by skl2onnx, to which this function
    adds the estimators of this package.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of this package, or a Pipeline, ColumnTransformer or other
        estimator of scikit-learn that skl2onnx knows. `dtype` of the networks must be
        "float32".

    X : array-like or DataFrame, default=None
        At least one row of data. It decides the type and the shape of the model's
        input. A DataFrame makes one input of each column, named like it. None stands
        for float32 rows of ``n_features_in_`` features.

    options : dict, default=None
        Options of the converters. Unlike skl2onnx, this function does not wrap the
        probabilities of a classifier into dictionaries, unless `options` has "zipmap".

    **arguments
        Further arguments of ``skl2onnx.to_onnx``, such as `target_opset` or `name`.

    Returns
    -------
    model : onnx.ModelProto
        ``model.SerializeToString()`` is the content of a file. The outputs are

        - "label" and "probabilities" of classifiers: `predict` and `predict_proba`.
          Labels are int64 or strings; booleans are 0 and 1.
        - "variable" of regressors: `predict`, of shape (n_samples, n_outputs).
        - "variable" of transformers: `transform`.

        They are float64 if X is float64, else float32.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If X is sparse or has a dtype that skl2onnx does not know, or if a network has a
        layer that is not known here.
    ValueError
        If X does not fit the estimator, a network is not in float32, or labels are
        neither strings nor integers.

    See Also
    --------
    load : Load an estimator of this package from a file without code.

    Notes
    -----
    Layers compute in float32, whatever the type of X. If X is float64, it is scaled in
    float64 before the first layer. Pass float64 X if the mean of a feature is more than
    a hundred times its standard deviation, because float32 has too few digits for it.

    The model does not check its input, which may contain NaN.

    After the first call, ``skl2onnx.to_onnx`` converts the estimators of this package,
    too.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import MLPDropoutClassifier, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), MLPDropoutClassifier(random_state=0))
    >>> model = to_onnx(pipeline.fit(X, y))
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        import skl2onnx
    except ImportError as error:
        raise ImportError(
            "to_onnx needs skl2onnx. Install it with: pip install 'sknets[onnx]'"
        ) from error
    from sknets._onnx.converters import register

    register()
    check_is_fitted(estimator)
    if "initial_types" not in arguments:
        X = example(estimator, X)
    if is_classifier(estimator) and not mentions_zipmap(options):
        options = {"zipmap": False, **(options or {})}
    estimator = without_empty_steps(estimator)
    return skl2onnx.to_onnx(estimator, X, options=options, **arguments)


# Types of numbers that skl2onnx accepts.
DTYPES = ("float32", "float64", "int64", "int32", "int8", "uint8", "bool")


def example(estimator, X):
    """Return data from which skl2onnx can read the type of the input."""
    if X is None:
        if not hasattr(estimator, "n_features_in_"):
            raise ValueError(
                f"X must be given, because {type(estimator).__name__} has no attribute "
                "n_features_in_ that states the number of features."
            )
        return np.zeros((1, estimator.n_features_in_), np.float32)
    if sparse.issparse(X):
        raise TypeError(
            "X must be an array or a DataFrame, because ONNX models have no sparse "
            f"input; got {type(X).__name__}. Pass X[:1].toarray()."
        )
    if hasattr(X, "columns"):
        return X
    X = np.asarray(to_host(X))
    if X.dtype.kind in "biufc" and X.dtype.name not in DTYPES:
        raise TypeError(
            f"X has the dtype {X.dtype}; expected {', '.join(DTYPES)} or strings."
        )
    return X


def without_empty_steps(estimator):
    """Return a pipeline without its "passthrough" steps, at which skl2onnx fails."""
    if type(estimator) is not Pipeline:
        return estimator
    steps = [step for step in estimator.steps if step[1] not in (None, "passthrough")]
    return estimator if len(steps) == len(estimator) else Pipeline(steps)


def mentions_zipmap(options):
    """Return whether the options of skl2onnx say anything about "zipmap"."""
    return any(
        "zipmap" in (name if isinstance(name, str) else value)
        for name, value in (options or {}).items()
    )
