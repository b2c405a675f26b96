"""A prompt's life in the chat room: kept, sent, shown as it is answered, priced. One coroutine from key to disk."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.worker import Worker, WorkerError, get_current_worker

from relai_tui.api.deltas import Answering, Delta, Finished, QuotaWarning, ReasoningDelta, TextDelta, Waiting
from relai_tui.api.errors import InsufficientBalance, QuotaExceeded, RateLimited
from relai_tui.conversation import DraftText, Role, joined
from relai_tui.session import ChatSession, Reply
from relai_tui.store.errors import StoreError
from relai_tui.text import NOTHING, CleanText, clean_line
from relai_tui.ui.chat.room import Sending
from relai_tui.ui.chat.secret_found import check
from relai_tui.ui.chat.shortages import Shortages

if TYPE_CHECKING:
    from relai_tui.api.models import ApiKey
    from relai_tui.ui.chat.room import ChatRoom
    from relai_tui.ui.chat.shortfall import Shortfall

GULP = 64
"""Deltas that are taken at once when they come faster than they can be shown."""
ECHO = 0.030
"""Seconds after a key in which no more than that is taken: its echo goes first."""


@dataclass(slots=True)
class Running:
    """An answer on its way."""

    reply: Reply
    worker: Worker[None]
    since: float


class Replies:
    """The prompts of one room. Answers of conversations that are not shown go on unseen."""

    def __init__(self, room: "ChatRoom", ready_to_ask: Callable[[], Awaitable[bool]]) -> None:
        """`ready_to_ask` tells whether there is a client to send with; it asks for a key where there is none."""
        self._room, self._ready_to_ask = room, ready_to_ask
        self.running: dict[str, Running] = {}
        """The answers on their way, by conversation."""
        self.shortages = Shortages(room)

    @property
    def here(self) -> Running | None:
        """The answer on its way in the conversation shown."""
        conversation = self._room.conversation
        return self.running.get(conversation.id) if conversation else None

    # -- the ways to ask

    async def send(self, sending: Sending) -> None:
        """Keep the prompt, send it, show the answer, keep the answer."""
        with self._on_its_way(sending):
            text = sending.draft.text
            safe = await self._without_secrets(text) if await self._ready_to_ask() else None
            if safe is None or not await self._may_send(sending):
                return
            session = await self._session(sending)
            # A draft that is not shown yet stays: it is another one.
            places = dict.fromkeys((sending.place, session.conversation.id)) if self._room.drafts.ready else ()
            sending.storing = True
            reply = await session.begin(safe, model=sending.model, drafts=tuple(places))
            self._begin(sending, session, reply)
        if sending.begun:
            await self._carry(*sending.begun)

    async def ask_again(self) -> None:
        """Ask the last prompt again; the answer there is stays beside the new one."""
        room = self._room
        if room.conversation is None or self.here or (sending := room.take()) is None:
            return
        with self._on_its_way(sending):
            if not await self._ready_to_ask():
                return
            store = await room.account.store()
            turns, _ = await store.conversations.page(room.conversation.id, limit=2)
            if len(turns) < 2 or turns[-1].role is not Role.ASSISTANT:
                room.say("There is no answer to ask again for.")
                return
            safe = await self._without_secrets(turns[0].text)
            if safe != turns[0].text:
                if safe is not None:  # another prompt than the one kept: to be sent by hand
                    room.draft.put_before(DraftText(safe))
                return
            if not await self._may_send(sending):
                return
            session = await self._session(sending)
            reply = await session.again(turns[-1], model=sending.model)
            self._begin(sending, session, reply)
        if sending.begun:
            await self._carry_beside(*sending.begun)

    async def go_on(self, event: "Shortfall.Chosen") -> None:
        """Ask a prompt that the credits did not cover again, in the way that was chosen."""
        room, answer, way = self._room, event.shortage.answer, event.way
        if not room.shows(answer) or self.here or (sending := room.take()) is None:
            return
        with self._on_its_way(sending):
            if not await self._ready_to_ask() or not await self._may_send(sending):
                return
            session = await self._session(sending)
            reply = await session.again(
                answer, model=way.model or sending.model, max_tokens=way.max_tokens, leave_out=way.leave_out
            )
            self._begin(sending, session, reply)
        if sending.begun:
            room.draft.focus()
            await self._carry_beside(*sending.begun)

    @contextmanager
    def _on_its_way(self, sending: Sending) -> Iterator[None]:
        """Lock the prompt until it is on disk; give the draft back where that does not come to be."""
        room = self._room
        self.show_running()
        try:
            yield
        except StoreError as error:
            room.say(f"Not sent, because it could not be kept: {error}")
        finally:
            room.sendings.remove(sending)
            if sending.begun is None:
                unsent = joined(sending.draft, sending.left)
                if sending.place == room.place:
                    room.draft.put_before(unsent)
                elif unsent.text:
                    room.run_worker(room.drafts.write(sending.place, unsent), exit_on_error=False)
            self.show_running()

    def _begin(self, sending: Sending, session: ChatSession, reply: Reply) -> None:
        """Note that the prompt is on disk and its answer on its way."""
        room, conversation = self._room, session.conversation
        sending.begun = session, reply
        if sending.view is room.view:
            room.conversation, room.bar.title = conversation, clean_line(conversation.title)
        elif sending.left.text:
            room.run_worker(room.drafts.write(conversation.id, sending.left), exit_on_error=False)
        self.running[conversation.id] = Running(reply, get_current_worker(), room.clock())

    def stop(self) -> None:
        """Stop the answer shown, or the prompt held back; its worker writes down what came."""
        worker = self.here.worker if self.here is not None else self.held
        if worker is not None:
            worker.cancel()

    @property
    def held(self) -> Worker[None] | None:
        """The coroutine of a prompt that is held back here before it is sent."""
        room = self._room
        return next((each.worker for each in room.sendings if each.view is room.view and each.worker), None)

    async def close(self) -> None:
        """Stop all, and wait until what came is written down."""
        held = [each.worker for each in self._room.sendings if each.worker is not None]
        workers = [*held, *(each.worker for each in self.running.values())]
        for worker in workers:
            worker.cancel()
        for worker in workers:
            await _ended(worker)

    # -- before it leaves

    async def _without_secrets(self, text: CleanText) -> CleanText | None:
        """The text as it may be sent; None where it holds a key and is not to be sent."""
        room = self._room

        async def listed() -> "tuple[ApiKey, ...]":
            return await (await room.account.connect()).keys()

        checked = await check(room.app, text, listed)
        if checked.revoke:
            room.post_message(room.RevokeWanted(checked.revoke))
        return checked.text

    async def _may_send(self, sending: Sending) -> bool:
        """Whether the user's limits allow another prompt, once the key's rate does. Cancelled by Esc."""
        room = self._room
        if not await room.money.allows(room.app, sending.place):
            return False
        sending.worker = get_current_worker()
        room.refresh_bindings()
        try:
            await room.money.rate_allows()
        finally:
            sending.worker = None
            room.refresh_bindings()
        return True

    async def _session(self, sending: Sending) -> ChatSession:
        """The session of the conversation it is sent to, which is made now where there is none."""
        room, account = self._room, self._room.account
        store, client = await account.store(), await account.connect()
        known = await store.conversations.get(sending.place) if sending.place else None
        conversation = known or await store.conversations.create(
            model=sending.model, system=room.launch.system or NOTHING, region=account.region
        )
        return ChatSession(client, store, conversation, watch=account.watch, profile=account.profile.name)

    # -- on its way

    async def _carry_beside(self, session: ChatSession, reply: Reply) -> None:
        """Show an answer in the place of the one beside it."""
        if self._room.shows(reply.prompt):
            await self._room.show_branch(reply.prompt)
        await self._carry(session, reply, show_prompt=False)

    async def _carry(self, session: ChatSession, reply: Reply, *, show_prompt: bool = True) -> None:
        room, conversation, transcript = self._room, session.conversation, self._room.transcript
        self.shortages.settled(conversation.id)
        room.money.sent()
        room.draft.earlier = (reply.prompt.text, *(p for p in room.draft.earlier if p != reply.prompt.text))
        if room.shows(reply.prompt):
            room.add_class("-talking")
            if show_prompt:
                transcript.add(reply.prompt)
            transcript.begin(reply.answer)
            transcript.action_scroll_end()
        self.show_running()
        room.drafts.keep_soon()
        try:
            async with aclosing(reply.deltas()) as deltas:
                taken = 0
                async for delta in deltas:
                    self._show(delta, reply)
                    taken += 1
                    if taken % GULP == 0:
                        await self._let_keys_through()
        finally:
            self.running.pop(conversation.id, None)
            if room.shows(reply.answer):
                transcript.finish(reply.answer)
            self.show_running()
        await self._tell_outcome(reply)
        room.run_worker(self._price(session, reply), group="price", exit_on_error=False)

    def show_running(self) -> None:
        """The status line for the conversation shown."""
        running, status = self.here, self._room.status
        status.waiting, status.streaming = None, bool(running and running.reply.answer.text)
        status.since = running.since if running else 0.0
        asked = running.reply.answer.model_asked if running else None
        status.answering = clean_line(asked) if asked is not None else None
        self._room.draft.locked = running is not None or self._room.is_sending
        self.shortages.show()
        self._room.refresh_bindings()

    async def _let_keys_through(self) -> None:
        """In a flood, let others have a turn; where a key was just pressed, as long as its echo takes."""
        await asyncio.sleep(max(0.0, self._room.typed_at + ECHO - time.perf_counter()))

    def _show(self, delta: Delta, reply: Reply) -> None:
        room = self._room
        if not room.shows(reply.prompt):
            return
        status, turn_id = room.status, reply.answer_id
        match delta:
            case TextDelta(text):
                room.transcript.feed(turn_id, text)
                status.streaming, status.waiting = True, None
            case ReasoningDelta(text):
                room.transcript.feed_reasoning(turn_id, text)
                status.streaming, status.waiting = True, None
            case Answering(model):
                room.bar.answered = clean_line(model)
                room.transcript.update(reply.answer)
                status.waiting = None
            case Waiting(seconds, _, because):
                status.waiting = (room.clock() + seconds, because)
                room.account.governor.hold(seconds)
            case Finished():
                room.transcript.hurry()
            case QuotaWarning(_, message):
                status.notice = clean_line(f"{message} · Esc hides")

    # -- after it

    async def _tell_outcome(self, reply: Reply) -> None:
        room, trouble = self._room, reply.trouble
        if reply.unsaved:
            room.status.notice = clean_line(f"not saved: {reply.unsaved}")
        if isinstance(trouble, RateLimited) and trouble.retry_after:
            room.account.governor.hold(trouble.retry_after)
        if isinstance(trouble, InsufficientBalance):
            await self.shortages.fell_short(reply.answer, trouble)
        elif isinstance(trouble, QuotaExceeded):
            room.status.notice = clean_line(f"{trouble.message} · Esc hides", 400)
        elif trouble is not None and not room.shows(reply.answer):
            room.notify(trouble.message, severity="error", markup=False)
        if not room.app.app_focus:
            room.app.bell()

    async def _price(self, session: ChatSession, reply: Reply) -> None:
        room = self._room
        async with aclosing(session.settle(reply)) as turns:
            async for turn in turns:
                if room.shows(turn):
                    room.transcript.update(turn)
                    await room.money.show_spent(turn.conversation_id)


async def _ended(worker: Worker[None]) -> None:
    try:
        await worker.wait()
    except WorkerError:
        return
