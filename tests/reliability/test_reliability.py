"""A short round of the experiments of `docs/reliability.md`."""

import pytest
import torch

pytest.importorskip("resource")  # not on Windows

from tools.reliability.experiments import FAULTS, INPUTS

pytestmark = [
    pytest.mark.slow,
    # pooch leaves the connection of a refused download to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EXPERIMENTS = FAULTS | INPUTS


@pytest.fixture
def same_threads():
    """Restore the number of torch's threads."""
    n_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


@pytest.mark.usefixtures("same_threads")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_keeps_its_promise(name, tmp_path):
    function, n = EXPERIMENTS[name]
    outcome = function(max(n // 10, 1), 0, tmp_path)
    assert outcome.failures == []
    assert outcome.tried >= max(n // 10, 1) * 0.9
