"""Denoising autoencoder."""

from numbers import Integral, Real

from sknets._data.scaling import find_unit
from sknets._data.sklearn_compat import Interval, StrOptions, check_sizes
from sknets._estimators.automatic import Budget
from sknets._estimators.convergence import warn_if_worse_than_mean
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.pretraining import pretrain_layers
from sknets._estimators.registry import public
from sknets._estimators.transformer import NetworkTransformer
from sknets._networks.activations import ACTIVATIONS
from sknets._networks.autoencoder import Autoencoder
from sknets._networks.layers import Corruption
from sknets._networks.losses import RECONSTRUCTION_LOSSES
from sknets._networks.noise import CORRUPTIONS
from sknets._networks.penalties import PENALTIES, ActivityPenalty


@public
@complete_docstring
class DenoisingAutoencoderTransformer(NetworkTransformer):
    """Denoising autoencoder whose code layer gives the features.

    The network learns to restore rows of X from corrupted copies [1]_, through a code
    layer of `n_components` units. It is a non-linear counterpart of PCA.

    Parameters
    ----------
    n_components : int, default=200
        Number of units in the code layer. `transform` returns one feature for each.

    hidden_layer_sizes : int or sequence of int, default=()
        Number of units in each hidden layer between the input and the code layer. The
        decoder has the same layers in reverse order.

    activation : str, default="softplus"
        Activation function of the code layer and of all hidden layers, one of
        {activations}.

    output_activation : str, default="identity"
        Activation function of the reconstruction, one of the same names. "logistic",
        the sigmoid function, suits X in [0, 1].

    loss : {"squared_error", "cross_entropy"}, default="squared_error"
        Error of a row.

        - "squared_error" is ``0.5 * sum((x_reconstructed - x) ** 2)``, a sum over
          the features.
        - "cross_entropy" is the Bernoulli cross-entropy, summed over the features. It
          needs X in [0, 1] and ``output_activation="logistic"``.

    tied_weights : bool, default=False
        Whether the decoder uses the transposed weights of the encoder. This halves the
        number of weights to learn.

    noise : {"gaussian", "masking", "salt_and_pepper"} or None, default="gaussian"
        Corruption of the input in training. Only `fit` and `partial_fit` apply it.

        - "gaussian" adds independent normal noise to each entry.
        - "masking" sets entries to zero.
        - "salt_and_pepper" sets entries to the smallest or the largest value of their
          feature in the mini-batch, with equal probability.

    noise_level : float, default=0.1
        For "gaussian", standard deviation of the noise, in units of the scale of X (see
        Notes). For "masking" and "salt_and_pepper", fraction of entries that are
        replaced, at most 1.

    activity_penalty : {"l1", "kl"} or None, default=None
        Penalty on active units of the code layer in training, for sparse codes. It is
        not a part of `score`.

        - "l1" is the sum of the absolute activations of a row.
        - "kl" is the Kullback-Leibler divergence between `target_activity` and the mean
          activation of a unit in the mini-batch, summed over the units [3]_. It needs
          ``activation="logistic"``.

    activity_weight : float, default=0.1
        Factor of the activity penalty, for errors in units of the scale of X.

    target_activity : float, default=0.05
        Target for the mean activation of each unit, in (0, 1), with
        ``activity_penalty="kl"``.

    pretrain_epochs : int, default=0
        Number of epochs of greedy pre-training for each layer [1]_. A layer learns to
        restore the codes of the layers below it from corrupted codes. Then `fit` trains
        the whole network. 0 switches pre-training off. It has no effect without
        `hidden_layer_sizes`, nor in `partial_fit`.

    {parameters}

    Attributes
    ----------
    {attributes}

    reconstruction_error_ : float
        Mean error of the rows of X in `fit`, without noise and penalties: ``-score(X)``
        at the end of training. Not defined after `partial_fit`.

    See Also
    --------
    sklearn.decomposition.PCA : The linear counterpart.

    Notes
    -----
    The error of a row is a sum over the features. So give all features the same scale:
    put a `StandardScaler` in front of a table. Without it, features of large values
    hide the others.

    The layers divide X by its scale: the root mean square of all entries of X in the
    first call, rounded to a power of two. It is 1 for standardised X. A linear output
    is multiplied by it. So noise and learning rate suit X in any unit. Errors and
    scores are in the units of X.

    Weights start from Xavier's uniform distribution. Biases start from zero. So do the
    weights of a linear last layer, unless they are tied.

    With an L1 penalty, small codes and large weights in the decoder cost less than
    sparse codes. To prevent this, set `tied_weights` or `weight_decay`.

    With ``loss="cross_entropy"``, `module_` returns logits of the reconstruction.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol, "Stacked
       Denoising Autoencoders", Journal of Machine Learning Research 11, 2010.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.
    .. [3] A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.

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

    _budget = Budget(2000, 0, max_updates=2000, min_epochs=20)
    _usual_rates = {"sgd": 0.1, "adagrad": 0.03, "adam": 0.003, "adamw": 0.003}
    _rates_note = 'with more than 20 features, ``2 / n_features_in_`` for "sgd"'
    _size_parameters = ("n_components", "hidden_layer_sizes")
    _measures_unit = True
    _loss_note = (
        "On corrupted rows, with the activity penalty, without that of `weight_decay`."
    )
    _random_parts = "initial weights, shuffling, corruption and the validation split"
    _parameter_constraints = NetworkTransformer._parameter_constraints | {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "output_activation": [StrOptions(set(ACTIVATIONS))],
        "loss": [StrOptions(set(RECONSTRUCTION_LOSSES))],
        "tied_weights": ["boolean"],
        "noise": [StrOptions(set(CORRUPTIONS)), None],
        "noise_level": [Interval(Real, 0, None, closed="left")],
        "activity_penalty": [StrOptions(set(PENALTIES)), None],
        "activity_weight": [Interval(Real, 0, None, closed="left")],
        "target_activity": [Interval(Real, 0, 1, closed="neither")],
        "pretrain_epochs": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=200,
        *,
        hidden_layer_sizes=(),
        activation="softplus",
        output_activation="identity",
        loss="squared_error",
        tied_weights=False,
        noise="gaussian",
        noise_level=0.1,
        activity_penalty=None,
        activity_weight=0.1,
        target_activity=0.05,
        pretrain_epochs=0,
        optimizer="adam",
        learning_rate="auto",
        lr_schedule="trapezoid",
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=128,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change="auto",
        tol=1e-4,
        scoring=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        dtype="float32",
        random_state=None,
        verbose=0,
    ):
        self._store(locals())

    def _check_options(self):
        if self.noise in ("masking", "salt_and_pepper") and self.noise_level > 1:
            raise ValueError(
                f"noise_level={self.noise_level} must be at most 1 for "
                f"noise={self.noise!r}, because it is a fraction of the entries."
            )
        if self.loss == "cross_entropy" and self.output_activation != "logistic":
            raise ValueError(
                "loss='cross_entropy' needs output_activation='logistic'; got "
                f"output_activation={self.output_activation!r}."
            )
        if self.activity_penalty == "kl" and self.activation != "logistic":
            raise ValueError(
                "activity_penalty='kl' needs activation='logistic', whose activations "
                f"are in [0, 1]; got activation={self.activation!r}."
            )

    def _build_module(self, n_features, n_outputs):
        penalty = None
        if self.activity_penalty is not None and self.activity_weight > 0:
            penalty = ActivityPenalty(
                self.activity_penalty, self.activity_weight, self.target_activity
            )
        return Autoencoder(
            n_features,
            self._sizes(),
            activation=self.activation,
            output_activation=self.output_activation,
            tied_weights=self.tied_weights,
            corruption=Corruption(self.noise, self.noise_level),
            penalty=penalty,
            returns_logits=self._returns_logits,
        )

    def _scale_input(self, X, sample_weight):
        unit = find_unit(X) if self._measures_unit else 1.0
        if unit != 1:
            self.module_.set_unit(unit)

    def _measure(self, X):
        measured = super()._measure(X)
        is_trained = self.n_iter_ >= self._count_epochs(X.shape[0])
        if self.max_epochs == "auto" and is_trained and self.loss == "squared_error":
            warn_if_worse_than_mean(self, X, measured["reconstruction_error_"])
        return measured

    def _pretrain(self, X):
        if self.pretrain_epochs and len(self._sizes()) > 1:
            pretrain_layers(self, X)

    def _sizes(self):
        hidden_layer_sizes = check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        return hidden_layer_sizes + check_sizes(self.n_components, "n_components")

    @property
    def _rates(self):
        # The curvature of a sum over the features grows with their number.
        rate = min(self._usual_rates["sgd"], 2 / self.n_features_in_)
        return self._usual_rates | {"sgd": rate}

    @property
    def _criterion(self):
        return RECONSTRUCTION_LOSSES[self.loss]

    @property
    def _returns_logits(self):
        return self.loss == "cross_entropy"
