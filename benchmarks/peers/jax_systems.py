"""The four systems and their optimizers in JAX, as pure functions of pytrees."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax, nn, random

from benchmarks.recipes import DROPOUT, N_COMPONENTS, N_HIDDEN, NOISE_LEVEL

N_FEATURES, N_CLASSES = 784, 10
TRUNCATED_NORMAL = nn.initializers.truncated_normal(0.1)
XAVIER_UNIFORM = nn.initializers.glorot_uniform()
ZEROS = nn.initializers.zeros


class System(NamedTuple):
    """Functions that initialise, compute outputs, measure their cost, and update.

    ``apply(parameters, X, key)`` uses no dropout and no noise if `key` is None.
    """

    initialise: Callable
    apply: Callable
    cost: Callable
    begin: Callable
    update: Callable


# -- layers --------------------------------------------------------------------------


def layer(key, shape, initializer, bias=0.0):
    """Return the initial weights and biases of a layer."""
    return {"weight": initializer(key, shape), "bias": jnp.full(shape[-1], bias)}


def dense(parameters, X):
    """Return a linear map of the rows."""
    return X @ parameters["weight"] + parameters["bias"]


def convolution(parameters, X):
    """Return the convolution of images of shape (n, height, width, channels)."""
    output = lax.conv_general_dilated(
        X,
        parameters["weight"],
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return output + parameters["bias"]


def max_pool(X):
    """Return the largest of each 2 x 2 pixels."""
    window = (1, 2, 2, 1)
    return lax.reduce_window(X, -jnp.inf, lax.max, window, window, "VALID")


def dropout(X, p, key):
    """Set entries to zero with probability `p`, and scale the others."""
    if key is None:
        return X
    return jnp.where(random.bernoulli(key, 1 - p, X.shape), X / (1 - p), 0)


# -- systems -------------------------------------------------------------------------


def initialise_softmax(key):
    """Return the initial parameters."""
    return layer(key, (N_FEATURES, N_CLASSES), ZEROS)


def apply_softmax(parameters, X, key):
    """Return the logits."""
    return dense(parameters, X)


def initialise_mlp(key):
    """Return the initial parameters."""
    return {
        "hidden": layer(key, (N_FEATURES, N_HIDDEN), TRUNCATED_NORMAL),
        "output": layer(key, (N_HIDDEN, N_CLASSES), ZEROS),
    }


def apply_mlp(parameters, X, key):
    """Return the logits."""
    hidden = nn.relu(dense(parameters["hidden"], X))
    return dense(parameters["output"], dropout(hidden, DROPOUT, key))


def initialise_convnet(key):
    """Return the initial parameters."""
    shapes = {
        "convolution_1": (5, 5, 1, 32),
        "convolution_2": (5, 5, 32, 64),
        "hidden": (7 * 7 * 64, 1024),
        "output": (1024, N_CLASSES),
    }
    keys = random.split(key, len(shapes))
    return {
        name: layer(key, shape, TRUNCATED_NORMAL, 0.1)
        for key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def apply_convnet(parameters, X, key):
    """Return the logits."""
    images = X.reshape(-1, 28, 28, 1)
    for name in ("convolution_1", "convolution_2"):
        images = max_pool(nn.relu(convolution(parameters[name], images)))
    hidden = nn.relu(dense(parameters["hidden"], images.reshape(len(X), -1)))
    return dense(parameters["output"], dropout(hidden, 0.5, key))


def initialise_autoencoder(key):
    """Return the initial parameters."""
    return {
        "encoder": layer(key, (N_FEATURES, N_COMPONENTS), XAVIER_UNIFORM),
        "decoder": layer(key, (N_COMPONENTS, N_FEATURES), ZEROS),
    }


def apply_autoencoder(parameters, X, key):
    """Return the reconstructions."""
    if key is not None:
        X = X + NOISE_LEVEL * random.normal(key, X.shape)
    return dense(parameters["decoder"], nn.softplus(dense(parameters["encoder"], X)))


def cross_entropy(logits, y):
    """Return the mean cross-entropy of the rows."""
    log_probabilities = nn.log_softmax(logits)
    return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()


def half_squared_error(output, target):
    """Return the cost of the article, as the mean of the rows."""
    return 0.5 * jnp.square(output - target).sum() / len(target)


# -- optimizers ----------------------------------------------------------------------


def begin_sgd(parameters):
    """Return the state before the first update."""
    return ()


def update_sgd(parameters, gradients, state, rate):
    """Return parameters and state after an update."""
    return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), state


def begin_adagrad(parameters):
    """Return the state before the first update."""
    return jax.tree.map(lambda p: jnp.full_like(p, 0.1), parameters)


def update_adagrad(parameters, gradients, state, rate):
    """Return parameters and state after an update."""
    state = jax.tree.map(lambda s, g: s + g * g, state, gradients)
    parameters = jax.tree.map(
        lambda p, g, s: p - rate * g / (jnp.sqrt(s) + 1e-10),
        parameters,
        gradients,
        state,
    )
    return parameters, state


def begin_adam(parameters):
    """Return the state before the first update."""
    mean, square = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return mean, square, jnp.zeros((), jnp.int32)


def update_adam(parameters, gradients, state, rate):
    """Return parameters and state after an update."""
    mean, square, step = state
    step = step + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradients)
    scale = jnp.sqrt(1 - 0.999**step)
    rate = rate / (1 - 0.9**step)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) / scale + 1e-8),
        parameters,
        mean,
        square,
    )
    return parameters, (mean, square, step)


SGD = begin_sgd, update_sgd
ADAGRAD = begin_adagrad, update_adagrad
ADAM = begin_adam, update_adam

SYSTEMS = {
    "softmax": System(initialise_softmax, apply_softmax, cross_entropy, *SGD),
    "mlp": System(initialise_mlp, apply_mlp, cross_entropy, *ADAGRAD),
    "autoencoder": System(
        initialise_autoencoder, apply_autoencoder, half_squared_error, *ADAM
    ),
    "convnet": System(initialise_convnet, apply_convnet, cross_entropy, *ADAM),
}
