"""Denoising autoencoder."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from sknets._autoencoder_module import Autoencoder, HalfSquaredError
from sknets._base import NetworkEstimator, float_dtype
from sknets._batches import Rows
from sknets._docstrings import complete_docstring
from sknets._modules import ACTIVATIONS
from sknets._noise import CORRUPTIONS
from sknets._sklearn import Interval, StrOptions, fit_context


@complete_docstring
class DenoisingAutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator
):
    """Features from the hidden layer of a denoising autoencoder.

    The network learns to restore rows of X from a corrupted copy [1]_. Its hidden layer
    is a non-linear counterpart of PCA.

    Parameters
    ----------
    n_components : int, default=200
        Units of the hidden layer: features that `transform` gives.

    activation : {"identity", "logistic", "relu", "softplus", "tanh"}, \
default="softplus"
        Activation of the hidden layer.

    noise : {"gaussian", "masking"} or None, default="gaussian"
        Corruption of the input in training: independent normal noise on each entry, or
        entries set to zero. Never applied by any other method than `fit` and
        `partial_fit`.

    noise_level : float, default=0.01
        Standard deviation of the normal noise, in units of X; for "masking" the
        fraction of entries that are set to zero, at most 1.

    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    sklearn.decomposition.PCA : The linear counterpart.

    Notes
    -----
    The loss of a row is ``0.5 * sum((x_reconstructed - x) ** 2)`` over the features, so
    scale them alike. The encoder starts from Xavier's uniform distribution, the decoder
    from zero.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol, "Stacked
       Denoising Autoencoders", Journal of Machine Learning Research 11, 2010.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import DenoisingAutoencoderTransformer
    >>> X = StandardScaler().fit_transform(load_digits().data)
    >>> coder = DenoisingAutoencoderTransformer(20, random_state=0).fit(X)
    >>> coder.transform(X).shape
    (1797, 20)
    >>> coder.reconstruct(X).shape
    (1797, 64)
    """

    _criterion = HalfSquaredError
    _auto_updates = 2000
    _auto_min_epochs = 20
    _loss_note = ", on corrupted rows and without the penalty of `weight_decay`"
    _random_parts = "initial weights, shuffling, corruption and the validation split"
    _parameter_constraints = NetworkEstimator._parameter_constraints | {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "noise": [StrOptions(set(CORRUPTIONS)), None],
        "noise_level": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=200,
        *,
        activation="softplus",
        noise="gaussian",
        noise_level=0.01,
        optimizer="adam",
        learning_rate=1e-3,
        lr_schedule="cosine",
        weight_decay=0.0,
        batch_size=128,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        device="auto",
        dtype="float32",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            optimizer=optimizer,
            learning_rate=learning_rate,
            lr_schedule=lr_schedule,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            warm_start=warm_start,
            callbacks=callbacks,
            device=device,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_components = n_components
        self.activation = activation
        self.noise = noise
        self.noise_level = noise_level

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Train the autoencoder.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training data.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If the data are not valid or if training becomes unstable. An estimator that
            was fitted before is then as it was.
        """
        return self._fit(X, single_pass=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train for one pass over a chunk of data.

        Weights and optimizer state continue from the previous call of `partial_fit` or
        `fit`.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            A chunk of the training data.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        return self._fit(X, single_pass=True)

    def transform(self, X):
        """Return the activations of the hidden layer. No noise is added.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            Features, of the float dtype of X.
        """
        check_is_fitted(self)
        return self._forward(self.module_.encoder, X)

    def inverse_transform(self, X):
        """Decode features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Features, as `transform` gives them.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Reconstructed samples, of the float dtype of X.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.dtype(self._fitted_dtype), order="C")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} features, but inverse_transform of "
                f"{type(self).__name__} expects n_components={self._n_features_out}."
            )
        samples = self.net_.infer_rows(self.module_.decoder, codes)
        return samples.astype(float_dtype(X), copy=False)

    def reconstruct(self, X):
        """Return X after coding and decoding. No noise is added.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            Of the float dtype of X.
        """
        check_is_fitted(self)
        return self._forward(self.module_, X)

    def score(self, X, y=None):
        """Return the negative reconstruction error, mean over the rows.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        score : float
            ``-0.5 * sum((X_reconstructed - X) ** 2) / n_samples``. Higher is better, at
            most 0.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return -self.net_.mean_loss(Rows(X, device=self.device_))

    def _fit(self, X, *, single_pass):
        if self.noise == "masking" and self.noise_level > 1:
            raise ValueError(
                f"noise_level={self.noise_level} must be at most 1 for "
                "noise='masking', where it is a fraction of the entries."
            )
        continues = self._continues(partial=single_pass)
        with self._unchanged_on_error(continues=continues):
            X = self._validate(X, reset=not continues)
            if not continues:
                self._build(X.shape[1], X.shape[1])
            return self._train(X, single_pass=single_pass)

    def _build_module(self, n_features, n_outputs):
        return Autoencoder(
            n_features, self.n_components, self.activation, self.noise, self.noise_level
        )

    @property
    def _n_features_out(self):
        return self.module_.encoder[0].out_features

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
