"""Limit the number of threads of a fit or a prediction."""

import threading
from contextlib import contextmanager

import torch
from joblib.parallel import get_active_backend

# With fewer multiply-adds, waking one more thread takes longer than its work: in the
# largest matrix product of a training step, and in a whole prediction.
STEP_WORK_PER_THREAD = 4_000_000
PREDICTION_WORK_PER_THREAD = 30_000_000

_lock = threading.Lock()
_this_thread = threading.local()
# Python threads that limit torch now, and torch's own number of threads before that.
_n_limiting = 0
_n_threads_unlimited = 1


@contextmanager
def threads_for(multiply_adds, work_per_thread):
    """Limit torch to as many threads as the work can use.

    Threads wait for each other after each matrix product. With small products, two
    threads are no faster than one, and many times slower if other processes need the
    cores. The number of threads depends on the work and on torch's own limit. It does
    not depend on the load of the machine, so the results do not depend on it either.

    In a worker thread of joblib the number is one, because each worker would use all
    cores. In a worker process, joblib itself sets torch's limit.

    Parameters
    ----------
    multiply_adds : int
        Number of multiply-adds in the work.
    work_per_thread : int
        Number of multiply-adds for which one more thread is used.
    """
    n_threads = max(multiply_adds // work_per_thread, 1)
    if _is_worker_thread():
        n_threads = 1
    before = _limit(n_threads)
    if before is None:
        yield
        return
    try:
        yield
    finally:
        _restore(before)


def _is_worker_thread():
    if threading.current_thread() is threading.main_thread():
        return False
    backend, _ = get_active_backend()
    return backend.nesting_level > 0


def _limit(n_threads):
    """Lower torch's number of threads. Return the old number, or None if unchanged."""
    global _n_limiting, _n_threads_unlimited
    with _lock:
        before = torch.get_num_threads()
        depth = getattr(_this_thread, "depth", 0)
        if depth == 0:
            if _n_limiting == 0:
                _n_threads_unlimited = before
            # A new thread starts with the limit that another thread has set.
            before = _n_threads_unlimited
        if n_threads >= before:
            return None
        _n_limiting += depth == 0
        _this_thread.depth = depth + 1
        torch.set_num_threads(n_threads)
        return before


def _restore(n_threads):
    global _n_limiting
    with _lock:
        _this_thread.depth -= 1
        _n_limiting -= _this_thread.depth == 0
        torch.set_num_threads(n_threads)
