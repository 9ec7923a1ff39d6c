"""How many cores one fit may take."""

import threading
from contextlib import contextmanager

import torch
from joblib.parallel import get_active_backend

_lock = threading.Lock()
_this_thread = threading.local()
_n_sharing = 0
_n_threads_alone = 1


@contextmanager
def share_of_the_cores():
    """Compute on one core where joblib runs other threads of this process beside.

    Each thread would take all cores, and they would wait for each other: two
    convolutional nets take four times as long. Joblib's worker processes need no help:
    it tells them their number of cores. It is always one core, not as many as are free,
    so that results do not depend on what else runs.
    """
    if not _is_worker_thread():
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _is_worker_thread():
    if threading.current_thread() is threading.main_thread():
        return False
    backend, _ = get_active_backend()
    return backend.nesting_level > 0


def _enter():
    global _n_sharing, _n_threads_alone
    with _lock:
        # A thread of a pool may still have its one core from the last time.
        if _n_sharing == 0 and not getattr(_this_thread, "is_limited", False):
            _n_threads_alone = torch.get_num_threads()
        _n_sharing += 1
        torch.set_num_threads(1)
        _this_thread.is_limited = True


def _leave():
    # The setting reaches the others too, so it is for the last to leave to restore it.
    global _n_sharing
    with _lock:
        _n_sharing -= 1
        if _n_sharing == 0:
            torch.set_num_threads(_n_threads_alone)
            _this_thread.is_limited = False
