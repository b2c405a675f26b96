"""The life of a prompt, with no screen: kept, sent, streamed, checkpointed, finished, priced.

    session = ChatSession(client, store, conversation)
    reply = await session.begin("Why is the sky blue?")     # the prompt is on disk; nothing has been sent
    async with aclosing(reply.deltas()) as deltas:          # now it is sent; closing this stops it
        async for delta in deltas:
            ...                                             # reply.answer is always the newest state
    async for turn in session.settle(reply):                # what it cost, as that becomes known
        ...

Only `deltas()` spends money, and only once for a reply. However it ends, the last state is written: `complete`,
`stopped` (the iteration was closed or cancelled before the answer was whole), `interrupted` (the stream broke or ended
early, or this program failed) or `failed` (the server said so, or nothing came).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from relai_tui.api.deltas import (
    Answering,
    Delta,
    Finished,
    QuotaWarning,
    ReasoningDelta,
    TextDelta,
    TokensUsed,
    ToolCallDelta,
)
from relai_tui.api.errors import InsufficientBalance, RelaiError, ServerRefused
from relai_tui.api.request import ChatRequest, Message
from relai_tui.conversation import Conversation, Role, ToolCall, Turn, TurnState, new_id
from relai_tui.store.errors import Missing, StoreError
from relai_tui.text import NOTHING, CleanLine, CleanText, clean, clean_line

if TYPE_CHECKING:
    from relai_tui.api.client import Client
    from relai_tui.balance.watch import BalanceWatch
    from relai_tui.pricing import Pricing
    from relai_tui.store.database import Store

CHECKPOINT = 1.0
"""Seconds the disk may be behind the screen."""
HEARTBEAT = 20.0
"""Seconds after which a silent answer is checkpointed all the same, to show that its writer lives."""


def messages_of(turns: tuple[Turn, ...], system: CleanText) -> tuple[Message, ...]:
    """What is sent for a branch: the system prompt and every turn that has text. Partial answers count as said."""
    said = tuple(Message(turn.role.value, turn.text) for turn in turns if turn.text)
    return (Message(Role.SYSTEM.value, system), *said) if system else said


@dataclass(slots=True)
class _Pieces:
    """What has come so far, not yet joined: joining at every delta would cost the square of the length."""

    text: list[CleanText] = field(default_factory=list)
    reasoning: list[CleanText] = field(default_factory=list)
    calls: dict[int, ToolCall] = field(default_factory=dict)
    grown: bool = False

    def add_call(self, delta: ToolCallDelta) -> None:
        old = self.calls.get(delta.index) or ToolCall(NOTHING, NOTHING, NOTHING)
        self.calls[delta.index] = ToolCall(
            delta.id or old.id, delta.name or old.name, CleanText(old.arguments + delta.arguments)
        )

    def joined(self) -> tuple[CleanText, CleanText, tuple[ToolCall, ...]]:
        for parts in (self.text, self.reasoning):
            parts[:] = [CleanText("".join(parts))]
        return self.text[0], self.reasoning[0], tuple(self.calls.values())


class Reply:
    """One prompt and its answer."""

    def __init__(self, session: "ChatSession", prompt: Turn, answer: Turn, request: ChatRequest) -> None:
        self.prompt = prompt
        """The user's turn, on disk."""
        self.trouble: RelaiError | None = None
        """Why the answer is not whole; None while it streams and when it is."""
        self.unsaved: CleanLine | None = None
        """Why the disk did not take the newest text; None when it did."""
        self.warnings: tuple[QuotaWarning, ...] = ()
        self._session, self._answer, self._request = session, answer, request
        self._pieces = _Pieces()
        self._began = 0.0
        self._sent = False

    @property
    def answer(self) -> Turn:
        """The answer's newest state."""
        if self._pieces.grown:
            text, reasoning, calls = self._pieces.joined()
            self._pieces.grown = False
            self._answer = replace(self._answer, text=text, reasoning=reasoning, tool_calls=calls)
        return self._answer

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """Send the request and give each delta as it comes. Never raises `RelaiError`: see `trouble`."""
        assert not self._sent, "a reply is sent once"
        self._sent = True
        session, state = self._session, TurnState.STOPPED
        self._began = session.monotonic()
        if session.watch:
            session.watch.began(self.answer.id)
        keeper = asyncio.create_task(self._checkpoint_every_second())
        try:
            async with aclosing(session.ask(self._request)) as deltas:
                async for delta in deltas:
                    self._take(delta)
                    if isinstance(delta, Finished):
                        state = TurnState.COMPLETE  # also for who stops before the connection is closed
                    yield delta
            state = TurnState.COMPLETE
        except RelaiError as error:
            self.trouble = error
            begun = bool(self.answer.text or self.answer.reasoning or self.answer.tool_calls)
            state = TurnState.FAILED if isinstance(error, ServerRefused) or not begun else TurnState.INTERRUPTED
        except Exception:
            state = TurnState.INTERRUPTED  # a defect of this program: nobody stopped it
            raise
        finally:
            keeper.cancel()
            await self._finish(state)

    @property
    def answer_id(self) -> str:
        """The answer's id, without joining what has come."""
        return self._answer.id

    def _take(self, delta: Delta) -> None:
        pieces = self._pieces
        match delta:
            case TextDelta(text):
                pieces.text.append(text)
                self._first_token()
            case ReasoningDelta(text):
                pieces.reasoning.append(text)
                self._first_token()
            case ToolCallDelta():
                pieces.add_call(delta)
                self._first_token()
            case Answering(model):
                self._answer = replace(self._answer, model_answered=model)
            case TokensUsed(prompt, completion):
                self._note(prompt_tokens=prompt, completion_tokens=completion)
            case Finished(reason):
                self._answer = replace(self._answer, finish_reason=reason)
            case QuotaWarning():
                self.warnings = (*self.warnings, delta)

    def _first_token(self) -> None:
        self._pieces.grown = True
        if self._answer.figures.first_token_seconds is None:
            self._note(first_token_seconds=self._session.monotonic() - self._began)

    def _note(self, **figures: float | None) -> None:
        self._answer = replace(self._answer, figures=replace(self._answer.figures, **figures))  # type: ignore[arg-type]  # mypy cannot see replace's fields through **

    async def _checkpoint_every_second(self) -> None:
        written, silent = self.answer, 0.0
        while True:
            await asyncio.sleep(CHECKPOINT)
            silent += CHECKPOINT
            if self.answer is written and silent < HEARTBEAT:
                continue
            written, silent = self.answer, 0.0
            try:
                await self._session.store.conversations.checkpoint(written)
                self.unsaved = None
            except StoreError as error:
                self.unsaved = clean_line(str(error))

    async def _finish(self, state: TurnState) -> None:
        session = self._session
        self._note(seconds=session.monotonic() - self._began)
        error = None if self.trouble is None else self.trouble.message
        self._answer = replace(self.answer, state=state, error=error)
        if session.watch:
            session.watch.ended(self._answer.id)
        try:
            await session.store.conversations.finish_turn(self._answer)
            self.unsaved = None
            await session.note_money(self._answer, self.trouble)
        except StoreError as problem:
            self.unsaved = clean_line(str(problem))

    def priced(self, answer: Turn) -> Turn:
        """Note what the answer cost."""
        self._answer = answer
        return answer


class ChatSession:
    """One conversation with one client. Has no screen and asks for nothing."""

    def __init__(
        self,
        client: "Client",
        store: "Store",
        conversation: Conversation,
        *,
        watch: "BalanceWatch | None" = None,
        profile: str = "",
        stream: bool = True,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client, self.store, self.watch, self.profile, self.stream = client, store, watch, profile, stream
        self.conversation = conversation
        """As it was last known; its leaf is the end of the branch the next prompt follows."""
        self.clock, self.monotonic = clock, monotonic
        self._pricing: Pricing | None = None

    async def begin(
        self,
        text: str,
        *,
        model: CleanText | None = None,
        max_tokens: int | None = None,
        drafts: Sequence[str | None] = (),
    ) -> Reply:
        """Keep the prompt and make room for its answer. Nothing is sent. Raises `StoreError`; then nothing was kept.

        `drafts` names the conversations whose draft the prompt was (None: one not yet created); they are dropped in the
        same step.
        """
        conversations, conversation = self.store.conversations, self.conversation
        prompt = Turn(
            id=new_id(),
            conversation_id=conversation.id,
            parent_id=conversation.leaf_id,
            role=Role.USER,
            text=clean(text),
            state=TurnState.COMPLETE,
            created_at=self.clock(),
        )
        await conversations.add_prompt(prompt, drafts)
        return await self._reply_to(prompt, model=model, max_tokens=max_tokens)

    async def again(
        self, answer: Turn, *, model: CleanText | None = None, max_tokens: int | None = None, leave_out: int = 0
    ) -> Reply:
        """Make room for another answer to the same prompt, beside the one there is. Nothing is sent.

        `leave_out` is how many turns at the beginning are not sent. Raises `StoreError`, as for an answer whose prompt
        is gone.
        """
        branch = await self.store.conversations.branch(self.conversation.id, leaf=answer.parent_id)
        if not branch or branch[-1].role is not Role.USER:
            raise Missing("The prompt of this answer is not there any more.")
        return await self._reply_to(branch[-1], model=model, max_tokens=max_tokens, leave_out=leave_out)

    async def _reply_to(
        self, prompt: Turn, *, model: CleanText | None, max_tokens: int | None = None, leave_out: int = 0
    ) -> Reply:
        conversations, conversation = self.store.conversations, self.conversation
        answer = Turn(
            id=new_id(),
            conversation_id=conversation.id,
            parent_id=prompt.id,
            role=Role.ASSISTANT,
            text=NOTHING,
            state=TurnState.STREAMING,
            created_at=self.clock(),
            model_asked=model or conversation.model,
        )
        branch = await conversations.branch(conversation.id, leaf=prompt.id)
        await conversations.add_turn(answer)
        self.conversation = await conversations.get(conversation.id) or replace(conversation, leaf_id=answer.id)
        request = ChatRequest(
            model=model or conversation.model,
            messages=messages_of(tuple(turn for turn in branch if turn.text)[leave_out:], conversation.system),
            max_tokens=max_tokens,
        )
        return Reply(self, prompt, answer, request)

    async def ask(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The deltas of the answer; in one piece where the session does not stream. Raises `RelaiError`."""
        ask = self.client.stream_chat if self.stream else self.client.whole_chat
        async with aclosing(ask(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def note_money(self, answer: Turn, trouble: RelaiError | None) -> None:
        """Write down that an answer was made, and the balance a 402 told. Raises `StoreError`."""
        await self.pricing.note(answer)
        if isinstance(trouble, InsufficientBalance) and trouble.balance_micro is not None:
            region = self.conversation.region
            await self.store.ledger.add_reading(self.profile, region, trouble.balance_micro, self.clock(), "402")

    @property
    def pricing(self) -> "Pricing":
        """What answers cost. Loaded when the first answer has ended: no request waits for it."""
        if self._pricing is None:
            from relai_tui.pricing import Pricing

            self._pricing = Pricing(
                self.client, self.store, self.watch, self.profile, clock=self.clock, monotonic=self.monotonic
            )
        return self._pricing

    async def settle(self, reply: Reply) -> AsyncGenerator[Turn, None]:
        """The answer with its cost, each time more is known of it. Ends by itself, at most half a minute later."""
        async with aclosing(self.pricing.settle(reply.answer)) as turns:
            async for turn in turns:
                yield reply.priced(turn)

    async def settle_exactly(self, reply: Reply) -> Turn | None:
        """The answer with what the server says it cost, asked once and only of servers that say so (edition 2)."""
        turn = await self.pricing.settle_exactly(reply.answer)
        return None if turn is None else reply.priced(turn)

    def may_settle(self, reply: Reply) -> bool:
        """Whether the server may still tell what it cost."""
        return self.pricing.may_settle(reply.answer)
