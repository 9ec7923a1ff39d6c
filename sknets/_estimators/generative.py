"""Base class of autoencoders with a density of rows: encode, sample and score."""

from numbers import Integral

import numpy as np
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted, check_scalar

from sknets._compute.seeds import NOISE, draw_seed, spawn_seed
from sknets._data.inputs import check_unit_interval
from sknets._estimators.method_docstrings import complete_methods
from sknets._estimators.transformer import NetworkTransformer
from sknets._networks.variational import VariationalAutoencoder
from sknets._training.evaluation import evaluate

# A unit is active if its posterior mean varies between rows by more than this.
ACTIVE_VARIANCE = 0.01


@complete_methods
class GenerativeTransformer(NetworkTransformer):
    """Base class of autoencoders that learn a density of the rows of X."""

    # Metadata routing must not take it for metadata of the rows.
    __metadata_request__transform = {"return_std": UNUSED}
    _measures = ("n_active_units_",)

    def transform(self, X, *, return_std=False):
        """Encode X: return the means of the posteriors of the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        return_std : bool, default=False
            Whether to also return the standard deviations of the posteriors.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            Posterior means. float32 if X is float32, else float64.

        X_std : ndarray of shape (n_samples, n_components)
            Posterior standard deviations, below 1. Only returned if `return_std` is
            True.

        Raises
        ------
        {evaluation_errors}
        """
        check_is_fitted(self)
        encode = VariationalAutoencoder.encode
        if return_std:
            encode = VariationalAutoencoder.encode_with_deviations
        outputs = self._forward(X, function=encode, accepts_sparse=True)
        if not return_std:
            return outputs
        means, deviations = np.hsplit(outputs, 2)
        return np.ascontiguousarray(means), np.ascontiguousarray(deviations)

    def sample(self, n_samples=1, *, noise=True):
        """Draw new rows from the density that was learned.

        Codes are drawn from the prior, then rows from their density given the codes.
        Unlike :meth:`sklearn.mixture.GaussianMixture.sample`, this returns no labels,
        because the density has no components.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        noise : bool, default=True
            Whether to draw rows from their density given the codes: normal noise around
            the means, or zeros and ones for ``loss="cross_entropy"``. False returns the
            means, which look smoother.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            New rows, in the precision `dtype` of the network. For an int
            `random_state`, each call returns the same rows.

        Raises
        ------
        MemoryError
            If the rows do not fit into memory.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If `n_samples` is no integer.
        ValueError
            If `n_samples` is less than 1.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        seed = spawn_seed(draw_seed(self.random_state), NOISE)
        generator = np.random.default_rng(seed)
        dtype = np.dtype(self._fitted_dtype)
        codes = generator.standard_normal((n_samples, self._n_features_out))
        rows, _ = evaluate(
            self.module_,
            codes.astype(dtype),
            dtype,
            function=VariationalAutoencoder.decode,
        )
        if not noise:
            return rows
        if self.module_.returns_logits:
            return (generator.random(rows.shape) < rows).astype(dtype)
        deviation = np.sqrt(self.noise_variance_)
        return rows + (deviation * generator.standard_normal(rows.shape)).astype(dtype)

    def score_samples(self, X, *, n_draws=10):
        """Return the evidence lower bound of each row, in nats.

        It is a lower bound of the log density of the row. Rows unlike the training data
        have low scores.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        n_draws : int, default=10
            Number of codes to draw for each row. The mean score does not depend on it.
            More draws make the score of a row more exact.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Bounds. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
            Also if `n_draws` is less than 1, or X is not in [0, 1] for
            ``loss="cross_entropy"``.
        """
        return self._score(X, n_draws, VariationalAutoencoder.bound)

    def log_likelihood(self, X, *, n_draws=100):
        """Estimate the log density of each row by importance-weighted codes.

        On average, the estimate is not below the bound of `score_samples`, rises with
        `n_draws`, and does not exceed the log density.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        n_draws : int, default=100
            Number of codes to draw for each row.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Estimates in nats. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
            Also if `n_draws` is less than 1, or X is not in [0, 1] for
            ``loss="cross_entropy"``.
        """
        return self._score(X, n_draws, VariationalAutoencoder.log_likelihood)

    def score(self, X, y=None):
        """Return the evidence lower bound in nats, averaged over the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean of `score_samples`. Higher is better.

        Raises
        ------
        {evaluation_errors}
            Also if X is not in [0, 1] for ``loss="cross_entropy"``.
        """
        return super().score(X, y)

    @property
    def noise_variance_(self):
        """Variance of the rows around the mean, in squared units of X."""
        module = self._fitted_net("noise_variance_").module_
        if module.noise is None:
            raise AttributeError(
                "noise_variance_ is only defined for loss='squared_error'."
            )
        return module.noise.variance(module.input_scale)

    @property
    def divergence_curve_(self):
        """Mean divergence of the posteriors from the prior in each epoch, in nats."""
        return self._fitted_net("divergence_curve_").curves.train_divergence

    @property
    def reconstruction_curve_(self):
        """Mean log density of the rows given their codes in each epoch, in nats."""
        net = self._fitted_net("reconstruction_curve_")
        curves = zip(net.curves.train_loss, net.curves.train_divergence, strict=True)
        beta = net.module_.beta
        return [beta * divergence - loss for loss, divergence in curves]

    @property
    def elbo_curve_(self):
        """Mean evidence lower bound of the training data in each epoch, in nats."""
        self._fitted_net("elbo_curve_")
        curves = zip(self.reconstruction_curve_, self.divergence_curve_, strict=True)
        return [reconstruction - divergence for reconstruction, divergence in curves]

    def _score(self, X, n_draws, function):
        """Return ``function(module, X, criterion, n_draws)`` of each row."""
        check_is_fitted(self)
        check_scalar(n_draws, "n_draws", Integral, min_val=1)
        if self.module_.returns_logits:
            check_unit_interval(self._validate(X, reset=False))
        criterion = self.net_.criterion_
        return self._forward(
            X, function=lambda module, rows: function(module, rows, criterion, n_draws)
        )

    def _measure(self, X):
        dtype = np.dtype(self._fitted_dtype)
        codes, _ = evaluate(
            self.module_,
            X,
            dtype,
            function=VariationalAutoencoder.encode,
            accepts_sparse=True,
        )
        active = codes.var(axis=0, dtype=np.float64) > ACTIVE_VARIANCE
        return {"n_active_units_": int(active.sum())}
