"""Small trainings that the experiments interrupt, and what they must result in."""

import hashlib
import json
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from sknets import (
    Checkpoint,
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 16))
LABELS = np.array(["a", "b", "c"])[X[:, :3].argmax(axis=1)]
NUMBERS = X[:, 0] * X[:, 1]

SHARED = {"batch_size": 10, "random_state": 0, "device": "cpu"}
STOPPING = {"early_stopping": True, "n_iter_no_change": 8}
MODELS = {
    "softmax": SoftmaxClassifier(max_epochs=30, standardize=True, **SHARED),
    "perceptron, early stopping, cosine": MLPDropoutClassifier(
        12, optimizer="adam", lr_schedule="cosine", max_epochs=30, **STOPPING, **SHARED
    ),
    "perceptron, warm start, adamw": MLPDropoutClassifier(
        12, optimizer="adamw", warm_start=True, max_epochs=15, **SHARED
    ),
    "perceptron, sgd along OneCycleLR": MLPDropoutClassifier(
        (8, 8),
        optimizer="sgd",
        lr_schedule=partial(OneCycleLR, max_lr=0.1),
        max_epochs=30,
        **SHARED,
    ),
    "regressor, r2, ReduceLROnPlateau": MLPDropoutRegressor(
        12,
        scoring="r2",
        lr_schedule=partial(ReduceLROnPlateau, patience=1),
        max_epochs=30,
        **STOPPING,
        **SHARED,
    ),
    "convolutional net, float64": ConvNetClassifier(
        (2, 2), kernel_size=3, hidden_layer_sizes=4, max_epochs=8, dtype="float64"
    ).set_params(**SHARED),
    "autoencoder, pre-trained": DenoisingAutoencoderTransformer(
        3, hidden_layer_sizes=6, pretrain_epochs=5, max_epochs=20, **SHARED
    ),
    "variational autoencoder": VariationalAutoencoderTransformer(
        2, hidden_layer_sizes=5, max_epochs=20, **SHARED
    ),
}


def train(name, folder=None, every=1):
    """Return the trained model of a name, with checkpoints in a folder if given."""
    torch.set_num_threads(1)
    model = clone(MODELS[name])
    if folder is not None:
        model.set_params(callbacks=[Checkpoint(folder, every)])
    y = NUMBERS if isinstance(model, MLPDropoutRegressor) else LABELS
    model.fit(X, y)
    return model.fit(X, y) if model.warm_start else model


def fingerprint(model):
    """Return a digest of all that training decides: weights, curves, history."""
    net = model.net_
    digest = hashlib.sha256()
    for key, tensor in sorted(net.module_.state_dict().items()):
        digest.update(key.encode() + tensor.numpy().tobytes())
    for _, state in sorted(net.optimizer_.state_dict()["state"].items()):
        for key, value in sorted(state.items()):
            digest.update(key.encode() + value.numpy().tobytes())
    numbers = [list(net.history), net.curves.to_plain()]
    numbers += [model.n_iter_, model.best_epoch_, net.seed]
    digest.update(json.dumps(numbers, sort_keys=True).encode())
    return digest.hexdigest()
