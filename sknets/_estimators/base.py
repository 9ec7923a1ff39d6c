"""Base class of the estimators: validate, build, train, set fitted attributes."""

import warnings
from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sknets._compute.devices import explain_memory_errors, resolve_device
from sknets._compute.seeds import INITIALISATION, draw_seed, spawn_generator
from sknets._data.inputs import (
    NO_Y,
    check_all_finite,
    exact_dtype,
    float_dtype,
    in_precision,
    validate,
)
from sknets._data.scaling import find_scale
from sknets._data.sklearn_compat import CallbackSupportMixin
from sknets._estimators.automatic import AutomaticParameters
from sknets._estimators.convergence import warn_if_nothing_learned
from sknets._estimators.model_file import ModelFile
from sknets._estimators.notebook import NotebookDisplay
from sknets._estimators.parameters import (
    SHARED_CONSTRAINTS,
    warn_of_ineffective_parameters,
)
from sknets._estimators.resuming import begin_or_resume
from sknets._estimators.scoring import ValidationScore
from sknets._estimators.sklearn_callbacks import EpochTasks, curve_attributes
from sknets._estimators.state import EstimatorState
from sknets._estimators.validation_split import hold_out
from sknets._networks.sparse import allocate_by_feature
from sknets._training.early_stopping import EarlyStopping
from sknets._training.evaluation import evaluate, input_dtype, require_finite
from sknets._training.progress import BatchProgress
from sknets._training.rows import Rows
from sknets._training.skorch_callbacks import check_callbacks
from sknets._training.skorch_net import build_net
from sknets._training.sparse_batches import reads_sparse
from sknets._training.trainer import Trainer
from sknets._training.validation import ValidationLoss


class NetworkEstimator(
    ModelFile,
    EstimatorState,
    AutomaticParameters,
    NotebookDisplay,
    CallbackSupportMixin,
    BaseEstimator,
):
    """Base class of the estimators: a torch module behind scikit-learn's interface.

    A subclass defines how to build its module (`_build_module`), which parameters
    decide its size (`_size_parameters`), and what "auto" stands for. It sets `_targets`
    before it calls `_build`.
    """

    _size_parameters = ()
    _y_options = {}
    _n_channels = None  # of the images in X

    _parameter_constraints = SHARED_CONSTRAINTS

    def _store(self, parameters):
        """Store the arguments of `__init__`, given as its ``locals()``."""
        for name, value in parameters.items():
            if name != "self":
                setattr(self, name, value)

    @property
    def module_(self):
        """The trained torch module."""
        return self._fitted_net("module_").module_

    @property
    def device_(self):
        """The device of the weights."""
        return torch.device(self._fitted_net("device_").device)

    def _fitted_net(self, attribute):
        """Return `net_`. Raise an error that names the attribute if there is no net."""
        if "net_" not in vars(self):
            # It is also an AttributeError, so `hasattr` returns False.
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet, so it has no "
                f"attribute {attribute!r}. Call 'fit' first."
            )
        return self.net_

    def _build_module(self, n_features, n_outputs):
        """Return a torch module that has a method `reset_parameters(generator)`."""
        raise NotImplementedError

    def _validate(self, X, y=NO_Y, *, reset, ensure_all_finite=True, dtype=None):
        """Return X, or X and y, as validated arrays.

        By default, X has the dtype of the network's weights. If `dtype` is given, X has
        the dtype that the network needs to return results of `dtype`.
        """
        if dtype is not None:
            dtype = input_dtype(self.module_, dtype)
        else:
            dtype = self._training_dtype(X, reset)
        return validate(
            self,
            X,
            y,
            dtype=np.dtype(dtype),
            reset=reset,
            ensure_all_finite=ensure_all_finite,
            y_options=self._y_options,
        )

    def _training_dtype(self, X, reset):
        """Return the dtype of X for training: its own if the network may scale it."""
        if reset:
            scales, dtype = self._standardize is not False, self.dtype
            device = resolve_device(self.device, dtype)
        else:
            scales, dtype = self.module_.scales_input, self._fitted_dtype
            device = self.device_
        if not scales or device.type == "mps":  # which has no float64
            return dtype
        return np.result_type(exact_dtype(X), dtype)

    @property
    def _fitted_dtype(self):
        return self.net_.dtype

    def _continues(self, *, partial):
        """Return whether this call continues the previous `fit` or `partial_fit`."""
        return (partial or self.warm_start) and hasattr(self, "net_")

    @torch.inference_mode(False)
    def _build(self, X, sample_weight=None, *, n_samples=None):
        """Set `net_` to a new, untrained net for validated X and the targets.

        Parameters
        ----------
        X, sample_weight : see `Rows`
        n_samples : int or None
            Number of rows that X stands for. None if more will follow.
        """
        n_features = X.shape[1]
        n_outputs = self._targets.n_outputs
        check_callbacks(self.callbacks or [], self.lr_schedule)
        device = resolve_device(self.device, self.dtype)
        seed = draw_seed(self.random_state)
        with explain_memory_errors(self._describe_size(n_features, n_outputs)):
            module = self._build_module(n_features, n_outputs)
            if module.trains_on_sparse and reads_sparse(module, X):
                allocate_by_feature(module.sparse_layer().weight)
            module.reset_parameters(spawn_generator(seed, INITIALISATION))
            self.net_ = self._wrap_module(
                module,
                device,
                seed=seed,
                learning_rate=self._learning_rate,
                weight_decay=self._weight_decay(n_samples),
                callbacks=self.callbacks,
            )
        self._scale_input(X, sample_weight)
        self._parameters_of_net = self.get_params(deep=False)

    def _scale_input(self, X, sample_weight):
        """Measure the scale of X, and set that of the new network."""
        shift, scale = find_scale(X, sample_weight, self._standardize, self._n_channels)
        if scale is not None:
            self.module_.input_scale.set(shift, scale)

    def _wrap_module(self, module, device, **options):
        """Return the net of a module. See `build_net` for the options."""
        return build_net(
            module,
            self._targets.criterion,
            n_classes=self._targets.n_classes,
            optimizer=self.optimizer,
            device=device,
            dtype=self.dtype,
            verbose=self.verbose,
            **options,
        )

    def _describe_size(self, n_features, n_outputs):
        sizes = [f"{name}={getattr(self, name)}" for name in self._size_parameters]
        parameters = ", ".join([*sizes, f"dtype={self.dtype!r}"])
        return f"a network of {n_features} inputs, {n_outputs} outputs, {parameters}"

    @torch.inference_mode(False)
    def _train(
        self,
        X,
        y=None,
        sample_weight=None,
        *,
        given,
        validation=None,
        single_pass=False,
        prepare=None,
    ):
        """Train `net_` on validated data and set the fitted attributes.

        Parameters
        ----------
        X, y, sample_weight : see `Rows`
        given : dict
            X, y and metadata as the user passed them, for callbacks.
        validation : tuple of X, y and sample_weight, or None
        single_pass : bool
            Whether to train for one epoch at a constant rate.
        prepare : callable or None
            What to do before training, unless a checkpoint has its result.
        """
        net = self.net_
        if not self.module_.scales_input:
            X = in_precision(X, net.dtype)
        if n_before := len(net.curves):
            warn_of_ineffective_parameters(self)
        data = [X, y, sample_weight, *(validation or ())]
        files = begin_or_resume(self, data, prepare, single_pass=single_pass)
        where = {"device": self.device_, "dtype": getattr(torch, net.dtype)}
        rows = Rows(X, y, sample_weight, **where)
        held_out, source = None, X
        if validation is not None:
            held_out, source = Rows(*validation, **where), validation[0]
        elif self.early_stopping and not single_pass:
            rows, held_out = hold_out(
                rows, self._targets, self.validation_fraction, net.seed
            )
        if held_out is None and self.scoring is not None and not single_pass:
            warnings.warn(
                f"scoring={self.scoring!r} has no effect without validation data. Pass "
                "X_val to fit, or set early_stopping=True.",
                stacklevel=5,
            )
        n_epochs = 1 if single_pass else self._count_epochs(len(rows))
        stopping, observers = None, []
        if held_out is not None:
            observers.append(ValidationLoss(held_out))
            if self.scoring is not None:
                observers.append(ValidationScore(self, source, held_out))
            if self.early_stopping:
                stopping = EarlyStopping(self._patience(n_epochs), self.tol)
                observers.append(stopping)
        if net.verbose >= 2:
            observers.append(BatchProgress())
        observers.append(net.observer(rows, held_out))
        observers += [EpochTasks(self, n_epochs, given), *files]
        # skorch's callbacks read these attributes.
        net.lr, net.batch_size = self._learning_rate, self.batch_size
        Trainer(
            net.module_,
            net.criterion_,
            net.optimizer_,
            net.curves,
            seed=net.seed,
            learning_rate=self._learning_rate,
            lr_schedule="constant" if single_pass else self.lr_schedule,
            batch_size=self.batch_size,
            max_grad_norm=self.max_grad_norm,
            observers=observers,
        ).train(rows, n_epochs, len(net.curves) - n_before)
        net.continues_in_parts = single_pass
        if single_pass:
            net.forget_old_entries()
        elif self.max_epochs == "auto" and (
            len(net.curves) == n_before + n_epochs
            or (stopping is not None and stopping.best.is_out_of_patience)
        ):
            warn_if_nothing_learned(self, rows)
        self.best_epoch_ = None if stopping is None else stopping.best.epoch
        vars(self).update(curve_attributes(net.curves))
        return self

    @property
    def _standardize(self):
        """How to scale X: True, False or "auto"."""
        return self.standardize

    def _forward(self, X, **how):
        """Validate X and evaluate the network on it, with options of `evaluate`."""
        dtype = float_dtype(X)
        rows = self._validate(X, reset=False, ensure_all_finite=False, dtype=dtype)
        results, is_finite = evaluate(self.module_, rows, dtype, **how)
        if not is_finite:
            check_all_finite(rows, estimator_name=type(self).__name__)
            # A sum can overflow where no number does. Look at each output.
            how["finish"] = partial(require_finite, dtype=dtype)
            evaluate(self.module_, rows, dtype, **how)
        return results

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
