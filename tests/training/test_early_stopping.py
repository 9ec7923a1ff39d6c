"""Validation data, early stopping by loss or score, and interrupted training."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets._estimators import transformer

CLASSIFIERS = [
    SoftmaxClassifier(max_epochs=8, random_state=0),
    MLPDropoutClassifier(16, max_epochs=8, random_state=0),
    ConvNetClassifier(4, hidden_layer_sizes=8, max_epochs=8, random_state=0),
]


@pytest.fixture
def split(small):
    """Return X, X_val, y, y_val; labels are strings."""
    X, y = small
    return train_test_split(X, np.array(list("abc"))[y], random_state=0, stratify=y)


class Interrupting(torch.optim.SGD):
    """The user presses Ctrl-C in the update after some."""

    n_updates = 5

    def step(self, closure=None):
        self.n_steps = getattr(self, "n_steps", 0) + 1
        if self.n_steps > self.n_updates:
            raise KeyboardInterrupt
        return super().step(closure)


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
class TestValidation:
    def test_curve_is_the_loss_on_the_given_data(self, estimator, split):
        X, X_val, y, y_val = split
        model = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.validation_loss_curve_) == model.n_iter_ == 8
        expected = log_loss(y_val, model.predict_proba(X_val))
        assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-5)
        assert model.validation_scores_ is None
        assert model.best_epoch_ is None

    def test_watching_changes_nothing(self, estimator, split):
        X, X_val, y, y_val = split
        watched = clone(estimator).set_params(scoring="accuracy")
        watched.fit(X, y, X_val=X_val, y_val=y_val)
        alone = clone(estimator).fit(X, y)
        assert_array_equal(watched.predict_proba(X), alone.predict_proba(X))
        assert alone.validation_loss_curve_ is None

    def test_weights_and_classes_weigh_in_the_curve(self, estimator, split):
        X, X_val, y, y_val = split
        X, y = X[10:], y[10:]
        weight = np.random.default_rng(0).integers(0, 3, len(X))
        weight_val = np.random.default_rng(1).integers(0, 3, len(X_val))
        weight_by_class = {"a": 1.0, "b": 2.0, "c": 0.5}
        model = clone(estimator).set_params(class_weight=weight_by_class)
        model.fit(X, y, weight, X_val=X_val, y_val=y_val, sample_weight_val=weight_val)
        combined = weight_val * np.vectorize(weight_by_class.get)(y_val)
        probabilities = model.predict_proba(X_val)
        expected = log_loss(y_val, probabilities, sample_weight=combined)
        assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-5)

    def test_scores_are_the_scorers(self, estimator, split):
        X, X_val, y, y_val = split
        model = clone(estimator).set_params(scoring="balanced_accuracy")
        X, X_val = (pd.DataFrame(rows).add_prefix("x") for rows in (X, X_val))
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.validation_scores_) == 8
        expected = balanced_accuracy_score(y_val, model.predict(X_val))
        assert model.validation_scores_[-1] == expected
        assert model.feature_names_in_.tolist() == ["x0", "x1", "x2", "x3", "x4"]

    def test_the_epoch_of_the_best_score_is_kept(self, estimator, split):
        X, X_val, y, y_val = split
        model = clone(estimator).set_params(
            scoring="accuracy", early_stopping=True, max_epochs=40, n_iter_no_change=3
        )
        model.fit(X, y, X_val=X_val, y_val=y_val)
        scores = model.validation_scores_
        assert model.best_epoch_ == 1 + np.argmax(scores)
        assert model.score(X_val, y_val) == max(scores)
        assert model.n_iter_ <= model.best_epoch_ + 3


def test_the_epoch_of_the_lowest_loss_is_kept(split):
    X, X_val, y, y_val = split
    model = MLPDropoutClassifier(
        16, early_stopping=True, n_iter_no_change=5, max_epochs=500, random_state=0
    ).fit(X, y, X_val=sparse.csr_array(X_val), y_val=y_val)
    losses = model.validation_loss_curve_
    assert model.best_epoch_ == 1 + np.argmin(losses)
    assert_allclose(log_loss(y_val, model.predict_proba(X_val)), min(losses), rtol=1e-5)
    assert model.n_iter_ < 500


def test_scores_of_held_out_rows(small):
    X, y = small
    model = SoftmaxClassifier(
        early_stopping=True,
        scoring="accuracy",
        validation_fraction=0.25,
        max_epochs=20,
        random_state=0,
    ).fit(X, y)
    fifteenths = 15 * np.array(model.validation_scores_)
    assert_allclose(fifteenths, fifteenths.round(), atol=1e-9)
    assert max(model.validation_scores_) > 0.6  # chance is a third


def test_balanced_classes_weigh_as_in_training(split):
    X, X_val, y, y_val = split
    X, y = X[:30], y[:30]
    model = SoftmaxClassifier(class_weight="balanced", max_epochs=3, random_state=0)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    _, counts = np.unique(y, return_counts=True)
    weight = (1 / counts)[np.searchsorted(model.classes_, y_val)]
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=weight)
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-5)


def test_autoencoder_validates_too(digits):
    X, X_val, _, _ = digits
    coder = DenoisingAutoencoderTransformer(
        10, learning_rate=0.01, early_stopping=True, max_epochs=300, random_state=0
    ).fit(X, X_val=X_val)
    losses = coder.validation_loss_curve_
    assert coder.best_epoch_ == 1 + np.argmin(losses)
    assert_allclose(-coder.score(X_val), min(losses), rtol=1e-5)
    with pytest.raises(ValueError, match="X_val is not valid: X has 63 features"):
        coder.fit(X, X_val=X_val[:, 1:])


def test_pipeline_transforms_validation_data(split):
    X, X_val, y, y_val = split
    X, X_val = 5 + 3 * X, 5 + 3 * X_val
    scaler = StandardScaler().fit(X)
    by_hand = SoftmaxClassifier(max_epochs=5, random_state=0).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    with config_context(enable_metadata_routing=True):
        model = clone(by_hand).set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("net", model)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    curve = pipeline["net"].validation_loss_curve_
    assert_allclose(curve, by_hand.validation_loss_curve_)


def test_grid_search_over_pipelines_that_stop_early(split):
    X, _, y, _ = split
    model = SoftmaxClassifier(
        early_stopping=True, scoring="accuracy", max_epochs=20, random_state=0
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"softmaxclassifier__learning_rate": [1e-6, 0.5]},
        cv=2,
        scoring="neg_log_loss",
        n_jobs=2,
    ).fit(X, y)
    assert search.best_params_ == {"softmaxclassifier__learning_rate": 0.5}
    assert (pickle.loads(pickle.dumps(search)).predict(X) == y).mean() > 0.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_val": [[0.0] * 5]}, "X_val and y_val must be given together"),
        ({"y_val": ["a"]}, "X_val and y_val must be given together"),
        ({"sample_weight_val": [1]}, "sample_weight_val was given without X_val"),
        ({"X_val": [[0.0] * 4], "y_val": ["a"]}, "X_val or y_val.*X has 4 features"),
        ({"X_val": [[0.0] * 5], "y_val": ["d"]}, "X_val or y_val.*unseen labels"),
        ({"X_val": [[np.nan] * 5], "y_val": ["a"]}, "X_val or y_val.*NaN"),
        (
            {"X_val": [[0.0] * 5], "y_val": ["a"], "sample_weight_val": [-1]},
            "sample_weight_val is not valid",
        ),
    ],
)
def test_bad_validation_data(arguments, message, split):
    X, _, y, _ = split
    model = SoftmaxClassifier(random_state=0).fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **arguments)
    assert_array_equal(model.coef_, before)


def test_validation_rows_that_all_weigh_nothing(split):
    X, X_val, y, y_val = split
    model = SoftmaxClassifier(class_weight={"a": 0.0, "b": 1.0, "c": 1.0})
    with pytest.raises(ValueError, match="class_weight must give .* row of X_val"):
        model.fit(X, y, X_val=X_val[y_val == "a"], y_val=y_val[y_val == "a"])


def test_a_bad_scorer_is_named(small):
    with pytest.raises(ValueError, match="'scoring' parameter"):
        SoftmaxClassifier(scoring="no such scorer").fit(*small)


def test_warm_start_goes_on_with_the_curve(split):
    X, X_val, y, y_val = split
    model = SoftmaxClassifier(max_epochs=3, warm_start=True, random_state=0)
    model.fit(X, y).fit(X, y, X_val=X_val, y_val=y_val)
    curve = model.validation_loss_curve_
    assert np.isnan(curve[:3]).all()
    assert np.isfinite(curve[3:]).all()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_what_is_done(early_stopping, split):
    X, X_val, y, y_val = split
    options = {"learning_rate": 0.1, "lr_schedule": "constant", "batch_size": 15}
    model = SoftmaxClassifier(
        optimizer=Interrupting, early_stopping=early_stopping, random_state=0, **options
    )
    with pytest.warns(ConvergenceWarning, match="interrupted in epoch 2"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    # Three updates an epoch: the second was interrupted after two.
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert np.isfinite(model.predict_proba(X)).all()
    straight = SoftmaxClassifier(
        optimizer=torch.optim.SGD, max_epochs=1, random_state=0, **options
    ).fit(X, y)
    assert np.array_equal(model.coef_, straight.coef_) == early_stopping
    assert pickle.loads(pickle.dumps(model)).score(X, y) == model.score(X, y)


def test_ctrl_c_before_the_first_update_raises(small, monkeypatch):
    monkeypatch.setattr(Interrupting, "n_updates", 0)
    X, y = small
    model = SoftmaxClassifier(random_state=0).fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(KeyboardInterrupt):
        model.set_params(optimizer=Interrupting).fit(X, y)
    assert_array_equal(model.coef_, before)


def test_ctrl_c_after_training_keeps_the_autoencoder(small, monkeypatch):
    coder = DenoisingAutoencoderTransformer(2, max_epochs=3)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(transformer, "mean_loss", interrupt)
    with pytest.warns(UserWarning, match="reconstruction_error_ is NaN"):
        coder.fit(small[0])
    assert np.isnan(coder.reconstruction_error_)
    assert coder.transform(small[0]).shape == (60, 2)
