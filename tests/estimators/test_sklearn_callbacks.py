"""Callbacks of scikit-learn: an epoch is a task."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import DenoisingAutoencoderTransformer, MLPDropoutClassifier

callback = pytest.importorskip(
    "sklearn.callback", reason="this scikit-learn has no callbacks of its own"
)


@pytest.fixture
def named(small):
    X, y = small
    return X, np.array(["a", "b", "c"])[y]


def mlp(**parameters):
    return MLPDropoutClassifier(8, random_state=0, **{"max_epochs": 4} | parameters)


class Recorder:
    """Keep the order of events; end training after some epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events = []
        self.fitted = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self.events.append(f"begin {context.task_name}")
        self.given = X, y, metadata
        self.max_subtasks = context.max_subtasks

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        self.fitted.append(fitted_estimator)
        return len(self.fitted) == self.stop_after


def test_an_epoch_is_a_task(named):
    X, y = named
    weight = np.ones(60)
    recorder = Recorder()
    mlp(max_epochs=2).set_callbacks(recorder).fit(X, y, weight)
    epoch = ["begin epoch", "end epoch"]
    expected = ["setup", "begin fit", *epoch, *epoch, "end fit", "teardown"]
    assert recorder.events == expected
    assert recorder.given == (X, y, {"sample_weight": weight})


def test_a_callback_of_scikit_learn_ends_training(named):
    recorder = Recorder(stop_after=2)
    model = mlp(max_epochs=5).set_callbacks(recorder).fit(*named)
    assert model.n_iter_ == 2
    assert recorder.events[-2:] == ["end fit", "teardown"]


def test_the_fitted_estimator_of_an_epoch_stays_as_it_was(named):
    X, y = named
    recorder = Recorder()
    model = mlp(max_epochs=3, lr_schedule="constant").set_callbacks(recorder)
    model.fit(X, y)
    for n_epochs, fitted in enumerate(recorder.fitted[:-1], 1):
        alone = mlp(max_epochs=n_epochs, lr_schedule="constant").fit(X, y)
        assert fitted.n_iter_ == n_epochs
        assert fitted.loss_curve_ == alone.loss_curve_
        assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))


def test_callbacks_of_scikit_learn_change_nothing_in_training(named):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    watched = mlp().set_callbacks(monitor).fit(*named)
    assert watched.loss_curve_ == mlp().fit(*named).loss_curve_


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_score_for_each_epoch_in_a_search_over_pipelines(n_jobs, named):
    X, y = named
    monitor = callback.ScoringMonitor(scoring="accuracy")
    net = mlp(max_epochs=3).set_callbacks(monitor)
    grid = {"mlpdropoutclassifier__dropout": [0.0, 0.5]}
    pipeline = make_pipeline(StandardScaler(), net)
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log["task_name"] == "epoch"]
    # 2 candidates in 2 folds and the refit.
    assert len(epochs) == (2 * 2 + 1) * 3
    assert epochs["accuracy"].between(0.3, 1).all()
    refit = epochs[epochs["parent_task_id_path"].str.len() == 3]
    predicted = search.best_estimator_.predict(X)
    assert refit["accuracy"].iloc[-1] == accuracy_score(y, predicted)


def test_scores_of_an_autoencoder(digits):
    X = digits[0]
    score = {"score": lambda coder, X, y: coder.score(X)}
    monitor = callback.ScoringMonitor(scoring=score)
    coder = DenoisingAutoencoderTransformer(
        5, hidden_layer_sizes=8, pretrain_epochs=1, max_epochs=3, random_state=0
    )
    coder.set_callbacks(monitor).fit(X)
    scores = monitor.get_logs().data_as_pandas["score"]
    assert len(scores) == 3 + 1
    assert_allclose(scores.iloc[0], coder.score(X))
    assert scores.iloc[1:].is_monotonic_increasing


def test_one_nested_progress_bar(named, capsys):
    grid = {"mlpdropoutclassifier__dropout": [0.0, 0.5]}
    pipeline = make_pipeline(StandardScaler(), mlp(max_epochs=2))
    search = GridSearchCV(pipeline, grid, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(*named)
    printed = capsys.readouterr().out
    assert "GridSearchCV" in printed
    assert "MLPDropoutClassifier" in printed


class Broken(Recorder):
    """Fail at the end of an epoch."""

    def on_fit_task_end(self, estimator, context):
        raise OSError("no space left")


def test_errors_of_callbacks_come_out_and_leave_the_estimator_as_it_was(named):
    X, y = named
    broken = Broken()
    fitted = mlp().fit(X, y)
    before = fitted.predict_proba(X)
    with pytest.raises(OSError, match="no space left"):
        fitted.set_callbacks(broken).fit(X, y)
    assert broken.events[-1] == "teardown"
    assert_array_equal(fitted.predict_proba(X), before)
    assert not any("callback_fit" in name for name in vars(fitted))


class CtrlC(Recorder):
    """Ctrl-C at some event of scikit-learn's callbacks."""

    def __init__(self, event):
        super().__init__()
        self.event = event

    def on_fit_task_begin(self, estimator, context):
        self.take_note(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.take_note(f"end {context.task_name}")

    def take_note(self, event):
        self.events.append(event)
        due = 1 if event == "end fit" else 2
        if event == self.event and self.events.count(event) == due:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("event", "epoch", "n_epochs"),
    [("begin epoch", 2, 1), ("end epoch", 2, 2), ("end fit", 5, 5)],
)
def test_ctrl_c_in_a_callback_keeps_what_is_learned(event, epoch, n_epochs, named):
    model = mlp(max_epochs=5).set_callbacks(CtrlC(event))
    with pytest.warns(UserWarning, match=f"interrupted in epoch {epoch}"):
        model.fit(*named)
    assert model.n_iter_ == n_epochs
    assert model.score(*named) > 0.3


def test_partial_fit_is_a_task_of_one_epoch(named):
    recorder = Recorder()
    model = mlp().set_callbacks(recorder)
    model.partial_fit(*named, classes=["a", "b", "c"]).partial_fit(*named)
    assert recorder.events.count("end epoch") == 2
    assert recorder.events.count("teardown") == 2


def test_pickles_keep_callbacks(named):
    model = mlp().set_callbacks(Recorder()).fit(*named)
    again = pickle.loads(pickle.dumps(model)).fit(*named)
    assert again.loss_curve_ == model.loss_curve_


def test_the_parameter_takes_none_of_scikit_learn(named):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    with pytest.raises(TypeError, match="of scikit-learn, call set_callbacks"):
        mlp(callbacks=[monitor]).fit(*named)
