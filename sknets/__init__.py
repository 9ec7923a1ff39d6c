"""Neural networks that behave like scikit-learn estimators."""

from importlib.metadata import version as _version

from sknets._estimators.autoencoder import DenoisingAutoencoderTransformer
from sknets._estimators.convnet import ConvNetClassifier
from sknets._estimators.mlp import MLPDropoutClassifier
from sknets._estimators.mlp_regressor import MLPDropoutRegressor
from sknets._estimators.softmax import SoftmaxClassifier
from sknets._onnx.export import to_onnx

__all__ = [
    "ConvNetClassifier",
    "DenoisingAutoencoderTransformer",
    "MLPDropoutClassifier",
    "MLPDropoutRegressor",
    "SoftmaxClassifier",
    "to_onnx",
]

__version__ = _version("sknets")
