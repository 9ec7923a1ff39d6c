"""The skorch net, and the only place that knows skorch."""

import math
from copy import deepcopy

import numpy as np
import torch
from scipy import sparse
from sklearn.base import ClassifierMixin, clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, LRScheduler, PrintLog
from skorch.dataset import Dataset

from sknets._training.evaluation import evaluate
from sknets._training.optimizers import OPTIMIZERS, find_optimizer
from sknets._training.trainer import TRAINING_ATTRIBUTES, Training, TrainingStopped


def build_net(
    module,
    criterion,
    *,
    n_outputs,
    optimizer,
    weight_decay,
    callbacks,
    device,
    dtype,
    seed,
    verbose,
):
    """Return a net ready to train, around a module that has its initial weights.

    The criterion is a class; one of classifiers has `probabilities` and `codes`.
    `optimizer`, `weight_decay`, `callbacks`, `dtype` and `verbose` are the parameters
    of the estimators; `seed` decides shuffling, dropout and corruption.
    """
    check_callbacks(callbacks or [])
    options = {}
    if optimizer in OPTIMIZERS:
        optimizer, own_options = find_optimizer(optimizer, device)
        options = {f"optimizer__{name}": value for name, value in own_options.items()}
        options["optimizer__weight_decay"] = weight_decay
    if weight_decay:
        options["optimizer__weight_decay"] = weight_decay
        options["optimizer__param_groups"] = [("*bias", {"weight_decay": 0.0})]
    kind = ClassifierNet if hasattr(criterion, "codes") else LeanNet
    net = kind(
        module.to(getattr(torch, dtype)),
        criterion,
        optimizer=optimizer,
        callbacks=clone(callbacks or [], safe=False),
        device=str(device),
        train_split=None,
        verbose=verbose,
        # Callbacks that score predict for themselves: dropout is off then.
        use_caching=False,
        n_outputs=n_outputs,
        dtype=dtype,
        seed=seed,
        **options,
    ).initialize()
    # A second reference to the trained module would double a pickle.
    net.module = type(module)
    return net


def check_callbacks(callbacks):
    """Raise where something else than skorch's callbacks is among them."""
    for callback in callbacks:
        if isinstance(callback, tuple) and len(callback) == 2:
            _, callback = callback
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback):
            raise TypeError(
                "callbacks must be of skorch.callbacks, or pairs of a name and one of "
                f"them, got {callback!r}. Those of scikit-learn are set by "
                "set_callbacks."
            )


class CallbackDataset(Dataset):
    """Rows as callbacks expect them, with an `X` and a `y`: a tensor or CSR, and codes.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        position = torch.tensor([i], device=self.rows.device)
        X, y = self.rows.take(position)
        return X[0], (y[0] if isinstance(y, tuple) else y)[0]

    @property
    def X(self):  # noqa: N802
        """The features."""
        return self.rows.inputs()

    @property
    def y(self):
        """The targets; None for an autoencoder."""
        return self.rows.targets()


class LeanNet(Training, NeuralNet):
    """A skorch net whose epochs cost little more than their arithmetic.

    Estimators use `train`. `predict` and `score` are for callbacks,
    which know the classes by their codes.
    """

    def __init__(self, *args, n_outputs, dtype, seed, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_outputs = n_outputs
        self.dtype = dtype
        self.seed = seed

    @property
    def _default_callbacks(self):
        if not self.verbose:
            return []
        return [
            ("epoch_timer", EpochTimer()),
            ("print_log", PrintLog(floatfmt=".5f")),
        ]

    def __getstate__(self):
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k not in TRAINING_ATTRIBUTES}

    def snapshot(self):
        """Return what training changes, as a copy."""
        states = self.module_.state_dict(), self.optimizer_.state_dict()
        return deepcopy(states), len(self.history)

    def restore(self, snapshot):
        """Go back to a snapshot, after training that failed."""
        (module_state, optimizer_state), n_epochs = snapshot
        self.module_.load_state_dict(module_state)
        self.optimizer_.load_state_dict(optimizer_state)
        del self.history[n_epochs:]

    def notify(self, method_name, **kwargs):
        """Call a hook of the net and of all callbacks.

        A KeyboardInterrupt from a callback is how skorch's callbacks ask for an end of
        training, and a Ctrl-C during a callback looks the same; elsewhere it is raised.
        """
        getattr(self, method_name)(self, **kwargs)
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                raise TrainingStopped from error

    def hears(self, *hooks):
        """Say whether a callback has any of these hooks."""
        return any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in hooks
        )

    def check_schedule(self, lr_schedule):
        """Raise where a callback would change the learning rate besides a schedule."""
        schedulers = any(isinstance(c, LRScheduler) for _, c in self.callbacks_)
        if schedulers and lr_schedule != "constant":
            raise ValueError(
                "LRScheduler among the callbacks needs lr_schedule='constant', got "
                f"lr_schedule={lr_schedule!r}."
            )

    def as_dataset(self, rows):
        """Return rows as callbacks expect them, or None for None."""
        return None if rows is None else CallbackDataset(rows)

    def frozen_copy(self):
        """Return a net that evaluates, with the weights as they are now."""
        self._set_generators(lambda: None)
        net = object.__new__(type(self))
        vars(net).update(
            vars(self),
            module_=deepcopy(self.module_).eval(),
            history_=type(self.history)(self.history),
        )
        net.forget_training()
        del net.optimizer_
        return net

    def predict(self, X):
        """Return the outputs of the module for X, or for those of a dataset."""
        return self._infer(X)

    def score(self, X, y=None):
        """Return the negative mean loss of the outputs for X as their own target."""
        return -self._infer(X, function=self.row_errors).mean(dtype=np.float64)

    def _infer(self, X, **how):
        rows = self._in_precision(X)
        results, _ = evaluate(self.module_, rows, np.dtype(self.dtype), **how)
        return results

    def _in_precision(self, X):
        X = X.X if isinstance(X, CallbackDataset) else X
        if torch.is_tensor(X):
            return X.to(getattr(torch, self.dtype))
        if sparse.issparse(X):
            return sparse.csr_array(X, dtype=self.dtype)
        return np.asarray(X, self.dtype)

    def row_errors(self, module, X):
        """Return the error of each row of a tensor, of shape (n_rows,)."""
        return self.criterion_.row_errors(module(X), X)

    def curves(self):
        """Return what the history has of each epoch, as attributes of estimators."""

        def curve(name):
            values = [epoch.get(name, math.nan) for epoch in self.history]
            recorded = name == "train_loss" or any(name in e for e in self.history)
            return values if recorded else None

        return {
            "n_iter_": len(self.history),
            "loss_curve_": curve("train_loss"),
            "validation_loss_curve_": curve("valid_loss"),
            "validation_scores_": curve("valid_score"),
        }


class ClassifierNet(ClassifierMixin, LeanNet):
    """A net whose criterion turns outputs into probabilities and codes."""

    @property
    def classes_(self):
        """The codes of the classes."""
        return np.arange(self.n_outputs)

    def predict_proba(self, X):
        """Return the probabilities of the classes."""
        return self._infer(X, finish=self.criterion_.probabilities)

    def predict(self, X):
        """Return the codes of the most probable classes."""
        return self._infer(X, finish=self.criterion_.codes)
