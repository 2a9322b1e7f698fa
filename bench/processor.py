"""Processor time: of our processes, of PostgreSQL, of everybody else, and what stayed idle."""

import resource
from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Reading:
    """Processor seconds so far: of each group of processes, of the machine, and idle."""

    groups: Mapping[str, float]
    machine: float
    idle: float


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds of each group between two readings, and shares of the machine's time."""

    groups: Mapping[str, float]
    idle_share: float
    foreign_share: float


def read(roots: Mapping[str, int]) -> Reading:
    """What the process trees under these ids have used."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    groups = {name: _tree(pid) for name, pid in roots.items()}
    return Reading(groups, sum(times[:8]), idle)


def used(before: Reading, after: Reading, measured: Mapping[str, float]) -> Used:
    """What happened between two readings; `measured` are groups that counted for themselves."""
    groups = {name: after.groups[name] - before.groups[name] for name in after.groups}
    groups.update(measured)
    machine = after.machine - before.machine
    idle = after.idle - before.idle
    foreign = max(0.0, machine - idle - sum(groups.values()))
    return Used(groups, idle / machine, foreign / machine)


def own() -> float:
    """Processor seconds of this process."""
    return _seconds(resource.getrusage(resource.RUSAGE_SELF))


def buried() -> float:
    """Processor seconds of this process's children that have ended."""
    return _seconds(resource.getrusage(resource.RUSAGE_CHILDREN))


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _tree(pid: int) -> float:
    """Processor seconds of a process, its living descendants and those they have buried."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its time is its parent's by now, at the latest in the next reading
        total += times.user + times.system + times.children_user + times.children_system
    return total
