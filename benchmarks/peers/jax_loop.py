"""Training in JAX: one compiled scan over the batches of an epoch.

On a CPU, convolutions take several times longer within a scan than outside. For the
convolutional net, a Python loop therefore calls a compiled step.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, random

from benchmarks.peers.jax_systems import N_FEATURES, SYSTEMS


@functools.partial(jax.jit, static_argnames=("n_samples", "batch_size"))
def shuffle(key, n_samples, batch_size):
    """Return the rows of each batch of an epoch, and a random key for each batch.

    All batches of a scan have the same shape, so an incomplete last batch is left out.
    """
    order_key, noise_key = random.split(key)
    n_batches = n_samples // batch_size
    order = random.permutation(order_key, n_samples)[: n_batches * batch_size]
    return order.reshape(n_batches, batch_size), random.split(noise_key, n_batches)


@functools.cache
def compile_epoch(name, recipe, n_samples):
    """Return a function that trains for an epoch, compiled for the data's shapes."""
    system = SYSTEMS[name]

    def cost(parameters, X, target, key):
        return system.cost(system.apply(parameters, X, key), target)

    def step(parameters, state, batch, X, target):
        rows, key = batch
        gradients = jax.grad(cost)(parameters, X[rows], target[rows], key)
        return system.update(parameters, gradients, state, recipe.learning_rate)

    def scan(parameters, state, batches, X, target):
        def body(carry, batch):
            return step(*carry, batch, X, target), None

        return lax.scan(body, (parameters, state), batches)[0]

    def loop(parameters, state, batches, X, target):
        for batch in zip(*batches, strict=True):
            parameters, state = compiled_step(parameters, state, batch, X, target)
        return parameters, state

    key = random.key(0)
    parameters = jax.eval_shape(system.initialise, key)
    state = jax.eval_shape(system.begin, parameters)
    batches = shuffle(key, n_samples, recipe.batch_size)
    X = jax.ShapeDtypeStruct((n_samples, N_FEATURES), jnp.float32)
    codes = jax.ShapeDtypeStruct((n_samples,), jnp.int32)
    data = X, X if name == "autoencoder" else codes

    if name == "convnet":
        batch = next(zip(*batches, strict=True))
        compiled_step = compile_ahead(step, parameters, state, batch, *data)
        return loop
    return compile_ahead(scan, parameters, state, batches, *data)


def compile_ahead(function, *arguments):
    """Compile a function that may overwrite its parameters and state."""
    jitted = jax.jit(function, donate_argnames=("parameters", "state"))
    return jitted.lower(*arguments).compile()


def prepare(name, recipe, X, y):
    """Compile before `fit`, so that the time of `fit` excludes compilation."""
    compile_epoch(name, recipe, len(X))


def fit(name, recipe, X, y):
    """Train a system. Return a function that predicts."""
    system = SYSTEMS[name]
    epoch = compile_epoch(name, recipe, len(X))
    X = jnp.asarray(X)
    target = X if name == "autoencoder" else jnp.asarray(y, jnp.int32)
    key = random.key(0)
    parameters = system.initialise(key)
    state = system.begin(parameters)
    for i_epoch in range(recipe.epochs(len(X))):
        epoch_key = random.fold_in(key, i_epoch)
        batches = shuffle(epoch_key, len(X), recipe.batch_size)
        parameters, state = epoch(parameters, state, batches, X, target)
    jax.block_until_ready(parameters)

    def predict(X):
        output = np.asarray(jax.jit(system.apply)(parameters, X, None))
        return output if name == "autoencoder" else output.argmax(axis=1)

    return predict


FITS = {name: {"JAX, jit and scan": fit} for name in SYSTEMS}
FITS["convnet"] = {"JAX, jit": fit}
