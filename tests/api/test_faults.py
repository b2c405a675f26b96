"""Networks and servers that fail: what is tried again, what is never, and what is kept."""

import asyncio
import gzip
import socket
import time
import tracemalloc
from contextlib import aclosing
from pathlib import Path

import pytest

from relai_tui.api.client import Client
from relai_tui.api.deltas import Delta, Finished, TextDelta, Waiting
from relai_tui.api.errors import (
    ConnectionFailed,
    Interrupted,
    KeyRefused,
    Misconfigured,
    QuotaExceeded,
    RateLimited,
    RelaiError,
    ServerFault,
    TimedOut,
    UnreadableAnswer,
)
from relai_tui.api.request import ChatRequest, Message
from relai_tui.api.retry import may_have_happened
from relai_tui.api.timeouts import Timeouts
from tests.api.conftest import Connect
from tests.api.raw_server import (
    DONE,
    FINISH,
    Answer,
    Asked,
    Line,
    RawServer,
    cuts,
    event,
    head,
    replies,
    stalls,
    streams,
    streams_then_cuts,
    streams_then_stalls,
)
from tests.api.said import finished, said

HELLO = ChatRequest("smart", (Message("user", "Hello"),))
SHORT = Timeouts(connect=1.0, first_byte=0.15, silence=0.15, whole_answer=0.15, ending=0.1)
QUIET = Timeouts(first_byte=5.0, silence=0.4, whole_answer=5.0, ending=0.2)
LATE = 0.25


async def answer_of(client: Client) -> tuple[list[Delta], RelaiError | None]:
    deltas: list[Delta] = []
    try:
        async with aclosing(client.stream_chat(HELLO)) as coming:
            while not deltas or type(deltas[-1]) is not Finished:
                deltas.append(await anext(coming))
            assert [delta async for delta in coming] == []
    except RelaiError as error:
        return deltas, error
    return deltas, None


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


class TestTryingAgain:
    @pytest.mark.parametrize("fault", [replies(500), replies(503), replies(429), replies(408), cuts])
    async def test_a_chat_is_tried_twice_more_before_its_first_byte(
        self, fault: Answer, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [fault, fault, streams(event("x"), DONE)]
        deltas, error = await answer_of(connect())
        assert error is None
        assert [(delta.seconds, delta.attempt) for delta in deltas if isinstance(delta, Waiting)] == [
            (0.5, 2),
            (1.0, 3),
        ]
        assert deltas[2:] == [said("x"), finished()]
        assert waits == [0.5, 1.0]
        assert len({asked.body for asked in server.asked}) == 1

    async def test_after_three_tries_the_last_error_is_told(
        self, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [replies(502, {"error": {"message": "down"}})]
        told: list[Waiting] = []
        with pytest.raises(ServerFault, match="down"):
            await connect().balance(on_wait=told.append)
        assert len(server.asked) == 3
        assert [waiting.seconds for waiting in told] == waits == [0.5, 1.0]
        assert "down" in told[0].because

    async def test_the_servers_wish_is_obeyed(self, server: RawServer, connect: Connect, waits: list[float]) -> None:
        dates = {"date": "Fri, 15 Jan 2027 06:00:00 GMT", "retry_after": "Fri, 15 Jan 2027 06:00:30 GMT"}
        server.answers = [
            replies(429, {"error": {"code": "rate_limit_exceeded", "retry_after": 7}}),
            replies(503, **dates),
            replies(200, {"credits_micro": 1}),
        ]
        await connect().balance()
        assert waits == [7.0, 30.0]

    async def test_a_wait_of_more_than_two_minutes_is_told_and_not_waited_for(
        self, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [replies(429, retry_after="3600")]
        with pytest.raises(RateLimited, match="60 min") as caught:
            await connect().balance()
        assert caught.value.retry_after == 3_600.0
        _, error = await answer_of(connect())
        assert isinstance(error, RateLimited)
        assert len(server.asked) == 2
        assert waits == []

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (replies(401), KeyRefused),
            (replies(429, {"error": {"code": "insufficient_quota"}}, retry_after="1"), QuotaExceeded),
            (replies(429, {"error": {"type": "end_user_quota_exceeded"}}), QuotaExceeded),
        ],
    )
    async def test_what_waiting_does_not_cure_is_asked_once(
        self, answer: Answer, kind: type[RelaiError], server: RawServer, connect: Connect
    ) -> None:
        server.answers = [answer]
        deltas, error = await answer_of(connect())
        assert (deltas, type(error)) == ([], kind)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("fault", [replies(500), replies(429, retry_after="1"), cuts, stalls])
    async def test_a_change_is_sent_once_whatever_happens(
        self, fault: Answer, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [fault]
        client = connect(timeouts=SHORT)
        with pytest.raises(RelaiError) as created:
            await client.create_key("Ci", 60)
        with pytest.raises(RelaiError):
            await client.revoke_key("k1")
        with pytest.raises(RelaiError):
            await client.set_auto_recharge(True)
        assert [asked.method for asked in server.asked] == ["POST", "DELETE", "PATCH"]
        assert waits == []
        assert may_have_happened(created.value) is not isinstance(created.value, RateLimited)

    async def test_a_creation_that_never_left_did_not_happen(self, connect: Connect) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            client = connect(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
            with pytest.raises(ConnectionFailed, match="cannot be reached") as caught:
                await client.create_key("Ci", 60)
        assert not may_have_happened(caught.value)

    async def test_a_paid_request_taken_in_silence_is_not_sent_twice(
        self, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [stalls]
        _, error = await answer_of(connect(timeouts=SHORT))
        assert isinstance(error, TimedOut)
        with pytest.raises(TimedOut):
            await connect(timeouts=SHORT).chat(HELLO)
        assert len(server.asked) == 2
        assert waits == []

    async def test_giving_up_while_waiting(self, server: RawServer, connect: Connect) -> None:
        server.answers = [replies(429, retry_after="100")]
        async with aclosing(connect(sleep=asyncio.sleep).stream_chat(HELLO)) as deltas:
            assert isinstance(await anext(deltas), Waiting)
            waiting = asyncio.ensure_future(anext(deltas))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert len(server.asked) == 1


class TestBreakingOff:
    @pytest.mark.parametrize(
        "answer",
        [
            streams_then_cuts(event("kept")),
            streams(event("kept")),
            streams(event("kept"), b'data: {"choices":[{"del'),
            streams(event("kept"), chunked=False),
            streams_then_stalls(event("kept")),
        ],
    )
    async def test_an_answer_that_broke_off_is_interrupted_and_keeps_what_came(
        self, answer: Answer, server: RawServer, connect: Connect, waits: list[float]
    ) -> None:
        server.answers = [answer]
        deltas, error = await answer_of(connect(timeouts=QUIET))
        assert deltas == [said("kept")]
        assert type(error) is Interrupted
        assert len(server.asked) == 1
        assert waits == []

    @pytest.mark.parametrize(
        "answer",
        [
            streams_then_cuts(event("whole"), FINISH),
            streams_then_stalls(event("whole"), FINISH),
            streams_then_stalls(event("whole"), DONE),
        ],
    )
    async def test_an_answer_that_said_it_is_whole_is(
        self, answer: Answer, server: RawServer, connect: Connect
    ) -> None:
        server.answers = [answer]
        deltas, error = await answer_of(connect(timeouts=QUIET))
        assert error is None
        assert text_of(deltas) == "whole"
        assert type(deltas[-1]) is Finished

    async def test_after_the_finish_reason_the_rest_is_not_waited_for_long(
        self, server: RawServer, connect: Connect
    ) -> None:
        server.answers = [streams_then_stalls(event("whole"), FINISH)]
        async with asyncio.timeout(10):
            deltas, error = await answer_of(connect(timeouts=Timeouts(silence=30.0, ending=0.1)))
        assert (text_of(deltas), error) == ("whole", None)

    async def test_a_stream_without_a_word_is_interrupted(self, server: RawServer, connect: Connect) -> None:
        server.answers = [streams()]
        _, error = await answer_of(connect())
        assert isinstance(error, Interrupted)
        assert "too long" in str(error)

    async def test_a_head_without_a_body_times_out(self, server: RawServer, connect: Connect) -> None:
        server.answers = [streams_then_stalls()]
        _, error = await answer_of(connect(timeouts=SHORT))
        assert isinstance(error, TimedOut)

    async def test_comments_are_life(self, server: RawServer, connect: Connect) -> None:
        async def slow(_: Asked, line: Line) -> None:
            await line.send(head(200, content_type="text/event-stream", connection="close"))
            for _comment in range(6):
                await asyncio.sleep(0.1)
                await line.send(b": ping\n\n")
            await line.send(event("alive") + DONE)
            line.writer.close()

        server.answers = [slow]
        deltas, error = await answer_of(connect(timeouts=QUIET))
        assert (text_of(deltas), error) == ("alive", None)

    async def test_a_whole_answer_that_is_cut_is_interrupted(self, server: RawServer, connect: Connect) -> None:
        async def half(_: Asked, line: Line) -> None:
            await line.send(head(200, content_type="application/json", content_length="500") + b'{"choices":')
            line.writer.close()

        server.answers = [half]
        with pytest.raises(Interrupted):
            await connect().chat(HELLO)
        _, error = await answer_of(connect())
        assert isinstance(error, Interrupted)
        assert len(server.asked) == 2

    @pytest.mark.parametrize(
        ("garbage", "kind"),
        [
            (b"\x00\x01\x02 not http\r\n\r\n", UnreadableAnswer),
            (b"HTTP/1.1 2000 OK\r\n\r\n", UnreadableAnswer),
            (b"HTTP/1.1 200 OK\r\nbad", ConnectionFailed),
        ],
    )
    async def test_what_is_no_http_is_told(
        self, garbage: bytes, kind: type[RelaiError], server: RawServer, connect: Connect
    ) -> None:
        async def answer(_: Asked, line: Line) -> None:
            await line.send(garbage)
            line.writer.close()

        server.answers = [answer]
        with pytest.raises(kind):
            await connect().balance()


class TestStopping:
    async def test_closing_the_answer_closes_the_socket_at_once(self, server: RawServer, connect: Connect) -> None:
        server.answers = [streams_then_stalls(event("x"))]
        deltas = connect().stream_chat(HELLO)
        assert await anext(deltas) == said("x")
        began = time.monotonic()
        await deltas.aclose()
        await asyncio.wait_for(server.lines[0].gone.wait(), LATE)
        assert time.monotonic() - began < LATE

    @pytest.mark.parametrize("answer", [streams_then_stalls(event("x")), stalls])
    @pytest.mark.parametrize("times", [1, 2])
    async def test_cancelling_the_reader_closes_the_socket_at_once(
        self, answer: Answer, times: int, server: RawServer, connect: Connect
    ) -> None:
        server.answers = [answer]
        reading = asyncio.create_task(answer_of(connect()))
        while not server.asked:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        for _ in range(times):
            reading.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(server.lines[0].gone.wait(), LATE)
        assert time.monotonic() - began < LATE

    async def test_answers_that_were_stopped_leave_nothing_behind(self, server: RawServer, connect: Connect) -> None:
        server.answers = [streams_then_stalls(event("x"))]
        client = connect(timeouts=Timeouts(connect=1.0))
        for _ in range(40):  # more than there may be connections
            async with aclosing(client.stream_chat(HELLO)) as deltas:
                assert await anext(deltas) == said("x")
        for line in server.lines:
            await asyncio.wait_for(line.gone.wait(), LATE)

    async def test_closing_the_client_ends_its_answers(self, server: RawServer, connect: Connect) -> None:
        server.answers = [streams_then_stalls(event("x"))]
        client = connect()
        reading = asyncio.create_task(answer_of(client))
        while not server.asked:
            await asyncio.sleep(0.01)
        await client.aclose()
        await asyncio.wait_for(server.lines[0].gone.wait(), LATE)
        _, error = await asyncio.wait_for(reading, 2)
        assert isinstance(error, RelaiError)


class TestBounds:
    async def test_a_bomb_of_gzip_is_refused_before_it_fills_the_memory(
        self, server: RawServer, connect: Connect
    ) -> None:
        server.answers = [replies(200, gzip.compress(b" " * 200_000_000), content_encoding="gzip")]
        client = connect()
        await client._exchange._connected()  # so that imports are not counted
        tracemalloc.start()
        try:
            with pytest.raises(UnreadableAnswer, match="16 MiB"):
                await client.balance()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 80_000_000

    async def test_a_bomb_in_a_stream_and_in_an_error(self, server: RawServer, connect: Connect) -> None:
        bomb = gzip.compress(b"data: " + b" " * 40_000_000)
        server.answers = [
            replies(200, bomb, content_encoding="gzip", content_type="text/event-stream"),
            replies(400, bomb, content_encoding="gzip"),
        ]
        client = connect()
        assert isinstance((await answer_of(client))[1], UnreadableAnswer)
        assert len(str((await answer_of(client))[1])) <= 300

    async def test_a_plain_answer_that_is_too_large(self, server: RawServer, connect: Connect) -> None:
        server.answers = [replies(200, b" " * 17_000_000)]
        with pytest.raises(UnreadableAnswer, match="16 MiB"):
            await connect().balance()

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
    async def test_what_is_packed_otherwise_than_it_says(
        self, encoding: str, server: RawServer, connect: Connect
    ) -> None:
        server.answers = [replies(200, b'{"credits_micro":1}', content_encoding=encoding)]
        with pytest.raises(UnreadableAnswer, match="packed"):
            await connect().balance()

    async def test_heads_without_end_are_not_read(self, server: RawServer, connect: Connect) -> None:
        server.answers = [replies(200, **{f"x_{number}": "y" * 1_000 for number in range(200)})]
        with pytest.raises(UnreadableAnswer, match="headers"):
            await connect().balance()


class TestTheMachine:
    async def test_a_proxy_is_used_but_never_for_this_machine(
        self, server: RawServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.answers = [replies(200, {"credits_micro": 1})]
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{server.port}")
        client = connect("http://relai.test/v1", allow_insecure_hosts=frozenset({"relai.test"}))
        await client.balance()
        assert server.asked[0].path == "http://relai.test/v1/balance"
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        await connect().balance()
        assert server.asked[1].path == "/v1/balance"

    @pytest.mark.parametrize("proxy", ["socks5://user:hunter2@127.0.0.1:1080", "gopher://hunter2"])
    async def test_a_proxy_that_cannot_be_used_is_told_in_words(
        self, proxy: str, connect: Connect, monkeypatch: pytest.MonkeyPatch, waits: list[float]
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", proxy)
        with pytest.raises(Misconfigured, match="ALL_PROXY") as caught:
            await connect("https://relai.test/v1").balance()
        assert "hunter2" not in str(caught.value)
        assert waits == []

    @pytest.mark.parametrize(
        "proxy",
        [
            "http://hunter2@127.0.0.1:99999", "127.0.0.1:99999", "http://127.0.0.1:0", "http://127.0.0.1:-1",
            "http://127.0.0.1:abc", "http://127.0.0.1:1:2", "http://[::1", "http://", "http://hunter2@", "http://.:1",
            "://x", "http://a b:80", "http://x\ty:1", "http://user:hunter2 @127.0.0.1:1", "http://x\x01y:1",
            "ftp://127.0.0.1:1", "socks4://127.0.0.1:1", "socks5h://127.0.0.1:1", "http:127.0.0.1:3128",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    async def test_a_proxy_that_is_none_is_told_in_words(
        self, proxy: str, name: str, connect: Connect, monkeypatch: pytest.MonkeyPatch, waits: list[float]
    ) -> None:
        monkeypatch.setenv(name, proxy)
        for ask in (connect("https://relai.test/v1").balance, lambda: answer_of(connect("https://relai.test/v1"))):
            try:
                told = await ask()
                error = told[1] if isinstance(told, tuple) else None
            except RelaiError as raised:
                error = raised
            assert isinstance(error, Misconfigured)
            assert "http://host:port" in error.message
            assert "hunter2" not in error.message
        assert waits == []

    async def test_white_space_around_a_proxy_does_no_harm(
        self, server: RawServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.answers = [replies(200, {"credits_micro": 1})]
        monkeypatch.setenv("HTTP_PROXY", f"  http://127.0.0.1:{server.port}  ")
        await connect("http://relai.test/v1", allow_insecure_hosts=frozenset({"relai.test"})).balance()
        assert server.asked[0].path == "http://relai.test/v1/balance"

    @pytest.mark.parametrize("bypass", ["[", "*.", "::::", "((", "relai.test:99999", " ", "ü", ",,,", "http://x"])
    async def test_a_bad_no_proxy_is_no_traceback(
        self, bypass: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", bypass)
        with pytest.raises(ConnectionFailed, match=r"through the proxy 127\.0\.0\.1.*HTTPS_PROXY"):
            await connect("https://relai.test/v1").balance()

    async def test_certificates_that_cannot_be_read_are_told_in_words(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken.pem"
        broken.write_text("no certificate")
        for path in (broken, tmp_path / "missing.pem", tmp_path, Path("/dev/null")):
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
            with pytest.raises(Misconfigured, match="SSL_CERT_FILE"):
                await connect("https://relai.test/v1").balance()

    async def test_a_proxy_that_is_not_there_is_named(self, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:1")
        with pytest.raises(ConnectionFailed, match="through the proxy") as caught:
            await connect("https://relai.test/v1").balance()
        assert "hunter2" not in str(caught.value)

    async def test_a_server_that_speaks_no_tls(self, server: RawServer, connect: Connect) -> None:
        server.answers = [replies(200)]
        with pytest.raises(ConnectionFailed):
            await connect(f"https://127.0.0.1:{server.port}/v1", timeouts=Timeouts(connect=0.2)).balance()
