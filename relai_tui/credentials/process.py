"""The process itself as a place where a key may be seen: its memory, its core dump, its environment.

`keep_memory_private` sees to it that a crash leaves no core file, and, on Linux, that other programs of the same user
can neither read `/proc/PID/mem` and `/proc/PID/environ` nor attach to the process. Root still can. Programs started
from here are not affected by the second: it ends with exec.

`wipe_variable` overwrites the variable where the kernel put it at the start, so that `/proc/PID/environ` shows an empty
one from then on. Python's own copy is dropped and not overwritten: a `str` cannot be. The shell that set the variable
still has it, and until the program has read it so has this one.
"""

from __future__ import annotations

import sys
from contextlib import suppress

_SET_DUMPABLE = 4
"""PR_SET_DUMPABLE of linux/prctl.h."""


def keep_memory_private() -> None:
    """Have no core dumped of this process and, on Linux, let no other process of the user look into it."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        # The hard limit stays: a program started from here may want its core dumped.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes  # 2 ms

        # Where cores are piped to a program, as to systemd-coredump, the kernel asks this and not the limit.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def wipe_variable(name: str) -> None:
    """Overwrite the value of an environment variable where this process was given it."""
    if sys.platform == "win32":
        return
    import ctypes

    with suppress(OSError, AttributeError):
        getenv = ctypes.CDLL(None).getenv
        getenv.argtypes, getenv.restype = [ctypes.c_char_p], ctypes.c_void_p
        place = getenv(name.encode())
        if place:
            ctypes.memset(place, 0, len(ctypes.string_at(place)))
