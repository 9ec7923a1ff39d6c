"""Multilayer perceptron with dropout."""

from numbers import Integral, Real

from sknets._data.compatibility import HasMethods, Interval, StrOptions, check_sizes
from sknets._estimators.classifier import NetworkClassifier
from sknets._estimators.docstrings import complete_docstring
from sknets._estimators.pretraining import check_encoder, copy_encoder, find_encoder
from sknets._networks.activations import ACTIVATIONS
from sknets._networks.perceptron import Perceptron


@complete_docstring
class MLPDropoutClassifier(NetworkClassifier):
    """Multilayer perceptron with dropout after each hidden layer.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(300,)
        Units of the hidden layers.

    activation : {"identity", "logistic", "relu", "softplus", "tanh"}, default="relu"
        Activation of the hidden layers.

    dropout : float, default=0.25
        Probability with which a hidden unit is dropped for a sample of a training
        batch [1]_, in [0, 1). 0 switches dropout off.

    pretrained : estimator or None, default=None
        A fitted `DenoisingAutoencoderTransformer` whose encoder's weights the hidden
        layers start from, or a fitted pipeline that ends in one; then X must be as its
        last step sees it. `hidden_layer_sizes` must start with the encoder's layers,
        `hidden_layer_sizes` and `n_components` there, and `activation` be the same.
        `clone` copies the fitted autoencoder. As a value in the grid of a search, wrap
        it in `sklearn.frozen.FrozenEstimator`.

    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SoftmaxClassifier : Without hidden layers.
    ConvNetClassifier : For images.
    sklearn.neural_network.MLPClassifier : Without dropout, on the CPU.

    Notes
    -----
    Hidden weights start from a normal distribution of standard deviation 0.1, cut at
    0.2, unless they are pre-trained; the output layer starts from zero, so that all
    classes start out equally probable.

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
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> model = MLPDropoutClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _auto_updates = 3000
    _copied_parameters = ("callbacks", "pretrained")  # a clone of it is not fitted
    _auto_min_epochs = 10
    _multi_label = True
    _size_parameters = ("hidden_layer_sizes",)
    _random_parts = "initial weights, shuffling, dropout and the validation split"
    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "pretrained": [HasMethods(["fit", "transform"]), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(300,),
        *,
        activation="relu",
        dropout=0.25,
        pretrained=None,
        class_weight=None,
        optimizer="adagrad",
        learning_rate=0.3,
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
        super().__init__(
            class_weight=class_weight,
            optimizer=optimizer,
            learning_rate=learning_rate,
            lr_schedule=lr_schedule,
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            scoring=scoring,
            warm_start=warm_start,
            callbacks=callbacks,
            device=device,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.pretrained = pretrained

    def _build_module(self, n_features, n_outputs):
        return Perceptron(
            n_features, self._sizes(), n_outputs, self.activation, self.dropout
        )

    def _build(self, n_features):
        if self.pretrained is None:
            super()._build(n_features)
            return
        encoder = find_encoder(self.pretrained)
        check_encoder(encoder, n_features, self._sizes(), self.activation)
        super()._build(n_features)
        copy_encoder(encoder, self.module_.hidden)

    def _sizes(self):
        return check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
