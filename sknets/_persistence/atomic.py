"""Write a file such that a reader finds the old one or the new one, both whole."""

import os
import secrets
from pathlib import Path


def write_atomically(path, data):
    """Write bytes to a file. After an error or a crash, the old file is still there.

    The bytes go to a temporary file in the same folder. When they are on the disk, that
    file gets the name of the other one. A process that is killed before may leave the
    temporary file behind: its name begins with a dot and ends with ".tmp".

    Parameters
    ----------
    path : str or path-like
        If it is a symbolic link, the file that it points to is replaced.
    data : bytes
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder):
    """Write the names in a folder to the disk, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
