"""A network of the bench's own: loopback alone, where the system lets us have one."""

import os
import shutil
import subprocess
import sys

_MARK = "BENCH_ISOLATED"


def isolate() -> None:
    """Start this program again in a fresh network namespace, as root on Linux; elsewhere go on as we are.

    The bench itself only ever speaks to 127.0.0.1; this makes sure that a program under test does as well.
    """
    if _MARK in os.environ or sys.platform != "linux" or os.geteuid() != 0:
        return
    unshare, shell = shutil.which("unshare"), shutil.which("sh")
    if not unshare or not shell or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode:
        return
    os.environ[_MARK] = "1"
    bring_up = 'ip link set lo up; exec "$@"'
    os.execv(unshare, [unshare, "-n", shell, "-c", bring_up, shell, sys.executable, "-m", "tests.bench", *sys.argv[1:]])
