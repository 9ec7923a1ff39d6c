"""Targets: convert y to numbers for a loss, and numbers back to values of y."""

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknets._networks.losses import BinaryCrossEntropy, CrossEntropy


def find_targets(y):
    """Return the kind of targets in a validated y.

    Parameters
    ----------
    y : array or sparse matrix of shape (n_samples,) or (n_samples, n_labels)

    Returns
    -------
    targets : SingleLabel or MultiLabel
    """
    if y.dtype == object and not all(isinstance(label, str) for label in y.flat):
        types = sorted({type(label).__name__ for label in y.flat})
        raise ValueError(
            f"Unknown label type: y has objects of the types {', '.join(types)}. Pass "
            "strings alone, or an array of numbers, without missing labels."
        )
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multilabel-indicator":
        return MultiLabel(np.arange(y.shape[1]))
    if kind == "multiclass-multioutput":
        raise ValueError(
            "y with several columns must be a multilabel indicator of 0 and 1; got "
            "several classes per column."
        )
    return SingleLabel(np.unique(y))


class Targets:
    """Base class of the kinds of targets.

    Attributes
    ----------
    criterion : subclass of Loss
        Loss for training.
    n_outputs : int
        Number of outputs of the network.
    n_classes : int or None
        None if the outputs are not logits of classes.
    """

    n_classes = None

    def decode(self, codes):
        """Convert an ndarray of codes to targets as users know them."""
        raise NotImplementedError

    def to_plain(self):
        """Return what an estimator needs to restore these targets, as a plain dict."""
        return {}

    def strata(self, codes):
        """Return the classes for a stratified validation split, or None."""
        return None

    def best_constant(self, codes, weight):
        """Return the outputs, the same for each row, of the least loss, or None.

        Parameters
        ----------
        codes : tensor of shape (n_samples,) or (n_samples, n_outputs)
        weight : tensor of shape (n_samples,) or None

        Returns
        -------
        outputs : tensor of shape (n_outputs,) or None
            None if the outputs of no row are of interest.
        """
        return None


class Reconstruction(Targets):
    """The targets of an autoencoder: X itself.

    Parameters
    ----------
    criterion : subclass of Loss
    n_features : int
    """

    def __init__(self, criterion, n_features):
        self.criterion = criterion
        self.n_outputs = n_features


class Labels(Targets):
    """Base class of the targets of classifiers, with their classes or labels."""

    def __init__(self, classes):
        self.classes = classes

    @property
    def n_outputs(self):
        """Number of outputs: one for each class or label."""
        return len(self.classes)

    n_classes = n_outputs

    def to_plain(self):
        """Return whether each row has one label. The estimator keeps the classes."""
        return {"exclusive": self.exclusive}

    @staticmethod
    def from_plain(plain, classes):
        """Return targets from the result of `to_plain`, and their classes."""
        if type(plain["exclusive"]) is not bool:
            raise ValueError("the kind of labels is neither true nor false")
        if classes.ndim != 1 or not np.array_equal(np.unique(classes), classes):
            raise ValueError("classes_ is not a sorted array of different labels")
        return (SingleLabel if plain["exclusive"] else MultiLabel)(classes)

    def __eq__(self, other):
        return type(self) is type(other) and np.array_equal(self.classes, other.classes)

    def __str__(self):
        return f"the {self.kind} {self.classes}"


class SingleLabel(Labels):
    """One label per row. The softmax of the logits gives its probabilities.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted classes.
    """

    criterion = CrossEntropy
    exclusive = True
    kind = "classes"

    def encode(self, y):
        """Return the index of each label in `classes`. Raise for unknown labels."""
        if y.ndim > 1:
            raise ValueError(f"y has {y.shape[1]} columns; expected one label per row.")
        unseen = np.setdiff1d(y, self.classes)
        if len(unseen):
            raise ValueError(f"y contains previously unseen labels: {unseen}")
        return np.searchsorted(self.classes, y)

    def strata(self, codes):
        """Return the codes, so that each class is held out in proportion."""
        return codes.cpu().numpy()

    def best_constant(self, codes, weight):
        """Return the logarithms of the frequencies of the classes."""
        counts = torch.bincount(codes, weights=weight, minlength=self.n_outputs)
        return torch.log(counts / counts.sum())

    def decode(self, codes):
        """Return the labels of the codes."""
        return self.classes[codes]


class MultiLabel(Labels):
    """Any number of labels per row. Each label has its own logit and probability.

    Parameters
    ----------
    classes : ndarray of shape (n_labels,)
        Column numbers.
    """

    criterion = BinaryCrossEntropy
    exclusive = False
    kind = "columns"

    def __init__(self, classes):
        if not np.array_equal(classes, np.arange(len(classes))):
            raise ValueError(
                "classes must be the column numbers of a multilabel y, "
                f"range({len(classes)}); got {classes}."
            )
        super().__init__(classes)

    def encode(self, y):
        """Return a multilabel indicator as a dense array of the integers 0 and 1."""
        kind = type_of_target(y)
        if kind != "multilabel-indicator":
            raise ValueError(
                f"y must be a multilabel indicator of 0 and 1; got {kind} targets."
            )
        y = np.asarray(y.toarray() if sparse.issparse(y) else y)
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                "y with several columns must be a multilabel indicator of 0 and 1; got "
                f"the values {np.unique(y)}."
            )
        if y.shape[1] != len(self.classes):
            raise ValueError(
                f"y has {y.shape[1]} columns; expected {len(self.classes)}."
            )
        return y.astype(np.int64)

    def best_constant(self, codes, weight):
        """Return the log-odds of the labels."""
        if weight is None:
            weight = torch.ones(len(codes), device=codes.device)
        frequencies = (weight @ codes.to(weight.dtype)) / weight.sum()
        return torch.logit(frequencies, eps=1e-6)

    def decode(self, codes):
        """Return the indicator unchanged."""
        return codes


class RealNumbers(Targets):
    """Real numbers. Each output is standardised for training.

    Parameters
    ----------
    criterion : subclass of Loss
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Training targets. They determine the mean and the standard deviation.
    sample_weight : ndarray of shape (n_samples,) or None
    """

    def __init__(self, criterion, y, sample_weight=None):
        self.criterion = criterion
        self.is_1d = y.ndim == 1
        y = as_columns(y)
        self.n_outputs = y.shape[1]
        # Divide by the largest absolute value, so that no square overflows.
        largest = np.maximum(np.abs(y).max(axis=0), np.finfo(np.float64).tiny)
        y = y / largest
        mean = np.average(y, axis=0, weights=sample_weight)
        variance = np.average((y - mean) ** 2, axis=0, weights=sample_weight)
        deviation = np.sqrt(variance)
        # A tiny deviation may be a rounding error.
        is_constant = deviation <= 10 * np.finfo(np.float64).eps
        self.mean = mean * largest
        self.scale = np.where(is_constant, 1.0, deviation * largest)

    def to_plain(self):
        """Return mean, scale and shape. The estimator's parameters name the loss."""
        return {"mean": self.mean, "scale": self.scale, "is_1d": self.is_1d}

    @classmethod
    def from_plain(cls, plain, criterion):
        """Return targets from the result of `to_plain`, and their loss."""
        targets = object.__new__(cls)
        targets.criterion = criterion
        targets.mean, targets.scale = np.array(plain["mean"]), np.array(plain["scale"])
        targets.is_1d, targets.n_outputs = plain["is_1d"], targets.mean.size
        shape = (1 if targets.is_1d is True else targets.n_outputs,)
        for values in (targets.mean, targets.scale):
            if values.dtype != np.float64 or values.shape != shape:
                raise ValueError("mean and scale of y are not arrays of their outputs")
        if type(targets.is_1d) is not bool or not np.isfinite(targets.mean).all():
            raise ValueError("mean or shape of y is not valid")
        if not ((targets.scale > 0) & np.isfinite(targets.scale)).all():
            raise ValueError("the scale of y is not positive and finite")
        return targets

    def encode(self, y):
        """Standardise y. Return shape (n_samples, n_outputs)."""
        columns = as_columns(y)
        if (y.ndim == 1) != self.is_1d or columns.shape[1] != self.n_outputs:
            shape = "(n_samples,)" if self.is_1d else f"(n_samples, {self.n_outputs})"
            raise ValueError(f"y has shape {y.shape}; expected {shape}.")
        return (columns - self.mean) / self.scale

    def best_constant(self, codes, weight):
        """Return the mean of standardised y, which is the best for squared errors."""
        return torch.zeros(self.n_outputs, device=codes.device)

    def decode(self, codes):
        """Undo the standardisation."""
        y = codes * self.scale + self.mean
        return y[:, 0] if self.is_1d else y


def as_columns(y):
    """Return y as float64 of shape (n_samples, n_outputs)."""
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must hold real numbers; got an array of dtype {y.dtype}.")
    return np.asarray(y, np.float64).reshape(len(y), -1)
