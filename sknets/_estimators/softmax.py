"""Softmax regression."""

from fractions import Fraction

from sknets._estimators.automatic import Budget
from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.parameters import DECAY_CONSTRAINT
from sknets._estimators.registry import public
from sknets._networks.perceptron import Perceptron


@public
@complete_docstring
class SoftmaxClassifier(NetworkClassifier):
    """Softmax regression, trained by mini-batch gradient descent.

    One linear layer computes the logits of the classes. All weights start from zero.
    Training minimises the same penalised cross-entropy as
    `sklearn.linear_model.LogisticRegression`. That class has no `partial_fit`, which
    trains on chunks of data.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    coef_ : ndarray of shape (n_classes, n_features)
        Weights, one row per class, also for two classes.

    intercept_ : ndarray of shape (n_classes,)
        Biases, one per class.

    See Also
    --------
    MLPDropoutClassifier : Classifier with hidden layers.
    sklearn.linear_model.LogisticRegression : The same model, solved to its optimum.

    Notes
    -----
    `weight_decay` is the same penalty as ``C = 1 / (n_samples * weight_decay)`` in
    LogisticRegression. For two classes it is ``C = 2 / (n_samples * weight_decay)``,
    because LogisticRegression penalises the difference of the two weight vectors. So
    "auto" is the penalty of LogisticRegression's default for more than two classes.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", section 4.3.4,
       Springer, 2006.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import SoftmaxClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SoftmaxClassifier(random_state=0))
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    _budget = Budget(100, Fraction(1, 2), max_updates=4000, min_epochs=10)
    _decay_strength = 1
    _rates = {"sgd": 0.5, "adagrad": 0.3, "adam": 0.01, "adamw": 0.01}
    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "weight_decay": DECAY_CONSTRAINT
    }
    _random_parts = "shuffling and the validation split"
    _loss_note = "Without the penalty of `weight_decay`."

    def __init__(
        self,
        *,
        class_weight=None,
        standardize="auto",
        optimizer="sgd",
        learning_rate="auto",
        lr_schedule="cosine",
        weight_decay="auto",
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

    @property
    def coef_(self):
        """Weights, one row per class."""
        return self._linear_map("coef_")[0]

    @property
    def intercept_(self):
        """Biases, one per class."""
        return self._linear_map("intercept_")[1]

    def _linear_map(self, attribute):
        """Return weights and biases for X in its own units."""
        module = self._fitted_net(attribute).module_
        weight, bias = module.input_scale.fold_into(module.output)
        return weight.cpu().numpy(), bias.cpu().numpy()

    def _build_module(self, n_features, n_outputs):
        return Perceptron(n_features, (), n_outputs, activation="identity", dropout=0.0)
