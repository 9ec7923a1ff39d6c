"""Base class of the autoencoders: fit, encode, decode and score."""

import math
import warnings
from functools import partial

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array, check_is_fitted

from sknets._data.inputs import check_unit_interval, float_dtype, to_host
from sknets._data.sklearn_compat import fit_context
from sknets._data.targets import Reconstruction
from sknets._estimators.base import NetworkEstimator
from sknets._estimators.method_docstrings import complete_methods
from sknets._estimators.rollback import unchanged_on_error
from sknets._training.evaluation import evaluate, input_dtype, mean_loss
from sknets._training.rows import Rows


@complete_methods
class NetworkTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator
):
    """Base class of the autoencoders: transformers with an encoder and a decoder.

    A subclass also defines which options exclude each other (`_check_options`), whether
    its loss takes logits (`_returns_logits`), what to do before training (`_pretrain`),
    and what to measure on X after it (`_measures`, `_measure`). Its module has an
    attribute `n_components` and methods `decode` and `reconstruct`.
    """

    _emits = "the reconstruction"
    _standardize = False  # the loss is in the units of X
    _measures = ("reconstruction_error_",)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, X_val=None):
        """Train the autoencoder.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Training data.

        y : None
            Ignored.

        X_val : {array-like, sparse matrix, tensor}, default=None
            Data of shape (n_val_samples, n_features) for validation after each epoch.
            With ``early_stopping=True``, they decide when to stop, and no training data
            are held out. In a pipeline,
            ``Pipeline(steps, transform_input=["X_val"])`` transforms them like X.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, or if training becomes unstable.
            The estimator does not change then.
        """
        return self._fit(X, X_val, single_pass=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train for one pass over a chunk of data.

        Training continues from the weights and the optimizer state of the previous call
        of `partial_fit` or `fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            A chunk of the training data.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, or if training becomes unstable.
            The estimator does not change then.
        """
        return self._fit(X, None, single_pass=True)

    def transform(self, X):
        """Encode X: return the activations of the code layer, without adding noise.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            Features. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
        """
        check_is_fitted(self)
        return self._forward(X, part=self.module_.encoder)

    def inverse_transform(self, X):
        """Decode features: return the samples that they stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Features, as returned by `transform`.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Reconstructed samples. float32 if X is float32, else float64.

        Raises
        ------
        MemoryError
            If the results do not fit into memory.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If X has a type that cannot be used.
        ValueError
            If X has infinite or missing values, or another number of columns than
            `n_components`.
        """
        check_is_fitted(self)
        X = to_host(X)
        dtype = float_dtype(X)
        codes = check_array(X, dtype=input_dtype(self.module_, dtype), order="C")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} features, but inverse_transform of "
                f"{type(self).__name__} expects n_components={self._n_features_out}."
            )
        decode = type(self.module_).decode
        samples, _ = evaluate(self.module_, codes, dtype, function=decode)
        return samples

    def reconstruct(self, X):
        """Encode and decode X, without adding noise.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            Reconstructed samples. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
        """
        check_is_fitted(self)
        reconstruct = type(self.module_).reconstruct
        return self._forward(X, function=reconstruct, accepts_sparse=True)

    def score_samples(self, X):
        """Return the negative reconstruction error of each row.

        The network restores rows unlike the training data badly. So rows with low
        scores are anomalies, as with `score_samples` of
        :class:`sklearn.ensemble.IsolationForest`.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            ``-0.5 * sum((x_reconstructed - x) ** 2)``, or the negative cross-entropy.
            At most 0. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
            Also if X is not in [0, 1] for ``loss="cross_entropy"``.
        """
        check_is_fitted(self)
        if self.module_.returns_logits:
            check_unit_interval(self._validate(X, reset=False))
        return -self._forward(X, function=self.net_.row_losses)

    def score(self, X, y=None):
        """Return the negative reconstruction error, averaged over the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean of `score_samples`. At most 0. Higher is better.

        Raises
        ------
        {evaluation_errors}
            Also if X is not in [0, 1] for ``loss="cross_entropy"``.
        """
        return float(self.score_samples(X).mean(dtype=np.float64))

    def _fit(self, X, X_val, *, single_pass):
        self._check_options()
        # X is its own target.
        given = {"X": X, "y": X}
        continues = self._continues(partial=single_pass)
        with unchanged_on_error(self, continues=continues):
            X = self._validate(X, reset=not continues)
            if self.module_.returns_logits if continues else self._returns_logits:
                check_unit_interval(X)
            if not continues:
                self._targets = Reconstruction(self._criterion, X.shape[1])
                self._build(X)
            validation = None if X_val is None else (self._validate_validation(X_val),)
            is_new = not continues and not single_pass
            self._train(
                X,
                given=given,
                validation=validation,
                single_pass=single_pass,
                prepare=partial(self._pretrain, X) if is_new else None,
            )
            for name in self._measures:
                vars(self).pop(name, None)
            if not single_pass:
                vars(self).update(self._measure_or_warn(X))
        return self

    def _restore_targets(self, plain):
        return Reconstruction(self._criterion, self.n_features_in_)

    def _pretrain(self, X):
        """Prepare the new network for training on validated X."""

    def _measure_or_warn(self, X):
        try:
            return self._measure(X)
        except KeyboardInterrupt:
            warnings.warn(
                f"Interrupted after training: {', '.join(self._measures)} is NaN.",
                ConvergenceWarning,
                stacklevel=2,
            )
            return dict.fromkeys(self._measures, math.nan)

    def _measure(self, X):
        """Return the fitted attributes `_measures`, of validated training data."""
        rows = Rows(X, device=self.device_)
        error = mean_loss(self.module_, self.net_.criterion_, rows)
        return {"reconstruction_error_": error}

    def _validate_validation(self, X):
        try:
            X = self._validate(X, reset=False)
            if self.module_.returns_logits:
                check_unit_interval(X)
        except ValueError as error:
            raise ValueError(f"X_val is not valid: {error}") from error
        return X

    @property
    def _n_features_out(self):
        return self.module_.n_components

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
