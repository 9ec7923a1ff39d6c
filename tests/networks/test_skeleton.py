"""Shapes of networks without memory."""

import pytest
import torch
from torch import nn

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
)
from sknets._networks.skeleton import shapes_and_options, skeleton

WIDE = 10**6  # two such layers need 4 TB


@pytest.mark.parametrize(
    "estimator",
    [
        MLPDropoutClassifier((WIDE, WIDE)),
        ConvNetClassifier((WIDE, WIDE)),
        DenoisingAutoencoderTransformer(WIDE, hidden_layer_sizes=WIDE),
        DenoisingAutoencoderTransformer(
            WIDE, hidden_layer_sizes=WIDE, tied_weights=True
        ),
    ],
    ids=str,
)
def test_has_the_shapes_without_the_memory(estimator):
    estimator.image_shape_ = (4, 4, 1)
    module = skeleton(lambda: estimator._build_module(16, 3), most_tensors=20)
    shapes, _ = shapes_and_options(module)
    assert any(shape[:2] == (WIDE, WIDE) for shape in shapes.values())
    assert {tensor.device.type for tensor in module.parameters()} == {"meta"}
    assert shapes.keys() == dict(module.named_parameters()).keys()


def test_options_are_the_buffers_that_are_not_set():
    module = MLPDropoutClassifier(2)._build_module(3, 2)
    assert shapes_and_options(module)[1] == {"input_scale.shift", "input_scale.scale"}
    module.input_scale.scale = torch.ones(3)
    shapes, options = shapes_and_options(module)
    assert options == {"input_scale.shift"}
    assert shapes["input_scale.scale"] == (3,)


def test_stops_at_too_many_layers():
    n_built = 0

    def build():
        nonlocal n_built
        module = nn.Sequential()
        for n_built in range(1000):  # noqa: B007
            module.append(nn.utils.skip_init(nn.Linear, 2, 2))
        return module

    with pytest.raises(ValueError, match="too many layers"):
        skeleton(build, most_tensors=10)
    assert n_built == 5
