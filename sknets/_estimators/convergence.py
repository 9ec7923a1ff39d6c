"""Warn if a network has learned nothing."""

import warnings

import numpy as np
import torch
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sknets._data.feature_statistics import measure
from sknets._training.sparse_batches import evaluation_batches

# A loss is clearly worse than the baseline if it is larger by this factor and amount.
# Dropout and the last large updates can make the loss of a sound fit a little larger.
FACTOR, AMOUNT = 1.1, 0.05

# A loss above this share of the baseline is as good as the baseline.
AT_CHANCE = 0.99

# Unscaled features beyond these values make a loss near the baseline suspicious.
LARGE, SMALL = 100.0, 0.01

# Number of rows to compare, and the largest difference of outputs that do not depend on
# X.
N_COMPARED, CONSTANT = 1000, 1e-3

BLOCK_ROWS = 4096


def warn_if_nothing_learned(estimator, rows):
    """Warn if the training loss is no better than that of a constant prediction.

    Parameters
    ----------
    estimator : NetworkEstimator
        Estimator whose net was trained.
    rows : Rows
        The training data.
    """
    outputs = estimator._targets.best_constant(rows.targets(), rows.weights())
    if outputs is None:
        return
    baseline = constant_loss(outputs, estimator.net_.criterion_, rows)
    loss = estimator.net_.curves.train_loss[-1]
    if baseline < AMOUNT or loss <= AT_CHANCE * baseline:
        return  # almost nothing to learn, or something was learned
    positions = torch.arange(min(len(rows), N_COMPARED), device=rows.device)
    network = estimator.module_
    make_batch = evaluation_batches(network, rows.X, rows.device)
    X, _, _ = rows.take(positions, make_batch)
    if X.has_equal_rows() if make_batch else (X[0] == X).all():
        return  # no network could tell the rows apart
    largest = None if network.scales_input else largest_value(rows.X)
    if largest is not None and not SMALL <= largest <= LARGE:
        remedy = (
            f"The largest absolute value of X is {largest:g}. Set standardize=True, or "
            "put a StandardScaler in front."
        )
    elif loss > FACTOR * baseline + AMOUNT or ignores_inputs(network, X):
        remedy = (
            f"Lower learning_rate, which is {estimator._learning_rate:g}, or simplify "
            "the network."
        )
    else:
        return
    warnings.warn(
        f"{type(estimator).__name__} has learned nothing: its training loss is "
        f"{loss:.4g}, and the best prediction that ignores X has {baseline:.4g}. "
        f"{remedy}",
        ConvergenceWarning,
        stacklevel=5,
    )


def warn_if_worse_than_mean(estimator, X, error):
    """Warn if an autoencoder restores X clearly worse than the mean of X does.

    Parameters
    ----------
    estimator : DenoisingAutoencoderTransformer
    X : ndarray, tensor or CSR matrix
        The training data.
    error : float
        Mean half squared error of its rows.
    """
    baseline = measure(X).variance.sum() / 2
    if baseline == 0 or error <= FACTOR * baseline:
        return
    warnings.warn(
        f"{type(estimator).__name__} has learned nothing: its mean error is "
        f"{error:.4g}, and that of the mean of X is {baseline:.4g}. Put a "
        "StandardScaler in front, or choose an output_activation with the range of X.",
        ConvergenceWarning,
        stacklevel=6,
    )


@torch.inference_mode()
def constant_loss(outputs, criterion, rows):
    """Return the mean loss of the same outputs for all rows."""
    y, weight = rows.targets(), rows.weights()
    outputs = outputs.to(rows.dtype)
    total = 0.0
    # In blocks, since the outputs of a million rows may not fit into the memory.
    for block in torch.arange(len(y), device=y.device).split(BLOCK_ROWS):
        block_weight = None if weight is None else weight[block]
        losses = criterion(outputs.expand(len(block), -1), y[block], block_weight)
        total += losses.item() * len(block)
    return total / len(y)


@torch.inference_mode()
def ignores_inputs(network, X):
    """Return whether a network with hidden layers has the same outputs for all rows.

    Without hidden layers, such outputs may be the best that there are.
    """
    n_layers = sum(hasattr(layer, "weight") for layer in network.modules())
    if n_layers == 1:
        return False
    outputs = network(X)
    return bool((outputs - outputs[0]).abs().max() < CONSTANT)


def largest_value(X):
    """Return the largest absolute value of an ndarray, tensor or CSR matrix."""
    values = X.data if sparse.issparse(X) else X
    if not np.prod(values.shape):
        return 0.0
    return float(max(values.max(), -values.min()))
