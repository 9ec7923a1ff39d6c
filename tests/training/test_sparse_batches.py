"""Training and evaluation on CSR rows equal those on the same rows made dense."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from skorch.callbacks import Callback, Freezer, GradientNormClipping

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    load,
)
from sknets._networks.sparse import lies_by_feature
from sknets._training import scipy_kernel, sparse_batches
from sknets._training.evaluation import evaluate
from sknets._training.sparse_batches import EvaluationBatches, reads_sparse

N_ROWS, N_FEATURES = 230, 900

SOFTMAX = partial(SoftmaxClassifier, standardize=False, dtype="float64", random_state=0)
MLP = partial(
    MLPDropoutClassifier,
    hidden_layer_sizes=8,
    standardize=False,
    dtype="float64",
    random_state=0,
    weight_decay=0.0,
)
REGRESSOR = partial(
    MLPDropoutRegressor,
    hidden_layer_sizes=8,
    standardize=False,
    dtype="float64",
    random_state=0,
)


@pytest.fixture(scope="module")
def text():
    """Rows with about 18 of 900 features, and three classes."""
    rng = np.random.default_rng(0)
    X = rng.random((N_ROWS, N_FEATURES)) * (rng.random((N_ROWS, N_FEATURES)) < 0.02)
    y = np.argmax(X @ rng.normal(size=(N_FEATURES, 3)), axis=1)
    return sparse.csr_array(X), y


def assert_same(model, other, X, *, atol=1e-10):
    """The networks of two models are the same, and so are their outputs."""
    for found, expected in zip(
        model.module_.parameters(), other.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=atol)
    assert_allclose(model.loss_curve_, other.loss_curve_, rtol=1e-10)
    name = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    expected = getattr(other, name)(X.toarray())
    for estimator in (model, other):
        assert_allclose(getattr(estimator, name)(X), expected, atol=atol)


class WithMomentum(torch.optim.lr_scheduler.LambdaLR):
    """A schedule that sets a momentum after the first epochs."""

    def __init__(self, optimizer):
        super().__init__(optimizer, lambda epoch: 1.0)

    def step(self):
        super().step()
        if self.last_epoch == 3:
            for group in self.optimizer.param_groups:
                group["momentum"] = 0.5


# For each case: the estimator, and which updates it makes: of rows only, or of all
# weights after a sparse product.
CASES = {
    "softmax": (SOFTMAX(), {True}),
    "no decay": (SOFTMAX(weight_decay=0.0), {True}),
    "strong decay": (SOFTMAX(weight_decay=1.0), {True}),
    "decay beyond zero": (SOFTMAX(weight_decay=3.0), {True}),
    "clipping": (SOFTMAX(max_grad_norm=0.02), {True}),
    "constant rate": (SOFTMAX(lr_schedule="constant", batch_size=7), {True}),
    "one batch": (SOFTMAX(batch_size=1000), {True}),
    "class weights": (SOFTMAX(class_weight={0: 2, 1: 0.5, 2: 0}), {True}),
    "early stopping": (SOFTMAX(early_stopping=True, n_iter_no_change=1), {True}),
    "score": (SOFTMAX(early_stopping=True, scoring="accuracy"), {True}),
    "softmax adagrad": (SOFTMAX(optimizer="adagrad", weight_decay=0.0), {True}),
    "mlp": (MLP(), {True}),
    "deep mlp": (MLP(hidden_layer_sizes=(9, 5)), {True}),
    "mlp with clipping": (MLP(max_grad_norm=0.1), {True}),
    "mlp sgd": (MLP(optimizer="sgd", weight_decay=1e-2, learning_rate=0.1), {True}),
    "adagrad with decay": (MLP(weight_decay="auto"), {False}),
    "adam": (MLP(optimizer="adam"), {False}),
    "adamw": (MLP(optimizer="adamw", weight_decay=0.1, max_grad_norm=0.1), {False}),
    "momentum": (MLP(optimizer=partial(torch.optim.SGD, momentum=0.9)), {False}),
    "momentum later": (SOFTMAX(lr_schedule=WithMomentum), {True, False}),
    "frozen": (MLP(callbacks=[Freezer("hidden.0.weight")]), {True}),
    "unknown optimizer": (
        SOFTMAX(optimizer=torch.optim.RMSprop, learning_rate=0.01),
        set(),
    ),
    "gradients seen": (SOFTMAX(callbacks=[GradientNormClipping(0.1)]), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_training_equals_training_on_dense_rows(case, text, updates, device):
    X, y = text
    estimator, expected = CASES[case]
    estimator = clone(estimator).set_params(max_epochs=6, device=device)
    if estimator.batch_size == 100:
        estimator.set_params(batch_size=30)
    model = clone(estimator).fit(X, y)
    if device == "cpu":  # a GPU may lack fused kernels
        assert set(updates) == expected
    dense = clone(estimator).fit(X.toarray(), y)
    assert_same(model, dense, X)


@pytest.mark.parametrize("weight_decay", [0.0, 1e-3])
def test_a_regressor_equals_itself_on_dense_rows(weight_decay, text, updates):
    X, y = text
    targets = np.c_[y, X.sum(axis=1)]
    model = REGRESSOR(max_epochs=4, weight_decay=weight_decay, learning_rate=0.1)
    dense = clone(model).fit(X.toarray(), targets)
    assert not updates
    assert_same(model.fit(X, targets), dense, X)
    assert set(updates) == {weight_decay == 0}


def test_training_without_scipys_kernel_is_the_same(text, updates, monkeypatch):
    X, y = text
    model = SOFTMAX(max_epochs=4).fit(X, y)
    monkeypatch.setattr(scipy_kernel, "kernel_works", lambda: False)
    other = SOFTMAX(max_epochs=4).fit(X, y)
    assert set(updates) == {True}
    assert_same(model, other, X)


def test_several_labels_and_weights_of_rows(text, updates):
    X, y = text
    labels = np.c_[y == 0, y > 0, X.sum(axis=1) > 9].astype(int)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    model = MLP(max_epochs=4)
    dense = clone(model).fit(X.toarray(), labels, sample_weight=weight)
    assert_same(model.fit(X, labels, sample_weight=weight), dense, X)
    assert set(updates) == {True}


@pytest.mark.parametrize("standardize", [True, "auto"])
def test_rows_are_scaled_as_they_are_dense(standardize, text, monkeypatch):
    X, y = text
    model = SOFTMAX(standardize=standardize, max_epochs=4).fit(X, y)
    assert model.module_.input_scale.scale is not None
    monkeypatch.setattr(sparse_batches, "FEATURES_PER_ENTRY", np.inf)
    dense = SOFTMAX(standardize=standardize, max_epochs=4).fit(X, y)
    assert not lies_by_feature(dense.module_.output.weight)
    assert_same(model, dense, X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float32_networks_answer_in_the_precision_of_x(dtype, text):
    X, y = text
    model = SOFTMAX(dtype="float32", max_epochs=4).fit(X.astype(dtype), y)
    weight, bias = (p.detach().double().numpy() for p in model.module_.parameters())
    logits = model.decision_function(X.astype(dtype))
    assert logits.dtype == dtype
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    assert_allclose(logits, X @ weight.T + bias, atol=tolerance)


ROWS_ONLY, ALL = {True}, {False}


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [(SOFTMAX(), ROWS_ONLY), (MLP(), ROWS_ONLY), (MLP(optimizer="adam"), ALL)],
)
def test_partial_fit_goes_on_across_forms_and_pickles(
    estimator, expected, text, updates
):
    X, y = text
    chunks = [slice(0, 90), slice(90, 150), slice(150, 230)]
    model, dense = clone(estimator), clone(estimator)
    for i, rows in enumerate(chunks):
        model.partial_fit(X[rows] if i != 1 else X[rows].toarray(), y[rows], [0, 1, 2])
        dense.partial_fit(X[rows].toarray(), y[rows], [0, 1, 2])
        assert_same(model, dense, X)
        model = pickle.loads(pickle.dumps(model))
    assert set(updates) == expected


def test_warm_start_goes_on_with_the_accumulators(text):
    X, y = text
    model, dense = (MLP(max_epochs=3, warm_start=True) for _ in range(2))
    assert_same(model.fit(X, y).fit(X, y), dense.fit(X.toarray(), y).fit(X, y), X)
    again = pickle.loads(pickle.dumps(model))
    assert_same(again.fit(X, y), dense.fit(X.toarray(), y), X)


class LoadState(Callback):
    """Load the state of another optimizer, as skorch's LoadInitState does."""

    def __init__(self, state):
        self.state = state

    def on_train_begin(self, net, **kwargs):
        net.optimizer_.load_state_dict(self.state)


@pytest.mark.parametrize("optimizer", ["adagrad", "adam"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_a_state_is_loaded_from_another_layout(optimizer, weight_decay, text):
    X, y = text
    options = {"optimizer": optimizer, "weight_decay": weight_decay, "max_epochs": 3}
    first = MLP(**options).fit(X.toarray(), y)
    state = first.net_.optimizer_.state_dict()
    model = MLP(callbacks=[LoadState(state)], **options)
    dense = clone(model).fit(X.toarray(), y)
    assert_same(model.fit(X, y), dense, X)


def test_finite_weights_with_an_infinite_sum_are_no_fault():
    X, y = np.zeros((20, 4), np.float32), np.arange(20) % 2
    model = SOFTMAX(dtype="float32", weight_decay=0.0, warm_start=True).fit(X, y)
    with torch.no_grad():
        model.module_.output.weight.fill_(3e38)
    model.fit(X, y)
    assert (model.coef_ == np.float32(3e38)).all()


def test_a_saved_model_has_the_same_outputs(text, tmp_path):
    X, y = text
    model = MLP(max_epochs=3).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    assert_same(load(tmp_path / "model.safetensors"), model, X, atol=1e-14)


class CtrlC(Callback):
    """Ctrl-C in the middle of the third epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            self.step, net.optimizer_.step = net.optimizer_.step, self.interrupt
            self.n_steps = 0
            self.net = net

    def interrupt(self, closure):
        self.n_steps += 1
        if self.n_steps == 3:
            raise KeyboardInterrupt
        return self.step(closure)


@pytest.mark.filterwarnings("ignore:Training was interrupted")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_the_weights_with_their_decay(early_stopping, text, updates):
    X, y = text
    model = SOFTMAX(
        max_epochs=9,
        batch_size=30,
        weight_decay=0.5,
        early_stopping=early_stopping,
        callbacks=[CtrlC()],
    )
    dense = clone(model).fit(X.toarray(), y)
    assert_same(model.fit(X, y), dense, X)
    assert set(updates) == {True}
    assert model.n_iter_ == 2


def test_an_error_leaves_a_fitted_estimator_as_it_was(text):
    X, y = text
    model = SOFTMAX(max_epochs=2, warm_start=True, weight_decay=0.1).fit(X, y)
    expected = model.predict_proba(X)
    with pytest.raises(ValueError, match="unstable"):
        model.set_params(learning_rate=1e200).fit(X * 1e200, y)
    assert_array_equal(model.predict_proba(X), expected)


def test_a_model_of_dense_standardised_rows_reads_sparse_ones(text):
    X, y = text
    model = SOFTMAX(standardize=True, max_epochs=2).fit(X.toarray(), y)
    assert model.module_.input_scale.shift is not None
    assert_allclose(model.predict_proba(X), model.predict_proba(X.toarray()))


def test_hooks_of_users_get_dense_rows(text):
    X, y = text
    model = SOFTMAX(max_epochs=2).fit(X, y)
    seen = []
    model.module_.output.register_forward_hook(lambda _, X, __: seen.append(X[0]))
    model.predict(X[:3])
    assert_array_equal(torch.cat(seen), X[:3].toarray())


def test_codes_of_an_autoencoder_equal_those_of_dense_rows(text, monkeypatch):
    X, _ = text
    coder = DenoisingAutoencoderTransformer(5, max_epochs=2, random_state=0).fit(X)
    made = []
    monkeypatch.setattr(
        sparse_batches,
        "EvaluationBatches",
        lambda *arguments: made.append(EvaluationBatches(*arguments)) or made[-1],
    )
    codes = coder.transform(X)
    assert made
    assert_allclose(codes, coder.transform(X.toarray()), atol=1e-13)


def test_blocks_have_as_many_entries_as_fit(text, monkeypatch):
    X, y = text
    model = SOFTMAX(max_epochs=2).fit(X, y)
    expected = model.decision_function(X)
    sizes = []
    make = EvaluationBatches.__call__

    def spy(batches, X):
        sizes.append(X.shape[0])
        return make(batches, X)

    monkeypatch.setattr(EvaluationBatches, "__call__", spy)
    monkeypatch.setattr("sknets._training.rows.BLOCK_BYTES", 8 * X.nnz // 5)
    found, is_finite = evaluate(model.module_, X, np.float64)
    assert is_finite
    assert sum(sizes) == X.shape[0]
    assert 5 <= len(sizes) <= 7
    assert_allclose(found, expected, atol=1e-14)


def test_infinity_in_sparse_rows_is_found(text):
    X, y = text
    model = MLP(max_epochs=2).fit(X, y)
    X = X.copy()
    X.data[5] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(X)


def test_rows_with_many_entries_are_made_dense():
    network = SOFTMAX()._build_module(2400, 10)
    for n_entries, expected in [(1, True), (150, True), (170, False), (2400, False)]:
        data = np.ones(3 * n_entries)
        indices = np.tile(np.arange(n_entries), 3)
        X = sparse.csr_array((data, indices, n_entries * np.arange(4)), (3, 2400))
        assert reads_sparse(network, X) == expected
        assert not reads_sparse(network, X.toarray())
    few_features = SOFTMAX()._build_module(100, 10)
    assert not reads_sparse(few_features, sparse.csr_array((3, 100)))


def test_large_rows_are_never_dense(monkeypatch):
    rng = np.random.default_rng(0)
    n_features = 2**20
    X = sparse.csr_array(
        (np.ones(4000), rng.integers(0, n_features, 4000), 20 * np.arange(201)),
        (200, n_features),
    )
    y = X.indices[::20] % 2
    monkeypatch.setattr(sparse.csr_array, "toarray", None)
    model = SoftmaxClassifier(max_epochs=5, random_state=0, early_stopping=True)
    model.fit(X, y)
    assert model.predict_proba(X).shape == (200, 2)
