"""Validate X and y as users pass them."""

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d

from sknets._data.sklearn_compat import validate_data
from sknets._training.mapped_rows import MappedRows, stays_mapped
from sknets._training.read_ahead import warn_of_scattered_rows

# Default for y where only X is needed. It differs from any y that a user can pass.
NO_Y = object()


def to_host(values):
    """Convert a tensor to an ndarray. Return anything else unchanged."""
    if not torch.is_tensor(values):
        return values
    values = values.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def float_dtype(X):
    """Return float32 if all of X is float32, else float64."""
    if torch.is_tensor(X):
        return np.float32 if X.dtype == torch.float32 else np.float64
    dtypes = getattr(X, "dtypes", getattr(X, "dtype", None))
    dtypes = dtypes if np.iterable(dtypes) else [dtypes]
    # A sparse column has the dtype of its entries as `subtype`.
    dtypes = [getattr(dtype, "subtype", dtype) for dtype in dtypes]
    return np.float32 if all(dtype == np.float32 for dtype in dtypes) else np.float64


def exact_dtype(X):
    """Return float32 if it can hold all numbers of X's dtype, else float64."""
    if torch.is_tensor(X):
        is_wide = X.dtype in (torch.float64, torch.int32, torch.int64)
        return np.float64 if is_wide else np.float32
    dtype = getattr(X, "dtype", None)
    is_narrow = isinstance(dtype, np.dtype) and np.can_cast(dtype, np.float32)
    return np.float32 if is_narrow else float_dtype(X)


def in_precision(X, dtype):
    """Return validated X in `dtype`. Raise if that makes a number infinite.

    The rows of a large memory map are converted when they are read.
    """
    dtype = np.dtype(dtype)
    if torch.is_tensor(X):
        converted = X.to(getattr(torch, dtype.name))
    elif stays_mapped(X, dtype):
        converted = MappedRows(X, dtype)
    else:
        with np.errstate(over="ignore"):
            converted = X.astype(dtype, copy=False)
    if converted is not X:
        check_all_finite(converted)
    return converted


def in_dtype(predictions, dtype):
    """Return an array of predictions in `dtype`. Raise if that makes them infinite."""
    with np.errstate(over="ignore"):
        converted = predictions.astype(dtype, copy=False)
    if not np.isfinite(converted).all():
        raise ValueError(
            f"The predictions are not finite in {np.dtype(dtype)}. Pass X as float64."
        )
    return converted


def as_sparse_floats(X, dtype):
    """Convert a DataFrame of sparse columns to `dtype` if one of them is boolean.

    scikit-learn would not convert booleans, and pandas would convert a mixture of
    booleans and numbers to objects. Return any other X unchanged.
    """
    if getattr(X, "ndim", 0) != 2 or not hasattr(X, "sparse"):
        return X
    booleans = [column for column in X.dtypes if column.subtype == np.bool_]
    return X.astype(booleans[0].update_dtype(dtype)) if booleans else X


def validate(estimator, X, y, *, dtype, reset, ensure_all_finite, y_options):
    """Return X, or (X, y), as a C-contiguous array, CSR matrix or tensor of `dtype`.

    X of a large memory map that needs a conversion becomes `MappedRows`.

    Parameters
    ----------
    estimator : estimator
    X : array-like, sparse matrix or tensor of shape (n_samples, n_features)
        A tensor stays on its device.
    y : labels or NO_Y
    dtype : numpy dtype
    reset, ensure_all_finite : bool
        See ``sklearn.utils.validation.validate_data``.
    y_options : dict
        Arguments of `validate_data` that concern y.
    """
    y = to_host(y)
    has_y = y is not NO_Y
    if isinstance(y, str):
        raise ValueError(f"y must be array-like, with a label per row; got {y!r}.")
    if not (has_y or reset or ensure_all_finite) and is_ready(estimator, X, dtype):
        return X
    options = y_options if has_y else {}
    X = X.array if isinstance(X, MappedRows) else X
    mapped = stays_mapped(X, dtype)
    if torch.is_tensor(X):
        X = validate_tensor(estimator, X, dtype, reset, ensure_all_finite)
        if has_y:
            y = validate_data(estimator, y=y, reset=False, **options)
            check_consistent_length(X, y)
    else:
        # Values that overflow in float32 are reported as infinity in X.
        with np.errstate(over="ignore"):
            try:
                validated = validate_data(
                    estimator,
                    as_sparse_floats(X, dtype),
                    y if has_y else "no_validation",
                    reset=reset,
                    accept_sparse="csr",
                    dtype=None if mapped else dtype,
                    order=None if mapped else "C",
                    ensure_all_finite=ensure_all_finite and not mapped,
                    **options,
                )
            except ValueError as error:
                explanation = explain(str(error), X)
                if explanation is None:
                    raise
                raise ValueError(explanation) from error
        X, y = validated if has_y else (validated, y)
        if mapped:
            warn_of_scattered_rows(X)
            X = MappedRows(X, dtype)
            if ensure_all_finite:
                check_all_finite(X, estimator_name=type(estimator).__name__)
    if not has_y:
        return X
    return X, column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y


def explain(message, X):
    """Return a clearer message for an error of scikit-learn, or None.

    scikit-learn does not say whether X or y has the text, and in which column.
    """
    if message.startswith("could not convert string to float") and np.ndim(X) == 2:
        column = find_text_column(X)
        if column is None:
            return f"y must hold real numbers: {message}. For labels, use a classifier."
        return (
            f"X has text in column {column!r}: {message}. Convert text to numbers, for "
            "example with OneHotEncoder in a ColumnTransformer."
        )
    if message == "Input contains NaN":  # X is converted to numbers before
        return "Input y contains NaN. Remove the rows without a label."
    if message.startswith("Found array with dim"):
        return f"{message} X.reshape(len(X), -1) makes a row of each image."
    return None


def find_text_column(X):
    """Return the name or the position of the first column with text, or None."""
    if sparse.issparse(X):
        return None
    columns = np.asarray(X, dtype=object).T
    names = getattr(X, "columns", range(len(columns)))
    for name, column in zip(names, columns, strict=True):
        try:
            column.astype(np.float64)
        except ValueError:
            return name
    return None


def is_ready(estimator, X, dtype):
    """Return whether X is an array to which validation would do nothing.

    Validation takes a third of the time of predicting one row.
    """
    return (
        type(X) is np.ndarray
        and X.dtype == dtype
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and X.flags.c_contiguous
        and not hasattr(estimator, "feature_names_in_")
    )


def validate_tensor(estimator, X, dtype, reset, ensure_all_finite):
    """Check a tensor X as `validate_data` checks an array. Return it in `dtype`."""
    if X.layout is not torch.strided or X.is_complex() or X.is_meta:
        raise ValueError(
            "X must be a dense tensor of real numbers; got a tensor with layout "
            f"{X.layout} and dtype {X.dtype} on device {X.device}."
        )
    if X.ndim != 2:
        raise ValueError(f"Expected a 2D tensor X; got shape {tuple(X.shape)}.")
    for size, name in zip(X.shape, ("sample", "feature"), strict=True):
        if size == 0:
            raise ValueError(
                f"Found a tensor X with 0 {name}(s) (shape={tuple(X.shape)}) while a "
                "minimum of 1 is required."
            )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if X.device.type == "mps" and dtype == np.float64:
        X = X.cpu()  # MPS has no float64
    X = X.detach().to(getattr(torch, dtype.name)).contiguous()
    if ensure_all_finite:
        check_all_finite(X)
    return X


def check_validation_arguments(X_val, y_val, sample_weight_val):
    """Raise where a part of the validation data is missing."""
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together.")
    if X_val is None and sample_weight_val is not None:
        raise ValueError("sample_weight_val was given without X_val.")


def check_all_finite(X, estimator_name=""):
    """Raise if an array, tensor, CSR matrix or map contains NaN or infinity."""
    if isinstance(X, MappedRows):
        for block in X.blocks():
            check_all_finite(block, estimator_name)
    elif not torch.is_tensor(X):
        assert_all_finite(X, estimator_name=estimator_name, input_name="X")
    elif not X.isfinite().all():
        problem = "NaN" if X.isnan().any() else f"infinity in {X.dtype}"
        raise ValueError(f"Input X contains {problem}.")


def check_unit_interval(X):
    """Raise if validated X is outside [0, 1], which cross-entropy does not allow."""
    values = X.data if sparse.issparse(X) else X
    if torch.is_tensor(X):
        low, high = (float(limit) for limit in torch.aminmax(X))
    else:
        low, high = values.min(initial=0), values.max(initial=1)
    rounding = 8 * float(np.finfo(float_dtype(X)).eps)  # of MinMaxScaler
    if low < -rounding or high > 1 + rounding:
        raise ValueError(
            f"X must be in [0, 1] for loss='cross_entropy', but it has values from "
            f"{low:g} to {high:g}. Scale it, for example with MinMaxScaler(clip=True), "
            "or set loss='squared_error'."
        )
