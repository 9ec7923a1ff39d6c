"""How many cores one fit may take."""

import threading
from contextlib import contextmanager

import torch
from joblib.parallel import get_active_backend

_lock = threading.Lock()
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
        if _n_sharing == 0:
            _n_threads_alone = torch.get_num_threads()
        _n_sharing += 1
        torch.set_num_threads(1)


def _leave():
    # The setting reaches beyond this thread, so the last to leave restores it.
    global _n_sharing
    with _lock:
        _n_sharing -= 1
        if _n_sharing == 0:
            torch.set_num_threads(_n_threads_alone)
