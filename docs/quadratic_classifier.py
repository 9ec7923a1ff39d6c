"""The estimator that docs/how_to_add_an_estimator.rst adds."""

from fractions import Fraction
from numbers import Integral

from torch import nn
from torch.nn.utils import skip_init

from sknets._data.sklearn_compat import Interval, check_sizes
from sknets._estimators.automatic import Budget
from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._networks.base import Network
from sknets._networks.layers import InputScale


class Quadratic(Network):
    """A linear map of X, plus a linear map of the squares of some linear features.

    Parameters
    ----------
    n_features : int
    n_squares : int
        Number of linear features that are squared.
    n_outputs : int
    """

    can_hide_infinity = False

    def __init__(self, n_features, n_squares, n_outputs):
        super().__init__()
        self.linear = skip_init(nn.Linear, n_features, n_outputs)
        self.features = skip_init(nn.Linear, n_features, n_squares)
        self.squares = skip_init(nn.Linear, n_squares, n_outputs, bias=False)
        self.input_scale = InputScale(self.linear)
        self.multiply_adds = max(layer.numel() for layer in self.parameters())

    def reset_parameters(self, generator):
        """Draw the linear features. Set all other weights to zero."""
        nn.init.xavier_uniform_(self.features.weight, generator=generator)
        for parameter in (
            self.features.bias,
            self.linear.weight,
            self.linear.bias,
            self.squares.weight,
        ):
            nn.init.zeros_(parameter)

    def forward(self, X):
        """Return the logits."""
        X = self.input_scale(X)
        return self.linear(X) + self.squares(self.features(X).square())


@complete_docstring
class QuadraticClassifier(NetworkClassifier):
    """Softmax regression on the features and on products of them.

    Parameters
    ----------
    n_squares : int, default=10
        Number of linear features that are squared.

    {parameters}

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] S. Rendle, "Factorization Machines", ICDM, 2010.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> X, y = make_circles(noise=0.05, random_state=0)
    >>> QuadraticClassifier(random_state=0).fit(X, y).score(X, y)
    1.0
    """

    _budget = Budget(8, Fraction(2, 3), max_updates=3000, min_epochs=12)
    _rates = {"sgd": 0.1, "adagrad": 0.1, "adam": 0.1, "adamw": 0.1}
    _random_parts = "initial weights, shuffling and the validation split"
    _loss_note = "Without the penalty of `weight_decay`."
    _size_parameters = ("n_squares",)
    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "n_squares": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(
        self,
        n_squares=10,
        *,
        class_weight=None,
        standardize="auto",
        optimizer="adam",
        learning_rate="auto",
        lr_schedule="cosine",
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=100,
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

    def _build_module(self, n_features, n_outputs):
        (n_squares,) = check_sizes(self.n_squares, "n_squares")
        return Quadratic(n_features, n_squares, n_outputs)
