"""How many cores one fit or one prediction may take."""

import threading
from contextlib import contextmanager

import torch
from joblib.parallel import get_active_backend

# Multiply-adds that keep a thread busy for longer than it takes to wake it: of the
# largest product of a training step, and of a whole prediction.
STEP_SHARE = 4_000_000
PREDICTION_SHARE = 30_000_000

_lock = threading.Lock()
_this_thread = threading.local()
_n_limited = 0
_n_threads_alone = 1


@contextmanager
def threads_for(multiply_adds, share):
    """Compute on as many threads as the work can use, and torch allows.

    Two threads that meet after every small product take no less time than one, and
    many times as long where other processes want the cores. The number depends on the
    work and on torch's own limit alone, never on the load, so results do not either.

    It is one thread where joblib runs other threads of this process beside: each would
    take all cores. joblib's worker processes need no help: joblib sets torch's limit.

    Parameters
    ----------
    multiply_adds : int
        Multiplications and additions of the work.
    share : int
        How many of them make one more thread pay.
    """
    n_threads = max(multiply_adds // share, 1)
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
    """Lower the number of threads; return what it was, or None where it was no more."""
    global _n_limited, _n_threads_alone
    with _lock:
        before = torch.get_num_threads()
        depth = getattr(_this_thread, "depth", 0)
        if depth == 0:
            if _n_limited == 0:
                _n_threads_alone = before
            # A thread that begins now has the limit that another thread has set.
            before = _n_threads_alone
        if n_threads >= before:
            return None
        _n_limited += depth == 0
        _this_thread.depth = depth + 1
        torch.set_num_threads(n_threads)
        return before


def _restore(n_threads):
    global _n_limited
    with _lock:
        _this_thread.depth -= 1
        _n_limited -= _this_thread.depth == 0
        torch.set_num_threads(n_threads)
