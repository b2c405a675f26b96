"""The chat room."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.worker import Worker

from relai_tui.account import Account, Launch, NoCredential
from relai_tui.api.deltas import Answering, Delta, Finished, QuotaWarning, ReasoningDelta, TextDelta, Waiting
from relai_tui.api.errors import InsufficientBalance, QuotaExceeded, RateLimited, RelaiError
from relai_tui.conversation import Conversation, Role, Turn
from relai_tui.credentials.errors import CredentialError
from relai_tui.session import ChatSession, Reply
from relai_tui.store.errors import StoreError
from relai_tui.text import NOTHING, CleanLine, CleanText, clean, clean_line
from relai_tui.ui.chat.bindings import CHAT_BINDINGS, SLASH
from relai_tui.ui.chat.drafts import DraftKeeper
from relai_tui.ui.chat.model_picker import Choice, ModelPicker, choices
from relai_tui.ui.chat.money import ChatMoney
from relai_tui.ui.chat.prompt import Draft, Prompt, slash_command
from relai_tui.ui.chat.secret_found import check
from relai_tui.ui.chat.shelf import Shelf
from relai_tui.ui.chat.shortfall import Shortage, Shortfall
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.chat.welcome import Welcome
from relai_tui.ui.clipboard import copy
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.page import Identity, KeyHints, Page, TopBar
from relai_tui.ui.sign_in import SignedIn, SignInScreen

if TYPE_CHECKING:
    from relai_tui.api.models import ApiKey

PAGE = 50
"""Turns read from the store at once."""
GULP = 64
"""Deltas that are taken at once when they come faster than they can be shown."""
ECHO = 0.030
"""Seconds after a key in which no more than that is taken: its echo goes first."""
QUIT_WINDOW = 1.0
"""Seconds in which a second Ctrl+C quits."""


@dataclass(slots=True)
class _Running:
    """An answer on its way."""

    reply: Reply
    worker: Worker[None] | None
    since: float


class ChatPage(Page):
    """Transcript and prompt of one conversation at a time; answers of others go on unseen."""

    HELP = "Ask anything. Only Enter in the prompt sends; opening, switching and resuming spend nothing."
    BINDINGS: ClassVar = CHAT_BINDINGS
    DEFAULT_CSS = """
    ChatPage {
        layout: vertical; background: $background;
        & Transcript { display: none; height: 1fr; }
        & Welcome { height: 1fr; }
        &.-talking Transcript { display: block; }
        &.-talking Welcome { display: none; }
        & Prompt { margin: 0 0 1 0; }
    }
    """

    class Settled(Message):
        """What is heavy is loaded; from here on one only chats."""

    class RevokeWanted(Message):
        """A prompt held a key that begins as these keys of the account do, and the user wants it revoked."""

        def __init__(self, keys: "tuple[ApiKey, ...]") -> None:
            super().__init__()
            self.keys = keys

    def __init__(self, account: Account, launch: Launch, clock: Callable[[], float] = time.monotonic) -> None:
        # What is to be opened finds its room laid out, and is drawn at once instead of after another layout.
        super().__init__(classes="-talking" if launch.continue_last else None)
        self._account, self._launch, self._clock = account, launch, clock
        self._conversation: Conversation | None = None
        self._model: CleanLine = launch.model or clean_line(account.profile.model or "smart")
        self._answering: dict[str, _Running] = {}
        self._models: tuple[tuple[CleanLine, CleanLine], ...] | None = None
        self._quit_asked = self._typed_at = float("-inf")
        self._is_connected, self._connecting = False, asyncio.Lock()
        self._closed_room = self._asking_again = False
        self._declined = 0
        """How often the sign-in was left without a key."""
        self._beginning: CleanText = NOTHING
        """A prompt that was sent and is not yet kept as a turn: until then it is still the draft."""
        self._bar, self._welcome, self._status = TopBar(), Welcome(demo=launch.demo), Status(clock)
        self._transcript = Transcript()
        settings = account.settings
        self._prompt = Prompt(enter_sends=settings.enter == "send", blink=settings.cursor_blink)
        self._draft: Draft = self._prompt.draft
        self._shortfall, self._shortages = Shortfall(), dict[str, Shortage]()
        """What the credits did not cover, by conversation."""
        self._money = ChatMoney(account, self._bar, self._status, clock)
        self._held: Worker[None] | None = None
        """A prompt that is held back before it is sent."""
        self._drafts = DraftKeeper(self, account.store, self._draft_now, self._tell_of_draft)

    def compose(self) -> ComposeResult:
        """The parts of the room."""
        yield self._bar
        yield self._welcome
        yield self._transcript
        yield self._shortfall
        yield self._status
        yield self._prompt
        yield KeyHints()

    def on_mount(self) -> None:
        """Write at once; all that takes time follows the first paint."""
        self._draft.focus()
        self._show_identity()
        self._show_model()
        self.call_after_refresh(self._settle_in)

    @property
    def _here(self) -> _Running | None:
        """The answer on its way in the conversation shown."""
        return self._answering.get(self._conversation.id) if self._conversation else None

    # -- the start

    @work(group="start", exit_on_error=False)
    async def _settle_in(self) -> None:
        """History first, then the account; each as soon as it is there."""
        store = await self._account.store()
        if store.notice:
            self.notify(store.notice, severity="warning", markup=False, timeout=12)
        conversation = await store.conversations.latest() if self._launch.continue_last else None
        if conversation is not None:
            typed = self._draft.whole
            await self._open(conversation)
            if typed:  # meanwhile, and meant for what was asked to be opened
                self._draft.put(CleanText(conversation.draft + typed))
        elif self._launch.continue_last:
            self.remove_class("-talking")
            self.notify("There is no conversation to continue yet.", markup=False)
        draft = await store.conversations.draft(None)
        if conversation is None and not self._draft.text:  # what was typed meanwhile is newer
            self._draft.put(draft)
        self._draft.earlier = await store.conversations.prompts()
        await self._account.warm()
        await self._transcript.warm()
        await self._money.warm()
        self.post_message(self.Settled())
        if await self._connected() and self._launch.prompt:
            self._reply(self._launch.prompt)

    async def _connected(self) -> bool:
        """Whether there is a client to send with; where there is no key, ask for one, once for all who wait."""
        declined = self._declined
        async with self._connecting:
            if self._is_connected or self._declined > declined:
                return self._is_connected
            self._is_connected = await self._connect()
            self._declined += not self._is_connected
            return self._is_connected

    async def _connect(self) -> bool:
        try:
            await self._account.connect()
        except (NoCredential, CredentialError, RelaiError) as error:
            if await self._sign_in(clean_line(str(error), 600)) is None:
                return False
        self.refresh_bindings()  # the key tells which rooms there are
        self._show_identity()
        if not self._launch.model and self._conversation is None:
            self._model = await self._account.preferred_model()
            self._show_model()
        self._watch_balance()
        return True

    def _show_identity(self) -> None:
        account = self._account
        credential = account.credential
        source = credential.label if credential else None
        if credential and credential.hides:
            source = clean_line(f"{credential.label} (goes before the {credential.hides})")
        self._bar.identity = Identity(account.profile.name, account.region, source)

    async def _sign_in(self, why: CleanLine) -> SignedIn | None:
        result = await self.app.push_screen_wait(SignInScreen(self._account, why))
        if result is not None:
            kept = "kept in the keyring" if result.kept else "for this session only"
            self.notify(f"Signed in; the key is {kept}.", markup=False)
        return result

    @work(group="balance", exclusive=True, exit_on_error=False)
    async def _watch_balance(self) -> None:
        """Hand on each reading of the balance: the top bars of all rooms show it."""
        async for reading in self._account.watch.readings():
            self.post_message(self.BalanceRead(reading))
            if reading.micro is not None:
                self._balance_is(reading.micro)
            await self._money.take_reading(self.app, reading, len(self._answering))
            await self._money.show_spent(self._conversation.id if self._conversation else None)

    # -- opening

    async def _open(self, conversation: Conversation) -> None:
        """Show a conversation from disk. Spends nothing."""
        await self._drafts.keep()
        conversations = (await self._account.store()).conversations
        while True:  # an answer that ends while the page is read must not be shown as one on its way
            running = self._answering.get(conversation.id)
            turns, older = await conversations.page(conversation.id, limit=PAGE)
            if self._answering.get(conversation.id) is running:
                break
        self._conversation, self._model = conversation, conversation.model
        live = running.reply.answer if running else None
        self._transcript.show([turn for turn in turns if live is None or turn.id != live.id], older=older)
        if live is not None:
            self._transcript.begin(live)
        self.add_class("-talking")
        self._draft.put(conversation.draft)
        self._show_model()
        self._show_running()
        self._draft.focus()
        await self._money.show_spent(conversation.id)

    @on(Transcript.OlderWanted)
    @work(group="older", exclusive=True, exit_on_error=False)
    async def _load_older(self) -> None:
        first = self._transcript.first_turn_id
        if self._conversation is None or first is None:
            return
        store = await self._account.store()
        turns, older = await store.conversations.page(self._conversation.id, before=first, limit=PAGE)
        self._transcript.prepend(turns, older=older)

    # -- a prompt's life

    @on(Draft.Submitted)
    def _submitted(self, event: Draft.Submitted) -> None:
        event.stop()
        if event.text.strip() in ("exit", "quit", ":q"):
            self.run_worker(self.app.action_quit())
        elif command := slash_command(event.text):
            self._command(*command)
        elif self._here is not None or self._beginning:
            self._say("An answer is still on its way here: Esc stops it. The draft stays.")
        else:
            text = event.text
            self._reply(CleanText(text.replace("//", "/", 1)) if text.startswith("//") else text)

    def _command(self, name: str, rest: str) -> None:
        """Run a slash command; one that does not exist is not sent as a prompt."""
        action = SLASH.get(name)
        if action is None:
            known = " ".join(f"/{each}" for each in SLASH)
            self._say(f"There is no /{name}. Known: {known}. To send it as text, begin with //.")
            return
        self._draft.put(NOTHING)
        if name in ("model", "models") and rest:
            self.run_worker(self._use_model(clean_line(rest)), exit_on_error=False)
        else:
            self.run_worker(self.run_action(action), exit_on_error=False)

    async def _without_secrets(self, text: CleanText) -> CleanText | None:
        """The text as it may be sent; None where it holds a key and is not to be sent."""

        async def listed() -> "tuple[ApiKey, ...]":
            return await (await self._account.connect()).keys()

        checked = await check(self.app, text, listed)
        if checked.revoke:
            self.post_message(self.RevokeWanted(checked.revoke))
        return checked.text

    @work(group="reply", exit_on_error=False)
    async def _reply(self, text: CleanText) -> None:
        """Keep the prompt, send it, show the answer, keep the answer. One coroutine from key to disk."""
        self._draft.put(NOTHING)
        self._beginning = text
        session = reply = None
        try:
            safe = await self._without_secrets(text) if await self._connected() else None
            if safe is not None and await self._may_send():
                session = await self._session()
                reply = await session.begin(safe)
        except StoreError as error:
            self._say(f"Not sent, because it could not be kept: {error}")
        finally:
            self._beginning = NOTHING
            if reply is None:
                typed = self._draft.whole
                self._draft.put(CleanText(f"{text}\n{typed}") if typed else text)
        if session is not None and reply is not None:
            await self._carry(session, reply)

    async def _may_send(self) -> bool:
        """Whether the user's limits allow another prompt, once the key's rate does. Cancelled by Esc."""
        conversation = self._conversation.id if self._conversation else None
        if not await self._money.allows(self.app, conversation):
            return False
        self._held = self._worker()
        self.refresh_bindings()
        try:
            await self._money.rate_allows()
        finally:
            self._held = None
            self.refresh_bindings()
        return True

    @work(group="reply", exit_on_error=False)
    async def action_ask_again(self) -> None:
        """Ask the last prompt again; the answer there is stays beside the new one."""
        if self._conversation is None or self._here or self._asking_again or not await self._connected():
            return
        store = await self._account.store()
        turns, _ = await store.conversations.page(self._conversation.id, limit=2)
        if len(turns) < 2 or turns[-1].role is not Role.ASSISTANT:
            self._say("There is no answer to ask again for.")
            return
        self._asking_again = True
        try:
            safe = await self._without_secrets(turns[0].text)
            if safe != turns[0].text:
                self._draft.put(safe or self._draft.whole)  # another prompt than the one kept: to be sent by hand
                return
            if not await self._may_send():
                return
            session = await self._session()
            reply = await session.again(turns[-1], model=self._model)
        except StoreError as error:
            self._say(f"Not sent, because it could not be kept: {error}")
            return
        finally:
            self._asking_again = False
        await self._carry_beside(session, reply)

    async def _carry_beside(self, session: ChatSession, reply: Reply) -> None:
        """Show an answer in the place of the one beside it."""
        conversations = session.store.conversations
        before, older = await conversations.page(reply.prompt.conversation_id, leaf=reply.prompt.id, limit=PAGE)
        self._transcript.show(before, older=older)
        await self._carry(session, reply, show_prompt=False)

    # -- out of credit

    async def _fell_short(self, reply: Reply, trouble: InsufficientBalance) -> None:
        """Make the place where it is said what is missing and what can be done."""
        conversation = await (await self._account.store()).conversations.get(reply.prompt.conversation_id)
        if conversation is None:
            return
        ways = await self._money.purser.ways(conversation)
        shortage = Shortage(reply.answer, trouble.balance_micro, trouble.required_micro, trouble.message, ways)
        self._shortages[conversation.id] = shortage
        self._show_shortage()
        if self._shown(reply.answer):
            self._shortfall.query_one("OptionList").focus()
        self._account.watch.read_soon()

    def _show_shortage(self) -> None:
        self._shortfall.shortage = self._shortages.get(self._conversation.id) if self._conversation else None

    def _balance_is(self, micro: int) -> None:
        """Tell it where it is missed; nothing is sent for that."""
        for name, shortage in self._shortages.items():
            after = shortage.with_balance(micro)
            if after.enough and not shortage.enough:
                self.notify("The balance rose: the prompt can be asked again.", markup=False, timeout=8)
            self._shortages[name] = after
        self._show_shortage()

    @on(Shortfall.Left)
    def _leave_shortfall(self, event: Shortfall.Left) -> None:
        event.stop()
        self._draft.focus()

    @on(Shortfall.Chosen)
    @work(group="reply", exit_on_error=False)
    async def _go_on(self, event: Shortfall.Chosen) -> None:
        """Ask the prompt again in the way that was chosen."""
        event.stop()
        answer, way = event.shortage.answer, event.way
        if self._conversation is None or not self._shown(answer) or self._here or not await self._connected():
            return
        if not await self._may_send():
            return
        try:
            session = await self._session()
            reply = await session.again(
                answer, model=way.model or self._model, max_tokens=way.max_tokens, leave_out=way.leave_out
            )
        except StoreError as error:
            self._say(f"Not sent, because it could not be kept: {error}")
            return
        self._draft.focus()
        await self._carry_beside(session, reply)

    async def _carry(self, session: ChatSession, reply: Reply, *, show_prompt: bool = True) -> None:
        conversation, transcript = session.conversation, self._transcript
        self._conversation, self._bar.title = conversation, conversation.title
        self._shortages.pop(conversation.id, None)
        self._show_shortage()
        self._money.sent()
        self._draft.earlier = (reply.prompt.text, *(p for p in self._draft.earlier if p != reply.prompt.text))
        self._answering[conversation.id] = _Running(reply, self._worker(), self._clock())
        self.add_class("-talking")
        if show_prompt:
            transcript.add(reply.prompt)
        transcript.begin(reply.answer)
        transcript.action_scroll_end()
        self._show_running()
        self._drafts.keep_soon()
        try:
            async with aclosing(reply.deltas()) as deltas:
                taken = 0
                async for delta in deltas:
                    self._show_delta(delta, reply)
                    taken += 1
                    if taken % GULP == 0:
                        await self._let_keys_through()
        finally:
            del self._answering[conversation.id]
            if self._shown(reply.answer):
                transcript.finish(reply.answer)
            self._show_running()
        await self._tell_outcome(reply)
        self._price(session, reply)

    def key_heard(self) -> None:
        """A key came from the terminal: its echo goes before anything else. Called in another thread."""
        self._typed_at = time.perf_counter()
        self._transcript.hold()

    async def _let_keys_through(self) -> None:
        """In a flood, let others have a turn; where a key was just pressed, as long as its echo takes."""
        await asyncio.sleep(max(0.0, self._typed_at + ECHO - time.perf_counter()))

    @work(group="price", exit_on_error=False)
    async def _price(self, session: ChatSession, reply: Reply) -> None:
        async with aclosing(session.settle(reply)) as turns:
            async for turn in turns:
                if self._shown(turn):
                    self._transcript.update(turn)
                    await self._money.show_spent(turn.conversation_id)

    async def _session(self) -> ChatSession:
        """The session of the conversation shown, which is made now where there is none."""
        store, client = await self._account.store(), await self._account.connect()
        if self._conversation is None:
            region = self._account.region
            self._conversation = await store.conversations.create(
                model=self._model, system=self._launch.system or NOTHING, region=region
            )
        conversation = await store.conversations.get(self._conversation.id) or self._conversation
        return ChatSession(client, store, conversation, watch=self._account.watch, profile=self._account.profile.name)

    def _worker(self) -> Worker[None] | None:
        from textual.worker import get_current_worker

        return get_current_worker()

    def _shown(self, turn: Turn) -> bool:
        return self._conversation is not None and self._conversation.id == turn.conversation_id

    def _show_delta(self, delta: Delta, reply: Reply) -> None:
        if not self._shown(reply.prompt):
            return
        status, turn_id = self._status, reply.answer_id
        match delta:
            case TextDelta(text):
                self._transcript.feed(turn_id, text)
                status.streaming, status.waiting = True, None
            case ReasoningDelta(text):
                self._transcript.feed_reasoning(turn_id, text)
                status.streaming, status.waiting = True, None
            case Answering(model):
                self._bar.answered = model
                self._transcript.update(reply.answer)
                status.waiting = None
            case Waiting(seconds, _, because):
                status.waiting = (self._clock() + seconds, because)
                self._account.governor.hold(seconds)
            case Finished():
                self._transcript.hurry()
            case QuotaWarning(_, message):
                status.notice = clean_line(f"{message} · Esc hides")

    def _show_running(self) -> None:
        """The status line for the conversation shown."""
        running, status = self._here, self._status
        status.waiting, status.streaming = None, bool(running and running.reply.answer.text)
        status.since = running.since if running else 0.0
        status.answering = running.reply.answer.model_asked if running else None
        self._show_shortage()
        self.refresh_bindings()

    async def _tell_outcome(self, reply: Reply) -> None:
        if reply.unsaved:
            self._status.notice = clean_line(f"not saved: {reply.unsaved}")
        if isinstance(reply.trouble, RateLimited) and reply.trouble.retry_after:
            self._account.governor.hold(reply.trouble.retry_after)
        if isinstance(reply.trouble, InsufficientBalance):
            await self._fell_short(reply, reply.trouble)
        elif isinstance(reply.trouble, QuotaExceeded):
            self._status.notice = clean_line(f"{reply.trouble.message} · Esc hides", 400)
        elif reply.trouble is not None and not self._shown(reply.answer):
            self.notify(reply.trouble.message, severity="error", markup=False)
        if not self.app.app_focus:
            self.app.bell()

    # -- what the transcript says

    @on(Transcript.LinkActivated)
    @work(group="link", exclusive=True, exit_on_error=False)
    async def _open_link(self, event: Transcript.LinkActivated) -> None:
        """Show where the link really goes; open it only on a yes."""
        event.stop()
        if await self.app.push_screen_wait(Confirm(clean_line("Open this link?"), event.href, "Open in the browser")):
            self.app.open_url(event.href)

    # -- drafts and the end

    @on(Prompt.Changed)
    def _draft_changed(self) -> None:
        self._drafts.keep_soon()

    def _draft_now(self) -> tuple[str | None, CleanText]:
        text = CleanText("\n".join(part for part in (self._beginning, self._draft.whole) if part))
        return self._conversation.id if self._conversation else None, text

    def _tell_of_draft(self, trouble: CleanLine) -> None:
        self._status.notice = trouble

    @property
    def answering(self) -> tuple[CleanLine, ...]:
        """The prompts that are being answered, also where they are not shown."""
        return tuple(clean_line(running.reply.prompt.text, 40) for running in self._answering.values())

    def account_changed(self) -> None:
        """Another key is in use, or none any more. What is on its way goes on with the key it began with."""
        self._is_connected = self._account.connected
        self._show_identity()
        self.workers.cancel_group(self, "balance")
        if self._is_connected:
            self._watch_balance()
        else:
            self.post_message(self.BalanceRead(None))

    async def close_room(self) -> None:
        """Before the program ends, whichever way: stop what runs, keep what was written."""
        if self._closed_room:
            return
        self._closed_room = True
        running = [each.worker for each in self._answering.values() if each.worker]
        for worker in running:
            worker.cancel()
        for worker in running:
            await self._ended(worker)
        await self._drafts.keep()

    async def _ended(self, worker: Worker[None]) -> None:
        from textual.worker import WorkerError

        try:
            await worker.wait()
        except WorkerError:
            return

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stop is offered while there is something to stop; the prompt's keys belong to it in dialogs too."""
        stoppable = self._here is not None or self._held is not None
        if action == "stop":
            return stoppable
        if action == "back":
            return not stoppable and (self.focused is not self._draft or self._status.notice is not None)
        if action in ("copy_turn", "ask_again"):
            return self.focused is not self._draft and self._conversation is not None
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Back to the prompt; what was only to be known is put away."""
        self._status.notice = None
        self._transcript.highlighted = None
        self._draft.focus()

    def action_stop(self) -> None:
        """Stop the answer shown; its worker writes down what came."""
        running = self._here.worker if self._here is not None else self._held
        if running is not None:
            running.cancel()

    def action_interrupt(self) -> None:
        """Copy, else stop, else ask for a second press to quit."""
        selected = self.get_selected_text() or self._draft.selected_text
        if selected:
            self._copy(clean(selected))
            self.clear_selection()
        elif self._here is not None or self._held is not None:
            self.action_stop()
        else:
            self._ask_to_quit("Ctrl+C")

    def action_leave(self) -> None:
        """Ctrl+D in an empty prompt."""
        if not self._draft.text:
            self._ask_to_quit("Ctrl+D")

    def _ask_to_quit(self, key: str) -> None:
        now = self._clock()
        if now - self._quit_asked < QUIT_WINDOW:
            self.run_worker(self.app.action_quit())
            return
        self._quit_asked = now
        self.notify(f"{key} again to quit; the draft is kept.", markup=False, timeout=QUIT_WINDOW)

    def action_new_chat(self) -> None:
        """Leave this conversation as it is and begin another."""
        self.run_worker(self._begin_anew(), group="open", exclusive=True, exit_on_error=False)

    async def _begin_anew(self) -> None:
        before_it = self._draft_now()
        self._conversation = None
        self._transcript.clear()
        self.remove_class("-talking")
        self._draft.put(NOTHING)
        self._bar.spent = None
        self._show_model()
        self._show_running()
        self._draft.focus()
        await self._drafts.write(*before_it)
        store = await self._account.store()
        if before := await store.conversations.draft(None):
            self._draft.put(CleanText(before + self._draft.whole))

    @work(group="open", exclusive=True, exit_on_error=False)
    async def action_open_shelf(self) -> None:
        """Choose a kept conversation."""
        store = await self._account.store()

        async def search(words: str) -> tuple[tuple[Conversation, ...], int]:
            found = await store.conversations.recent(search=words, limit=200)
            return found, await store.conversations.count()

        here = self._conversation.id if self._conversation else None
        chosen = await self.app.push_screen_wait(Shelf(search, here))
        if chosen is not None and chosen != here and (conversation := await store.conversations.get(chosen)):
            await self._open(conversation)

    @work(group="open", exclusive=True, exit_on_error=False)
    async def action_pick_model(self) -> None:
        """Choose the model for this conversation."""
        store = await self._account.store()
        aliases = self._account.aliases
        recent = await store.ledger.recent_models(5)
        resolved = {
            name: to for name in (*aliases, *recent) if (to := await store.ledger.latest_answering(name)) and to != name
        }

        async def offer() -> tuple[Choice, ...]:
            if self._models is None:
                listed = await (await self._account.connect()).models()
                self._models = tuple((clean_line(m.id), clean_line(m.owned_by or "")) for m in listed)
            return choices(recent, aliases, resolved, self._models)

        known = choices(recent, aliases, resolved, self._models or ())
        chosen = await self.app.push_screen_wait(ModelPicker(self._model, known, offer))
        if chosen is not None:
            await self._use_model(chosen)

    async def _use_model(self, model: CleanLine) -> None:
        self._model = model
        if self._conversation is not None:
            self._conversation = replace(self._conversation, model=model)
            store = await self._account.store()
            try:
                await store.conversations.set_model(self._conversation.id, model)
            except StoreError as error:
                self._say(str(error))
        self._show_model()

    def _show_model(self) -> None:
        bar = self._bar
        bar.model, bar.answered = self._model, None
        bar.title = self._conversation.title if self._conversation else None
        self._draft.placeholder = "Ask anything"
        self._welcome.model = self._model

    def action_toggle_reasoning(self) -> None:
        """Show or fold the reasoning."""
        self._transcript.action_toggle_reasoning()

    def action_turn(self, by: int) -> None:
        """Step from turn to turn."""
        self._transcript.focus()
        (self._transcript.action_previous_turn if by < 0 else self._transcript.action_next_turn)()

    def action_scroll_transcript(self, how: str) -> None:
        """Scroll without leaving the prompt."""
        getattr(self._transcript, f"action_{'scroll_' if how in ('up', 'down', 'end') else ''}{how}")()

    def action_copy_turn(self) -> None:
        """The marked turn's Markdown, or the code of its marked block."""
        text = self._transcript.selected_source()
        if text:
            self._copy(text)
        else:
            self._say("Mark a turn first, with Alt+↑.")

    def action_copy_answer(self) -> None:
        """The selection, else the last answer's Markdown."""
        text = self.get_selected_text() or self._transcript.last_answer_source()
        if text:
            self._copy(clean(text))
        else:
            self._say("There is nothing to copy yet.")

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, text: CleanText) -> None:
        self.notify(await copy(self.app, text), markup=False, timeout=3)

    def _say(self, words: str) -> None:
        self.notify(words, markup=False)
