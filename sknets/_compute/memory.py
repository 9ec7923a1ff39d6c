"""How much memory this process may use."""

import os
from pathlib import Path, PurePosixPath

# Where Linux tells the limits of control groups, such as containers: for each version,
# the folder and the name of the file.
CGROUP_FILES = {
    1: ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    2: ("/sys/fs/cgroup", "memory.max"),
}


def memory_limit():
    """Return the memory of the machine, or of its part for this process, in bytes.

    Returns
    -------
    limit : float
        Infinity if the system does not tell.
    """
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has none of it
        physical = float("inf")
    return min([physical, *cgroup_limits()])


def cgroup_limits(membership="/proc/self/cgroup"):
    """Yield the limits of the control groups of this process, in bytes."""
    for line in read_text(membership).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, name = CGROUP_FILES[1 if controllers else 2]
        group = PurePosixPath(group)
        for level in (group, *group.parents):
            text = read_text(f"{folder}/{level}/{name}").strip()
            if text.isdecimal():  # "max" is no limit
                yield int(text)


def read_text(path):
    """Return the text of a file, or no text if it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
