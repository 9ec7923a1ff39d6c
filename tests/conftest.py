import os
import random

# Read by SciPy and scikit-learn at import: without it, the array API checks skip.
os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

if "PYTEST_XDIST_WORKER" in os.environ and "OMP_NUM_THREADS" not in os.environ:
    # Workers that each take all cores wait for each other most of the time.
    torch.set_num_threads(1)

# Checks of scikit-learn's whose outcome may depend on the kernels of a machine.
KERNEL_CHECKS = (
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
    "check_fit_idempotent",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if any(check in item.name for check in KERNEL_CHECKS):
            item.add_marker(pytest.mark.kernels)


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request):
    """Each kind of device that this machine has."""
    return request.param


@pytest.fixture(scope="session")
def digits():
    """Standardised 8 x 8 digits, 1,200 to train and 597 to test."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(np.float32)
    return X[:1200], X[1200:], y[:1200], y[1200:]


@pytest.fixture
def small():
    """Three noisy classes in five features, small enough for many fits."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    X = rng.normal(size=(60, 5)) + 2 * np.eye(3, 5)[y]
    return X, y


@pytest.fixture
def global_random_state():
    """Return the state of all the global random generators."""

    def state():
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.random.get_rng_state().tolist(),
        )

    return state
