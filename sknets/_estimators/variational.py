"""Variational autoencoder."""

from fractions import Fraction
from numbers import Integral, Real

from sknets._data.sklearn_compat import Interval, StrOptions, check_sizes
from sknets._estimators.automatic import Budget
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.generative import GenerativeTransformer
from sknets._estimators.registry import public
from sknets._networks.activations import ACTIVATIONS
from sknets._networks.densities import OutputNoise
from sknets._networks.losses import RECONSTRUCTION_LOSSES
from sknets._networks.variational import VariationalAutoencoder


@public
@complete_docstring
class VariationalAutoencoderTransformer(GenerativeTransformer):
    """Variational autoencoder: features, densities and new rows.

    The network learns a density of the rows of X [1]_. A row is drawn in two steps: its
    code from a standard normal prior, then the row from a density that depends on the
    code through the decoder. An encoder approximates the posterior of the code of a
    given row by a normal density with a diagonal covariance. Training maximises a lower
    bound of the log density of the rows, the evidence lower bound.

    Parameters
    ----------
    n_components : int, default=20
        Number of units of the code. `transform` returns one feature for each.

    hidden_layer_sizes : int or sequence of int, default=(400,)
        Number of units in each hidden layer between the input and the code. The decoder
        has the same layers in reverse order. With ``()``, encoder and decoder are
        linear.

    activation : {activations}, default="relu"
        Activation function of the hidden layers.

    loss : {"squared_error", "cross_entropy"}, default="squared_error"
        Density of a row x, given its code. Its mean m is the output of the decoder.

        - "squared_error" is a normal density with the same variance v for each feature.
          Its logarithm is
          ``-0.5 * sum((x - m) ** 2) / v - 0.5 * n_features * log(2 * pi * v)``.
        - "cross_entropy" is a Bernoulli probability for each feature. Its logarithm is
          ``sum(x * log(m) + (1 - x) * log(1 - m))``. It needs X in [0, 1]. If X has
          values between 0 and 1, this is not a normalised density.

    noise_variance : float or "learned", default="learned"
        Variance v for ``loss="squared_error"``, in squared units of X. "learned" trains
        it with the weights. It then is at least a millionth of the mean variance of the
        features.

    beta : float, default=1.0
        Weight of the divergence in training and validation [3]_. 1 maximises the bound.
        Higher values give codes nearer to the prior, and worse reconstructions. The
        scores always have weight 1.

    n_draws : int, default=1
        Number of codes that are drawn for each row of a mini-batch, and of the
        validation data.

    {parameters}

    Attributes
    ----------
    {attributes}

    elbo_curve_ : list of float
        Mean evidence lower bound of the training data in each epoch, in nats:
        ``reconstruction_curve_ - divergence_curve_``.

    reconstruction_curve_ : list of float
        Mean log density of the rows given codes from their posteriors, in each epoch.

    divergence_curve_ : list of float
        Mean Kullback-Leibler divergence of the posteriors from the prior, in each
        epoch.

    n_active_units_ : int
        Number of units of the code whose posterior mean varies between the rows of X in
        `fit` with a variance above 0.01 [4]_. The others have learned nothing. Not
        defined after `partial_fit`.

    noise_variance_ : float
        Variance of the rows around the mean, in squared units of X. Only defined for
        ``loss="squared_error"``.

    See Also
    --------
    DenoisingAutoencoderTransformer : An autoencoder without a density.
    sklearn.decomposition.PCA : Its likelihood is the maximum of the bound for
        "squared_error" without hidden layers.

    Notes
    -----
    For "squared_error", the network subtracts the mean of each feature from X, and
    divides all features by one number, the square root of their mean variance. Both
    come from the first call of `fit` or `partial_fit`. All results are in the units
    of X. Features of large values hide the others, so put a `StandardScaler` in front
    of a table.

    The variance of a unit in the posterior is ``1 / (1 + exp(-s))``, where s is an
    output of the encoder. So it is below that of the prior.

    Weights start from Xavier's uniform distribution; those of the last layer of the
    encoder are ten times smaller. Biases start from zero.

    `log_likelihood` averages importance weights [4]_.

    Scores are averages over codes that are drawn at random. The draws for a row depend
    only on its values and on `random_state` in `fit`. So a row has the same score in
    each call, and beside any other rows.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-Encoding Variational Bayes", ICLR, 2014.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.
    .. [3] I. Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a
       Constrained Variational Framework", ICLR, 2017.
    .. [4] Y. Burda, R. Grosse and R. Salakhutdinov, "Importance Weighted Autoencoders",
       ICLR, 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import VariationalAutoencoderTransformer
    >>> X = load_digits().data / 16
    >>> coder = VariationalAutoencoderTransformer(
    ...     2, hidden_layer_sizes=100, loss="cross_entropy", random_state=0
    ... ).fit(X)
    >>> coder.transform(X).shape
    (1797, 2)
    >>> coder.sample(5).shape
    (5, 64)
    >>> coder.score(X) > -26
    True
    """

    _budget = Budget(2, Fraction(4, 5), max_updates=20_000, min_epochs=10)
    _rates = {"sgd": 0.01, "adagrad": 0.03, "adam": 0.003, "adamw": 0.003}
    _size_parameters = ("n_components", "hidden_layer_sizes")
    _loss_note = (
        "The negative bound in nats, with the divergence times `beta`, without the\n"
        "    penalty of `weight_decay`."
    )
    _random_parts = "initial weights, shuffling, codes and the validation split"
    _parameter_constraints = GenerativeTransformer._parameter_constraints | {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "loss": [StrOptions(set(RECONSTRUCTION_LOSSES))],
        "noise_variance": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"learned"}),
        ],
        "beta": [Interval(Real, 0, None, closed="left")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components=20,
        *,
        hidden_layer_sizes=(400,),
        activation="relu",
        loss="squared_error",
        noise_variance="learned",
        beta=1.0,
        n_draws=1,
        optimizer="adam",
        learning_rate="auto",
        lr_schedule="cosine",
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=128,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
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
        if self.noise_variance != "learned" and self.loss != "squared_error":
            raise ValueError(
                f"noise_variance={self.noise_variance!r} needs loss='squared_error'; "
                f"got loss={self.loss!r}."
            )

    def _build_module(self, n_features, n_outputs):
        noise = None
        if not self._returns_logits:
            learned = self.noise_variance == "learned"
            noise = OutputNoise(None if learned else float(self.noise_variance))
        hidden_layer_sizes = check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        return VariationalAutoencoder(
            n_features,
            hidden_layer_sizes + check_sizes(self.n_components, "n_components"),
            activation=self.activation,
            beta=self.beta,
            n_draws=self.n_draws,
            noise=noise,
        )

    @property
    def _standardize(self):
        # The density has one variance for all features.
        return "common" if self.loss == "squared_error" else False

    @property
    def _criterion(self):
        return RECONSTRUCTION_LOSSES[self.loss]

    @property
    def _returns_logits(self):
        return self.loss == "cross_entropy"
