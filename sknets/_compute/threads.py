"""Limit the number of threads of a fit or a prediction."""

import sys
import threading
from contextlib import contextmanager

import torch
from joblib.parallel import get_active_backend

# Multiply-adds per thread, in the largest matrix product of a training step and in a
# whole prediction. With less work, waking a thread costs more than it saves.
STEP_WORK_PER_THREAD = 4_000_000
PREDICTION_WORK_PER_THREAD = 30_000_000

_lock = threading.Lock()
_this_thread = threading.local()
_n_limiting = 0  # Python threads that limit torch now
_n_threads_unlimited = 1  # torch's number before the first of them did


@contextmanager
def threads_for(multiply_adds, work_per_thread):
    """Use fewer threads of torch for small work.

    Threads wait for each other after each matrix product. For small products, two
    threads are no faster than one. They are much slower if other processes use the
    cores. The number of threads depends on the work and on `torch.get_num_threads()`.
    It does not depend on the load of the machine, so the results do not either.

    In a worker thread of joblib, the number is one. Otherwise each worker would use all
    cores. joblib itself limits torch in worker processes. The tasks that a dask worker
    runs at the same time share torch's threads equally.

    Parameters
    ----------
    multiply_adds : int
        Number of multiply-adds: of the largest matrix product of a training step, of
        the largest layer over all rows in a prediction.
    work_per_thread : int
        Number of multiply-adds per thread.
    """
    n_threads = 1 if _is_worker_thread() else max(multiply_adds // work_per_thread, 1)
    n_before = _limit(n_threads, n_tasks=_count_dask_tasks())
    try:
        yield
    finally:
        if n_before is not None:
            _restore(n_before)


def _is_worker_thread():
    if threading.current_thread() is threading.main_thread():
        return False
    backend, _ = get_active_backend()
    return backend.nesting_level > 0


def _count_dask_tasks():
    """Return how many tasks the dask worker of this thread runs at a time, or 1."""
    # If this is a task of dask, something has imported it.
    get_worker = getattr(sys.modules.get("distributed"), "get_worker", None)
    if get_worker is None:
        return 1
    try:
        return get_worker().state.nthreads
    except ValueError:  # no task of dask
        return 1


def _limit(n_threads, n_tasks):
    """Limit torch in this Python thread. Return the number to restore, or None."""
    global _n_limiting, _n_threads_unlimited
    with _lock:
        n_now = n_before = torch.get_num_threads()
        n_nested = getattr(_this_thread, "n_nested", 0)
        if n_nested == 0:
            if _n_limiting == 0:
                _n_threads_unlimited = n_now
            # A new Python thread starts with the limit that another one has set.
            n_before = _n_threads_unlimited
            n_threads = min(n_threads, max(n_before // n_tasks, 1))
        n_threads = min(n_threads, n_before)
        if n_threads == n_before == n_now:
            return None
        if n_nested == 0:
            _n_limiting += 1
        _this_thread.n_nested = n_nested + 1
        torch.set_num_threads(n_threads)
        return n_before


def _restore(n_threads):
    """Undo a limit."""
    global _n_limiting
    with _lock:
        _this_thread.n_nested -= 1
        if _this_thread.n_nested == 0:
            _n_limiting -= 1
        torch.set_num_threads(n_threads)
