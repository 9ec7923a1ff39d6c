"""What a trained module makes of data, without gradients."""

import math
from contextlib import contextmanager

import numpy as np
import torch

from sknets._batches import ordered_batches, prediction_blocks
from sknets._threads import share_of_the_cores


class Evaluation:
    """Adds evaluation to a net.

    It has a `module_`, the `tile_rows` of that, a `criterion_` and a `device`.
    """

    def infer_rows(self, function, X):
        """Apply a part of the module to all rows of X.

        Parameters
        ----------
        function : callable
            Maps a tensor (n_rows, n_in) to a tensor (n_rows, n_out).
        X : ndarray, tensor or CSR matrix of shape (n_samples, n_in)

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_out)
        """
        outputs = []
        module = self.module_
        blocks = prediction_blocks(X, module.max_rows, self.tile_rows, self.device)
        with self._evaluation_mode():
            for start, block in blocks:
                outputs.append(function(block)[: X.shape[0] - start].cpu().numpy())
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def mean_loss(self, rows):
        """Return the loss of the module, mean over rows, as a float."""
        total = 0.0
        with self._evaluation_mode():
            for X, target in ordered_batches(rows, self.module_.max_rows):
                total = total + self.criterion_(self.module_(X), target) * len(X)
        return (total / len(rows)).item()

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

    @contextmanager
    def _evaluation_mode(self):
        training = self.module_.training
        if training:
            self.module_.eval()
        try:
            with share_of_the_cores(), torch.inference_mode():
                yield
        finally:
            if training:
                self.module_.train()
