"""What a program and its children cost, from /proc and the per-process CPU clocks of Linux."""

import os
import re
import time
from pathlib import Path

_PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """The ids of a process and all below it."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def _stat(process: int) -> list[str]:
    """The fields of /proc/N/stat after the name; empty when it is gone."""
    try:
        return (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(root: int) -> float:
    """User and system time of all threads of the tree so far, in nanosecond grain, with that of children that ended."""
    total = 0.0
    for process in tree(root):
        fields = _stat(process)
        if fields:
            total += (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
            try:
                total += time.clock_gettime((~process << 3) | 2)  # the clock of that process: clock_getcpuclockid(3)
            except OSError:
                continue
    return total


def peak_mib(root: int) -> float:
    """The most memory the tree has had resident so far, in MiB; shared pages count in each process."""
    total = 0
    for process in tree(root):
        try:
            status = (_PROC / str(process) / "status").read_text()
        except OSError:
            continue
        if found := re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE):
            total += int(found[1])
    return total / 1024
