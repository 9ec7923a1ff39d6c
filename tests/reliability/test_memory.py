"""A lack of memory in training and prediction, simulated."""

import weakref

import pytest
import torch
from numpy.testing import assert_array_equal

from sknets import MLPDropoutClassifier
from sknets._training import evaluation, trainer

QUICK = {"max_epochs": 3, "random_state": 0, "batch_size": 10, "optimizer": "adam"}


def fail_in(monkeypatch, module, name, n_items):
    """Let a generator fail after some items. Return references to what it held."""
    generate, held = getattr(module, name), []

    def failing(*arguments):
        tensor = torch.ones(1000)
        held.append(weakref.ref(tensor))
        for number, item in enumerate(generate(*arguments)):
            if number == n_items:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
            yield item

    monkeypatch.setattr(module, name, failing)
    return held


def test_in_the_first_training(small, monkeypatch):
    held = fail_in(monkeypatch, trainer, "training_batches", 3)
    model = MLPDropoutClassifier(4, **QUICK)
    before = vars(model).copy()
    with pytest.raises(
        MemoryError, match="training MLPDropoutClassifier in batches of 10 rows"
    ) as raised:
        model.fit(*small)
    assert vars(model) == before
    # The error is still there, and with it the traceback.
    assert isinstance(raised.value.__cause__, torch.OutOfMemoryError)
    assert [reference() for reference in held] == [None]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_in_training_that_continues(method, small, monkeypatch):
    X, y = small
    model = MLPDropoutClassifier(4, warm_start=True, **QUICK).fit(X, y)
    expected = MLPDropoutClassifier(4, warm_start=True, **QUICK).fit(X, y)
    with pytest.MonkeyPatch.context() as patch:
        fail_in(patch, trainer, "training_batches", 3)
        with pytest.raises(MemoryError):
            getattr(model, method)(X, y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    # The optimizer is as it was, too.
    for each in (model, expected):
        getattr(each, method)(X, y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_in_prediction(small, monkeypatch):
    X, y = small
    model = MLPDropoutClassifier(4, **QUICK).fit(X, y)
    held = fail_in(monkeypatch, evaluation, "prediction_blocks", 0)
    with pytest.raises(MemoryError, match="for the outputs of a block of rows"):
        model.predict(X)
    assert [reference() for reference in held] == [None]
