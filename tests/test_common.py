"""scikit-learn's own checks, on default and on exact configurations."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch.optim.lr_scheduler import CosineAnnealingLR

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)


class Squeezed:
    """Mixin of autoencoders: squeeze X into [0, 1], where cross-entropy needs it."""

    def _validate(self, X, *, reset, **options):
        # Squeezed, infinities would be out of sight, so they are looked for before.
        X = super()._validate(X, reset=reset, dtype=options.get("dtype"))
        return X.tanh().power(2) if sparse.issparse(X) else np.tanh(X) ** 2


class InUnitInterval(Squeezed, DenoisingAutoencoderTransformer):
    pass


class VariationalInUnitInterval(Squeezed, VariationalAutoencoderTransformer):
    pass


WEIGHTS = "check_sample_weight_equivalence_on_{}_data"
DEFAULTS = [
    SoftmaxClassifier(),
    MLPDropoutClassifier(),
    ConvNetClassifier(),
    DenoisingAutoencoderTransformer(),
    VariationalAutoencoderTransformer(),
    MLPDropoutRegressor(),
]

# In float64, in one batch and without dropout, nothing is random after initialisation
# and rounding stays below the checks' tolerance: every check must pass.
EXACT = {"dtype": "float64", "batch_size": 10_000, "max_epochs": 60}
EXACT_ESTIMATORS = [
    SoftmaxClassifier(**EXACT),
    MLPDropoutClassifier(16, dropout=0.0, **EXACT),
    MLPDropoutRegressor(16, dropout=0.0, **EXACT),
    ConvNetClassifier(
        8, hidden_layer_sizes=16, dropout=0.0, learning_rate=0.01, **EXACT
    ),
    DenoisingAutoencoderTransformer(8, noise=None, **EXACT),
    DenoisingAutoencoderTransformer(
        8, hidden_layer_sizes=16, tied_weights=True, noise=None, **EXACT
    ),
    VariationalAutoencoderTransformer(2, hidden_layer_sizes=16, **EXACT),
]

# The same code as the defaults, at a size that is quick to train.
SMALL = [
    SoftmaxClassifier(max_epochs=60, weight_decay=1e-4),
    MLPDropoutClassifier(
        (16, 8),
        max_epochs=60,
        optimizer="adam",
        learning_rate=0.01,
        lr_schedule=CosineAnnealingLR,
        max_grad_norm=1.0,
    ),
    MLPDropoutRegressor((16, 8), max_epochs=60),
    ConvNetClassifier(
        (4, 8), kernel_size=4, hidden_layer_sizes=32, max_epochs=60, learning_rate=0.01
    ),
    DenoisingAutoencoderTransformer(8, noise="masking", noise_level=0.2, max_epochs=60),
    DenoisingAutoencoderTransformer(
        8,
        hidden_layer_sizes=(32, 16),
        activation="relu",
        noise="salt_and_pepper",
        noise_level=0.2,
        pretrain_epochs=5,
        max_epochs=20,
    ),
    DenoisingAutoencoderTransformer(
        8,
        hidden_layer_sizes=16,
        activation="logistic",
        output_activation="softplus",
        tied_weights=True,
        activity_penalty="kl",
        early_stopping=True,
        validation_fraction=0.2,
        max_epochs=20,
    ),
    InUnitInterval(
        8,
        activation="tanh",
        output_activation="logistic",
        loss="cross_entropy",
        activity_penalty="l1",
        noise_level=0.2,
        max_epochs=20,
    ),
    VariationalAutoencoderTransformer(3, hidden_layer_sizes=32, max_epochs=20),
    VariationalAutoencoderTransformer(
        2,
        hidden_layer_sizes=(),
        noise_variance=0.5,
        beta=2.0,
        n_draws=3,
        early_stopping=True,
        validation_fraction=0.2,
        max_epochs=20,
    ),
    VariationalInUnitInterval(
        2,
        hidden_layer_sizes=(32, 16),
        activation="tanh",
        loss="cross_entropy",
        max_epochs=20,
    ),
]
AUTOENCODERS = [
    estimator
    for estimator in EXACT_ESTIMATORS + SMALL
    if hasattr(estimator, "transform")
]


def expected_failures(estimator):
    if estimator.dtype == "float64" or hasattr(estimator, "transform"):
        return {}
    reason = (
        "Weights and repetition agree in exact arithmetic; dropout, mini-batches and "
        "float32 do not give the same bits."
    )
    return {WEIGHTS.format(kind): reason for kind in ("dense", "sparse")}


def sklearn_checks(estimators):
    """Parametrize a test with scikit-learn's checks.

    pytest warns of the generator that scikit-learn passes it up to version 1.8.
    """
    options = {"expected_failed_checks": expected_failures}
    mark = parametrize_with_checks(estimators, **options)
    names, checks = mark.args
    return pytest.mark.parametrize(names, list(checks), **mark.kwargs)


@sklearn_checks(EXACT_ESTIMATORS + SMALL)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@sklearn_checks(DEFAULTS)
def test_sklearn_checks_on_defaults(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", EXACT_ESTIMATORS + SMALL, ids=str)
@pytest.mark.parametrize(
    "name",
    ["check_param_validation", "check_dataframe_column_names_consistency"],
)
def test_checks_that_sklearn_never_yields(name, estimator):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


# One of them fits on a DataFrame and transforms an array on purpose.
@pytest.mark.filterwarnings("ignore:X .*feature names:UserWarning")
@pytest.mark.parametrize("transformer", AUTOENCODERS, ids=str)
@pytest.mark.parametrize(
    "name",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_set_output_transform_polars",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_get_feature_names_out_error",
    ],
)
def test_transformer_checks_that_sklearn_never_yields(name, transformer):
    getattr(estimator_checks, name)(type(transformer).__name__, transformer)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=str)
def test_tags_switch_no_check_off(estimator):
    tags = estimator.__sklearn_tags__()
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert not tags.no_validation
    assert tags.input_tags.two_d_array
    assert tags.classifier_tags is None or not tags.classifier_tags.poor_score
    assert tags.regressor_tags is None or not tags.regressor_tags.poor_score
