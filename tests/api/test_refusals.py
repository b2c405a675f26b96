"""Every way a server says no, over a real socket: the class, the figures, and words that say what to do."""

import json
from collections.abc import Awaitable, Callable

import pytest

from relai_tui.api.client import Client
from relai_tui.api.errors import (
    BadRequest,
    Forbidden,
    InsufficientBalance,
    KeyRefused,
    ModelNotFound,
    NotFound,
    NotOffered,
    QuotaExceeded,
    RateLimited,
    Redirected,
    RegionMismatch,
    ServerFault,
    ServerRefused,
)
from relai_tui.api.request import ChatRequest, Message
from tests.api.conftest import Connect
from tests.api.raw_server import RawServer, replies

HELLO = ChatRequest("smart", (Message("user", "Hello"),))


async def refused(client: Client) -> ServerRefused:
    with pytest.raises(ServerRefused) as caught:
        await client.chat(HELLO)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind", "advice"),
    [
        (400, "bad_request", BadRequest, "Change it"),
        (400, "region_mismatch", RegionMismatch, "own region"),
        (400, "model_not_available_in_region", RegionMismatch, "another model"),
        (401, "invalid_api_key", KeyRefused, "another key"),
        (401, "api_key_not_found", KeyRefused, "another key"),
        (401, "account_not_provisioned", KeyRefused, "another key"),
        (402, "insufficient_balance", InsufficientBalance, "Top up"),
        (403, "region_mismatch", RegionMismatch, "own region"),
        (403, "other", Forbidden, "another key"),
        (404, "model_not_found", ModelNotFound, "another model"),
        (404, "other", NotFound, "base URL"),
        (405, None, NotOffered, "goes on working"),
        (413, None, BadRequest, "Send less"),
        (422, None, BadRequest, "Change it"),
        (429, "rate_limit_exceeded", RateLimited, "Wait"),
        (429, None, RateLimited, "Wait"),
        (429, "end_user_quota_exceeded", QuotaExceeded, "Waiting does not help"),
        (429, "insufficient_quota", QuotaExceeded, "Waiting does not help"),
        (500, "internal_error", ServerFault, "Try again"),
        (500, "database_error", ServerFault, "Try again"),
        (501, None, NotOffered, "goes on working"),
        (502, "upstream_error", ServerFault, "Try again"),
        (503, "home_region_unreachable", ServerFault, "Try again"),
        (529, None, ServerFault, "Try again"),
        (418, None, ServerRefused, "Try again"),
    ],
)
@pytest.mark.parametrize("held_in", ["code", "type"])
async def test_every_row_of_the_table_has_its_class_and_its_advice(
    status: int,
    code: str | None,
    kind: type[ServerRefused],
    advice: str,
    held_in: str,
    server: RawServer,
    connect: Connect,
) -> None:
    server.answers = [replies(status, {"error": {"message": "The reason.", held_in: code, "param": "p"}})]
    error = await refused(connect())
    assert type(error) is kind
    assert error.status == status
    assert error.code == code
    assert error.param == "p"
    assert f"({status})" in str(error)
    assert "The reason" in str(error)
    assert advice in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "a reason", "code": "x"}}, "a reason"),
        ({"error": "a reason"}, "a reason"),
        ({"error": {"error": "a reason"}}, "a reason"),
        ({"detail": "a reason"}, "a reason"),
        ({"detail": [{"loc": ["body", "model"], "msg": "a reason"}]}, "a reason"),
        ({"message": "a reason"}, "a reason"),
        ({"errors": [{"message": "a reason"}]}, "a reason"),
        ({"object": "error", "message": "a reason", "code": 400}, "a reason"),
        (b"a reason", "a reason"),
        (b"<html><head><title>a reason</title><style>x</style></head><body>y</body></html>", "a reason"),
        (b"<html><script>var x;</script><p>a &amp; <b>reason</b></p></html>", "a & reason"),
        (b"", "(500)"),
        (b"\xff\xfe\x00", "(500)"),
        (b"[]", "(500)"),
        (b'{"error": {"message": 7}}', "(500)"),
        (b'{"error": {"message": "cut', "cut"),
        (b"[" * 60_000, "(500)"),
        ({"error": {"message": "a\n\x1b]0;title\x07 rea\u202eson " + "x" * 5_000}}, "a ␛]0;title␇ rea‹202E›son xxx"),
    ],
)
async def test_an_error_of_any_shape_is_one_clean_line_with_its_status(
    body: bytes, words: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [replies(500, body)]
    error = await refused(connect())
    assert words in str(error)
    assert "(500)" in str(error)
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) <= 300


async def test_402_carries_both_figures(server: RawServer, connect: Connect) -> None:
    told = {"message": "empty", "code": "insufficient_balance", "balance_micro": 120_000, "required_micro": 500_000.0}
    server.answers = [replies(402, {"error": told}), replies(402, told), replies(402, b"")]
    client = connect()
    for _ in range(2):
        error = await refused(client)
        assert isinstance(error, InsufficientBalance)
        assert (error.balance_micro, error.required_micro) == (120_000, 500_000)
        assert "$0.12" in str(error)
        assert "$0.50" in str(error)
    error = await refused(client)
    assert isinstance(error, InsufficientBalance)
    assert (error.balance_micro, error.required_micro) == (None, None)


@pytest.mark.parametrize(
    "location", ["https://evil.example/v1/x?rk-eu-x", "//evil.example/v1", "http://Evil.example:99/"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_told_and_not_followed(
    status: int, location: str, server: RawServer, connect: Connect, waits: list[float]
) -> None:
    server.answers = [replies(status, location=location)]
    client = connect()
    asks: list[Callable[[], Awaitable[object]]] = [client.balance, lambda: client.chat(HELLO)]
    for ask in asks:
        with pytest.raises(Redirected, match=r"evil\.example"):
            await ask()
    assert len(server.asked) == 2
    assert waits == []


@pytest.mark.parametrize("location", ["/v2/balance", "", "https://[bad"])
async def test_a_redirect_to_nowhere_is_told_too(location: str, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(308, location=location)]
    with pytest.raises(Redirected, match="base URL"):
        await connect().balance()


async def test_an_endless_error_is_read_to_64_kibibytes(server: RawServer, connect: Connect) -> None:
    told = json.dumps({"error": {"message": "x" * 10_000_000}}).encode()
    server.answers = [replies(400, told)]
    error = await refused(connect())
    assert isinstance(error, BadRequest)
