import pytest
import torch

from sknets._networks.noise import (
    add_gaussian_noise,
    add_salt_and_pepper,
    dropout_mask,
    mask_entries,
    random_mask,
)

N = 200_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def seeded():
    """Draws without a generator are the same in each run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def within(frequency, probability, n_deviations=5):
    deviation = (probability * (1 - probability) / N) ** 0.5
    return abs(frequency - probability) <= n_deviations * deviation + 2**-16


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_random_mask_has_the_probability(probability, device):
    mask = random_mask(torch.Size([N]), probability, None, torch.device(device))
    assert within(mask.double().mean().item(), probability)


def test_random_mask_entries_are_independent():
    mask = random_mask(torch.Size([N]), 0.5, generator(), torch.device("cpu")).double()
    for lag in (1, 2, 3, 4, 8):
        assert within((mask[lag:] == mask[:-lag]).double().mean().item(), 0.5)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(p, device):
    X = torch.ones(N, device=device)
    dropped = X * dropout_mask(X, p)
    assert within((dropped == 0).double().mean().item(), p)
    kept = dropped[dropped != 0]
    torch.testing.assert_close(
        kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-3, atol=0
    )
    assert abs(dropped.mean().item() - 1) < 5 * (p / (1 - p) / N) ** 0.5 + 1e-3


def test_gaussian_noise_has_the_moments(device):
    noise = add_gaussian_noise(torch.full((N,), 3.0, device=device), 0.5) - 3
    assert abs(noise.mean().item()) < 5 * 0.5 / N**0.5
    assert abs(noise.std().item() / 0.5 - 1) < 5 / (2 * N) ** 0.5
    kurtosis = ((noise / noise.std()) ** 4).mean().item()
    assert abs(kurtosis - 3) < 5 * (24 / N) ** 0.5


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_masking_zeroes_a_fraction_and_nothing_else(fraction, device):
    X = torch.rand(N, device=device) + 1
    masked = mask_entries(X, fraction)
    assert within((masked == 0).double().mean().item(), fraction)
    torch.testing.assert_close(masked[masked != 0], X[masked != 0])


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_salt_and_pepper_replaces_a_fraction_by_the_extremes(fraction, device):
    X = torch.rand(N // 2, 2, device=device)
    low = torch.tensor([-1.0, -3.0], device=device)
    high = torch.tensor([2.0, 5.0], device=device)
    X[0], X[1] = low, high
    # Without the two rows that are extremes already.
    noisy, X = add_salt_and_pepper(X, fraction)[2:], X[2:]
    peppered, salted, kept = noisy == low, noisy == high, noisy == X
    assert (peppered | salted | kept).all()
    assert within(peppered.double().mean().item(), fraction / 2)
    assert within(salted.double().mean().item(), fraction / 2)
    assert within(kept.double().mean().item(), 1 - fraction)


def test_salt_and_pepper_leaves_a_constant_feature_alone():
    X = torch.rand(1000, 2, generator=generator())
    X[:, 0] = 7
    noisy = add_salt_and_pepper(X, 1.0, generator(1))
    assert torch.equal(noisy[:, 0], X[:, 0])
    assert set(noisy[:, 1].tolist()) == {X[:, 1].min().item(), X[:, 1].max().item()}


@pytest.mark.parametrize(
    "corrupt", [dropout_mask, add_gaussian_noise, mask_entries, add_salt_and_pepper]
)
def test_a_generator_decides_the_draws(corrupt):
    X = torch.rand(100, 3, generator=generator()) + 1
    state = torch.random.get_rng_state()
    first, again = corrupt(X, 0.5, generator(1)), corrupt(X, 0.5, generator(1))
    other = corrupt(X, 0.5, generator(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, X)
    assert torch.equal(torch.random.get_rng_state(), state)
