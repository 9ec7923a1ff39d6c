"""Softmax regression."""

from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._networks.perceptron import Perceptron


@complete_docstring
class SoftmaxClassifier(NetworkClassifier):
    """Softmax regression, trained by mini-batch gradient descent.

    One linear layer computes the logits of the classes. All weights start from zero.
    Training minimises the same cross-entropy as
    `sklearn.linear_model.LogisticRegression`, also on data that are too large for the
    solvers of that class.

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
    sklearn.linear_model.LogisticRegression : The same model, by second-order solvers.

    Notes
    -----
    `weight_decay` is the same penalty as ``C = 1 / (n_samples * weight_decay)`` in
    LogisticRegression. For two classes it is ``C = 2 / (n_samples * weight_decay)``,
    because LogisticRegression penalises the difference of the two weight vectors.

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

    _auto_updates = 1000
    _auto_min_epochs = 10
    _random_parts = "shuffling and the validation split"
    _loss_note = "Without the penalty of `weight_decay`."

    def __init__(
        self,
        *,
        class_weight=None,
        optimizer="sgd",
        learning_rate=0.5,
        lr_schedule="cosine",
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=100,
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

    @property
    def coef_(self):
        """Weights, one row per class."""
        output = self._fitted_net("coef_").module_.output
        return output.weight.detach().cpu().numpy().copy()

    @property
    def intercept_(self):
        """Biases, one per class."""
        output = self._fitted_net("intercept_").module_.output
        return output.bias.detach().cpu().numpy().copy()

    def _build_module(self, n_features, n_outputs):
        return Perceptron(n_features, (), n_outputs, activation="identity", dropout=0.0)
