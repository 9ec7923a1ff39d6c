import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sknets import SoftmaxClassifier


@pytest.mark.parametrize("scaled_C", [0.1, 1.0])
@pytest.mark.parametrize(("load", "of_pair"), [(load_iris, 1), (load_breast_cancer, 2)])
def test_converges_to_logistic_regression(load, of_pair, scaled_C):
    # Two classes have two weight vectors, w and -w: half the penalty each.
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    weight_decay = of_pair / (scaled_C * len(X))
    model = SoftmaxClassifier(
        learning_rate=0.5,
        weight_decay=weight_decay,
        batch_size=len(X),
        max_epochs=6000,
        lr_schedule="constant",
        dtype="float64",
    ).fit(X, y)
    expected = LogisticRegression(C=scaled_C, tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-4)
    difference = model.coef_[-1] - model.coef_[0]
    expected_difference = expected.coef_[-1] - (
        expected.coef_[0] if of_pair == 1 else 0
    )
    assert_allclose(difference, expected_difference, atol=2e-3)


def test_weighted_fit_converges_to_weighted_logistic_regression():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    weight = np.random.default_rng(0).uniform(0, 3, len(X))
    model = SoftmaxClassifier(
        class_weight={0: 2.0, 1: 1.0, 2: 0.5},
        weight_decay=0.01,
        batch_size=len(X),
        max_epochs=6000,
        lr_schedule="constant",
        dtype="float64",
    ).fit(X, y, sample_weight=weight)
    total = (weight * np.array([2.0, 1.0, 0.5])[y]).sum()
    expected = LogisticRegression(
        C=1 / (0.01 * total),
        class_weight=model.class_weight,
        tol=1e-10,
        max_iter=10_000,
    ).fit(X, y, sample_weight=weight)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-4)


def test_quasi_newton_converges_to_logistic_regression_in_a_few_passes():
    # LBFGS evaluates its closure many times a step.
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X) + np.random.default_rng(0).normal(
        0, 2, (150, 4)
    )
    model = SoftmaxClassifier(
        optimizer=torch.optim.LBFGS,
        learning_rate=1.0,
        lr_schedule="constant",
        batch_size=150,
        max_epochs=10,
        dtype="float64",
    ).fit(X, y)
    expected = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-4)


def test_coef_and_intercept_are_the_decision_function(small):
    X, y = small
    model = SoftmaxClassifier(random_state=0).fit(X, y)
    assert model.coef_.shape == (3, 5)
    assert model.intercept_.shape == (3,)
    expected = X @ model.coef_.T + model.intercept_
    assert_allclose(model.decision_function(X), expected, rtol=1e-4, atol=1e-5)


def test_two_classes_have_two_rows_of_coef_and_log_odds(small):
    X, y = small
    model = SoftmaxClassifier(random_state=0).fit(X, y > 0)
    assert model.coef_.shape == (2, 5)
    odds = X @ (model.coef_[1] - model.coef_[0]) + np.diff(model.intercept_)
    assert_allclose(model.decision_function(X), odds, rtol=1e-4, atol=1e-5)
    probability = 1 / (1 + np.exp(-model.decision_function(X)))
    assert_allclose(model.predict_proba(X)[:, 1], probability, rtol=1e-6)


def test_first_update_is_the_gradient_in_closed_form(small):
    X, y = small
    model = SoftmaxClassifier(
        learning_rate=0.5,
        lr_schedule="constant",
        batch_size=60,
        max_epochs=1,
        dtype="float64",
    ).fit(X, y)
    error = 1 / 3 - np.eye(3)[y]
    assert_allclose(model.coef_, -0.5 * error.T @ X / 60, atol=1e-12)
    assert_allclose(model.intercept_, -0.5 * error.mean(axis=0), atol=1e-12)
    assert_allclose(model.loss_curve_, [np.log(3)])


def test_cannot_solve_xor():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10)
    y = X[:, 0] ^ X[:, 1]
    model = SoftmaxClassifier(random_state=0).fit(X, y)
    assert model.score(X, y) <= 0.75
    assert_allclose(model.predict_proba(X), 0.5, atol=0.01)
