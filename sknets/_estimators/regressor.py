"""Base class of the regressors: standardised targets, and predictions."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sknets._data.inputs import (
    check_validation_arguments,
    float_dtype,
    in_dtype,
    to_host,
)
from sknets._data.sklearn_compat import StrOptions, fit_context
from sknets._data.targets import RealNumbers
from sknets._data.weights import (
    check_weights_fit_dtype,
    normalise,
    weigh_rows,
    weigh_validation_rows,
)
from sknets._estimators.base import NetworkEstimator
from sknets._estimators.method_docstrings import complete_methods
from sknets._estimators.parameters import STANDARDIZE_CONSTRAINT
from sknets._estimators.rollback import unchanged_on_error
from sknets._estimators.sklearn_callbacks import as_given
from sknets._networks.losses import REAL_LOSSES


@complete_methods
class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base class of the regressors. Their modules return standardised y."""

    _emits = "standardised y: (y - mean) / standard deviation"
    _loss_note = (
        "For standardised y, with dropout, without the penalty of `weight_decay`."
    )
    _y_options = {"multi_output": True, "y_numeric": True}
    _parameter_constraints = NetworkEstimator._parameter_constraints | {
        "loss": [StrOptions(set(REAL_LOSSES))],
        "standardize": STANDARDIZE_CONSTRAINT,
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Training data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: real numbers of any scale.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Only their ratios matter. Rows of weight zero have no
            influence.

        {X_val}

        y_val : array-like, default=None
            Targets of `X_val`, in the form of y.

        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the rows of `X_val`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, or if training becomes unstable.
            The estimator does not change then.
        """
        check_validation_arguments(X_val, y_val, sample_weight_val)
        validation = None if X_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation, single_pass=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one pass over a chunk of data.

        Training continues from the weights and the optimizer state of the previous call
        of `partial_fit` or `fit`. The mean and the standard deviation of y are
        those of the first call.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            A chunk of the training data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets of the chunk.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, finite in `dtype`. They are not divided by their mean,
            because the mean over all chunks is not known.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        {training_errors}
        ValueError
            If a parameter or the data are not valid, or if training becomes unstable.
            The estimator does not change then.
        """
        return self._fit(X, y, sample_weight, None, single_pass=True)

    def predict(self, X):
        """Predict the targets of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, tensor} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of y. float32 if X is float32, else float64.

        Raises
        ------
        {evaluation_errors}
        """
        check_is_fitted(self)
        y = self._targets.decode(self._forward(X))
        return in_dtype(y, float_dtype(X))

    def _fit(self, X, y, sample_weight, validation, *, single_pass):
        given = as_given(X, y, sample_weight)
        sample_weight = to_host(sample_weight)
        continues = self._continues(partial=single_pass)
        with unchanged_on_error(self, continues=continues):
            X, y = self._validate(X, y, reset=not continues)
            weight, _ = weigh_rows(
                sample_weight, None, None, y, relative=not single_pass
            )
            if single_pass:
                check_weights_fit_dtype(
                    weight, self._fitted_dtype if continues else self.dtype
                )
            else:
                weight = normalise(weight)
            if not continues:
                self._targets = RealNumbers(REAL_LOSSES[self.loss], y, weight)
            codes = self._encode(y, self._fitted_dtype if continues else self.dtype)
            if not continues:
                self._build(X, weight)
            if validation is not None:
                validation = self._validate_validation(*validation)
            return self._train(
                X,
                codes,
                weight,
                given=given,
                validation=validation,
                single_pass=single_pass,
            )

    def _restore_targets(self, plain):
        return RealNumbers.from_plain(plain, REAL_LOSSES[self.loss])

    def _encode(self, y, dtype):
        codes = self._targets.encode(y)
        with np.errstate(over="ignore"):
            codes = codes.astype(dtype)
        if not np.isfinite(codes).all():
            raise ValueError(
                f"y has values that are infinite in dtype={dtype!r} after division by "
                "the standard deviation of y in the first call."
            )
        return codes

    def _validate_validation(self, X, y, sample_weight):
        """Return validated X, codes and weights of the validation data."""
        try:
            X, y = self._validate(X, y, reset=False)
            codes = self._encode(y, self._fitted_dtype)
        except ValueError as error:
            raise ValueError(f"X_val or y_val is not valid: {error}") from error
        weight = weigh_validation_rows(to_host(sample_weight), None, codes)
        return X, codes, weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
