"""Multilayer perceptron with dropout."""

from fractions import Fraction

from sknets._estimators.automatic import Budget
from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.parameters import DECAY_CONSTRAINT
from sknets._estimators.perceptron import PERCEPTRON_CONSTRAINTS, PerceptronMixin
from sknets._estimators.registry import public


@public
@complete_docstring
class MLPDropoutClassifier(PerceptronMixin, NetworkClassifier):
    """Multilayer perceptron with dropout after each hidden layer.

    Parameters
    ----------
    {perceptron}

    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MLPDropoutRegressor : Regressor with the same layers.
    SoftmaxClassifier : Classifier without hidden layers.
    ConvNetClassifier : Classifier for images.
    sklearn.neural_network.MLPClassifier : Classifier without dropout, on the CPU.

    Notes
    -----
    Unless they are pre-trained, hidden weights start from a normal distribution, cut at
    two standard deviations. The standard deviation is 0.1. With more than one hidden
    layer, it is larger for layers of fewer than 259 inputs, as in He's initialisation.
    The output layer starts from zero, so all classes are equally probable at first.

    For sparse X with many features, set ``weight_decay=0``. Then Adagrad updates only
    the weights of the features that occur in a batch.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov,
       "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", Journal of
       Machine Learning Research 15, 2014.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sknets import MLPDropoutClassifier
    >>> X, y = make_moons(500, noise=0.1, random_state=0)
    >>> model = MLPDropoutClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _budget = Budget(8, Fraction(2, 3), max_updates=3000, min_epochs=12)
    _decay_strength = 2
    _usual_rates = {"sgd": 0.5, "adagrad": 0.3, "adam": 0.01, "adamw": 0.01}
    _deep_rates = _usual_rates | {"sgd": 0.2, "adagrad": 0.1}
    _rates_note = (
        'with more than three hidden layers, 0.2 for "sgd" and 0.1 for "adagrad"'
    )
    _multi_label = True
    _parameter_constraints = (
        NetworkClassifier._parameter_constraints
        | PERCEPTRON_CONSTRAINTS
        | {"weight_decay": DECAY_CONSTRAINT}
    )

    def __init__(
        self,
        hidden_layer_sizes=(300,),
        *,
        activation="relu",
        dropout=0.25,
        pretrained=None,
        class_weight=None,
        standardize="auto",
        optimizer="adagrad",
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
    def _rates(self):
        # More than three hidden layers do not learn at the rates of a shallow network.
        return self._usual_rates if len(self._sizes()) <= 3 else self._deep_rates
