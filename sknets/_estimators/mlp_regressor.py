"""Multilayer perceptron with dropout, for regression."""

from sknets._estimators.automatic import Budget
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.perceptron import PERCEPTRON_CONSTRAINTS, PerceptronMixin
from sknets._estimators.registry import public
from sknets._estimators.regressor import NetworkRegressor


@public
@complete_docstring
class MLPDropoutRegressor(PerceptronMixin, NetworkRegressor):
    """Multilayer perceptron with dropout after each hidden layer, for regression.

    The network learns standardised y: y minus its mean, divided by its standard
    deviation. Both are computed in the first call of `fit` or `partial_fit`, with
    `sample_weight`. So the scale of y does not matter. `standardize` does the same for
    X.

    Parameters
    ----------
    {perceptron}

    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
        Error of a row of standardised y, averaged over the outputs.

        - "squared_error" is half of the squared error.
        - "absolute_error" is the absolute error. The network learns medians.
        - "huber" is half of the squared error for errors up to 1, and linear for larger
          ones [3]_. Outliers have less influence.

    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MLPDropoutClassifier : Classifier with the same layers.
    sklearn.neural_network.MLPRegressor : Regressor without dropout, on the CPU.

    Notes
    -----
    Unless they are pre-trained, hidden weights start from a normal distribution, cut at
    two standard deviations. The standard deviation is 0.1. With more than one hidden
    layer, it is larger for layers of fewer than 259 inputs, as in He's initialisation.
    The output layer starts from zero, so the first prediction is the mean of y.

    For sparse X with many features, set ``weight_decay=0``. Then Adagrad updates only
    the weights of the features that occur in a batch.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov,
       "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", Journal of
       Machine Learning Research 15, 2014.
    .. [2] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR, 2017.
    .. [3] P. J. Huber, "Robust Estimation of a Location Parameter", Annals of
       Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import MLPDropoutRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPDropoutRegressor(random_state=0))
    >>> model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.4
    True
    """

    _budget = Budget(1500, 0, max_updates=1500, min_epochs=10)
    _rates = {"sgd": 0.2, "adagrad": 0.1, "adam": 0.001, "adamw": 0.001}
    _parameter_constraints = (
        NetworkRegressor._parameter_constraints | PERCEPTRON_CONSTRAINTS
    )

    def __init__(
        self,
        hidden_layer_sizes=(300,),
        *,
        activation="relu",
        dropout=0.25,
        pretrained=None,
        loss="squared_error",
        standardize="auto",
        optimizer="adagrad",
        learning_rate="auto",
        lr_schedule="cosine",
        weight_decay=3e-3,
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
