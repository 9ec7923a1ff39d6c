"""The memory that this process may use."""

import os
from pathlib import Path

import pytest

from sknets._compute import memory

MB = 2**20


@pytest.fixture
def cgroups(tmp_path, monkeypatch):
    """Return a function that writes files of control groups, as Linux shows them."""
    files = {
        version: (str(tmp_path / f"v{version}"), name)
        for version, (_, name) in memory.CGROUP_FILES.items()
    }
    monkeypatch.setattr(memory, "CGROUP_FILES", files)

    def write(membership, limits):
        for path, limit in limits.items():
            path = tmp_path / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{limit}\n")
        (tmp_path / "membership").write_text(membership)
        return sorted(memory.cgroup_limits(tmp_path / "membership"))

    return write


def test_the_limit_of_a_container_is_found(cgroups):
    assert cgroups("0::/\n", {"v2/memory.max": 700 * MB}) == [700 * MB]


def test_limits_of_groups_around_a_group_count(cgroups):
    limits = {
        "v2/memory.max": "max",
        "v2/user/memory.max": 900 * MB,
        "v2/user/task/memory.max": "max",
        "v2/other/memory.max": 1,
    }
    assert cgroups("0::/user/task\n", limits) == [900 * MB]


def test_the_first_version_of_control_groups_is_read(cgroups):
    membership = "7:cpu,cpuacct:/a\n4:memory:/a/b\n1:name=systemd:/a\n0::/\n"
    limits = {
        "v1/memory.limit_in_bytes": 2**63 - 4096,  # no limit
        "v1/a/b/memory.limit_in_bytes": 300 * MB,
    }
    assert cgroups(membership, limits) == [300 * MB, 2**63 - 4096]


@pytest.mark.parametrize("membership", ["", "0::/gone\n"])
def test_there_may_be_no_limit(membership, cgroups):
    assert cgroups(membership, {}) == []


def test_the_smallest_limit_counts(monkeypatch):
    monkeypatch.setattr(memory, "cgroup_limits", lambda: iter([2**62, 5 * MB]))
    assert memory.memory_limit() == 5 * MB


def test_without_groups_it_is_the_memory_of_the_machine(monkeypatch):
    monkeypatch.setattr(memory, "cgroup_limits", lambda: iter([]))
    information = Path("/proc/meminfo")
    if not information.exists():
        pytest.skip("only Linux has this file")
    kilobytes = int(information.read_text().split()[1])
    assert memory.memory_limit() == pytest.approx(1024 * kilobytes, rel=0.01)


@pytest.mark.parametrize("error", [AttributeError, OSError, ValueError])
def test_a_system_may_not_tell(error, monkeypatch):
    def refuse(name):
        raise error(name)

    monkeypatch.setattr(os, "sysconf", refuse)
    monkeypatch.setattr(memory, "cgroup_limits", lambda: iter([]))
    assert memory.memory_limit() == float("inf")


def test_a_real_limit_is_found():
    assert 0 < memory.memory_limit() <= 2**62
