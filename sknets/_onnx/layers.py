"""Write torch layers as nodes of an ONNX graph."""

import numpy as np
from onnx import TensorProto
from onnx.helper import np_dtype_to_tensor_dtype
from onnx.numpy_helper import from_array
from torch import nn

from sknets._networks.convnet import ConvBlock, ConvNet
from sknets._networks.layers import Dropout, InputScale, ScaledSequential
from sknets._networks.perceptron import Perceptron


class Graph:
    """Adds nodes and constants to the graph that skl2onnx builds.

    All values have a name, a string that stands for them.

    Parameters
    ----------
    scope, container : objects of skl2onnx
        They choose names, and collect nodes and constants.
    input_dtype : numpy dtype
        float32, or float64 if X is scaled in float64. The layers compute in float32.
    """

    def __init__(self, scope, container, input_dtype=np.float32):
        self.scope = scope
        self.container = container
        self.input_dtype = np.dtype(input_dtype)

    def add(self, operator, *inputs, output=None, **attributes):
        """Add a node. Return the name of its output, a new one by default."""
        output = output or self.scope.get_unique_variable_name(operator.lower())
        name = self.scope.get_unique_operator_name(operator)
        self.container.add_node(operator, list(inputs), output, name=name, **attributes)
        return output

    def cast(self, X, dtype, **output):
        """Convert a value to a numpy dtype."""
        return self.add(
            "Cast", X, to=np_dtype_to_tensor_dtype(np.dtype(dtype)), **output
        )

    def constant(self, values, dtype=None):
        """Add an array, of strings or of numbers. Return its name."""
        values = np.ascontiguousarray(values, dtype)
        name = self.scope.get_unique_variable_name("constant")
        if values.dtype.kind in "biuf":
            tensor = from_array(values)
            self.container.add_initializer(name, tensor.data_type, values.shape, tensor)
        else:
            strings = [string.encode() for string in values.ravel()]
            self.container.add_initializer(
                name, TensorProto.STRING, values.shape, strings
            )
        return name

    def tensor(self, tensor, dtype=np.float32):
        """Add a parameter or buffer of a layer. Return its name."""
        return self.constant(tensor.detach().cpu().numpy(), dtype)

    def parameters(self, layer):
        """Add all parameters of one layer, in order. Return their names."""
        return [self.tensor(parameter) for parameter in layer.parameters(recurse=False)]


def write(graph, layer, X):
    """Add the nodes that compute a layer, as in evaluation. Return its output.

    Parameters
    ----------
    graph : Graph
    layer : nn.Module
    X : str
        Name of the layer's input.
    """
    kind = type(layer)
    if kind not in WRITERS:
        known = ", ".join(sorted(known.__name__ for known in WRITERS))
        raise TypeError(
            f"module_ has a layer of type {kind.__module__}.{kind.__qualname__}, which "
            f"to_onnx does not know; expected layers of the types {known}."
        )
    return WRITERS[kind](graph, layer, X)


def write_chain(graph, layers, X):
    """Add the nodes of layers that follow each other. Return the last output."""
    for layer in layers:
        X = write(graph, layer, X)
    return X


# -- one function for each kind of layer ---------------------------------------------


def nothing(graph, layer, X):
    """Write a layer that returns its input, at least in evaluation."""
    return X


def elementwise(operator):
    """Return the function that writes an activation as one node."""

    def write_activation(graph, layer, X):
        return graph.add(operator, X)

    return write_activation


def linear(graph, layer, X):
    """Write a dense layer."""
    return graph.add("Gemm", X, *graph.parameters(layer), transB=1)


def scale_input(graph, layer, X):
    """Write the scale of X, in the dtype of X as in `InputScale.forward`."""
    if layer.does_nothing:
        return X
    dtype = graph.input_dtype
    if layer.shift is not None:
        X = graph.add("Sub", X, graph.tensor(layer.shift, dtype))
    X = graph.add("Div", X, graph.tensor(layer.scale, dtype))
    return X if dtype == np.float32 else graph.cast(X, np.float32)


def pad(graph, layer, X):
    """Write a margin of zeros around images."""
    left, right, top, bottom = layer.padding
    pads = [0, 0, top, left, 0, 0, bottom, right]
    return graph.add("Pad", X, graph.constant(pads, np.int64))


def convolution(graph, layer, X):
    """Write a convolution."""
    return graph.add(
        "Conv",
        X,
        *graph.parameters(layer),
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        dilations=list(layer.dilation),
        pads=[*layer.padding, *layer.padding],
        group=layer.groups,
    )


def max_pooling(graph, layer, X):
    """Write a max pooling without margins, whose windows are squares."""
    return graph.add(
        "MaxPool",
        X,
        kernel_shape=[layer.kernel_size] * 2,
        strides=[layer.stride] * 2,
        ceil_mode=int(layer.ceil_mode),
    )


def sequence(graph, layer, X):
    """Write a container of layers that follow each other."""
    return write_chain(graph, layer, X)


def scaled_sequence(graph, layer, X):
    """Write a stack of layers that work in a unit of their own."""
    if layer.divisor is not None:
        X = graph.add("Div", X, graph.tensor(layer.divisor))
    X = write_chain(graph, layer, X)
    return (
        X if layer.factor is None else graph.add("Mul", X, graph.tensor(layer.factor))
    )


def dense_network(graph, network, X):
    """Write a `DenseNetwork`."""
    return write_chain(graph, network.layers(), X)


def convolutional_network(graph, network, X):
    """Write a `ConvNet`, in the order of its `forward`."""
    X = write(graph, network.input_scale, X)
    shape = graph.constant([-1, *network.image_shape], np.int64)
    maps = graph.add("Transpose", graph.add("Reshape", X, shape), perm=[0, 3, 1, 2])
    for block in network.convolutions:
        maps = write_chain(graph, [block, network.activation], maps)
    maps = graph.add("Transpose", maps, perm=[0, 2, 3, 1])
    return write(graph, network.head, graph.add("Flatten", maps, axis=1))


# A subclass may compute something else, so it is not looked up by its base.
WRITERS = {
    nn.Identity: nothing,
    nn.ReLU: elementwise("Relu"),
    nn.Sigmoid: elementwise("Sigmoid"),
    nn.Softplus: elementwise("Softplus"),
    nn.Tanh: elementwise("Tanh"),
    nn.Linear: linear,
    nn.ZeroPad2d: pad,
    nn.Conv2d: convolution,
    nn.MaxPool2d: max_pooling,
    nn.Sequential: sequence,
    Dropout: nothing,
    InputScale: scale_input,
    ScaledSequential: scaled_sequence,
    ConvBlock: sequence,
    Perceptron: dense_network,
    ConvNet: convolutional_network,
}
