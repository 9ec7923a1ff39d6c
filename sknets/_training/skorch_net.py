"""The skorch net around a network. It keeps the state for further training."""

from copy import deepcopy

import numpy as np
import torch
from scipy import sparse
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import EpochTimer

from sknets._training.checkpoints import split_callbacks
from sknets._training.curves import Curves
from sknets._training.evaluation import evaluate
from sknets._training.mapped_rows import MappedRows
from sknets._training.optimizers import find_optimizer
from sknets._training.plain_state import (
    arrays_to_module,
    module_to_arrays,
    optimizer_to_plain,
    plain_to_optimizer,
)
from sknets._training.skorch_callbacks import (
    CallbackDataset,
    EpochLog,
    SkorchCallbacks,
    without_scheduler,
)

# Many calls of partial_fit must not make the history grow without bound.
MAX_HISTORY_ENTRIES = 1000


def build_net(
    network,
    criterion,
    *,
    n_classes,
    optimizer,
    learning_rate,
    weight_decay,
    callbacks,
    device,
    dtype,
    seed,
    verbose,
):
    """Return a net that is ready to train a network with initial weights.

    Parameters
    ----------
    network : Network
    criterion : subclass of Loss
    n_classes : int or None
        None if the outputs are not logits of classes.
    optimizer, learning_rate, weight_decay, callbacks, dtype, verbose
        See the parameters of the estimators.
    device : torch.device
    seed : int
        Decides shuffling, dropout and corruption.
    """
    options = {}
    if isinstance(optimizer, str):
        optimizer, own_options = find_optimizer(optimizer, device)
        options = {f"optimizer__{name}": value for name, value in own_options.items()}
        options["optimizer__weight_decay"] = weight_decay
    if weight_decay:
        options["optimizer__weight_decay"] = weight_decay
        options["optimizer__param_groups"] = [("*bias", {"weight_decay": 0.0})]
    _, callbacks = split_callbacks(callbacks)
    net_class = LeanNet if n_classes is None else ClassifierNet
    net = net_class(
        network.to(getattr(torch, dtype)),
        criterion,
        optimizer=optimizer,
        lr=learning_rate,
        callbacks=deepcopy(callbacks),
        device=str(device),
        train_split=None,
        verbose=verbose,
        # Scoring callbacks must predict again, because training outputs have dropout.
        use_caching=False,
        n_classes=n_classes,
        dtype=dtype,
        seed=seed,
        **options,
    ).initialize()
    if not isinstance(net.optimizer_, torch.optim.Optimizer):
        raise TypeError(
            "optimizer must return a torch.optim.Optimizer for parameters and a "
            f"learning rate; {optimizer!r} returned {net.optimizer_!r}."
        )
    # A second reference to the trained network would double the size of a pickle.
    net.module = type(network)
    return net


class LeanNet(NeuralNet):
    """A skorch net that is trained by a `Trainer`.

    Estimators evaluate the network directly. `predict` and `score` are for callbacks,
    and use the codes of the classes, not the labels.
    """

    continues_in_parts = False  # whether the last training was partial_fit
    is_new = True  # whether its weights are the initial ones

    def __init__(self, *args, n_classes, dtype, seed, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_classes = n_classes
        self.dtype = dtype
        self.seed = seed
        self.curves = Curves()

    @property
    def _default_callbacks(self):
        if not self.verbose:
            return []
        return [
            ("epoch_timer", EpochTimer()),
            ("print_log", EpochLog(floatfmt=".5f")),
        ]

    def observer(self, rows, validation_rows):
        """Return the observer that writes the history and calls the callbacks."""
        return SkorchCallbacks(self, rows, validation_rows)

    def on_epoch_begin(self, net, *args, **kwargs):
        """Begin an entry of the history, without skorch's slow indexing."""
        self.history.append({"batches": [], "epoch": len(self.curves) + 1})

    def forget_old_entries(self):
        """Drop old entries of the history. The curves still have their values."""
        del self.history[:-MAX_HISTORY_ENTRIES]

    def snapshot(self):
        """Return a copy of the state that training changes."""
        parameters = [p.detach().clone() for p in self.module_.parameters()]
        lengths = len(self.history), len(self.curves)
        return parameters, deepcopy(self.optimizer_.state_dict()), lengths

    def restore(self, snapshot):
        """Restore the state of a snapshot."""
        parameters, optimizer_state, (n_entries, n_epochs) = snapshot
        with torch.no_grad():
            for parameter, value in zip(
                self.module_.parameters(), parameters, strict=True
            ):
                parameter.copy_(value)
        self.optimizer_.load_state_dict(optimizer_state)
        del self.history[n_entries:]
        self.curves.truncate(n_epochs)

    def to_plain(self, *, with_optimizer):
        """Return the state for evaluation and further training, as plain values.

        Callbacks of the user are the exception: they are returned as they are.

        Parameters
        ----------
        with_optimizer : bool
            Whether to return the optimizer's state. Without it, training that continues
            begins with a new optimizer.

        Returns
        -------
        plain : dict
        """
        own = [name for name, _ in self._default_callbacks]
        optimizer = getattr(self, "optimizer_", None)  # a frozen copy has none
        return {
            "weights": module_to_arrays(self.module_),
            "optimizer": optimizer
            and optimizer_to_plain(optimizer, with_state=with_optimizer),
            "curves": self.curves.to_plain(),
            "history": list(self.history),
            "callbacks": [
                (name, without_scheduler(callback))
                for name, callback in self.callbacks_
                if name not in own
            ],
            "seed": self.seed,
            "learning_rate": self.lr,
            "weight_decay": getattr(self, "optimizer__weight_decay", 0.0),
            "batch_size": self.batch_size,
            "continues_in_parts": self.continues_in_parts,
        }

    def load_plain(self, plain):
        """Restore the state that `to_plain` returned, in a new net."""
        arrays_to_module(plain["weights"], self.module_)
        self.module_.eval()
        if plain["optimizer"] is not None:
            plain_to_optimizer(plain["optimizer"], self.optimizer_)
        self.curves = Curves.from_plain(plain["curves"])
        self.history.extend(plain["history"])
        self.callbacks = plain["callbacks"]
        # skorch puts the user's callbacks before those that print.
        first = [pair for pair in self.callbacks_ if pair[0] != "print_log"]
        last = [pair for pair in self.callbacks_ if pair[0] == "print_log"]
        self.callbacks_ = [*first, *plain["callbacks"], *last]
        self.batch_size = plain["batch_size"]
        self.continues_in_parts = plain["continues_in_parts"]
        self.is_new = False

    def frozen_copy(self):
        """Return a copy for evaluation, with the current weights."""
        net = object.__new__(type(self))
        vars(net).update(
            vars(self),
            module_=self.module_.evaluating_copy(),
            history_=type(self.history)(self.history),
            curves=self.curves.copy(),
        )
        del net.optimizer_
        return net

    def predict(self, X):
        """Return the outputs of the network for X, which may be a dataset."""
        return self._infer(X)

    def score(self, X, y=None):
        """Return the negative mean loss, with X as its own target."""
        return -self._infer(X, function=self.row_losses).mean(dtype=np.float64)

    def row_losses(self, network, X):
        """Return the loss of each row of X, with X as its own target."""
        return network.row_losses(self.criterion_, X, X)

    def _infer(self, X, **how):
        rows = self._in_precision(X)
        results, _ = evaluate(self.module_, rows, np.dtype(self.dtype), **how)
        return results

    def _in_precision(self, X):
        X = X.X if isinstance(X, CallbackDataset) else X
        dtype = self.dtype
        if self.module_.scales_input and not is_float32(X):
            dtype = "float64"  # the network scales X before it loses precision
        if torch.is_tensor(X):
            return X.to(getattr(torch, dtype))
        if isinstance(X, MappedRows):
            return X.astype(dtype)
        if sparse.issparse(X):
            return sparse.csr_array(X, dtype=dtype)
        return np.asarray(X, dtype)


def is_float32(X):
    """Return whether an array, tensor or matrix has the dtype float32."""
    return getattr(X, "dtype", None) in (np.float32, torch.float32)


class ClassifierNet(ClassifierMixin, LeanNet):
    """A net whose loss turns outputs into probabilities and codes."""

    @property
    def classes_(self):
        """The codes of the classes."""
        return np.arange(self.n_classes)

    def predict_proba(self, X):
        """Return the probabilities of the classes."""
        return self._infer(X, finish=self.criterion_.probabilities)

    def predict(self, X):
        """Return the codes of the most probable classes."""
        return self._infer(X, finish=self.criterion_.codes)
