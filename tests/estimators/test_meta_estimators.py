"""scikit-learn's meta-estimators around the estimators.

In one batch of float64, quasi-Newton steps take SoftmaxClassifier to the maximum of the
likelihood, where LogisticRegression without a penalty is too: whatever is built on the
one must give what it gives on the other.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs, make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)

NET = SoftmaxClassifier(
    optimizer=torch.optim.LBFGS,
    learning_rate=1.0,
    lr_schedule="constant",
    batch_size=10_000,
    max_epochs=10,
    dtype="float64",
)
LOGISTIC = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000)
BAYES = GaussianNB()
MLP = MLPDropoutClassifier(16, batch_size=30, max_epochs=40, random_state=0)
CODER = DenoisingAutoencoderTransformer(3, max_epochs=5, random_state=0)

ENSEMBLES = {
    "bagging": lambda m: BaggingClassifier(m, 4, max_features=0.7, random_state=0),
    "boosting": lambda m: AdaBoostClassifier(m, n_estimators=4, learning_rate=0.3),
}
PROBABILISTIC = ENSEMBLES | {
    "sigmoid": lambda m: CalibratedClassifierCV(m, cv=3),
    "isotonic": lambda m: CalibratedClassifierCV(m, method="isotonic", cv=3),
    "stacking": lambda m: StackingClassifier(
        [("model", m), ("bayes", BAYES)], final_estimator=clone(m), cv=3
    ),
    "voting": lambda m: VotingClassifier([("m", m), ("b", BAYES)], voting="soft"),
    "one-vs-rest": OneVsRestClassifier,
}
needs_temperature = pytest.mark.skipif(
    "temperature"
    not in str(CalibratedClassifierCV._parameter_constraints["method"][0]),
    reason="this scikit-learn does not calibrate by temperature",
)


@pytest.fixture(scope="module")
def two_classes():
    """Noisy labels, as in all data here: the likelihood has a maximum."""
    options = {"n_informative": 6, "n_redundant": 0, "flip_y": 0.2, "shuffle": False}
    return make_classification(400, 12, random_state=3, **options)


@pytest.fixture(scope="module")
def three_classes():
    options = {"n_informative": 4, "n_redundant": 0, "flip_y": 0.2}
    X, y = make_classification(300, 5, n_classes=3, random_state=0, **options)
    return X, np.array(["low", "middle", "top"])[y]


@pytest.fixture(scope="module")
def three_labels():
    """Every row has any of three labels; the later ones depend on the earlier."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(200, 3)), np.zeros((200, 3), int)
    for i in range(3):
        Y[:, i] = X[:, i] + Y.sum(axis=1) - i / 2 + rng.logistic(size=200) > 0
    return X, Y


@pytest.fixture(scope="module")
def xor():
    """The class is the sign of a product of two features; a third is noise."""
    X = np.random.default_rng(0).uniform(-1, 1, (400, 3))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


@pytest.fixture(scope="module")
def table(three_classes):
    X = pd.DataFrame(three_classes[0], columns=list("abcde"))
    return X.assign(colour=np.resize(["red", "green", "blue"], 300)).iloc[::-1]


@pytest.mark.parametrize("data", ["two_classes", "three_classes"])
@pytest.mark.parametrize(
    "wrap",
    [
        *(pytest.param(wrap, id=name) for name, wrap in PROBABILISTIC.items()),
        pytest.param(
            partial(CalibratedClassifierCV, method="temperature", cv=3),
            id="temperature",
            marks=needs_temperature,
        ),
    ],
)
def test_probabilities_are_those_around_logistic_regression(wrap, data, request):
    X, y = request.getfixturevalue(data)
    ours, expected = wrap(NET).fit(X, y), wrap(LOGISTIC).fit(X, y)
    assert_array_equal(ours.classes_, expected.classes_)
    assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-3)
    assert_array_equal(ours.predict(X), expected.predict(X))
    # They agree on more than the sizes of the classes.
    assert ours.score(X, y) > np.unique(y, return_counts=True)[1].max() / len(y) + 0.15


@pytest.mark.parametrize("wrap", ENSEMBLES.values(), ids=ENSEMBLES)
def test_sample_weights_reach_the_members_of_an_ensemble(wrap, two_classes):
    X, y = two_classes
    weight = np.where(X[:, 0] > 0, 5.0, 0.1)
    ours, expected = (wrap(m).fit(X, y, sample_weight=weight) for m in (NET, LOGISTIC))
    assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-3)
    assert len(ours.estimators_) == 4
    plain = wrap(NET).fit(X, y).predict_proba(X)
    assert abs(ours.predict_proba(X) - plain).max() > 0.05


def test_bagging_in_two_processes_is_bagging_in_one(xor):
    X, y = xor
    bag = BaggingClassifier(MLP, 10, max_samples=0.5, oob_score=True, random_state=0)
    alone = bag.fit(X[:300], y[:300])
    together = clone(bag).set_params(n_jobs=2).fit(X[:300], y[:300])
    proba = alone.predict_proba(X)
    assert_allclose(together.predict_proba(X), proba, atol=1e-4)
    assert_allclose(proba, np.mean([m.predict_proba(X) for m in alone], axis=0))
    assert alone.score(X[300:], y[300:]) > 0.85
    assert abs(alone.oob_score_ - alone.score(X[300:], y[300:])) < 0.1


def test_calibration_cures_a_net_that_is_too_sure(two_classes):
    X, y = two_classes
    net = MLPDropoutClassifier(
        64, dropout=0.0, weight_decay=0.0, max_epochs=300, random_state=0
    )
    calibrated = CalibratedClassifierCV(net, cv=3)
    sure, cured = (
        model.fit(X[::2], y[::2]).predict_proba(X[1::2])[:, 1]
        for model in (net, calibrated)
    )
    assert log_loss(y[1::2], cured) < np.log(2) < log_loss(y[1::2], sure)
    assert brier_score_loss(y[1::2], cured) < brier_score_loss(y[1::2], sure)


@needs_temperature
def test_temperature_of_a_frozen_net_minimises_log_loss(three_classes):
    X, y = three_classes
    net = clone(MLP).set_params(weight_decay=0.0).fit(X[:100], y[:100])
    model = CalibratedClassifierCV(FrozenEstimator(net), method="temperature").fit(X, y)
    logits = net.decision_function(X)
    best = minimize_scalar(lambda t: log_loss(y, softmax(t * logits, axis=1)), (0.1, 1))
    assert_allclose(model.predict_proba(X), softmax(best.x * logits, axis=1), atol=1e-3)
    assert abs(best.x - 1) > 0.05


def test_votes_are_counted_or_averaged(three_classes):
    X, y = three_classes
    members = [("net", NET), ("mlp", MLP), ("bayes", BAYES)]
    soft = VotingClassifier(members, voting="soft").fit(X, y)
    fitted = [clone(m).fit(X, y) for _, m in members]
    mean = np.mean([m.predict_proba(X) for m in fitted], axis=0)
    assert_allclose(soft.predict_proba(X), mean, rtol=1e-6)
    votes = sum(m.predict(X)[:, None] == soft.classes_ for m in fitted)
    hard = VotingClassifier(members).fit(X, y).predict(X)
    assert_array_equal(hard, soft.classes_[votes.argmax(axis=1)])
    assert (hard != soft.predict(X)).any()


@pytest.mark.parametrize(("link", "by_hand"), [(NET, LOGISTIC), (MLP, MLP)])
def test_classifier_chain_is_a_chain_by_hand(link, by_hand, three_labels):
    X, Y = three_labels
    order = [2, 0, 1]
    chain = ClassifierChain(link, order=order).fit(X, Y)
    labels, proba = np.empty((2, *Y.shape))
    for i, label in enumerate(order):
        model = clone(by_hand).fit(np.hstack([X, Y[:, order[:i]]]), Y[:, label])
        seen = np.hstack([X, labels[:, order[:i]]])
        labels[:, label] = model.predict(seen)
        proba[:, label] = model.predict_proba(seen)[:, 1]
    assert_array_equal(chain.predict(X), labels)
    assert_allclose(chain.predict_proba(X), proba, atol=1e-3)


def test_recursive_elimination_ranks_as_logistic_regression_does(two_classes):
    ours = RFE(NET, n_features_to_select=1).fit(*two_classes)
    expected = RFE(LOGISTIC, n_features_to_select=1).fit(*two_classes)
    assert_array_equal(ours.ranking_, expected.ranking_)


@pytest.mark.parametrize("select", [RFE, SelectFromModel])
def test_the_features_that_matter_are_selected(select):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(500, 6)), columns=list("abcdef"))
    y = X["b"] - X["e"] + X["f"] + rng.logistic(size=500) > 0
    selector = select(NET).set_output(transform="pandas").fit(X, y)
    pd.testing.assert_frame_equal(selector.transform(X), X[["b", "e", "f"]])


@pytest.mark.parametrize("net", [SoftmaxClassifier(random_state=0), MLP], ids=str)
def test_self_training_labels_well_separated_blobs(net):
    X, y = make_blobs(200, centers=[[-6, -6], [0, 6], [6, -6]], random_state=0)
    known = np.concatenate([np.flatnonzero(y == label)[:3] for label in range(3)])
    partly = np.full(200, -1)
    partly[known] = y[known]
    assert_array_equal(SelfTrainingClassifier(net).fit(X, partly).transduction_, y)


def test_tuned_threshold_is_that_of_logistic_regression(two_classes):
    X, y = two_classes[0], (two_classes[1] == 1) & (two_classes[0][:, 1] > 0)
    ours = TunedThresholdClassifierCV(NET, scoring="f1", cv=3).fit(X, y)
    expected = TunedThresholdClassifierCV(LOGISTIC, scoring="f1", cv=3).fit(X, y)
    assert_allclose(ours.best_threshold_, expected.best_threshold_, atol=1e-3)
    assert_allclose(ours.best_score_, expected.best_score_, atol=1e-3)
    assert_array_equal(ours.predict(X), expected.predict(X))
    assert (ours.predict(X) != ours.estimator_.predict(X)).any()


def test_halving_search_keeps_the_rate_that_learns(xor):
    rates = {"learning_rate": [1e-8, 1e-7, 0.3, 1e-6]}
    options = {"resource": "max_epochs", "min_resources": 10, "max_resources": 40}
    options |= {"n_candidates": 4, "factor": 2, "cv": 3, "scoring": "neg_log_loss"}
    search = HalvingRandomSearchCV(MLP, rates, **options).fit(*xor)
    assert search.best_params_ == {"learning_rate": 0.3, "max_epochs": 40}
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_estimator_.n_iter_ == 40


def test_learning_curve_rises_to_the_score_of_cross_validation(xor):
    options = {"train_sizes": [0.1, 0.4, 1.0], "cv": 4}
    sizes, _, scores = learning_curve(MLP, *xor, **options)
    assert_array_equal(sizes, [30, 120, 300])
    assert (np.diff(scores.mean(axis=1)) > 0).all()
    assert_allclose(scores[-1], cross_val_score(MLP, *xor, cv=4))


def test_incremental_learning_curve_goes_on_from_chunk_to_chunk(xor):
    # The same chunk three times is three epochs.
    X, y = xor
    fold = np.tile(np.arange(100), 3), np.arange(100, 400)
    options = {"scoring": "neg_log_loss", "exploit_incremental_learning": True}
    mlp = clone(MLP).set_params(weight_decay=0.0)
    curve = learning_curve(mlp, X, y, train_sizes=[100, 200, 300], cv=[fold], **options)
    net = clone(mlp).set_params(lr_schedule="constant")
    for n_epochs, score in enumerate(curve[2][:, 0], 1):
        net.set_params(max_epochs=n_epochs).fit(X[:100], y[:100])
        proba = net.predict_proba(X[100:])
        assert_allclose(-score, log_loss(y[100:], proba), rtol=1e-5)


def test_permutation_importance_finds_what_only_a_hidden_layer_sees(xor):
    net = clone(MLP).set_params(max_epochs=100).fit(*xor)
    drop = permutation_importance(net, *xor, random_state=0).importances_mean
    # Without one of its two factors, the product's sign is a coin's.
    assert_allclose(drop, [net.score(*xor) - 0.5] * 2 + [0], atol=0.07)


def test_column_transformer_keeps_names_and_values_in_pandas(table):
    parts = [(CODER, ["a", "c", "d"]), (StandardScaler(), ["b"]), ("drop", ["colour"])]
    columns = make_column_transformer(*parts, remainder="passthrough")
    out = columns.set_output(transform="pandas").fit_transform(table)
    prefix = "denoisingautoencodertransformer"
    codes = [f"{prefix}__{prefix}{i}" for i in range(3)]
    assert list(out) == [*codes, "standardscaler__b", "remainder__e"]
    alone = clone(CODER).fit(table[["a", "c", "d"]]).transform(table[["a", "c", "d"]])
    assert_allclose(out[codes], alone, rtol=1e-6)
    pd.testing.assert_frame_equal(columns.transform(table[::2]), out[::2])


def test_feature_union_sets_codes_side_by_side_in_pandas(table):
    X = table[list("abcde")]
    coders = [("three", CODER), ("two", clone(CODER).set_params(n_components=2))]
    out = FeatureUnion(coders).set_output(transform="pandas").fit_transform(X)
    alone = [clone(coder).fit(X) for _, coder in coders]
    assert_allclose(out, np.hstack([coder.transform(X) for coder in alone]), rtol=1e-6)
    three, two = (coder.get_feature_names_out() for coder in alone)
    assert list(out) == [*("three__" + three), *("two__" + two)]


def test_classifier_reads_the_sparse_output_of_a_column_transformer(table, request):
    y = request.getfixturevalue("three_classes")[1][::-1]
    parts = [(OneHotEncoder(drop="first"), ["colour"]), (StandardScaler(), ["a", "b"])]
    columns = make_column_transformer(*parts, sparse_threshold=1.0)
    assert columns.fit_transform(table).format == "csr"
    ours = make_pipeline(columns, NET).fit(table, y).predict_proba(table)
    expected = make_pipeline(columns, LOGISTIC).fit(table, y).predict_proba(table)
    assert_allclose(ours, expected, atol=1e-3)
