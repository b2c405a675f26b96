"""What an answer cost: written into the ledger as it ends, then settled, as more is known of it.

An exact cost comes from the one usage event that fits (edition 2), a measured one from the fall of the balance over the
one answer that ran, a shared one from a fall that others had a part in.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relai_tui.api.errors import NotOffered, RelaiError
from relai_tui.balance.attribution import CLOCKS, match_usage
from relai_tui.balance.told import usage_record
from relai_tui.conversation import CostBasis, Turn, TurnState
from relai_tui.spending_records import SpentTurn
from relai_tui.store.errors import StoreError
from relai_tui.text import clean_line

if TYPE_CHECKING:
    from relai_tui.api.client import Client
    from relai_tui.balance.watch import BalanceWatch
    from relai_tui.store.database import Store


class Pricing:
    """What the answers of one profile cost. `clock` is the wall's, `monotonic` that of the watch."""

    def __init__(
        self,
        client: "Client",
        store: "Store",
        watch: "BalanceWatch | None",
        profile: str,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._client, self._store, self._watch, self._profile = client, store, watch, profile
        self._clock, self._monotonic = clock, monotonic
        self._usage_offered = True

    async def note(self, answer: Turn) -> None:
        """Write down that an answer was made, where it may have cost something. Raises `StoreError`."""
        if _is_charged(answer):
            await self._record(answer)

    async def settle(self, answer: Turn) -> AsyncGenerator[Turn, None]:
        """The answer with its cost, each time more is known of it. Ends by itself, at most half a minute later."""
        watch, best = self._watch, CostBasis.UNKNOWN
        if watch is None or not _is_charged(answer):
            return
        async with aclosing(watch.cost(answer.id)) as costs:
            count = 0
            async for micro, basis in costs:
                count += 1
                exact = await self._exact_cost(answer)
                if exact is not None:
                    micro, basis = exact, CostBasis.EXACT
                elif basis is CostBasis.MEASURED and await self._others_ran(answer):
                    micro, basis = None, CostBasis.SHARED
                if micro == 0 and basis is CostBasis.MEASURED and count == 1:
                    continue  # its charge has not come yet
                if basis is CostBasis.UNKNOWN or (best is CostBasis.MEASURED and basis is CostBasis.SHARED):
                    continue
                best = basis
                answer = await self._keep(answer, micro, basis)
                yield answer
                if basis is CostBasis.EXACT:
                    return

    async def settle_exactly(self, answer: Turn) -> Turn | None:
        """The answer with what the server says it cost, asked once and only of servers that say so (edition 2)."""
        exact = await self._exact_cost(answer) if _is_charged(answer) else None
        return None if exact is None else await self._keep(answer, exact, CostBasis.EXACT)

    def may_settle(self, answer: Turn) -> bool:
        """Whether the server may still tell what it cost."""
        return self._usage_offered and answer.figures.completion_tokens is not None and _is_charged(answer)

    async def _keep(self, answer: Turn, micro: int | None, basis: CostBasis) -> Turn:
        turn = replace(answer, figures=replace(answer.figures, cost_micro=micro, cost_basis=basis))
        with suppress(StoreError):  # a figure that cannot be kept is still shown
            await self._store.conversations.update_figures(turn.id, turn.figures)
            await self._record(turn)
        return turn

    async def _record(self, answer: Turn) -> None:
        """Write an answer into the ledger, as far as its cost is known. Raises `StoreError`."""
        figures = answer.figures
        await self._store.ledger.record_cost(
            answer.id,
            answer.conversation_id,
            self._profile,
            model=answer.model_answered or answer.model_asked,
            cost_micro=figures.cost_micro,
            basis=figures.cost_basis,
            at=answer.created_at,
            seconds=figures.seconds,
            tokens_in=figures.prompt_tokens,
            tokens_out=figures.completion_tokens,
        )

    async def _others_ran(self, answer: Turn) -> bool:
        """Whether another window of this machine had an answer on its way between the readings."""
        before = self._watch.before(answer.id) if self._watch else None
        now = self._clock()
        since = answer.created_at if before is None else now - (self._monotonic() - before.asked_at)
        try:
            return await self._store.ledger.overlapping(answer.id, min(since, answer.created_at), now) > 0
        except StoreError:
            return True

    async def _exact_cost(self, answer: Turn) -> int | None:
        """Micro-dollars from the one usage event that matches by model and both token counts; None when none does."""
        if not self._usage_offered or answer.figures.completion_tokens is None:
            return None
        start = datetime.fromtimestamp(answer.created_at - CLOCKS, UTC)
        try:
            page = await self._client.usage(start=start, limit=50)
        except NotOffered:
            self._usage_offered = False
            return None
        except RelaiError:
            return None
        named = (event for event in page.events if event.request_id is not None)
        events = [record for event in named if (record := usage_record(event)) is not None]
        found = match_usage([_spent(answer, self._profile)], events).get(answer.id)
        return found.cost_micro if found else None


def _is_charged(answer: Turn) -> bool:
    """Whether an answer may have cost something: the server did not refuse to begin it."""
    return answer.state is not TurnState.FAILED or bool(answer.text or answer.reasoning)


def _spent(answer: Turn, profile: str) -> SpentTurn:
    figures = answer.figures
    return SpentTurn(
        turn_id=answer.id,
        conversation_id=answer.conversation_id,
        conversation=None,
        profile=clean_line(profile),
        model=answer.model_answered,
        key_id=None,
        at=answer.created_at,
        seconds=figures.seconds,
        tokens_in=figures.prompt_tokens,
        tokens_out=figures.completion_tokens,
        cost_micro=figures.cost_micro,
        basis=figures.cost_basis,
    )
