"""Neural networks that behave like scikit-learn estimators."""

from importlib.metadata import version as _version

from sknets._autoencoder import DenoisingAutoencoderTransformer
from sknets._convnet import ConvNetClassifier
from sknets._mlp import MLPDropoutClassifier
from sknets._softmax import SoftmaxClassifier

__all__ = [
    "ConvNetClassifier",
    "DenoisingAutoencoderTransformer",
    "MLPDropoutClassifier",
    "SoftmaxClassifier",
]

__version__ = _version("sknets")
