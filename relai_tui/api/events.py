"""The framing of server-sent events (WHATWG HTML 9.2). Pure: bytes in, blocks out.

UTF-8 always, CR, LF or CRLF, one byte order mark, an unterminated event is dropped; linear in what it is fed, however
that is cut.

httpx-sse is the test's oracle for what it does right; its public face cannot be used here, because it decodes by the
header's charset, keeps the byte order mark, waits for the next chunk after a CR, repeats a remembered `id`, and knows
no limit.
"""

EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event, its field names left out (T8)."""

LONGEST_BLOCK = EVENT_LIMIT + 1_024
"""The same with field names and line ends."""
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """An event is larger than `EVENT_LIMIT`."""


class EventReader:
    """Bytes to blocks: the lines of one event, ended by LF, without the blank line."""

    __slots__ = ("_after_cr", "_head", "_rest")

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._after_cr = False
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The blocks that are whole now. Raises `EventTooLarge` when one that is not yet is too large already."""
        if self._head is not None:
            data = self._without_mark(data)
        if self._after_cr or b"\r" in data:
            data = self._with_newlines(data)
        if not data:
            return []
        rest = self._rest
        searched = max(len(rest) - 1, 0)
        rest += data
        if rest.find(b"\n\n", searched) < 0:
            if len(rest) > LONGEST_BLOCK + 1:
                raise EventTooLarge
            return []
        blocks = bytes(rest).split(b"\n\n")
        self._rest = bytearray(blocks.pop())
        return blocks

    def left(self) -> bytes:
        """What came after the last whole block."""
        return bytes(self._rest)

    def _without_mark(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _with_newlines(self, data: bytes) -> bytes:
        """Every line end as LF. A CR is one at once; the LF that may follow it in the next piece is dropped there."""
        if not data:
            return data
        if self._after_cr:
            data = data.removeprefix(b"\n") if data != b"\n" else b""
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def read_fields(block: bytes) -> tuple[str, str | None]:
    """The event name and the data of a block; None when it has no data line. Comments are dropped."""
    event, lines = b"", []
    start, length = 0, len(block)
    while start <= length:
        end = block.find(b"\n", start)
        end = length if end < 0 else end
        name, _, value = block[start:end].partition(b":")
        start = end + 1
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    data = b"\n".join(lines).decode("utf-8", "replace") if lines else None
    return event.decode("utf-8", "replace"), data
