"""Standard input as part of a prompt: text only, and never waited for in silence."""

import codecs
import os
import re
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from relai_tui.commands.ending import say

LONGEST_INPUT = 8 * 1024 * 1024
"""Bytes taken from standard input."""
SILENCE = 1.0
"""Seconds of reading after which it is said that standard input is read."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32 text"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
)
_KINDS = (
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x08\x1b"))
"""Control characters that text hardly holds: all but white space, backspace and the escape of colours."""
_MOST_CONTROLS = 0.1
_SURE = 8
"""Bytes from which the places of NUL bytes say something of an encoding."""
_LOST = re.compile("[\ud800-\udfff]")


class NotText(Exception):
    """What was given as a prompt is no text. `str()` says what it is and what to do."""


def read_piped(*, force: bool = False) -> str:
    """Return standard input where it is a pipe, a file or a socket, else nothing; a terminal is not waited for.

    Raises `NotText`, also for more than `LONGEST_INPUT`; with `force` only for that.
    """
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    data = _read(sys.stdin.buffer)
    if len(data) > LONGEST_INPUT:
        raise NotText(f"standard input is larger than {LONGEST_INPUT // 2**20} MiB: send less")
    return decode(data, force=force)


def decode(data: bytes, *, force: bool = False) -> str:
    """Return UTF-8 text without its byte order mark. Raises `NotText` for anything else, unless `force`."""
    why = _trouble_in(data)
    if why is None:
        return data.decode("utf-8-sig")
    if force:
        mark = next((kind for mark, kind in _MARKS if data.startswith(mark)), "")
        return data.decode({"UTF-16 text": "utf-16", "UTF-32 text": "utf-32"}.get(mark, "utf-8-sig"), "replace")
    raise NotText(f"standard input is {why}. Nothing was sent; --force sends it all the same")


def check_argument(text: str) -> None:
    """Raise `NotText` for an argument whose bytes were no text: Python keeps each as half a surrogate pair."""
    if _LOST.search(text):
        raise NotText("the prompt holds bytes that are no text. Nothing was sent; --force sends it all the same")


def read_line(limit: int) -> str:
    """Return the first line of standard input, of at most so many bytes; what follows it stays there."""
    with _told("reading the key from standard input (Ctrl+C stops)"):
        return sys.stdin.buffer.readline(limit).decode("utf-8", "replace")


def _read(stream: BinaryIO) -> bytes:
    """Read to the end, or a little more than is taken."""
    try:
        with _told("reading standard input to its end (Ctrl+C stops; </dev/null leaves it out)"):
            return stream.read(LONGEST_INPUT + 1)
    except OSError as error:
        raise NotText(f"standard input cannot be read: {error.strerror}. Nothing was sent") from None


@contextmanager
def _told(words: str) -> Iterator[None]:
    """Say what is waited for, if it takes longer than `SILENCE`."""
    telling = threading.Timer(SILENCE, say, (words,))
    telling.daemon = True
    telling.start()
    try:
        yield
    finally:
        telling.cancel()


def _trouble_in(data: bytes) -> str | None:
    """Return the reason why it is not taken for UTF-8 text, in words; None when it is."""
    for mark, kind in _MARKS:
        if data.startswith(mark):
            return f"{kind}: convert it, as with iconv -f {kind.split()[0].lower()} -t utf-8"
    why = _no_utf_8(data)
    named = next((kind for magic, kind in _KINDS if data.startswith(magic)), None)
    return f"{named}, not text" if why and named else why


def _no_utf_8(data: bytes) -> str | None:
    if b"\0" in data:
        sample = data[:4_096]
        if len(sample) >= _SURE and sample.count(0) > 0.6 * len(sample):
            return "UTF-32 text, as it seems: convert it, as with iconv -f utf-32 -t utf-8"
        zeros = sorted((sample[0::2].count(0), sample[1::2].count(0)))
        if len(sample) >= _SURE and zeros[1] > len(sample) // 4 > 2 * zeros[0]:
            return "UTF-16 text, as it seems: convert it, as with iconv -f utf-16 -t utf-8"
        return "binary data, not text (it holds NUL bytes)"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if error.end == len(data) and error.reason == "unexpected end of data":
            return "UTF-8 text that ends in the middle of a character: send whole lines"
        return f"not UTF-8 text (byte 0x{data[error.start]:02X} in line {line}): convert it, as with iconv -t utf-8"
    if len(data) - len(data.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(data):
        return "binary data, not text (it is full of control characters)"
    return None
