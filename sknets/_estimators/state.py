"""How an estimator is copied, cloned and pickled.

Its state has no class of this package, of torch or of skorch. So a pickle can be read
on another device, and by a version of this package whose files have other names.
"""

import warnings
from copy import copy, deepcopy
from importlib.metadata import version

import numpy as np
import sklearn
import torch
from sklearn.exceptions import InconsistentVersionWarning

from sknets._compute.devices import available_device, explain_memory_errors
from sknets._estimators.sklearn_callbacks import curve_attributes

VERSIONS = {"sknets": version("sknets"), "scikit-learn": sklearn.__version__}


class EstimatorState:
    """Mixin of the estimators: copies and pickles."""

    _copied_parameters = ("callbacks",)  # scikit-learn's clone loses their state

    def __sklearn_clone__(self):
        plain = copy(self)
        for name in self._copied_parameters:
            setattr(plain, name, None)
        cloned = super(EstimatorState, plain).__sklearn_clone__()
        for name in self._copied_parameters:
            setattr(cloned, name, deepcopy(getattr(self, name)))
        return cloned

    def __copy__(self):
        # Without this method, `copy` would build a second network. scikit-learn's
        # callbacks copy an estimator in each epoch.
        shallow = object.__new__(type(self))
        vars(shallow).update(vars(self))
        return shallow

    def __getstate__(self):
        state = dict(super().__getstate__())
        state["_versions"] = VERSIONS.copy()
        if "net_" in state:
            keeps_optimizer = self.warm_start or self.net_.continues_in_parts
            state["_network"] = self._network_to_plain(with_optimizer=keeps_optimizer)
            derived = curve_attributes(self.net_.curves)
            for name in ("net_", "_targets", "_parameters_of_net", *derived):
                state.pop(name, None)
        return state

    def __setstate__(self, state):
        state = {
            name: np.array(value) if isinstance(value, np.memmap) else value
            for name, value in state.items()
        }
        warn_of_versions(type(self).__name__, state.pop("_versions", VERSIONS))
        network = state.pop("_network", None)
        super().__setstate__(state)
        if network is not None:
            self._restore_network(network)

    def _network_to_plain(self, *, with_optimizer):
        """Return the net, its targets and its parameters as plain values.

        Parameters keep the values that users gave them.
        """
        return {
            "parameters": self._parameters_of_net,
            "targets": self._targets.to_plain(),
            **self.net_.to_plain(with_optimizer=with_optimizer),
        }

    def _as_built(self, plain):
        """Return a copy with the parameters and targets that the network had.

        Parameters may have changed since it was built.
        """
        builder = copy(self)
        vars(builder).update(plain["parameters"])
        builder._targets = builder._restore_targets(plain["targets"])
        return builder

    @torch.inference_mode(False)
    def _restore_network(self, plain):
        """Set `net_`, and all that belongs to it, from plain values.

        Parameters
        ----------
        plain : dict
            Result of `_network_to_plain`.
        """
        builder = self._as_built(plain)
        sizes = self.n_features_in_, builder._targets.n_outputs
        device = available_device(builder.device, builder.dtype)
        with explain_memory_errors(builder._describe_size(*sizes)):
            net = builder._wrap_module(
                builder._build_module(*sizes),
                device,
                seed=plain["seed"],
                learning_rate=plain["learning_rate"],
                weight_decay=plain["weight_decay"],
                callbacks=None,
            )
        net.load_plain(plain)
        self.net_, self._targets = net, builder._targets
        self._parameters_of_net = plain["parameters"]
        vars(self).update(curve_attributes(net.curves))


def warn_of_versions(name, versions):
    """Warn if the versions of a saved estimator differ from the installed ones."""
    saved, installed = versions["scikit-learn"], VERSIONS["scikit-learn"]
    if saved != installed:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=name,
                current_sklearn_version=installed,
                original_sklearn_version=saved,
            ),
            stacklevel=3,
        )
    saved, installed = versions["sknets"], VERSIONS["sknets"]
    if saved != installed:
        warnings.warn(
            f"This {name} was pickled by sknets {saved}, but the installed version is "
            f"{installed}. It may not work, or have other results. Files of `save` can "
            "be read by all later versions.",
            stacklevel=3,
        )
