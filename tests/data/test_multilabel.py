"""Any number of labels for a row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_classifiers_multilabel_output_format_decision_function,
    check_classifiers_multilabel_output_format_predict,
    check_classifiers_multilabel_output_format_predict_proba,
    check_classifiers_multilabel_representation_invariance,
)
from skorch.callbacks import EpochScoring

from sknets import ConvNetClassifier, MLPDropoutClassifier, SoftmaxClassifier

KINDS = [
    MLPDropoutClassifier(16, max_epochs=60, random_state=0),
    ConvNetClassifier(
        4, hidden_layer_sizes=16, learning_rate=0.01, max_epochs=60, random_state=0
    ),
]


@pytest.fixture(scope="module")
def labelled():
    X, Y = make_multilabel_classification(
        300, n_features=16, n_classes=4, random_state=0
    )
    return StandardScaler().fit_transform(X), Y


@pytest.mark.parametrize("estimator", KINDS)
@pytest.mark.parametrize(
    "check",
    [
        check_classifiers_multilabel_output_format_decision_function,
        check_classifiers_multilabel_output_format_predict,
        check_classifiers_multilabel_output_format_predict_proba,
        check_classifiers_multilabel_representation_invariance,
    ],
)
def test_scikit_learns_checks(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", KINDS)
def test_learns_like_a_classifier_for_each_label(estimator, labelled):
    X, Y = labelled
    together = estimator.fit(X[:200], Y[:200])
    apart = MultiOutputClassifier(estimator).fit(X[:200], Y[:200])
    rivals = (together, apart, DummyClassifier().fit(X[:200], Y[:200]))
    accuracy, of_each, of_none = (
        (m.predict(X[200:]) == Y[200:]).mean() for m in rivals
    )
    assert accuracy > max(of_each - 0.05, of_none)


def test_outputs_fit_together(labelled):
    X, Y = labelled
    model = MLPDropoutClassifier(max_epochs=5).fit(X, Y)
    logits = model.decision_function(X)
    assert logits.shape == (300, 4)
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    assert_array_equal(model.predict(X), (logits > 0).astype(int))
    assert_allclose(model.predict_proba(X), expit(logits))
    assert_allclose(model.predict_log_proba(X), np.log(expit(logits)))
    assert model.score(X, Y) == accuracy_score(Y, model.predict(X))


def test_loss_is_summed_over_the_labels(labelled):
    X, Y = labelled
    model = MLPDropoutClassifier(max_epochs=5).fit(X, Y, X_val=X, y_val=Y)
    proba = model.predict_proba(X)
    expected = sum(log_loss(Y[:, k], proba[:, k]) for k in range(4))
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-5)


def test_integer_weights_equal_repetition(labelled):
    X, Y = labelled
    weight = np.random.default_rng(0).integers(0, 4, 300)
    model = MLPDropoutClassifier(
        8,
        dropout=0.0,
        dtype="float64",
        batch_size=10_000,
        random_state=0,
        max_epochs=20,
    )
    repeated = model.fit(np.repeat(X, weight, 0), np.repeat(Y, weight, 0))
    expected = repeated.predict_proba(X)
    assert_allclose(model.fit(X, Y, weight).predict_proba(X), expected, rtol=1e-9)


def test_sparse_indicators_and_lists(labelled):
    X, Y = labelled
    model = MLPDropoutClassifier(8, max_epochs=3, random_state=0)
    expected = model.fit(X, Y).predict_proba(X)
    for same in (sparse.csr_array(Y), Y.tolist(), Y.astype(bool), Y.astype(float)):
        assert_array_equal(model.fit(X, same).predict_proba(X), expected)


def test_early_stopping_scoring_and_a_search(labelled):
    X, Y = labelled
    net = MLPDropoutClassifier(
        16, early_stopping=True, scoring="f1_macro", max_epochs=30, random_state=0
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), net),
        {"mlpdropoutclassifier__dropout": [0.0, 0.3]},
        scoring="roc_auc",
        cv=3,
    )
    search.fit(X, Y)
    assert search.best_score_ > 0.75
    best = search.best_estimator_[-1]
    assert max(best.validation_scores_) == best.validation_scores_[best.best_epoch_ - 1]


@pytest.mark.parametrize("scoring", ["f1_macro", "roc_auc"])
def test_skorchs_callbacks_score_it(scoring, labelled):
    X, Y = labelled
    callback = EpochScoring(scoring, lower_is_better=False, name="here")
    model = MLPDropoutClassifier(
        8, max_epochs=5, scoring=scoring, callbacks=[callback], random_state=0
    )
    model.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    # A net rounds to float32, which makes a few ties.
    assert_allclose(model.net_.history[:, "here"], model.validation_scores_, rtol=1e-3)


def test_partial_fit_over_chunks(labelled):
    X, Y = labelled
    model = MLPDropoutClassifier(16, random_state=0)
    for _ in range(30):
        for chunk in np.array_split(np.arange(300), 3):
            model.partial_fit(X[chunk], Y[chunk], classes=range(4))
    assert (model.predict(X) == Y).mean() > 0.8


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.arange(40).reshape(20, 2) % 3,
            "got several classes per column",
        ),
        (1 + np.eye(20)[:, :4], "of 0 and 1; got the values"),
        (
            sparse.csr_array(3 * np.eye(20)[:, :4]),
            "of 0 and 1; got the values",
        ),
        (np.eye(20)[:, :3], "targets of the previous fit, the columns .0 1 2 3."),
        (np.arange(20) % 2, "targets of the previous fit"),
        (np.arange(20) % 4, "targets of the previous fit"),
    ],
)
def test_other_targets_are_named(y, message, labelled):
    X, Y = labelled
    model = MLPDropoutClassifier(max_epochs=1, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:20], y)


def test_partial_fit_names_other_targets(labelled):
    X, Y = labelled
    model = MLPDropoutClassifier().partial_fit(X, Y, classes=range(4))
    with pytest.raises(ValueError, match="y has 3 columns; expected 4"):
        model.partial_fit(X, Y[:, :3])
    with pytest.raises(ValueError, match="multilabel indicator.*; got binary targets"):
        model.partial_fit(X, Y[:, 0])
    with pytest.raises(ValueError, match=r"range\(4\); got \['a'"):
        MLPDropoutClassifier().partial_fit(X, Y, classes=list("abcd"))
    single = MLPDropoutClassifier().partial_fit(X, Y[:, 0], classes=[0, 1])
    with pytest.raises(ValueError, match="y has 4 columns"):
        single.partial_fit(X, Y)


def test_class_weight_needs_exclusive_classes(labelled):
    with pytest.raises(ValueError, match="class_weight must be None"):
        MLPDropoutClassifier(class_weight="balanced").fit(*labelled)


def test_a_column_of_labels_is_flattened_with_a_warning(labelled):
    X, Y = labelled
    with pytest.warns(UserWarning, match="column-vector"):
        model = MLPDropoutClassifier(max_epochs=1).fit(X, Y[:, :1])
    assert model.predict(X).shape == (300,)


def test_softmax_regression_takes_one_label_a_row(labelled):
    with pytest.raises(ValueError, match="1d array"):
        SoftmaxClassifier().fit(*labelled)
