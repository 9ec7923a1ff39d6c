"""A server of small stand-ins for the files of MNIST, on this machine."""

import gzip
import hashlib
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pooch

from sknets.datasets import _download


def idx_bytes(array):
    """Return the content of an IDX file of unsigned bytes."""
    shape = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


def use_mirror(address, checksums):
    """Let this process download from an address, and expect other checksums."""
    _download.MIRRORS = (address,)
    _download.SHA256 = checksums
    pooch.get_logger().setLevel("WARNING")


@contextmanager
def serve_mnist(folder, seconds):
    """Serve stand-ins slowly. Yield the address and the checksums.

    Parameters
    ----------
    folder : Path
        The files are written there.
    seconds : float
        Pause between the quarters of a file.
    """
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    checksums = {}
    for name in _download.SHA256:
        shape = (300, 28, 28) if "images" in name else (300,)
        content = idx_bytes(rng.integers(0, 10, shape))
        checksums[name] = hashlib.sha256(content).hexdigest()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            content = (folder / self.path.strip("/")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            step = len(content) // 4 + 1
            try:
                for begin in range(0, len(content), step):
                    self.wfile.write(content[begin : begin + step])
                    time.sleep(seconds)
            except ConnectionError:
                pass  # the client was killed

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", checksums
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
