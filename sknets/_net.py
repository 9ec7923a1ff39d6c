"""The skorch net, and the only place that knows skorch."""

from copy import deepcopy

import numpy as np
import torch
from sklearn.base import ClassifierMixin, clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.dataset import Dataset

from sknets._evaluation import Evaluation
from sknets._optimizers import OPTIMIZERS
from sknets._training import Training, TrainingStopped


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
    options = {}
    if optimizer in OPTIMIZERS:
        # There is no fused Adagrad on MPS.
        options["optimizer__fused"] = device.type != "mps"
        options["optimizer__weight_decay"] = weight_decay
        optimizer, own_options = OPTIMIZERS[optimizer]
        options |= {f"optimizer__{name}": value for name, value in own_options.items()}
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

    @property
    def X(self):  # noqa: N802
        """The features."""
        return self.rows.inputs()

    @property
    def y(self):
        """The targets; None for an autoencoder."""
        return self.rows.targets()


class LeanNet(Training, Evaluation, NeuralNet):
    """A skorch net whose epochs cost little more than their arithmetic.

    Estimators use `train` and `infer_rows`. `predict` and `score` are for callbacks,
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
        """Return the outputs of the module for X."""
        return self.infer_rows(self.module_, X)

    def score(self, X, y=None):
        """Return the negative mean loss of the outputs for X as their own target."""
        return -self.infer_rows(self.row_errors, X).mean(dtype=np.float64)

    def row_errors(self, X):
        """Return the error of each row of a tensor, of shape (n_rows, 1)."""
        return self.criterion_.row_errors(self.module_(X), X).unsqueeze(1)


class ClassifierNet(ClassifierMixin, LeanNet):
    """A net whose criterion turns outputs into probabilities and codes."""

    @property
    def classes_(self):
        """The codes of the classes."""
        return np.arange(self.n_outputs)

    def predict_proba(self, X):
        """Return the probabilities of the classes."""
        return self.infer_rows(
            lambda X: self.criterion_.probabilities(self.module_(X)), X
        )

    def predict(self, X):
        """Return the codes of the most probable classes."""
        return self._infer(self.criterion_.codes, X)

    def _infer(self, function, X):
        return self.infer_rows(lambda rows: function(self.module_(rows)), X)
