"""scikit-learn's own checks, on default and on exact configurations."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)

WEIGHTS = "check_sample_weight_equivalence_on_{}_data"
DEFAULTS = [
    SoftmaxClassifier(),
    MLPDropoutClassifier(),
    ConvNetClassifier(),
    DenoisingAutoencoderTransformer(),
]

# In float64, in one batch and without dropout, nothing is random after initialisation
# and rounding stays below the checks' tolerance: every check must pass.
EXACT = {"dtype": "float64", "batch_size": 10_000, "max_epochs": 60}
EXACT_ESTIMATORS = [
    SoftmaxClassifier(**EXACT),
    MLPDropoutClassifier(16, dropout=0.0, **EXACT),
    ConvNetClassifier(
        8, hidden_layer_sizes=16, dropout=0.0, learning_rate=0.01, **EXACT
    ),
    DenoisingAutoencoderTransformer(8, noise=None, **EXACT),
]

# The same code as the defaults, at a size that is quick to train.
SMALL = [
    SoftmaxClassifier(max_epochs=60, weight_decay=1e-4),
    MLPDropoutClassifier((16, 8), max_epochs=60, optimizer="adam", learning_rate=0.01),
    ConvNetClassifier(
        (4, 8), kernel_size=4, hidden_layer_sizes=32, max_epochs=60, learning_rate=0.01
    ),
    DenoisingAutoencoderTransformer(8, noise="masking", noise_level=0.2, max_epochs=60),
]


def expected_failures(estimator):
    if estimator.dtype == "float64" or not hasattr(estimator, "class_weight"):
        return {}
    reason = (
        "Weights and repetition agree in exact arithmetic; dropout, mini-batches and "
        "float32 do not give the same bits."
    )
    return {WEIGHTS.format(kind): reason for kind in ("dense", "sparse")}


@parametrize_with_checks(
    EXACT_ESTIMATORS + SMALL, expected_failed_checks=expected_failures
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(DEFAULTS, expected_failed_checks=expected_failures)
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
@pytest.mark.parametrize(
    "name",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_get_feature_names_out_error",
    ],
)
def test_transformer_checks_that_sklearn_never_yields(name):
    transformer = DenoisingAutoencoderTransformer(8, max_epochs=5)
    getattr(estimator_checks, name)(type(transformer).__name__, transformer)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=str)
def test_tags_switch_no_check_off(estimator):
    tags = estimator.__sklearn_tags__()
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert not tags.no_validation
    assert tags.input_tags.two_d_array
    assert tags.classifier_tags is None or not tags.classifier_tags.poor_score
