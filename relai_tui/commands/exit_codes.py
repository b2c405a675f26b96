"""Exit codes of all commands: one table, which `--help` prints and the README repeats. Imports nothing heavy."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Codes that tell a script what happened; each means the same in every command."""

    DONE = 0
    PROBLEM = 1
    USAGE = 2
    INCOMPLETE = 3
    REFUSED = 4
    NO_CREDENTIAL = 5
    OUT_OF_CREDIT = 6
    RATE_LIMITED = 7
    NOT_CONFIRMED = 8
    BELOW = 9
    SECRET_FOUND = 10
    OUTPUT_FAILED = 11
    STOPPED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.PROBLEM: "doctor found something that keeps you from chatting",
    ExitCode.USAGE: "the arguments or the input are wrong; nothing was sent",
    ExitCode.INCOMPLETE: "no whole answer, or no current figure; what came is printed. A change may have been made",
    ExitCode.REFUSED: "refused by the server, or not offered there",
    ExitCode.NO_CREDENTIAL: "no usable key, or no place to keep one",
    ExitCode.OUT_OF_CREDIT: "out of credit",
    ExitCode.RATE_LIMITED: "rate-limited for longer than is waited for",
    ExitCode.NOT_CONFIRMED: "not done: a guard asks for --confirm, or for another option that it names",
    ExitCode.BELOW: "less is left than --below says",
    ExitCode.SECRET_FOUND: "not sent: the prompt holds an API key (--allow-secrets sends it)",
    ExitCode.OUTPUT_FAILED: "standard output could not be written; a paid answer is kept",
    ExitCode.STOPPED: "stopped by a signal, or because nobody reads the output any more",
}
"""What each code means, in words."""

_WITH_A_SERVER = (
    ExitCode.DONE,
    ExitCode.USAGE,
    ExitCode.INCOMPLETE,
    ExitCode.REFUSED,
    ExitCode.NO_CREDENTIAL,
    ExitCode.OUT_OF_CREDIT,
    ExitCode.RATE_LIMITED,
    ExitCode.OUTPUT_FAILED,
    ExitCode.STOPPED,
)

CODES_OF: dict[str, tuple[ExitCode, ...]] = {
    "ask": tuple(sorted((*_WITH_A_SERVER, ExitCode.SECRET_FOUND))),
    "keys": tuple(sorted((*_WITH_A_SERVER, ExitCode.NOT_CONFIRMED))),
    "balance": tuple(sorted((*_WITH_A_SERVER, ExitCode.BELOW))),
    "usage": _WITH_A_SERVER,
    "receipt": _WITH_A_SERVER,
    "login": _WITH_A_SERVER,
    "logout": (
        ExitCode.DONE,
        ExitCode.USAGE,
        ExitCode.NO_CREDENTIAL,
        ExitCode.OUTPUT_FAILED,
        ExitCode.STOPPED,
    ),
    "doctor": (ExitCode.DONE, ExitCode.PROBLEM, ExitCode.USAGE, ExitCode.OUTPUT_FAILED, ExitCode.STOPPED),
    "sandbox": (ExitCode.DONE, ExitCode.USAGE, ExitCode.OUTPUT_FAILED, ExitCode.STOPPED),
}
"""The codes each command may end with."""


def table_of(command: str | None) -> str:
    """Return the exit codes of a command, or of all for None, as lines for `--help`."""
    codes = tuple(ExitCode) if command is None else CODES_OF[command]
    lines = (f"  {code.value:<3}  {MEANINGS[code]}\n" for code in codes)
    return "exit codes:\n" + "".join(lines)
