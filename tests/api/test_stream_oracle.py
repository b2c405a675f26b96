"""Where httpx-sse is right (LF or CRLF, UTF-8, no mark, no id), our framing reads the same events."""

import httpx
from httpx_sse import EventSource
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.api.events import EventReader, read_fields

VALUES = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=20)
LINES = st.one_of(
    st.builds("data: {}".format, VALUES),
    st.builds("data:{}".format, VALUES),
    st.builds("event: {}".format, VALUES),
    st.builds(": {}".format, VALUES),
    st.builds("unknown: {}".format, VALUES),
    st.just("data"),
)
STREAMS = st.lists(st.lists(LINES, min_size=1, max_size=5), max_size=5)


@given(STREAMS, st.sampled_from(["\n", "\r\n"]), st.integers(1, 7))
def test_the_same_events_as_httpx_sse(events: list[list[str]], end: str, size: int) -> None:
    raw = "".join(end.join(lines) + end + end for lines in events).encode()
    response = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=raw)
    expected = [(each.event, each.data) for each in EventSource(response).iter_sse() if each.data]
    reader = EventReader()
    blocks = [block for at in range(0, len(raw), size) for block in reader.feed(raw[at : at + size])]
    ours = [(event or "message", data) for event, data in map(read_fields, blocks) if data]
    assert ours == expected
