"""Neural networks that behave like scikit-learn estimators."""

from importlib.metadata import version as _version

from sknets._estimators.autoencoder import DenoisingAutoencoderTransformer
from sknets._estimators.convnet import ConvNetClassifier
from sknets._estimators.mlp import MLPDropoutClassifier
from sknets._estimators.mlp_regressor import MLPDropoutRegressor
from sknets._estimators.model_file import load
from sknets._estimators.registry import trusted_types as _trusted_types
from sknets._estimators.softmax import SoftmaxClassifier
from sknets._estimators.variational import VariationalAutoencoderTransformer
from sknets._onnx.export import to_onnx
from sknets._training.checkpoints import Checkpoint

__all__ = [
    "Checkpoint",
    "ConvNetClassifier",
    "DenoisingAutoencoderTransformer",
    "MLPDropoutClassifier",
    "MLPDropoutRegressor",
    "SoftmaxClassifier",
    "VariationalAutoencoderTransformer",
    "TRUSTED_TYPES",
    "load",
    "to_onnx",
]

TRUSTED_TYPES = _trusted_types()

__version__ = _version("sknets")
