"""Keras models: compile, fit, predict.

The default backend is the one that was the fastest for dense networks on a CPU.
``KERAS_BACKEND`` selects another one.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers, optimizers

from benchmarks.recipes import DROPOUT, N_COMPONENTS, N_HIDDEN, NOISE_LEVEL


def truncated_normal():
    """Return the initializer of the article, with a new seed."""
    return keras.initializers.TruncatedNormal(stddev=0.1)


def dense(units, activation=None):
    """Return a dense layer with the initial values of the convolutional net."""
    return layers.Dense(
        units,
        activation,
        kernel_initializer=truncated_normal(),
        bias_initializer=keras.initializers.Constant(0.1),
    )


def convolution(channels):
    """Return a convolution with the initial values of the convolutional net."""
    return layers.Conv2D(
        channels,
        5,
        padding="same",
        activation="relu",
        kernel_initializer=truncated_normal(),
        bias_initializer=keras.initializers.Constant(0.1),
    )


def build_softmax():
    """Return the layers, the optimizer class and its options."""
    return [layers.Dense(10, kernel_initializer="zeros")], optimizers.SGD, {}


def build_mlp():
    """Return the layers, the optimizer class and its options."""
    network = [
        layers.Dense(N_HIDDEN, "relu", kernel_initializer=truncated_normal()),
        layers.Dropout(DROPOUT),
        layers.Dense(10, kernel_initializer="zeros"),
    ]
    return network, optimizers.Adagrad, {"initial_accumulator_value": 0.1}


def build_convnet():
    """Return the layers, the optimizer class and its options."""
    network = [
        layers.Reshape((28, 28, 1)),
        convolution(32),
        layers.MaxPooling2D(),
        convolution(64),
        layers.MaxPooling2D(),
        layers.Flatten(),
        dense(1024, "relu"),
        layers.Dropout(0.5),
        dense(10),
    ]
    return network, optimizers.Adam, {}


def build_autoencoder():
    """Return the layers, the optimizer class and its options."""
    network = [
        layers.GaussianNoise(NOISE_LEVEL),
        layers.Dense(N_COMPONENTS, "softplus"),
        layers.Dense(784, kernel_initializer="zeros"),
    ]
    return network, optimizers.Adam, {}


def half_squared_error(target, output):
    """Return the cost of the article for each row."""
    return 0.5 * keras.ops.sum(keras.ops.square(output - target), axis=-1)


BUILD = {
    "softmax": build_softmax,
    "mlp": build_mlp,
    "autoencoder": build_autoencoder,
    "convnet": build_convnet,
}


def fit(name, recipe, X, y):
    """Train a system. Return a function that predicts."""
    keras.utils.set_random_seed(0)
    network, optimizer, options = BUILD[name]()
    model = keras.Sequential([keras.Input((784,)), *network])
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    is_autoencoder = name == "autoencoder"
    model.compile(
        optimizer=optimizer(recipe.learning_rate, **options),
        loss=half_squared_error if is_autoencoder else cross_entropy,
    )
    model.fit(
        X,
        X if is_autoencoder else y,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs(len(X)),
        verbose=0,
    )

    def predict(X):
        output = model.predict(X, verbose=0)
        return output if is_autoencoder else output.argmax(axis=1)

    return predict


FITS = {name: {f"Keras on {keras.backend.backend()}": fit} for name in BUILD}
