"""The chat room: its parts, its start, and what its keys do. What happens to a prompt is in `replies`."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.message import Message

from relai_tui.account import Account, Launch, NoCredential
from relai_tui.api.errors import RelaiError
from relai_tui.conversation import NO_DRAFT, Conversation, DraftText, Role, Turn, TurnState, joined
from relai_tui.credentials.errors import CredentialError
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, CleanText, clean, clean_line, clean_name, visible
from relai_tui.ui.chat.bindings import CHAT_BINDINGS, SLASH
from relai_tui.ui.chat.prompt import Draft, Prompt, slash_command
from relai_tui.ui.chat.room import PAGE, ChatRoom, Left, Sending
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.page import Identity
from relai_tui.ui.terminal_input.keys import is_pasted, typed_text

if TYPE_CHECKING:
    from relai_tui.ui.chat.model_picker import Choice
    from relai_tui.ui.chat.replies import Replies, Running
    from relai_tui.ui.chat.shortfall import Shortfall
    from relai_tui.ui.sign_in import SignedIn

CONTINUE = CleanText("Continue exactly where you stopped.")
"""Prompt that makes a model go on with an answer that was cut."""
QUIT_WINDOW = 1.0
"""Seconds in which a second Ctrl+C quits."""
LATER = (
    "chat.replies",
    "chat.shortages",
    "chat.shelf",
    "chat.model_picker",
    "dialogs",
    "clipboard",
    "desktop",
    "sign_in",
)
"""Modules of the screen that the first paint does not need: loaded right after it, in a thread."""


class ChatPage(ChatRoom):
    """The room in use. Answers of conversations that are not shown go on unseen."""

    HELP = "Ask anything. Only Enter in the prompt sends; opening, switching and resuming spend nothing."
    BINDINGS: ClassVar = CHAT_BINDINGS

    class TakesInput(Message):
        """What is typed has a place to go from now on."""

    class Settled(Message):
        """What is heavy is loaded; from here on one only chats."""

    def __init__(self, account: Account, launch: Launch, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(account, launch, clock)
        self._replies: Replies | None = None
        self._models: tuple[tuple[CleanText, CleanLine], ...] | None = None
        self._tried = False
        """Whether it was tried to connect."""
        self._is_ready, self._getting_ready = False, asyncio.Lock()
        self._declined = 0
        """How often the sign-in was left without a key."""
        self._quit_asked = float("-inf")
        self._closed_room = False

    def on_mount(self) -> None:
        """Write at once; all that takes time follows the first paint."""
        self.draft.focus()
        self._show_identity()
        self.show_model()
        self.call_after_refresh(self._settle_in)

    @property
    def replies(self) -> "Replies":
        """What happens to prompts. Made with the first one: the start need not wait for it."""
        if self._replies is None:
            from relai_tui.ui.chat.replies import Replies

            self._replies = Replies(self, self.ready_to_ask)
        return self._replies

    @property
    def here(self) -> "Running | None":
        """The answer on its way in the conversation shown."""
        return self._replies.here if self._replies else None

    # -- the start

    @work(group="start", exit_on_error=False)
    async def _settle_in(self) -> None:
        """History first, then the account; each as soon as it is there."""
        self.post_message(self.TakesInput())
        store = await self.account.store()
        if store.notice:
            self.notify(store.notice, severity="warning", markup=False, timeout=12)
        conversation = await store.conversations.latest() if self.launch.continue_last else None
        if conversation is not None:
            await self._open(conversation, before=NO_DRAFT)
        elif self.launch.continue_last:
            self.remove_class("-talking")
            self.notify("There is no conversation to continue yet.", markup=False)
        await self._show_new_draft()
        self.draft.earlier = await store.conversations.prompts()
        await self.account.warm()
        await self.transcript.warm()
        await self.money.warm()
        await asyncio.to_thread(_load_later)
        self.post_message(self.Settled())
        if await self.ready_to_ask() and self.launch.prompt:
            self._send(DraftText(self.launch.prompt))

    async def ready_to_ask(self) -> bool:
        """Whether there is a client to send with; where there is no key, ask for one, once for all who wait."""
        declined = self._declined
        async with self._getting_ready:
            if self._is_ready or self._declined > declined:
                return self._is_ready
            self._is_ready = await self._connect()
            self._declined += not self._is_ready
            return self._is_ready

    async def _connect(self) -> bool:
        try:
            await self.account.connect()
        except (NoCredential, CredentialError, RelaiError) as error:
            self._tried = True
            self._show_identity()
            if await self._sign_in(clean_line(str(error), 600)) is None:
                return False
        self._tried = True
        self.refresh_bindings()  # the key tells which rooms there are
        self._show_identity()
        if not self.launch.model and self.conversation is None:
            self.model = await self.account.preferred_model()
            self.show_model()
        self._watch_balance()
        return True

    def _show_identity(self) -> None:
        account = self.account
        credential = account.credential
        source = credential.label if credential else None
        if source is None and not self._tried:
            source = clean_line("connecting…")
        if credential and credential.hides:
            source = clean_line(f"{credential.label} (goes before the {credential.hides})")
        self.bar.identity = Identity(account.profile.name, account.region, source)

    async def _sign_in(self, why: CleanLine) -> "SignedIn | None":
        from relai_tui.ui.sign_in import SignInScreen

        result = await self.app.push_screen_wait(SignInScreen(self.account, why))
        if result is not None:
            kept = "kept in the keyring" if result.kept else "for this session only"
            self.notify(f"Signed in; the key is {kept}.", markup=False)
        return result

    @work(group="balance", exclusive=True, exit_on_error=False)
    async def _watch_balance(self) -> None:
        """Hand on each reading of the balance: the top bars of all rooms show it."""
        async for reading in self.account.watch.readings():
            self.post_message(self.BalanceRead(reading))
            if reading.micro is not None:
                self.replies.shortages.balance_is(reading.micro)
            await self.money.take_reading(self.app, reading, len(self.replies.running))
            await self.money.show_spent(self.conversation.id if self.conversation else None)

    # -- opening

    async def _open(self, conversation: Conversation, *, before: DraftText | None = None) -> None:
        """Show a conversation from disk. Spends nothing.

        `before` is the draft that stays behind: what was typed after it is meant for the conversation that opens.
        """
        conversations = (await self.account.store()).conversations
        while True:  # an answer that ends while the page is read must not be shown as one on its way
            running = self._running_in(conversation)
            turns, older = await conversations.page(conversation.id, limit=PAGE)
            if self._running_in(conversation) is running:
                break
        typed = typed_after(before, self.draft.value) if before is not None else NO_DRAFT
        if before is not None and typed.text:
            self.draft.put(before)
        left = self.leave_view()
        self.conversation, self.model = conversation, conversation.model
        live = running.reply.answer if running else None
        self.transcript.show([turn for turn in turns if live is None or turn.id != live.id], older=older)
        if live is not None:
            self.transcript.begin(live)
        self.add_class("-talking")
        self.draft.put(joined(self.draft_shown(conversation), typed))
        self.show_model()
        self.show_running()
        self.draft.focus()
        if left.typed.text or left.sendings or self.drafts.ready:
            self._keep_draft(left)
        await self.money.show_spent(conversation.id)

    def show_running(self) -> None:
        """The status line for the conversation shown."""
        if self._replies is None:
            self.draft.locked = self.is_sending
            self.refresh_bindings()
        else:
            self._replies.show_running()

    def _running_in(self, conversation: Conversation) -> "Running | None":
        return self._replies.running.get(conversation.id) if self._replies else None

    @on(Transcript.OlderWanted)
    @work(group="older", exclusive=True, exit_on_error=False)
    async def _load_older(self) -> None:
        first = self.transcript.first_turn_id
        if self.conversation is None or first is None:
            return
        store = await self.account.store()
        turns, older = await store.conversations.page(self.conversation.id, before=first, limit=PAGE)
        self.transcript.prepend(turns, older=older)

    # -- a prompt's life

    @on(Draft.Submitted)
    def _submitted(self, event: Draft.Submitted) -> None:
        event.stop()
        text = event.draft.text
        if text.strip() in ("exit", "quit", ":q"):
            self.run_worker(self.app.action_quit())
        elif command := slash_command(text):
            self._command(event.draft, *command)
        elif text.startswith("//"):
            self._send(DraftText(CleanText(text[1:]), tuple((start - 1, end - 1) for start, end in event.draft.blocks)))
        else:
            self._send(event.draft)
        self.show_running()

    @on(Draft.Refused)
    def _refused(self, event: Draft.Refused) -> None:
        event.stop()
        self.say("An answer is still on its way here: Esc stops it. The draft stays.")

    def _command(self, draft: DraftText, name: str, rest: str) -> None:
        """Run a slash command; one that does not exist is not sent as a prompt."""
        action = SLASH.get(name)
        if action is None:
            known = " ".join(f"/{each}" for each in SLASH)
            self.draft.put_before(draft)
            self.say(f"There is no /{name}. Known: {known}. To send it as text, begin with //.")
        elif name in ("model", "models") and rest:
            self.run_worker(self._use_model(clean_name(rest)), exit_on_error=False)
        else:
            self.run_worker(self.run_action(action), exit_on_error=False)

    def _send(self, draft: DraftText) -> None:
        """Send a prompt: from here on it is on its way, whatever is pressed next."""
        if self.here is not None or (sending := self.take(draft)) is None:
            self.draft.put_before(draft)
        else:
            self._reply(sending)

    @work(group="reply", exit_on_error=False)
    async def _reply(self, sending: Sending) -> None:
        await self.replies.send(sending)

    @work(group="reply", exit_on_error=False)
    async def action_ask_again(self) -> None:
        """Ask the last prompt again; the answer there is stays beside the new one."""
        await self.replies.ask_again()

    @work(group="ask-again", exclusive=True, exit_on_error=False)
    async def action_offer_again(self) -> None:
        """Ask the last prompt again once that is confirmed: a letter alone spends nothing."""
        from relai_tui.ui.dialogs import Confirm

        detail = visible("Sends the last prompt once more and costs about as much again. Both answers are kept.")
        if await self.app.push_screen_wait(Confirm(clean_line("Ask again?"), detail, "Ask again")):
            self.action_ask_again()

    @work(group="ask-again", exclusive=True, exit_on_error=False)
    async def action_offer_to_continue(self) -> None:
        """Ask the model to go on with an answer that was cut or stopped, once that is confirmed."""
        from relai_tui.ui.dialogs import Confirm

        turn = self.transcript.last_turn
        if turn is None or not is_cut(turn):
            self.say("The last answer is whole: there is nothing to continue.")
            return
        detail = visible(f"Sends “{CONTINUE}” and the conversation so far, which costs about as much as a prompt.")
        if await self.app.push_screen_wait(Confirm(clean_line("Continue the answer?"), detail, "Continue")):
            self._send(DraftText(CONTINUE))

    def on_shortfall_left(self, event: "Shortfall.Left") -> None:
        """Back from the place that tells what is missing."""
        event.stop()
        self.draft.focus()

    @work(group="reply", exit_on_error=False)
    async def on_shortfall_chosen(self, event: "Shortfall.Chosen") -> None:
        """Ask the prompt again in the way that was chosen."""
        event.stop()
        await self.replies.go_on(event)

    # -- what the transcript says

    @on(Transcript.LinkActivated)
    @work(group="link", exclusive=True, exit_on_error=False)
    async def _open_link(self, event: Transcript.LinkActivated) -> None:
        """Show where the link really goes; open it only on a yes."""
        event.stop()
        from relai_tui.ui.dialogs import Confirm

        if await self.app.push_screen_wait(Confirm(clean_line("Open this link?"), event.href, "Open in the browser")):
            self.app.open_url(event.href)

    # -- what is typed elsewhere

    async def on_key(self, event: events.Key) -> None:
        """Give the prompt what nothing here has a use for, and what follows it in the same read.

        Such keys went to the widget that had the focus. Left to the app, they would run the prompt's bindings out of
        order, and an Enter of a paste would send.
        """
        if self.focused is self.draft:
            if await self.draft.take_key(event):
                return
            # Run here what the app would run after the keys that follow: they are meant for what it leads to.
            if typed_text(event) is None and await self.app._check_bindings(event.key):  # noqa: SLF001
                event.stop()
            return
        bound = self.active_bindings.get(event.key)
        if is_pasted(event) or (typed_text(event) is not None and not (bound is not None and bound.enabled)):
            self.action_back()
            await self.draft.take_key(event)

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the prompt, wherever the focus is."""
        event.stop()
        self.action_back()
        self.draft.paste(event.text)

    # -- drafts and the end

    @on(Prompt.Changed)
    def _draft_changed(self) -> None:
        if self.transcript.highlighted is not None:  # typed in one read with the key that asked for the turn cursor
            self.action_back()
        self.drafts.keep_soon()

    @property
    def answering(self) -> tuple[CleanLine, ...]:
        """The prompts that are being answered, also where they are not shown."""
        running = self._replies.running.values() if self._replies else ()
        return tuple(clean_line(each.reply.prompt.text, 40) for each in running)

    def account_changed(self) -> None:
        """Another key is in use, or none any more. What is on its way goes on with the key it began with."""
        self._is_ready = self.account.connected
        self._show_identity()
        self.workers.cancel_group(self, "balance")
        if self._is_ready:
            self._watch_balance()
        else:
            self.post_message(self.BalanceRead(None))

    async def close_room(self) -> None:
        """Before the program ends, whichever way: stop what runs, keep what was written."""
        if self._closed_room:
            return
        self._closed_room = True
        await self.draft.caught_up()
        if self._replies is not None:
            await self._replies.close()
        await self.drafts.finish()

    # -- actions

    @property
    def _stoppable(self) -> bool:
        """Whether there is an answer on its way here, or a prompt that is held back."""
        return self._replies is not None and (self._replies.here or self._replies.held) is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stop is offered while there is something to stop; the prompt's keys belong to it in dialogs too."""
        stoppable = self._stoppable
        if action == "stop":
            return stoppable
        if action == "back":
            return not stoppable and (self.focused is not self.draft or self.status.notice is not None)
        if action in ("copy_turn", "offer_again", "offer_to_continue"):
            return self.focused is self.transcript and self.conversation is not None
        if action == "ask_again":
            return self.conversation is not None
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Back to the prompt; what was only to be known is put away."""
        self.status.notice = None
        self.transcript.highlighted = None
        self.set_focus(self.draft)  # at once: keys that follow are typed there

    def action_stop(self) -> None:
        """Stop the answer shown; its worker writes down what came."""
        self.replies.stop()

    def action_interrupt(self) -> None:
        """Copy, else stop, else ask for a second press to quit."""
        selected = self.get_selected_text() or self.draft.selected_text
        if selected:
            self._copy(clean(selected))
            self.clear_selection()
        elif self._stoppable:
            self.action_stop()
        else:
            self._ask_to_quit("Ctrl+C")

    def action_leave(self) -> None:
        """Ctrl+D in an empty prompt."""
        if not self.draft.text:
            self._ask_to_quit("Ctrl+D")

    def _ask_to_quit(self, key: str) -> None:
        now = self.clock()
        if now - self._quit_asked < QUIT_WINDOW:
            self.run_worker(self.app.action_quit())
            return
        self._quit_asked = now
        self.notify(f"{key} again to quit; the draft is kept.", markup=False, timeout=QUIT_WINDOW)

    def action_new_chat(self) -> None:
        """Leave this conversation as it is and begin another."""
        left = self.leave_view()
        self.workers.cancel_group(self, "open")
        self.conversation = None
        self.transcript.clear()
        self.remove_class("-talking")
        self.draft.put(NO_DRAFT)
        self.bar.spent = None
        self.show_model()
        self.show_running()
        self.draft.focus()
        if left.place is None and not left.sendings:
            self.draft.put_before(left.typed)
        else:
            self._keep_draft(left, show_new=left.place is not None)

    @work(group="keep-draft", exit_on_error=False)
    async def _keep_draft(self, left: Left, *, show_new: bool = False) -> None:
        """Write the draft of a conversation that was left. Not exclusive: each of them is kept."""
        await self.account.store()
        # Looked up with nothing awaited before the write is queued, as in the keeper.
        if (draft := left.draft) is not None:
            await self.drafts.write(left.place, draft)
        if show_new:
            await self._show_new_draft()

    async def _show_new_draft(self) -> None:
        """Show the draft of the conversation to be begun. Nothing is written in its place before it is shown."""
        self.drafts.ready = False
        try:
            draft = await (await self.account.store()).conversations.draft(None)
            if self.conversation is None and not any(each.place is None for each in self.sendings):
                self.draft.put_before(draft)
        finally:
            self.drafts.ready = True
            self.drafts.keep_soon()

    @work(group="open", exclusive=True, exit_on_error=False)
    async def action_open_shelf(self) -> None:
        """Choose a kept conversation."""
        from relai_tui.ui.chat.shelf import Shelf

        store = await self.account.store()

        async def search(words: str) -> tuple[tuple[Conversation, ...], int]:
            found = await store.conversations.recent(search=words, limit=200)
            return found, await store.conversations.count()

        here = self.conversation.id if self.conversation else None
        chosen = await self.app.push_screen_wait(Shelf(search, here))
        before = self.draft.value  # what is typed from here on is for what was chosen
        if chosen is not None and chosen != here and (conversation := await store.conversations.get(chosen)):
            await self._open(conversation, before=before)

    @work(group="open", exclusive=True, exit_on_error=False)
    async def action_pick_model(self) -> None:
        """Choose the model for this conversation."""
        from relai_tui.ui.chat.model_picker import ModelPicker, choices

        store = await self.account.store()
        aliases = self.account.aliases
        recent = await store.ledger.recent_models(5)
        resolved = {
            name: to for name in (*aliases, *recent) if (to := await store.ledger.latest_answering(name)) and to != name
        }

        async def offer() -> "tuple[Choice, ...]":
            if self._models is None:
                listed = await (await self.account.connect()).models()
                self._models = tuple((m.id, clean_line(m.owned_by or "")) for m in listed)
            return choices(recent, aliases, resolved, self._models)

        known = choices(recent, aliases, resolved, self._models or ())
        chosen = await self.app.push_screen_wait(ModelPicker(self.model, known, offer))
        if chosen is not None:
            await self._use_model(chosen)

    async def _use_model(self, model: CleanText) -> None:
        self.model = model
        if self.conversation is not None:
            self.conversation = replace(self.conversation, model=model)
            store = await self.account.store()
            try:
                await store.conversations.set_model(self.conversation.id, model)
            except StoreError as error:
                self.say(str(error))
        self.show_model()

    def action_toggle_reasoning(self) -> None:
        """Show or fold the reasoning."""
        self.transcript.action_toggle_reasoning()

    def action_turn(self, by: int) -> None:
        """Step from turn to turn."""
        self.transcript.focus()
        (self.transcript.action_previous_turn if by < 0 else self.transcript.action_next_turn)()

    def action_scroll_transcript(self, how: str) -> None:
        """Scroll without leaving the prompt."""
        getattr(self.transcript, f"action_{'scroll_' if how in ('up', 'down', 'end') else ''}{how}")()

    def action_copy_turn(self) -> None:
        """The marked turn's Markdown, or the code of its marked block."""
        text = self.transcript.selected_source()
        if text:
            self._copy(text)
        else:
            self.say("Mark a turn first, with Alt+↑.")

    def action_copy_answer(self) -> None:
        """The selection, else the last answer's Markdown."""
        text = self.get_selected_text() or self.transcript.last_answer_source()
        if text:
            self._copy(clean(text))
        else:
            self.say("There is nothing to copy yet.")

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, text: CleanText) -> None:
        from relai_tui.ui.clipboard import copy

        self.notify(await copy(self.app, text), markup=False, timeout=3)


def is_cut(answer: Turn) -> bool:
    """Return whether an answer ended before it was whole: stopped, broken off, or at its token limit."""
    if answer.role is not Role.ASSISTANT or answer.state is TurnState.STREAMING:
        return False
    return answer.state is not TurnState.COMPLETE or answer.finish_reason in ("length", "max_tokens")


def typed_after(before: DraftText, now: DraftText) -> DraftText:
    """Return what a draft has grown by at its end; nothing where it changed in another way."""
    length = len(before.text)
    if not now.text.startswith(before.text) or len(now.text) == length:
        return NO_DRAFT
    blocks = tuple((start - length, end - length) for start, end in now.blocks if start >= length)
    return DraftText(CleanText(now.text[length:]), blocks)


def _load_later() -> None:
    for name in LATER:
        import_module(f"relai_tui.ui.{name}")
