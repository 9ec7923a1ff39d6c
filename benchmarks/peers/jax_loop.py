"""Training in JAX: one compiled scan over the batches of an epoch."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, random

from benchmarks.peers.jax_systems import N_FEATURES, SYSTEMS


@functools.cache
def compile_epoch(name, recipe, n_samples):
    """Return an epoch, compiled ahead of time for the shapes of the data.

    The rows that do not fill the last batch are left out: all batches of a scan have
    the same shape.
    """
    system = SYSTEMS[name]
    n_batches = n_samples // recipe.batch_size

    def cost(parameters, X, target, key):
        return system.cost(system.apply(parameters, X, key), target)

    def epoch(parameters, state, key, X, target):
        order_key, noise_key = random.split(key)
        order = random.permutation(order_key, n_samples)
        order = order[: n_batches * recipe.batch_size].reshape(n_batches, -1)

        def step(carry, batch):
            parameters, state = carry
            rows, key = batch
            gradients = jax.grad(cost)(parameters, X[rows], target[rows], key)
            rate = recipe.learning_rate
            return system.update(parameters, gradients, state, rate), None

        batches = order, random.split(noise_key, n_batches)
        carry, _ = lax.scan(step, (parameters, state), batches)
        return carry

    key = random.key(0)
    parameters = jax.eval_shape(system.initialise, key)
    state = jax.eval_shape(system.begin, parameters)
    X = jax.ShapeDtypeStruct((n_samples, N_FEATURES), jnp.float32)
    codes = jax.ShapeDtypeStruct((n_samples,), jnp.int32)
    target = X if name == "autoencoder" else codes
    jitted = jax.jit(epoch, donate_argnames=("parameters", "state"))
    return jitted.lower(parameters, state, key, X, target).compile()


def prepare(name, recipe, X, y):
    """Compile, as `fit` would."""
    compile_epoch(name, recipe, len(X))


def fit(name, recipe, X, y):
    """Train, and return a function that predicts."""
    system = SYSTEMS[name]
    epoch = compile_epoch(name, recipe, len(X))
    X = jnp.asarray(X)
    target = X if name == "autoencoder" else jnp.asarray(y, jnp.int32)
    initial_key, *keys = random.split(random.key(0), recipe.epochs(len(X)) + 1)
    parameters = system.initialise(initial_key)
    state = system.begin(parameters)
    for key in keys:
        parameters, state = epoch(parameters, state, key, X, target)
    jax.block_until_ready(parameters)

    def predict(X):
        output = np.asarray(jax.jit(system.apply)(parameters, X, None))
        return output if name == "autoencoder" else output.argmax(axis=1)

    return predict


FITS = {name: {"JAX, jit and scan": fit} for name in SYSTEMS}
