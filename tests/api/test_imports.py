"""What merely importing the light modules costs: nothing heavy comes along."""

import subprocess
import sys

LIGHT = ["address", "answers", "client", "errors", "exchange", "keys", "request", "retry", "stream", "timeouts"]
HEAVY = ["httpx", "httpx_sse", "httpcore", "pydantic", "anyio", "textual", "relai_tui.api.models", "relai_tui.api.wire"]


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_light_modules_bring_nothing_heavy() -> None:
    imports = "; ".join(f"import relai_tui.api.{name}" for name in LIGHT)
    assert python(f"import sys; {imports}; print([name for name in {HEAVY!r} if name in sys.modules])") == "[]"


def test_warming_brings_all_that_the_first_request_needs() -> None:
    needed = ["httpx", "httpcore", "pydantic", "anyio._backends._asyncio", "relai_tui.api.models", "relai_tui.api.wire"]
    warm = "thread = Thread(target=warm); thread.start(); thread.join()"
    program = f"import sys; from threading import Thread; from relai_tui.api.client import warm; {warm}"
    assert python(f"{program}; print([name for name in {needed!r} if name not in sys.modules])") == "[]"
