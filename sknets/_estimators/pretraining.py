"""Initial weights for deep autoencoders and for perceptrons, from autoencoders."""

import warnings

import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknets._compute.seeds import INITIALISATION, spawn_seed
from sknets._data.sklearn_compat import without_callbacks
from sknets._estimators.parameters import changed_parameters
from sknets._networks.activations import ACTIVATIONS


def pretrain_layers(stack, X):
    """Train each layer of an autoencoder on the codes of the layers below it.

    Each layer is trained as the hidden layer of a shallow autoencoder. Its output
    activation is that of the deep autoencoder at the same place. So the shallow
    autoencoders together form the deep one.

    Parameters
    ----------
    stack : DenoisingAutoencoderTransformer
        Autoencoder with an untrained `net_`. Its weights are replaced.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Validated training data.

    References
    ----------
    P. Vincent et al., "Stacked Denoising Autoencoders", JMLR 11, 2010.
    """
    encoders = stack.module_.encoder[::2]
    decoders = reversed(stack.module_.decoder[::2])
    for depth, (encoder, decoder) in enumerate(zip(encoders, decoders, strict=True)):
        shallow = clone(stack).set_params(
            n_components=encoder.out_features,
            hidden_layer_sizes=(),
            max_epochs=stack.pretrain_epochs,
            early_stopping=False,
            scoring=None,
            callbacks=None,
            verbose=0,
            random_state=spawn_seed(stack.net_.seed, INITIALISATION, depth + 1),
        )
        if depth > 0:
            shallow.set_params(output_activation=stack.activation, loss="squared_error")
        if depth < len(encoders) - 1:
            shallow.set_params(activity_penalty=None)
        # Codes have no unit that the layers of the deep net could see.
        shallow._measures_unit = depth == 0
        without_callbacks(shallow.set_output(transform="default")).fit(X)
        encoder.load_state_dict(shallow.module_.encoder[0].state_dict())
        decoder.load_state_dict(shallow.module_.decoder[0].state_dict())
        X = shallow.transform(X)


def find_encoder(pretrained):
    """Return the encoder of a fitted autoencoder.

    Parameters
    ----------
    pretrained : estimator
        Autoencoder, or pipeline that ends in one. Both may be frozen.

    Returns
    -------
    encoder : torch.nn.Sequential
        Linear layers and activations, alternately.

    Raises
    ------
    NotFittedError
        If the autoencoder is not fitted.
    ValueError
        If `pretrained` is no autoencoder.
    """
    estimator = pretrained
    while isinstance(estimator, (FrozenEstimator, Pipeline)):
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator[-1]
    if not hasattr(estimator, "pretrain_epochs"):
        raise ValueError(
            "pretrained must be a fitted DenoisingAutoencoderTransformer, or a "
            f"pipeline that ends in one; got {pretrained!r}."
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise NotFittedError(
            f"pretrained={pretrained!r} is not fitted. Fit it first. In the grid of a "
            "search, wrap it in sklearn.frozen.FrozenEstimator. Otherwise the search "
            "uses an unfitted copy."
        ) from error
    changed = changed_parameters(estimator, {"random_state"})
    if changed:
        warnings.warn(
            f"{', '.join(changed)} changed since pretrained was fitted. The change has "
            "no effect on its encoder.",
            stacklevel=7,
        )
    return estimator.module_.encoder


def check_encoder(encoder, n_features, hidden_layer_sizes, activation):
    """Raise if an encoder does not match the first hidden layers of a perceptron.

    Parameters
    ----------
    encoder : torch.nn.Sequential
    n_features : int
    hidden_layer_sizes : tuple of int
    activation : key of ACTIVATIONS
    """
    sizes = tuple(layer.out_features for layer in encoder[::2])
    if encoder[0].in_features != n_features:
        raise ValueError(
            f"X has {n_features} features, but pretrained was fitted on "
            f"{encoder[0].in_features} features."
        )
    if hidden_layer_sizes[: len(sizes)] != sizes:
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes} must start with the layer "
            f"sizes of pretrained: {sizes}."
        )
    if not isinstance(encoder[1], ACTIVATIONS[activation]):
        (own,) = (n for n, kind in ACTIVATIONS.items() if type(encoder[1]) is kind)
        raise ValueError(
            f"activation={activation!r} must be that of pretrained: {own!r}."
        )


def copy_encoder(encoder, hidden):
    """Copy the weights of an encoder to the first hidden layers of a perceptron."""
    linear = [layer for layer in hidden if hasattr(layer, "weight")]
    for target, source in zip(linear, encoder[::2], strict=False):
        target.load_state_dict(source.state_dict())
    if encoder.divisor is not None:
        with torch.no_grad():
            linear[0].weight.div_(encoder.divisor)
