"""The estimators in scikit-learn's hands."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from skorch.callbacks import Callback, Freezer

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 20, "random_state": 0}
CLASSIFIERS = [
    SoftmaxClassifier(**QUICK),
    MLPDropoutClassifier(32, **QUICK),
    ConvNetClassifier(8, hidden_layer_sizes=32, learning_rate=0.01, **QUICK),
]
ESTIMATORS = [
    *CLASSIFIERS,
    DenoisingAutoencoderTransformer(16, **QUICK),
    VariationalAutoencoderTransformer(16, **QUICK),
]


def output(estimator, X):
    method = "transform" if hasattr(estimator, "transform") else "predict_proba"
    return getattr(estimator, method)(X)


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)
def test_pipeline_with_string_labels(classifier, digits):
    X, X_test, y, y_test = digits
    names = np.array([f"digit {i}" for i in range(10)])
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, names[y])
    assert pipeline.score(X_test, names[y_test]) > 0.9
    assert pipeline.predict(X_test).dtype == names.dtype
    assert_array_equal(pipeline.classes_, names)


@pytest.mark.filterwarnings("default")  # of joblib's workers, not of this package
def test_grid_search_over_a_pipeline_in_two_processes(digits):
    X, X_test, y, y_test = digits
    pipeline = make_pipeline(StandardScaler(), MLPDropoutClassifier(32, **QUICK))
    grid = {
        "mlpdropoutclassifier__learning_rate": [1e-6, 0.1],
        "mlpdropoutclassifier__dropout": [0.0, 0.5],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_["mlpdropoutclassifier__learning_rate"] == 0.1
    assert search.score(X_test, y_test) > 0.9
    alone = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        alone.cv_results_["mean_test_score"],
        atol=0.005,
    )


@pytest.mark.parametrize(
    "reader", [LogisticRegression(max_iter=1000), SVC()], ids=["logistic", "svm"]
)
def test_autoencoder_features_feed_other_models(reader, digits):
    X, X_test, y, y_test = digits
    coder = DenoisingAutoencoderTransformer(20, random_state=0)
    ours = make_pipeline(coder, StandardScaler(), reader).fit(X, y)
    pca = make_pipeline(PCA(20, random_state=0), StandardScaler(), clone(reader))
    pca.fit(X, y)
    assert ours.score(X_test, y_test) > pca.score(X_test, y_test) - 0.03
    assert ours.score(X_test, y_test) > 0.85


def test_autoencoder_is_scored_in_a_grid_search(digits):
    X = digits[0][:300]
    coder = DenoisingAutoencoderTransformer(random_state=0, max_epochs=20)
    search = GridSearchCV(coder, {"n_components": [1, 30]}, cv=3).fit(X)
    assert search.best_params_ == {"n_components": 30}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
class TestEveryEstimator:
    def test_clone_and_parameters(self, estimator, digits):
        fitted = clone(estimator).fit(digits[0], digits[2])
        copy = clone(fitted)
        assert copy.get_params() == fitted.get_params()
        assert not hasattr(copy, "net_")

    def test_pickle_and_joblib(self, estimator, digits, tmp_path):
        X, X_test, y, _ = digits
        fitted = clone(estimator).fit(X, y)
        expected = output(fitted, X_test)
        assert_array_equal(output(pickle.loads(pickle.dumps(fitted)), X_test), expected)
        joblib.dump(fitted, tmp_path / "model")
        assert_array_equal(output(joblib.load(tmp_path / "model"), X_test), expected)

    def test_cross_validation(self, estimator, digits):
        X, _, y, _ = digits
        scores = cross_val_score(clone(estimator), X[:300], y[:300], cv=3)
        assert np.isfinite(scores).all()

    def test_html_and_text(self, estimator, digits):
        name = type(estimator).__name__
        unfitted, fitted = clone(estimator), clone(estimator).fit(*digits[::2])
        assert "Not fitted" in unfitted._repr_html_()
        assert name in fitted._repr_html_()
        assert repr(fitted).startswith(f"{name}(")
        assert "batch_size" not in repr(fitted)

    def test_prediction_leaves_the_estimator_alone(self, estimator, digits):
        fitted = clone(estimator).fit(digits[0], digits[2])
        before = pickle.dumps(fitted)
        output(fitted, digits[1])
        assert pickle.dumps(fitted) == before

    def test_fitted_attributes(self, estimator, digits, device):
        fitted = clone(estimator).set_params(device=device).fit(digits[0], digits[2])
        assert fitted.n_features_in_ == 64
        assert fitted.n_iter_ == len(fitted.loss_curve_) == 20
        assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
        assert fitted.device_.type == device
        assert next(fitted.module_.parameters()).device.type == device
        assert fitted.net_.module_ is fitted.module_
        assert not fitted.module_.training


class DropsGradients(Callback):
    def on_batch_end(self, net, **kwargs):
        net.optimizer_.zero_grad()


@pytest.mark.parametrize("optimizer", ["adagrad", torch.optim.SGD], ids=str)
def test_dropped_gradients_come_back(optimizer, small):
    X, y = small
    model = SoftmaxClassifier(
        optimizer=optimizer, learning_rate=0.1, max_epochs=20, random_state=0
    )
    dropping = clone(model).set_params(callbacks=[DropsGradients()]).fit(X, y)
    assert_array_equal(dropping.coef_, model.fit(X, y).coef_)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
@pytest.mark.parametrize(
    ("estimator", "pattern"),
    [
        (MLPDropoutClassifier(4, max_epochs=3, random_state=0), "hidden.0.*"),
        (
            ConvNetClassifier(2, hidden_layer_sizes=4, max_epochs=3, random_state=0),
            "convolutions.*",
        ),
    ],
    ids=["perceptron", "convnet"],
)
def test_frozen_layers_stay(estimator, pattern, optimizer, small):
    X, y = small
    model = clone(estimator).set_params(
        optimizer=optimizer, learning_rate=0.01, callbacks=[Freezer(pattern)]
    )
    at_start = clone(model).set_params(learning_rate=1e-30)
    weights = [
        {name: value.clone() for name, value in m.fit(X, y).module_.named_parameters()}
        for m in (model, at_start)
    ]
    for name in weights[0]:
        frozen = name.startswith(pattern[:-1])
        assert torch.equal(weights[0][name], weights[1][name]) == frozen


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "estimator",
    [
        MLPDropoutClassifier(4, max_epochs=3, random_state=0),
        ConvNetClassifier(2, hidden_layer_sizes=4, max_epochs=3, random_state=0),
    ],
    ids=["perceptron", "convnet"],
)
def test_fits_where_gradients_are_off(estimator, mode, small):
    X, y = small
    expected = clone(estimator).fit(X, y).predict_proba(X)
    with mode():
        model = clone(estimator).fit(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    model.partial_fit(X, y)
    assert all(p.grad is None for p in model.module_.parameters())
