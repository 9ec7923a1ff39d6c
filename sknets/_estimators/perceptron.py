"""Code that the perceptrons share: parameters and pre-trained weights."""

from numbers import Integral, Real

from sknets._data.sklearn_compat import HasMethods, Interval, StrOptions, check_sizes
from sknets._estimators.pretraining import check_encoder, copy_encoder, find_encoder
from sknets._networks.activations import ACTIVATIONS
from sknets._networks.perceptron import Perceptron

PERCEPTRON_CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "pretrained": [HasMethods(["fit", "transform"]), None],
}


class PerceptronMixin:
    """Build a multilayer perceptron. Start it from a pre-trained encoder if given."""

    _size_parameters = ("hidden_layer_sizes",)
    # scikit-learn's clone of `pretrained` is not fitted.
    _copied_parameters = ("callbacks", "pretrained")
    _random_parts = "initial weights, shuffling, dropout and the validation split"

    def _build_module(self, n_features, n_outputs):
        return Perceptron(
            n_features, self._sizes(), n_outputs, self.activation, self.dropout
        )

    def _build(self, X, *arguments, **options):
        if self.pretrained is None:
            super()._build(X, *arguments, **options)
            return
        encoder = find_encoder(self.pretrained)
        check_encoder(encoder, X.shape[1], self._sizes(), self.activation)
        super()._build(X, *arguments, **options)
        copy_encoder(encoder, self.module_.hidden)

    @property
    def _standardize(self):
        # The encoder was trained on X as it is.
        if self.standardize == "auto" and self.pretrained is not None:
            return False
        return self.standardize

    def _sizes(self):
        return check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
