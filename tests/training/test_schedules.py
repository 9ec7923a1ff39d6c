"""Learning rates and gradients, against torch's own loop written by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    LambdaLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)

EPOCHS = 9


def warm_up(optimizer, total_steps):
    """Rise for three updates, then fall to zero."""
    rise = LinearLR(optimizer, 0.1, total_iters=3)
    fall = CosineAnnealingLR(optimizer, total_steps - 3)
    return SequentialLR(optimizer, [rise, fall], milestones=[3])


SCHEDULES = {
    "steps": (partial(StepLR, step_size=3, gamma=0.1),) * 2,
    "length in epochs": (CosineAnnealingLR, partial(CosineAnnealingLR, T_max=EPOCHS)),
    "length of its own": (partial(CosineAnnealingLR, T_max=4),) * 2,
    "one cycle": (
        partial(OneCycleLR, max_lr=0.3, cycle_momentum=False),
        partial(OneCycleLR, max_lr=0.3, cycle_momentum=False, total_steps=EPOCHS),
    ),
    "function": (warm_up, partial(warm_up, total_steps=EPOCHS)),
}


def train_by_hand(X, y, make_scheduler, max_norm=None, learning_rate=0.2):
    """Return the weights, and the rate of each epoch, which is one batch."""
    X, y = torch.tensor(X), torch.tensor(y)
    linear = torch.nn.Linear(X.shape[1], 3, dtype=torch.float64)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimizer = torch.optim.SGD(linear.parameters(), lr=learning_rate)
    scheduler = make_scheduler(optimizer) if make_scheduler else None
    rates = []
    for _ in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        loss = cross_entropy(linear(X), y)
        loss.backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(linear.parameters(), max_norm)
        optimizer.step()
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(loss.item())
        elif scheduler is not None:
            scheduler.step()
    return linear.weight.detach().numpy(), rates


def exact(**parameters):
    defaults = {
        "learning_rate": 0.2,
        "batch_size": 1000,
        "max_epochs": EPOCHS,
        "dtype": "float64",
        "weight_decay": 0.0,
    }
    return SoftmaxClassifier(**defaults | parameters)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_of_torch(name, small):
    ours, by_hand = SCHEDULES[name]
    weights, rates = train_by_hand(*small, by_hand)
    model = exact(lr_schedule=ours).fit(*small)
    assert_allclose(model.net_.history[:, "lr"], rates, rtol=1e-12)
    assert_allclose(model.coef_, weights, rtol=1e-10, atol=1e-12)


def test_plateaus_of_the_training_loss(small):
    X, y = small
    plateau = partial(ReduceLROnPlateau, patience=0, threshold=0.2)
    weights, rates = train_by_hand(X, y, plateau)
    model = exact(lr_schedule=plateau).fit(X, y)
    assert len(set(rates)) > 2
    assert_allclose(model.net_.history[:, "lr"], rates, rtol=1e-12)
    assert_allclose(model.coef_, weights, rtol=1e-10, atol=1e-12)


def test_plateaus_of_the_validation_loss(small):
    X, y = small
    # Swapped labels: what helps on one data set harms on the other.
    model = exact(lr_schedule=partial(ReduceLROnPlateau, patience=0), max_epochs=5)
    model.fit(X, y, X_val=X, y_val=(y + 1) % 3)
    assert_allclose(model.net_.history[:, "lr"], 0.2 * 0.1 ** np.array([0, 0, 1, 2, 3]))


def test_updates_of_an_epoch_are_counted(small):
    model = exact(lr_schedule=OneCycleDown, batch_size=20, max_epochs=2).fit(*small)
    # 6 updates in all; the second epoch begins with the fourth.
    assert_allclose(model.net_.history[:, "lr"], [0.2 * 6 / 6, 0.2 * 3 / 6])


class OneCycleDown(torch.optim.lr_scheduler.LambdaLR):
    """Linearly to zero."""

    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, lambda step: 1 - step / total_steps)


def test_cosine_is_torchs(small):
    cosine = exact(lr_schedule="cosine").fit(*small)
    torchs = exact(lr_schedule=CosineAnnealingLR).fit(*small)
    assert_allclose(cosine.coef_, torchs.coef_, rtol=1e-10)


def trapezoid(optimizer, total_steps):
    """Rise over 5 % of the updates, stay, and fall over the last 30 %."""
    factors = np.interp(
        range(total_steps + 1),
        [-1, 0.05 * total_steps - 1, 0.7 * total_steps, total_steps],
        [0, 1, 1, 0],
    )
    return LambdaLR(optimizer, lambda update: factors[update])


@pytest.mark.parametrize("max_epochs", [1, 2, 3, 40, 100])
def test_trapezoid_is_an_interpolation(max_epochs, small):
    options = {"max_epochs": max_epochs}
    ours = exact(lr_schedule="trapezoid", **options).fit(*small)
    reference = exact(lr_schedule=trapezoid, **options).fit(*small)
    assert_allclose(ours.net_.history[:, "lr"], reference.net_.history[:, "lr"])
    assert_allclose(ours.coef_, reference.coef_, rtol=1e-10)


@pytest.mark.parametrize("lr_schedule", ["cosine", OneCycleDown, CosineAnnealingLR])
def test_each_fit_has_a_schedule_of_its_own(lr_schedule, small):
    model = exact(lr_schedule=lr_schedule, warm_start=True, max_epochs=4)
    model.fit(*small).fit(*small)
    rates = model.net_.history[:, "lr"]
    assert_allclose(rates[:4], rates[4:])
    assert rates[0] == 0.2


@pytest.mark.parametrize("lr_schedule", ["cosine", OneCycleDown, CosineAnnealingLR])
def test_schedules_end_with_the_budget_also_where_training_stops_early(
    lr_schedule, small
):
    X, y = small
    options = {"lr_schedule": lr_schedule, "max_epochs": 30}
    stopped = exact(early_stopping=True, n_iter_no_change=3, **options)
    stopped.fit(X, y, X_val=X, y_val=(y + 1) % 3)
    whole = exact(**options).fit(X, y)
    assert stopped.n_iter_ < 30
    rates = whole.net_.history[:, "lr"]
    assert_allclose(stopped.net_.history[:, "lr"], rates[: stopped.n_iter_])
    assert rates[-1] < 0.01


def test_partial_fit_keeps_the_rate(small):
    X, y = small
    model = exact(lr_schedule=partial(StepLR, step_size=1, gamma=0.1))
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.net_.history[:, "lr"] == [0.2] * 3


def test_schedules_in_a_search_over_pipelines(small):
    grid = {"softmaxclassifier__lr_schedule": ["constant", "cosine", OneCycleDown]}
    search = GridSearchCV(make_pipeline(StandardScaler(), exact()), grid, cv=2)
    search.fit(*small)
    assert search.cv_results_["mean_test_score"].min() > 0.6


@pytest.mark.parametrize(
    ("lr_schedule", "error"),
    [
        ("linear", ValueError),
        (lambda optimizer: optimizer, ValueError),
        (OneCycleLR, ValueError),
        (torch.optim.SGD, ValueError),
    ],
)
def test_what_makes_no_scheduler_is_named(lr_schedule, error, small):
    fitted = exact().fit(*small)
    before = fitted.coef_.copy()
    with pytest.raises(error, match="lr_schedule"):
        fitted.set_params(lr_schedule=lr_schedule).fit(*small)
    assert_allclose(fitted.coef_, before)


def test_a_length_of_ones_own_is_left(small):
    cycle = partial(OneCycleLR, max_lr=0.2, cycle_momentum=False)
    model = exact(lr_schedule=partial(cycle, epochs=2 * EPOCHS, steps_per_epoch=1))
    _, rates = train_by_hand(*small, partial(cycle, total_steps=2 * EPOCHS))
    assert_allclose(model.fit(*small).net_.history[:, "lr"], rates, rtol=1e-12)


def test_cycles_step_after_each_update(small):
    cycle = partial(
        CyclicLR, base_lr=0.1, max_lr=0.2, step_size_up=3, cycle_momentum=False
    )
    model = exact(lr_schedule=cycle, batch_size=20, max_epochs=4).fit(*small)
    assert_allclose(model.net_.history[:, "lr"], [0.1, 0.2, 0.1, 0.2])


@pytest.mark.parametrize("optimizer", ["sgd", torch.optim.SGD])
def test_momentum_of_a_cycle_is_torchs(optimizer, small):
    cycle = partial(OneCycleLR, max_lr=0.3)
    weights, _ = train_by_hand(*small, partial(cycle, total_steps=EPOCHS))
    model = exact(lr_schedule=cycle, optimizer=optimizer).fit(*small)
    assert_allclose(model.coef_, weights, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("fails", [False, True])
def test_schedules_leave_nothing_but_the_rate_behind(fails, small):
    X, y = small
    cycle = partial(OneCycleLR, max_lr=0.01)
    model = exact(optimizer="adam", warm_start=True).fit(X, y)
    optimizer = model.net_.optimizer_
    before = [{k: v for k, v in g.items() if k != "lr"} for g in optimizer.param_groups]
    model.set_params(lr_schedule=cycle)
    if fails:
        with pytest.raises(ValueError, match="unstable"):
            model.set_params(learning_rate=1e300).fit(X * 1e300, y)
    else:
        model.fit(X, y)
    after = [{k: v for k, v in g.items() if k != "lr"} for g in optimizer.param_groups]
    for group, expected in zip(after, before, strict=True):
        del group["params"], expected["params"]
        assert group == expected
    assert "step" not in vars(optimizer)


@pytest.mark.parametrize("max_norm", [0.01, 0.3])
def test_long_gradients_are_scaled_down(max_norm, small):
    X, y = small
    weights, _ = train_by_hand(X, y, None, max_norm)
    model = exact(lr_schedule="constant", max_grad_norm=max_norm).fit(X, y)
    assert_allclose(model.coef_, weights, rtol=1e-10, atol=1e-12)


def test_a_norm_that_overflows_is_an_error_not_a_standstill(small):
    model = MLPDropoutClassifier(8, standardize=False, max_grad_norm=1.0, max_epochs=3)
    with pytest.raises(ValueError, match="unstable"):
        model.fit(small[0] * 1e25, small[1])


def test_short_gradients_are_left_alone(small):
    as_they_are = exact().fit(*small).coef_
    assert_allclose(exact(max_grad_norm=1e6).fit(*small).coef_, as_they_are)


def test_clipping_tames_an_autoencoder(small):
    X = small[0]
    coder = DenoisingAutoencoderTransformer(
        2, optimizer="sgd", learning_rate=100.0, max_epochs=5
    )
    with pytest.raises(ValueError, match="unstable"):
        coder.fit(X)
    coder.set_params(max_grad_norm=1.0).fit(X)
    assert np.isfinite(coder.loss_curve_).all()
