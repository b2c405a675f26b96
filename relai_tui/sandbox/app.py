"""The routes of a Relai server, for both editions of its contract.

The caller's key says which edition it speaks: with a key of edition 1 the routes of edition 2 are not there (404).
`POST /chat/completions` answers without `/v1` in front as well, because `@llmrelai/sdk` 0.1.0 sends it there.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from relai_tui.sandbox.account import Account, UsageEvent
from relai_tui.sandbox.chat import Chat, HangUp
from relai_tui.sandbox.faults import Faults
from relai_tui.sandbox.gate import CONTROL
from relai_tui.sandbox.incoming import load
from relai_tui.sandbox.instants import from_iso
from relai_tui.sandbox.journal import Journal
from relai_tui.sandbox.keys import DEFAULT_RPM, MAXIMUM_RPM, Key, well_formed
from relai_tui.sandbox.models import MODELS
from relai_tui.sandbox.refusals import Refusal, bad_request, not_found, rate_limited, unknown_key, unusable_key

ORGANISATION = "sandbox"
"""The slug of the only organisation."""
LONGEST_NAME = 256
LARGEST_PAGE = 1000
_MODELS_SINCE = 1_767_225_600
"""The `created` of every model: 2026-01-01."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what."""

    request: Request
    key: Key
    edition: int

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(self.request.query_params)

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent. Raises Refusal."""
        try:
            body = load(await self.request.body())
        except ValueError:
            raise bad_request("The body is not JSON.") from None
        if not isinstance(body, dict):
            raise bad_request("The body must be a JSON object.")
        return body

    def number(self, name: str, default: int, *, least: int = 0, most: int = LARGEST_PAGE) -> int:
        """A whole number of the query within its bounds. Raises Refusal."""
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) < least:
            raise bad_request(f"'{name}' must be a whole number of at least {least}.", name)
        return min(int(text), most)


Handler = Callable[[Caller], Awaitable[ASGIApp]]


class Api:
    """The server's routes over an account."""

    def __init__(
        self,
        account: Account,
        faults: Faults,
        journal: Journal,
        *,
        edition: int | None,
        tokens_per_second: float,
        hang_up: HangUp,
    ) -> None:
        self.account, self.faults, self.journal = account, faults, journal
        self.edition = edition
        self.tokens_per_second = tokens_per_second
        self._hang_up = hang_up

    def application(self) -> Starlette:
        """The Starlette application."""
        chat: dict[str, tuple[int, Handler]] = {"POST": (1, self.chat)}
        table: dict[str, dict[str, tuple[int, Handler]]] = {
            "/v1/chat/completions": chat,
            "/chat/completions": chat,
            "/v1/models": {"GET": (1, self.models)},
            "/v1/balance": {"GET": (1, self.balance), "PATCH": (2, self.change_balance)},
            "/v1/keys": {"GET": (1, self.keys), "POST": (1, self.create_key)},
            "/v1/keys/{id:path}": {"DELETE": (1, self.revoke_key)},
            "/v1/usage": {"GET": (2, self.usage)},
            "/v1/billing/ledger": {"GET": (2, self.ledger)},
            "/v1/users": {"GET": (2, self.users), "POST": (2, self.upsert_user)},
            "/v1/users/{id:path}": {
                "GET": (2, self.user),
                "PATCH": (2, self.change_user),
                "DELETE": (2, self.drop_user),
            },
            "/v1/orgs/{org}/settings": {"GET": (2, self.settings), "PATCH": (2, self.change_settings)},
        }
        routes = [Route(path, _Endpoint(self, methods)) for path, methods in table.items()]
        routes += [
            Route("/", self.index, methods=["GET"]),
            Route(f"{CONTROL}/requests", self.requests, methods=["GET", "DELETE"]),
            Route(f"{CONTROL}/faults", self.set_faults, methods=["GET", "POST", "DELETE"]),
            Route("/{rest:path}", _nowhere),
        ]
        application = Starlette(routes=routes)
        application.router.redirect_slashes = False
        return application

    def admit(self, request: Request) -> Caller:
        """Who asks. Raises Refusal: 401, 403 and 400 region_mismatch, 429."""
        scheme, _, secret = request.headers.get("authorization", "").strip().partition(" ")
        if not scheme:
            raise unusable_key("No API key was sent. Use the header 'Authorization: Bearer …'.")
        if scheme.lower() != "bearer" or not well_formed(secret.strip()):
            raise unusable_key("That is not an API key of Relai.")
        key = self.account.by_secret(secret.strip())
        if key is None or self.edition not in {None, key.edition}:
            raise unknown_key()
        now = self.account.clock()
        if key.revoked_at is not None and now >= key.revoked_at + self.faults.revocation_lag:
            raise unusable_key("This API key was revoked.")
        if not self.account.provisioned:
            raise Refusal(401, "account_not_provisioned", "The account of this key is not set up yet.")
        self._check_region(key, request.headers.get("x-relai-region"))
        wait = key.admit(now)
        if wait:
            raise rate_limited(wait, key.rpm_limit)
        return Caller(request, key, key.edition)

    def _check_region(self, key: Key, asked: str | None) -> None:
        here = self.account.region
        if key.scope == "regional" and key.region != here:
            raise Refusal(403, "region_mismatch", f"This key belongs to the region '{key.region}', not to '{here}'.")
        if asked is not None and asked != here:
            raise Refusal(
                400, "region_mismatch", f"This is the region '{here}', not '{asked}'.", param="X-Relai-Region"
            )

    async def chat(self, caller: Caller) -> ASGIApp:
        """`POST /chat/completions`."""
        return Chat(
            self.account,
            self.faults,
            caller.key,
            await caller.body(),
            edition=caller.edition,
            tokens_per_second=self.tokens_per_second,
            hang_up=self._hang_up,
        )

    async def models(self, caller: Caller) -> ASGIApp:
        """`GET /models`."""
        more: dict[str, Any] = {"created": _MODELS_SINCE} if caller.edition > 1 else {}
        data = [{"id": m.id, "object": "model", "owned_by": m.owned_by} | more for m in MODELS]
        return JSONResponse({"object": "list", "data": data})

    async def balance(self, caller: Caller) -> ASGIApp:
        """`GET /balance`."""
        return JSONResponse(self.account.balance(edition=caller.edition))

    async def change_balance(self, caller: Caller) -> ASGIApp:
        """`PATCH /balance`."""
        wanted = (await caller.body()).get("auto_recharge", self.account.auto_recharge)
        if not isinstance(wanted, bool):
            raise bad_request("'auto_recharge' must be true or false.", "auto_recharge")
        self.account.auto_recharge = wanted
        return JSONResponse(self.account.balance(edition=caller.edition))

    async def keys(self, caller: Caller) -> ASGIApp:
        """`GET /keys`."""
        return JSONResponse({"keys": self.account.listed_keys(edition=caller.edition)})

    async def create_key(self, caller: Caller) -> ASGIApp:
        """`POST /keys`."""
        body = await caller.body()
        name, rpm_limit, scope = body.get("name"), body.get("rpm_limit", DEFAULT_RPM), body.get("scope", "regional")
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
            raise bad_request(f"'name' must have 1 to {LONGEST_NAME} characters.", "name")
        if isinstance(rpm_limit, bool) or not isinstance(rpm_limit, int) or not 1 <= rpm_limit <= MAXIMUM_RPM:
            raise bad_request(f"'rpm_limit' must be a whole number from 1 to {MAXIMUM_RPM}.", "rpm_limit")
        if caller.edition > 1 and scope not in {"regional", "global"}:
            raise bad_request("'scope' must be 'regional' or 'global'.", "scope")
        key = self.account.mint(
            name.strip(), edition=caller.edition, rpm_limit=rpm_limit, scope=scope if caller.edition > 1 else "regional"
        )
        return JSONResponse(key.created(edition=caller.edition), 200 if caller.edition == 1 else 201)

    async def revoke_key(self, caller: Caller) -> ASGIApp:
        """`DELETE /keys/{id}`."""
        key = self.account.revoke(caller.request.path_params["id"], edition=caller.edition)
        if key is None:
            raise not_found("The key")
        return Response(status_code=204) if caller.edition == 1 else JSONResponse({"id": key.id, "revoked": True})

    async def usage(self, caller: Caller) -> ASGIApp:
        """`GET /usage`: totals over all that matches, events newest first."""
        matching = _matching(self.account.usage, caller.query)
        shown = sorted(matching, key=lambda one: one.timestamp, reverse=True)[: caller.number("limit", 100)]
        return JSONResponse(
            {
                "total_tokens_in": sum(one.tokens_in for one in matching),
                "total_tokens_out": sum(one.tokens_out for one in matching),
                "total_cost_micro": sum(one.cost_micro for one in matching),
                "total_requests": len(matching),
                "events": [one.listed() for one in shown],
            }
        )

    async def ledger(self, caller: Caller) -> ASGIApp:
        """`GET /billing/ledger`: newest first."""
        limit, offset = caller.number("limit", 50), caller.number("offset", 0, most=10**9)
        rows = sorted(self.account.ledger, key=lambda row: (row.created_at, row.id), reverse=True)
        return JSONResponse({"entries": [row.listed() for row in rows[offset : offset + limit]], "total": len(rows)})

    async def users(self, caller: Caller) -> ASGIApp:
        """`GET /users`."""
        limit, offset = caller.number("limit", 50), caller.number("offset", 0, most=10**9)
        everyone = list(self.account.users.values())
        page = [self.account.listed_user(user) for user in everyone[offset : offset + limit]]
        return JSONResponse({"users": page, "total": len(everyone), "offset": offset, "limit": limit})

    async def upsert_user(self, caller: Caller) -> ASGIApp:
        """`POST /users`: create, or change the one there is."""
        body = await caller.body()
        external_id = body.get("external_id")
        if not isinstance(external_id, str) or not external_id:
            raise bad_request("'external_id' must be a string.", "external_id")
        new = external_id not in self.account.users
        user = self.account.end_user(external_id)
        try:
            user.change(body)
        except Refusal:
            if new:
                del self.account.users[external_id]
            raise
        return JSONResponse(self.account.listed_user(user), 201 if new else 200)

    async def user(self, caller: Caller) -> ASGIApp:
        """`GET /users/{external_id}`."""
        return JSONResponse(self.account.listed_user(self.account.users[self._known_user(caller)]))

    async def change_user(self, caller: Caller) -> ASGIApp:
        """`PATCH /users/{external_id}`."""
        user = self.account.users[self._known_user(caller)]
        user.change(await caller.body())
        return JSONResponse(self.account.listed_user(user))

    async def drop_user(self, caller: Caller) -> ASGIApp:
        """`DELETE /users/{external_id}`."""
        del self.account.users[self._known_user(caller)]
        return Response(status_code=204)

    def _known_user(self, caller: Caller) -> str:
        external_id: str = caller.request.path_params["id"]
        if external_id not in self.account.users:
            raise not_found("The user")
        return external_id

    async def settings(self, caller: Caller) -> ASGIApp:
        """`GET /orgs/{org}/settings`."""
        if caller.request.path_params["org"] != ORGANISATION:
            raise not_found("The organisation")
        return JSONResponse(self.account.settings.listed())

    async def change_settings(self, caller: Caller) -> ASGIApp:
        """`PATCH /orgs/{org}/settings`."""
        if caller.request.path_params["org"] != ORGANISATION:
            raise not_found("The organisation")
        self.account.settings.change(await caller.body())
        return JSONResponse(self.account.settings.listed())

    async def index(self, _request: Request) -> Response:
        """`GET /`: what this is."""
        what = "A local development double of Relai. Its models are scripted; nothing here is billed."
        editions = [1, 2] if self.edition is None else [self.edition]
        return JSONResponse({"name": "relai-tui sandbox", "what": what, "editions": editions, "base": "/v1"})

    async def requests(self, request: Request) -> Response:
        """`GET /__sandbox/requests`: the journal; `DELETE` clears it."""
        if request.method == "DELETE":
            self.journal.clear()
        return JSONResponse({"requests": self.journal.listed()})

    async def set_faults(self, request: Request) -> Response:
        """`/__sandbox/faults`: `GET` lists, `POST` sets one, `DELETE` behaves again."""
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                self.faults.add_json(load(await request.body()))
            except (ValueError, TypeError, AttributeError) as wrong:
                return JSONResponse(bad_request(str(wrong)).body(), 400)
        return JSONResponse({"faults": self.faults.listed()})


class _Endpoint:
    """All methods of one path; which there are depends on the caller's edition."""

    def __init__(self, api: Api, methods: dict[str, tuple[int, Handler]]) -> None:
        self._api, self._methods = api, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = JSONResponse(refusal.body(), refusal.status, headers=refusal.headers)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        if self._api.edition == 1 and all(edition > 1 for edition, _ in self._methods.values()):
            raise not_found(f"The path {request.url.path}")
        caller = self._api.admit(request)
        here = {method: handler for method, (edition, handler) in self._methods.items() if edition <= caller.edition}
        if not here:
            raise not_found(f"The path {request.url.path}")
        if request.method not in here:
            allowed = {"Allow": ", ".join(sorted(here))}
            raise Refusal(405, "method_not_allowed", f"{request.method} is not possible here.", headers=allowed)
        return await here[request.method](caller)


async def _nowhere(request: Request) -> Response:
    return JSONResponse(not_found(f"The path {request.url.path}").body(), 404)


def _matching(events: list[UsageEvent], query: dict[str, str]) -> list[UsageEvent]:
    """The usage events that a query's from, to, key, user and model leave. Raises Refusal."""
    since, until = _instant(query, "from", float("-inf")), _instant(query, "to", float("inf"))
    key, user, model = query.get("key"), query.get("user"), query.get("model")
    return [
        one
        for one in events
        if since <= one.timestamp <= until
        and key in {None, one.key_id}
        and user in {None, one.user}
        and (model is None or fnmatchcase(one.model, model.replace("[", "[[]").replace("?", "[?]")))
    ]


def _instant(query: dict[str, str], name: str, default: float) -> float:
    if name not in query:
        return default
    try:
        # A plus of the zone that was not escaped arrives as a space.
        return from_iso(query[name].strip().replace(" ", "+") if "T" in query[name] else query[name])
    except (ValueError, OverflowError):
        raise bad_request(f"'{name}' must be a time in ISO 8601.", name) from None
