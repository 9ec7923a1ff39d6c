"""Weights and validation data through pipelines and searches, by metadata routing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import DenoisingAutoencoderTransformer, MLPDropoutClassifier


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def weighted(small):
    X, y = small
    return X, y, np.random.default_rng(1).random(60)


def net(**parameters):
    return MLPDropoutClassifier(
        8, random_state=0, **{"max_epochs": 3, "dropout": 0.0} | parameters
    )


def weighted_pipeline(classifier):
    classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    return make_pipeline(scaler, classifier)


@pytest.fixture(params=["own", "scorer"])
def scoring(request, weighted):
    """None for the estimator's own score, where searches pass weights to it."""
    if request.param == "scorer":
        return make_scorer(accuracy_score).set_score_request(sample_weight=True)
    X, y, weight = weighted
    search = GridSearchCV(weighted_pipeline(LogisticRegression()), {}, cv=3)
    try:
        search.fit(X, y, sample_weight=weight)
    except UnsetMetadataPassedError:
        pytest.skip("this scikit-learn does not pass weights to a pipeline's score")
    return None


def test_weights_reach_fit_and_score_in_a_search_over_pipelines(weighted, scoring):
    X, y, weight = weighted
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        weighted_pipeline(net()),
        {"mlpdropoutclassifier__learning_rate": [0.3]},
        cv=folds,
        scoring=scoring,
    )
    search.fit(X, y, sample_weight=weight)
    for fold, (train, test) in enumerate(folds.split(X)):
        scaled = StandardScaler().fit(X[train])
        by_hand = net(learning_rate=0.3)
        by_hand.fit(scaled.transform(X[train]), y[train], weight[train])
        predicted = by_hand.predict(scaled.transform(X[test]))
        expected = accuracy_score(y[test], predicted, sample_weight=weight[test])
        assert_allclose(search.cv_results_[f"split{fold}_test_score"], expected)


def test_weights_that_are_not_asked_for_are_refused(weighted):
    X, y, weight = weighted
    with pytest.raises(ValueError, match="sample_weight"):
        cross_validate(
            make_pipeline(StandardScaler(), net()),
            X,
            y,
            params={"sample_weight": weight},
        )


def test_validation_data_are_transformed_in_each_fold(small):
    X, y = small
    asks = net().set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("net", asks)], transform_input=["X_val"]
    )
    search = GridSearchCV(pipeline, {"net__learning_rate": [0.3]}, cv=3)
    search.fit(X[:45], y[:45], X_val=X[45:], y_val=y[45:])
    scaled = StandardScaler().fit(X[:45])
    by_hand = net(learning_rate=0.3).fit(
        scaled.transform(X[:45]), y[:45], X_val=scaled.transform(X[45:]), y_val=y[45:]
    )
    best = search.best_estimator_[-1]
    assert_allclose(best.validation_loss_curve_, by_hand.validation_loss_curve_)


def test_validation_weights_are_routed_too(weighted):
    X, y, weight = weighted
    asks = net().set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
    validation = {"X_val": X, "y_val": y, "sample_weight_val": weight}
    pipeline = make_pipeline(asks).fit(X, y, **validation)
    by_hand = net().fit(X, y, **validation)
    assert pipeline[-1].validation_loss_curve_ == by_hand.validation_loss_curve_
    unweighted = net().fit(X, y, X_val=X, y_val=y)
    assert by_hand.validation_loss_curve_ != unweighted.validation_loss_curve_


def test_validation_data_of_an_autoencoder(small):
    X, _ = small
    coder = DenoisingAutoencoderTransformer(2, max_epochs=3, random_state=0)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("code", coder.set_fit_request(X_val=True))],
        transform_input=["X_val"],
    )
    pipeline.fit(X[:40], X_val=X[40:])
    scaled = StandardScaler().fit(X[:40])
    loss = -pipeline[-1].score(scaled.transform(X[40:]))
    assert_allclose(pipeline[-1].validation_loss_curve_[-1], loss, rtol=1e-5)


def test_partial_fit_takes_classes_and_weights(weighted):
    X, y, weight = weighted
    asks = net().set_partial_fit_request(classes=True, sample_weight=True)
    asks.partial_fit(X, y, classes=[0, 1, 2], sample_weight=weight)
    assert_array_equal(asks.classes_, [0, 1, 2])
