"""Callbacks of skorch, and what verbose prints."""

import io
import os
import pickle
import re
import threading
from contextlib import suppress

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from torch.optim.lr_scheduler import StepLR
from tqdm import tqdm

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)


@pytest.fixture
def named(small):
    X, y = small
    return X, np.array(["a", "b", "c"])[y]


def mlp(**parameters):
    return MLPDropoutClassifier(8, random_state=0, **{"max_epochs": 4} | parameters)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_epoch_scoring_equals_the_estimators_own(scoring, named):
    X, y = named
    scoring_of_validation = EpochScoring(scoring, lower_is_better=False, name="here")
    model = mlp(scoring=scoring, callbacks=[scoring_of_validation])
    model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert_allclose(model.net_.history[:, "here"], model.validation_scores_, rtol=1e-6)


@pytest.mark.parametrize("use_caching", [True, False])
def test_epoch_scoring_of_the_training_data(use_caching, named):
    X, y = named
    scoring = EpochScoring("accuracy", on_train=True, use_caching=use_caching)
    model = mlp(callbacks=[scoring]).fit(X, y)
    assert_allclose(model.net_.history[-1, "accuracy"], model.score(X, y))


@pytest.mark.parametrize(
    "estimator", [MLPDropoutClassifier(8), ConvNetClassifier(2, hidden_layer_sizes=8)]
)
def test_scoring_changes_nothing_in_training(estimator, named):
    estimator.set_params(random_state=0, max_epochs=3, early_stopping=True)
    plain = clone(estimator).fit(*named)
    watched = estimator.set_params(callbacks=[EpochScoring("accuracy")]).fit(*named)
    assert watched.loss_curve_ == plain.loss_curve_


def test_batch_scoring_of_the_training_data(named):
    scoring = BatchScoring("accuracy", on_train=True, lower_is_better=False)
    model = mlp(callbacks=[scoring], batch_size=7).fit(*named)
    sizes = model.net_.history[:, "batches", :, "train_batch_size"]
    assert [sum(of_epoch) for of_epoch in sizes] == [60] * 4
    assert model.net_.history[-1, "accuracy"] > 0.6


def test_scoring_an_autoencoder(digits):
    X, X_val, _, _ = digits
    scoring = EpochScoring(None, lower_is_better=False, name="score")
    coder = DenoisingAutoencoderTransformer(5, max_epochs=2, callbacks=[scoring])
    coder.fit(X, X_val=X_val)
    assert_allclose(coder.net_.history[-1, "score"], coder.score(X_val), rtol=1e-5)
    assert_allclose(coder.net_.predict(X_val), coder.reconstruct(X_val), rtol=1e-6)


def test_checkpoints_hold_the_best_epoch(named, tmp_path):
    X, y = named
    checkpoint = Checkpoint(dirname=tmp_path)
    model = mlp(callbacks=[checkpoint], early_stopping=True, tol=0, max_epochs=30)
    model.fit(X, y)
    losses = model.validation_loss_curve_
    lowest = [loss == min(losses[: i + 1]) for i, loss in enumerate(losses)]
    assert model.net_.history[:, "valid_loss_best"] == lowest
    assert model.net_.history[:, "event_cp"] == lowest
    saved = torch.load(tmp_path / "params.pt")
    torch.testing.assert_close(saved, model.module_.state_dict(), rtol=0, atol=0)


def test_gradients_are_clipped_as_by_the_parameter(named):
    by_callback = mlp(callbacks=[GradientNormClipping(0.01)]).fit(*named)
    assert by_callback.loss_curve_ == mlp(max_grad_norm=0.01).fit(*named).loss_curve_
    assert by_callback.loss_curve_ != mlp().fit(*named).loss_curve_


def test_a_progress_bar_of_skorch(named, capsys):
    mlp(callbacks=[ProgressBar(detect_notebook=False)], batch_size=10).fit(*named)
    assert "0/6" in capsys.readouterr().err


def test_callbacks_in_a_search_over_pipelines(named):
    X, y = named
    scoring = EpochScoring("accuracy", on_train=True)
    pipeline = make_pipeline(StandardScaler(), mlp(callbacks=[scoring, LRScheduler()]))
    pipeline[-1].set_params(lr_schedule="constant")
    grid = {"mlpdropoutclassifier__dropout": [0.0, 0.5]}
    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=2).fit(X, y)
    best = search.best_estimator_
    assert_allclose(best[-1].net_.history[-1, "accuracy"], best.score(X, y))


class Outputs(Callback):
    """Keep what `on_batch_end` is given."""

    seen = []

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        self.seen.append((batch, training, loss, y_pred))


@pytest.mark.parametrize("weighted", [False, True])
def test_outputs_of_a_batch_give_its_loss(weighted, small):
    X, y = small
    Outputs.seen.clear()
    weight = np.linspace(0.5, 1.5, 60) if weighted else None
    mlp(callbacks=[Outputs()], max_epochs=1, dtype="float64").fit(X, y, weight)
    (((_, codes), training, loss, y_pred),) = Outputs.seen
    assert training
    assert_array_equal(codes, y)
    probabilities = y_pred.softmax(1).numpy()
    assert_allclose(loss, log_loss(y, probabilities, sample_weight=weight))


def test_batch_scoring_of_weighted_data(named):
    scoring = BatchScoring("accuracy", on_train=True, lower_is_better=False)
    model = mlp(callbacks=[scoring], class_weight="balanced").fit(*named)
    assert model.net_.history[-1, "accuracy"] > 0.6


def test_checkpoints_of_the_whole_net(named, tmp_path):
    checkpoint = Checkpoint(
        dirname=tmp_path, f_pickle="net.pkl", monitor="train_loss_best"
    )
    X, _ = named
    model = mlp(callbacks=[checkpoint]).fit(*named)
    net = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert_array_equal(net.predict(X), model.net_.predict(X))


@pytest.mark.parametrize("lr_schedule", ["cosine", StepLR])
def test_two_schedules_at_once_are_refused(lr_schedule, named):
    model = mlp(callbacks=[LRScheduler()], lr_schedule=lr_schedule)
    with pytest.raises(ValueError, match="requires lr_schedule='constant'; got"):
        model.fit(*named)


class Reader(Callback):
    """Use the data sets and the net in ways of one's own."""

    seen = []

    def on_epoch_end(self, net, dataset_train, dataset_valid, **kwargs):
        X, y = dataset_train[0]
        (_, of_a_loader) = next(iter(net.get_iterator(dataset_train)))
        self.seen[:] = [X.shape, int(y), len(of_a_loader), net.predict(dataset_valid)]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_data_sets_can_be_read_and_predicted(container, named):
    X, y = named
    model = mlp(callbacks=[Reader()], max_epochs=1, batch_size=15)
    model.fit(container(X), y, X_val=container(X), y_val=y)
    shape, code, size, predicted = Reader.seen
    assert (shape, code, size) == ((5,), 0, 15)
    assert_array_equal(model.classes_[predicted], model.predict(X))
    assert_array_equal(model.net_.predict(X.tolist()), predicted)
    probabilities = model.net_.predict_proba(X.tolist())
    assert_allclose(probabilities, model.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("callback", [3, ("name", "EpochTimer")])
def test_other_callbacks_are_named(callback, named):
    with pytest.raises(TypeError, match="callbacks must contain skorch callbacks"):
        mlp(callbacks=[callback]).fit(*named)


# -- verbose -------------------------------------------------------------------------


def test_a_line_of_an_epoch(named, capsys):
    X, y = named
    mlp(max_epochs=2, verbose=1, scoring="accuracy").fit(X, y, X_val=X, y_val=y)
    captured = capsys.readouterr()
    header, _, *lines = captured.out.splitlines()
    columns = ["epoch", "train_loss", "valid_loss", "valid_score", "lr", "dur"]
    assert sorted(header.split()) == sorted(columns)
    assert len(lines) == 2
    assert captured.err == ""


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_file_gets_few_lines_and_no_codes(verbose, early_stopping, named, capfd):
    options = {"early_stopping": early_stopping, "n_iter_no_change": 3}
    model = mlp(max_epochs=150, verbose=verbose, **options).fit(*named)
    captured = capfd.readouterr()
    _, _, *lines = captured.out.splitlines()
    epochs = [int(line.split()[0]) for line in lines]
    step = 8  # 150 / 20, rounded up
    assert epochs == [
        epoch
        for epoch in range(1, model.n_iter_ + 1)
        if epoch == 1 or epoch % step == 0 or epoch == model.n_iter_
    ]
    assert captured.err == ""
    assert not set("\x1b\r") & set(captured.out)


def test_each_call_of_partial_fit_prints_a_line(named, capsys):
    X, y = named
    model = mlp(verbose=1)
    for _ in range(30):
        model.partial_fit(X, y, classes=["a", "b", "c"])
    assert len(capsys.readouterr().out.splitlines()) == 2 + 30


def test_a_training_that_goes_on_prints_its_own_epochs(named, capsys):
    model = mlp(max_epochs=40, warm_start=True, verbose=1).fit(*named)
    capsys.readouterr()
    lines = model.fit(*named) and capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [41, *range(42, 81, 2)]


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that runs another one in a terminal, and what it wrote."""
    pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
    termios = pytest.importorskip("termios")

    def run_in_terminal(function):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        written = []

        def read():
            # When the other side is closed, Linux raises and macOS returns nothing.
            with suppress(OSError):
                while part := os.read(ours, 2**16):
                    written.append(part)

        reader = threading.Thread(target=read)
        reader.start()
        with open(theirs, "w") as stream, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", stream)
            patch.setattr("sys.stderr", stream)
            function()
        reader.join()
        os.close(ours)
        return b"".join(written).decode()

    return run_in_terminal


def shown_lines(text):
    """Return the lines that a terminal shows, without colours."""
    lines = []
    for line in re.sub(r"\x1b\[\d*m|\r(?=\n)", "", text).split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_terminal_gets_all_lines_whole_and_in_colour(verbose, named, terminal):
    text = terminal(lambda: mlp(max_epochs=30, verbose=verbose).fit(*named))
    assert "\x1b[32m" in text
    header, _, *lines = [line for line in shown_lines(text) if line]
    assert header.split() == ["epoch", "lr", "train_loss", "dur"]
    assert [int(line.split()[0]) for line in lines] == list(range(1, 31))
    assert all(len(line.split()) == 4 for line in lines)


def test_the_bar_counts_the_batches_of_all_epochs(named, terminal, monkeypatch):
    class Impatient(tqdm):
        def __init__(self, **options):
            super().__init__(mininterval=0, miniters=1, **options)

    monkeypatch.setattr("tqdm.auto.tqdm", Impatient)
    text = terminal(lambda: mlp(max_epochs=2, verbose=2, batch_size=10).fit(*named))
    assert "0/12 " in text
    assert re.search(r"epoch 1/2: +50%.* 6/12 ", text)
    assert re.search(r"epoch 2/2: +92%.* 11/12 ", text)


class Failing(Callback):
    """Raise an error at the end of an epoch."""

    def __init__(self, error, epoch):
        self.error = error
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error


def test_the_bar_is_closed_if_training_fails(named, terminal, monkeypatch):
    bars = []

    class Kept(tqdm):
        def __init__(self, **options):
            super().__init__(**options)
            bars.append(self)

    monkeypatch.setattr("tqdm.auto.tqdm", Kept)
    model = mlp(verbose=2, callbacks=[Failing(ZeroDivisionError(), 2)])

    def fail():
        with pytest.raises(ZeroDivisionError):
            model.fit(*named)

    terminal(fail)
    (bar,) = bars
    assert bar not in tqdm._instances


@pytest.mark.parametrize("stopped_in", [3, 8])
def test_an_epoch_in_which_a_callback_stops_is_printed(stopped_in, named, capsys):
    callbacks = [Failing(KeyboardInterrupt(), stopped_in)]
    model = mlp(max_epochs=40, verbose=1, callbacks=callbacks).fit(*named)
    assert model.n_iter_ == stopped_in
    lines = capsys.readouterr().out.splitlines()
    assert int(lines[-1].split()[0]) == stopped_in
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("verbose", [1, 2])
def test_programs_without_a_console_train(verbose, named, monkeypatch):
    expected = mlp().fit(*named).loss_curve_
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    assert mlp(verbose=verbose).fit(*named).loss_curve_ == expected


def test_a_closed_stream_gets_no_bar(named, monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    assert mlp(verbose=2).fit(*named).n_iter_ == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_quiet_by_default(n_jobs, named, capfd):
    grid = {"dropout": [0.0, 0.5]}
    GridSearchCV(mlp(), grid, cv=2, n_jobs=n_jobs).fit(*named)
    assert capfd.readouterr() == ("", "")
    SoftmaxClassifier(max_epochs=2).fit(*named)
    assert capfd.readouterr() == ("", "")
