import json
import os
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import EpochScoring, GradientNormClipping
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

import sknets
from sknets import (
    Checkpoint,
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._estimators import resuming
from sknets._estimators.autoencoder import pretrain_layers
from sknets._training.checkpoints import TrainingFile

QUICK = {"max_epochs": 6, "batch_size": 20, "random_state": 0}
STOPPING = {"early_stopping": True, "n_iter_no_change": 2, "tol": 0}


class KilledError(BaseException):
    """Stands for SIGKILL. tests/reliability has the real one."""


def kill_after(monkeypatch, n_checkpoints):
    """Stop training after some checkpoints."""
    write, n_left = TrainingFile._write, n_checkpoints

    def write_and_die(self):
        nonlocal n_left
        write(self)
        n_left -= 1
        if n_left == 0:
            raise KilledError

    monkeypatch.setattr(TrainingFile, "_write", write_and_die)


def count_epochs(monkeypatch):
    """Return a list that gets an entry for each epoch that is trained."""
    from sknets._training.trainer import Trainer

    train, epochs = Trainer._train_epoch, []

    def counted(self, *arguments):
        epochs.append(self.epoch)
        return train(self, *arguments)

    monkeypatch.setattr(Trainer, "_train_epoch", counted)
    return epochs


def assert_same(model, expected):
    """Compare all bits that training decides."""
    states = [m.module_.state_dict() for m in (model, expected)]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[1].items():
        assert torch.equal(states[0][name], tensor)
    optimizers = [m.net_.optimizer_.state_dict()["state"] for m in (model, expected)]
    assert optimizers[0].keys() == optimizers[1].keys()
    for number, state in optimizers[1].items():
        for name, tensor in state.items():
            assert torch.equal(optimizers[0][number][name], tensor)
    # As text, because NaN differs from itself.
    curves = [
        json.dumps([m.net_.curves.to_plain(), list(m.net_.history)], sort_keys=True)
        for m in (model, expected)
    ]
    assert curves[0] == curves[1]
    assert model.best_epoch_ == expected.best_epoch_
    assert model.n_iter_ == expected.n_iter_


def assert_resumes(estimator, fit, folder, n_checkpoints=2, every=1):
    """Kill a training, resume it, and compare it with an uninterrupted one."""
    expected = fit(clone(estimator))
    others = estimator.callbacks or []
    callbacks = [Checkpoint(folder, every), *others]
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, n_checkpoints)
        with pytest.raises(KilledError):
            fit(clone(estimator).set_params(callbacks=callbacks))
    with pytest.MonkeyPatch.context() as patch:
        epochs = count_epochs(patch)
        model = fit(clone(estimator).set_params(callbacks=callbacks))
    assert epochs[:1] == [n_checkpoints * every + 1]
    assert_same(model, expected)
    return model


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(standardize=True, class_weight="balanced"),
        MLPDropoutClassifier((8, 4), max_grad_norm=0.1),
        MLPDropoutRegressor(8, loss="huber"),
        ConvNetClassifier((2, 2), kernel_size=3, hidden_layer_sizes=3),
        DenoisingAutoencoderTransformer(3, noise="masking", noise_level=0.2),
        VariationalAutoencoderTransformer(2, hidden_layer_sizes=4),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, STOPPING], ids=["fixed", "stopping"])
def test_each_estimator_resumes_to_the_same_bits(
    estimator, dtype, options, small, tmp_path
):
    X, y = small
    model = clone(estimator).set_params(dtype=dtype, **QUICK, **options)
    assert_resumes(model, lambda model: model.fit(X, y), tmp_path)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
@pytest.mark.parametrize(
    "lr_schedule",
    [
        "constant",
        "cosine",
        "trapezoid",
        CosineAnnealingLR,
        partial(OneCycleLR, max_lr=0.1),
        partial(StepLR, step_size=2),
        partial(ExponentialLR, gamma=0.9),
        partial(ReduceLROnPlateau, patience=0),
        partial(CyclicLR, base_lr=0.01, max_lr=0.1),
    ],
)
def test_optimizers_and_schedules(optimizer, lr_schedule, small, tmp_path):
    X, y = small
    cycles = getattr(lr_schedule, "func", None) in (OneCycleLR, CyclicLR)
    if optimizer == "adagrad" and cycles:  # Adagrad has no momentum
        lr_schedule = partial(lr_schedule, cycle_momentum=False)
    model = MLPDropoutClassifier(
        6, optimizer=optimizer, lr_schedule=lr_schedule, learning_rate=0.01, **QUICK
    )
    assert_resumes(model, lambda model: model.fit(X, y), tmp_path, n_checkpoints=3)


@pytest.mark.parametrize("n_checkpoints", [1, 2, 3])
def test_any_checkpoint_and_every_second_epoch(n_checkpoints, small, tmp_path):
    X, y = small
    model = MLPDropoutClassifier(6, **QUICK | {"max_epochs": 7})
    fit = lambda model: model.fit(X, y, sample_weight=np.arange(60) % 3)  # noqa: E731
    assert_resumes(model, fit, tmp_path, n_checkpoints, every=2)


def test_validation_data_and_a_score(small, tmp_path):
    X, y = small
    model = MLPDropoutClassifier(6, scoring="accuracy", **QUICK, **STOPPING)

    def fit(model):
        return model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])

    assert_resumes(model, fit, tmp_path)


def test_sparse_rows_and_gradient_clipping(small, tmp_path):
    X, y = small
    clipping = GradientNormClipping(0.1)
    model = MLPDropoutClassifier(6, callbacks=[("clip", clipping)], **QUICK)
    assert_resumes(model, lambda model: model.fit(sparse.csr_array(X), y), tmp_path)


def test_warm_start(small, tmp_path):
    X, y = small

    def fit(model):
        return model.fit(X, y).set_params(learning_rate=0.2).fit(X[::2], y[::2])

    for kind in (MLPDropoutClassifier(6), DenoisingAutoencoderTransformer(2)):
        model = clone(kind).set_params(warm_start=True, optimizer="adam", **QUICK)
        # In the second call of `fit`, whose epochs begin with the seventh.
        assert_resumes(model, fit, tmp_path, n_checkpoints=9)


def test_pre_training_is_not_repeated(small, tmp_path, monkeypatch):
    X, _ = small
    runs = []

    def pretrain(*arguments):
        runs.append(arguments)
        pretrain_layers(*arguments)

    monkeypatch.setattr("sknets._estimators.autoencoder.pretrain_layers", pretrain)
    model = DenoisingAutoencoderTransformer(
        2, hidden_layer_sizes=4, pretrain_epochs=2, **QUICK
    )
    assert_resumes(model, lambda model: model.fit(X), tmp_path)
    assert len(runs) == 2  # of the uninterrupted training and of the killed one


def test_a_finished_training_is_read_from_its_file(small, tmp_path, monkeypatch):
    X, y = small
    for options in ({}, STOPPING | {"learning_rate": 10.0, "max_epochs": 50}):
        model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path, every=4)])
        model.set_params(**QUICK | options)
        first = clone(model).fit(X, y)
        with pytest.MonkeyPatch.context() as patch:
            epochs = count_epochs(patch)
            assert_same(clone(model).fit(X, y), first)
        assert epochs == []


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 19},
        {"max_epochs": 7},
        {"random_state": 1},
        {"hidden_layer_sizes": 7},
        {"dtype": "float64"},
        {"class_weight": {0: 2.0, 1: 1.0, 2: 1.0}},
        {"callbacks": [GradientNormClipping(0.5)]},
        {"optimizer": "adam"},
        "X",
        "y",
        "sample_weight",
        "X_val",
        "labels",
    ],
    ids=lambda change: change if isinstance(change, str) else next(iter(change)),
)
def test_anything_else_starts_another_training(change, small, tmp_path, monkeypatch):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    clone(model).fit(X, y)
    data = {"X": X.copy(), "y": y.copy()}
    if change == "X":
        data["X"][59, 4] += 1e-7
    elif change == "y":
        data["y"][59] = 0
    elif change == "sample_weight":
        data["sample_weight"] = 1.0 + (np.arange(60) == 59)
    elif change == "X_val":
        data |= {"X_val": X, "y_val": y}
    elif change == "labels":
        data["y"] = y + 1
    else:
        if "callbacks" in change:
            change = {"callbacks": [*change["callbacks"], Checkpoint(tmp_path)]}
        model.set_params(**change)
    epochs = count_epochs(monkeypatch)
    model.fit(**data)
    assert epochs[0] == 1
    assert len(os.listdir(tmp_path)) == 2


def test_what_does_not_matter_for_the_weights(small, tmp_path, monkeypatch):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    clone(model).fit(X, y)
    epochs = count_epochs(monkeypatch)
    model.set_params(device="cpu", callbacks=[Checkpoint(tmp_path, every=3)])
    model.fit(np.asfortranarray(X), y.tolist())
    assert epochs == []


def test_a_drawn_seed_is_in_the_file_until_the_end(small, tmp_path, monkeypatch):
    X, _ = small
    model = DenoisingAutoencoderTransformer(2, hidden_layer_sizes=3, pretrain_epochs=1)
    model.set_params(callbacks=[Checkpoint(tmp_path)], **QUICK | {"random_state": None})
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 2)
        patch.setattr(
            "sknets._estimators.base.draw_seed",
            lambda state: 7 if state is None else state,
        )
        with pytest.raises(KilledError):
            clone(model).fit(X)
    resumed = clone(model).fit(X)
    assert resumed.net_.seed == 7
    assert_same(resumed, clone(model).set_params(random_state=7).fit(X))
    assert len(os.listdir(tmp_path)) == 1  # that of random_state=7
    assert clone(model).fit(X).net_.seed != 7


def test_interrupted_training_goes_on(small, tmp_path):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    expected = clone(model).set_params(callbacks=None).fit(X, y)

    def interrupt(self, trainer):
        if trainer.epoch == 3:
            raise KeyboardInterrupt
        return begin_epoch(self, trainer)

    begin_epoch = TrainingFile.begin_epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingFile, "begin_epoch", interrupt)
        with pytest.warns(UserWarning, match="interrupted in epoch 3"):
            clone(model).fit(X, y)
    assert_same(clone(model).fit(X, y), expected)


def test_a_search_in_two_processes_shares_a_folder(small, tmp_path, monkeypatch):
    X, y = small
    grid = {"hidden_layer_sizes": [3, 4], "learning_rate": [0.1, 0.2]}
    expected = GridSearchCV(MLPDropoutClassifier(**QUICK), grid, cv=2).fit(X, y)
    model = MLPDropoutClassifier(callbacks=[Checkpoint(tmp_path)], **QUICK)
    search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, y)
    assert len(os.listdir(tmp_path)) == 9  # 4 candidates, 2 folds, and the best of all
    epochs = count_epochs(monkeypatch)
    again = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert epochs == []
    for found in (search, again):
        scores = found.cv_results_["mean_test_score"]
        assert_array_equal(scores, expected.cv_results_["mean_test_score"])
        assert_same(found.best_estimator_, expected.best_estimator_)


# -- damage ----------------------------------------------------------------------------


def test_a_damaged_file_is_named_and_not_used(small, tmp_path):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    expected = clone(model).fit(X, y)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[-3] ^= 1
    for damaged, reason in (
        (b"", "does not fit"),
        (data[:-1], "bytes"),
        (bytes(flipped), "checksum is wrong"),
        (b"\x80\x04K\x01.", "it is a pickle.*file of Checkpoint"),
    ):
        path.write_bytes(damaged)
        with pytest.warns(UserWarning, match=f"{path.name}.*cannot be used.*{reason}"):
            assert_same(clone(model).fit(X, y), expected)
        assert path.read_bytes() == data


def test_the_checkpoint_of_another_training_is_not_used(small, tmp_path):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    clone(model).fit(X, y)
    (first,) = tmp_path.iterdir()
    other = clone(model).set_params(random_state=1)
    expected = clone(other).fit(X, y)
    (second,) = set(tmp_path.iterdir()) - {first}
    second.write_bytes(first.read_bytes())
    with pytest.warns(UserWarning, match="checkpoint of another training"):
        assert_same(other.fit(X, y), expected)


def test_a_full_disk_does_not_end_training(small, tmp_path, monkeypatch):
    X, y = small
    model = MLPDropoutClassifier(6, callbacks=[Checkpoint(tmp_path)], **QUICK)
    expected = clone(model).set_params(callbacks=None).fit(X, y)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sknets._persistence.atomic.os.fsync", full)
    with pytest.warns(UserWarning, match="epoch 1 could not be.*No space left"):
        assert_same(model.fit(X, y), expected)
    assert os.listdir(tmp_path) == []


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": torch.optim.RMSprop, "learning_rate": 0.1}, "optimizer=<class"),
        ({"optimizer": partial(torch.optim.SGD, momentum=0.9)}, "optimizer=functools"),
        ({"random_state": np.random.RandomState(0)}, "random_state=RandomState.*None"),
        ({"scoring": lambda *_: 1.0, "early_stopping": True}, "scoring=<function"),
        ({"lr_schedule": lambda optimizer: StepLR(optimizer, 1)}, "lr_schedule=<func"),
        ({"lr_schedule": partial(LambdaLR, lr_lambda=abs)}, "lr_schedule=functools"),
    ],
)
def test_what_cannot_be_resumed_is_refused(options, message, small, tmp_path):
    model = MLPDropoutClassifier(callbacks=[Checkpoint(tmp_path)])
    model.set_params(**QUICK | options)
    with pytest.raises(ValueError, match=f"Checkpoint in callbacks cannot.*{message}"):
        model.fit(*small)
    assert not hasattr(model, "net_")
    assert os.listdir(tmp_path) == []
    model.set_params(callbacks=None).fit(*small)


def test_callbacks_with_a_state_are_refused(small, tmp_path):
    scoring = EpochScoring("accuracy", on_train=True)
    model = MLPDropoutClassifier(callbacks=[scoring, Checkpoint(tmp_path)], **QUICK)
    with pytest.raises(ValueError, match="cannot resume EpochScoring.*ProgressBar"):
        model.fit(*small)


def test_callbacks_of_scikit_learn_are_refused(small, tmp_path):
    callback = pytest.importorskip("sklearn.callback")
    model = MLPDropoutClassifier(callbacks=[Checkpoint(tmp_path)], **QUICK)
    model.set_callbacks(callback.ScoringMonitor(scoring="accuracy"))
    with pytest.raises(
        ValueError, match="cannot resume the callbacks of set_callbacks"
    ):
        model.fit(*small)


def test_a_pre_trained_start_needs_a_seed(small, tmp_path):
    X, y = small
    coder = DenoisingAutoencoderTransformer(4, activation="relu", **QUICK).fit(X)
    model = MLPDropoutClassifier(4, pretrained=coder, **QUICK)
    assert_resumes(model, lambda model: model.fit(X, y), tmp_path)
    model.set_params(random_state=None, callbacks=[Checkpoint(tmp_path)])
    with pytest.raises(ValueError, match="random_state=None.*pretrained is set"):
        model.fit(X, y)
    # Another autoencoder gives another training.
    model.set_params(random_state=0, pretrained=clone(coder).set_params(random_state=1))
    model.pretrained.fit(X)
    epochs = count_epochs(pytest.MonkeyPatch())
    model.fit(X, y)
    assert epochs[0] == 1


def test_arguments(tmp_path):
    assert repr(Checkpoint("folder", 3)) == "Checkpoint('folder', every=3)"
    assert Checkpoint(tmp_path) == Checkpoint(str(tmp_path))
    for every in (0, -1, 1.5, True, "1"):
        with pytest.raises(ValueError, match="every must be an integer >= 1; got"):
            Checkpoint(tmp_path, every)
    with pytest.raises(TypeError, match="folder must be a str or a path; got 3"):
        Checkpoint(3)


def test_only_one(small, tmp_path):
    twice = [Checkpoint(tmp_path), ("again", Checkpoint(tmp_path))]
    with pytest.raises(ValueError, match="at most one Checkpoint"):
        MLPDropoutClassifier(callbacks=twice).fit(*small)


def test_a_folder_that_cannot_be_used(small, tmp_path):
    (tmp_path / "file").touch()
    model = MLPDropoutClassifier(callbacks=[Checkpoint(tmp_path / "file")], **QUICK)
    with pytest.raises(FileExistsError):
        model.fit(*small)
    assert not hasattr(model, "net_")


# -- beside checkpoints ----------------------------------------------------------------


def test_partial_fit_ignores_it(small, tmp_path):
    X, y = small
    model = SoftmaxClassifier(callbacks=[Checkpoint(tmp_path)], **QUICK)
    model.partial_fit(X, y, classes=[0, 1, 2])
    assert os.listdir(tmp_path) == []


def test_save_leaves_it_out(small, tmp_path):
    X, y = small
    model = SoftmaxClassifier(callbacks=[Checkpoint(tmp_path)], **QUICK).fit(X, y)
    model.save(tmp_path / "model")
    loaded = sknets.load(tmp_path / "model")
    assert loaded.callbacks is None
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_blocks_of_data_do_not_change_the_digest(monkeypatch):
    def digest(data):
        import hashlib

        total = hashlib.sha256()
        resuming.update_data(total, data)
        return total.hexdigest()

    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    cases = [X, X[:, 0], torch.tensor(X), sparse.csr_array(X), np.float64(3) * X[:0]]
    whole = [digest(case) for case in cases]
    assert whole[0] == whole[2]
    assert len(set(whole)) == 4
    monkeypatch.setattr(resuming, "BLOCK_BYTES", 100)
    assert [digest(case) for case in cases] == whole
