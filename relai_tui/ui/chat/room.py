"""The chat room as its parts know it: what is in it, which conversation is shown, and what is written."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from textual.app import ComposeResult
from textual.message import Message

from relai_tui.account import Account, Launch
from relai_tui.conversation import NO_DRAFT, Conversation, DraftText, Turn, joined
from relai_tui.text import CleanLine, CleanText, clean_line
from relai_tui.ui.chat.drafts import DraftKeeper
from relai_tui.ui.chat.money import ChatMoney
from relai_tui.ui.chat.prompt import Draft, Prompt
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.chat.welcome import Welcome
from relai_tui.ui.page import KeyHints, Page, TopBar

if TYPE_CHECKING:
    from textual.worker import Worker

    from relai_tui.api.models import ApiKey
    from relai_tui.session import ChatSession, Reply

PAGE = 50
"""Turns read from the store at once."""


@dataclass(slots=True, eq=False)
class Sending:
    """A prompt between the key that sent it and its turn on disk. No other prompt leaves from there meanwhile."""

    place: str | None
    """The id of its conversation; None for one to be begun."""
    view: object
    """The view it was sent from."""
    model: CleanText
    draft: DraftText = NO_DRAFT
    """What was taken from the prompt; nothing where a prompt is asked again."""
    left: DraftText = NO_DRAFT
    """What was typed after it until the view was left."""
    storing: bool = False
    """Whether its turn is being written, which drops it as a draft in the same step."""
    begun: "tuple[ChatSession, Reply] | None" = None
    """Its session and its answer, once it is on disk."""
    worker: "Worker[None] | None" = None
    """Its coroutine, while the prompt is held back."""


class Left(NamedTuple):
    """What stays behind when a view is left."""

    place: str | None
    typed: DraftText
    sendings: tuple[Sending, ...]

    @property
    def draft(self) -> DraftText | None:
        """The draft of that conversation now; None once a prompt of it was stored, with what was typed after it."""
        if any(each.storing for each in self.sendings):
            return None
        unkept = joined(*(each.draft for each in self.sendings))
        return joined(unkept, self.typed)


class ChatRoom(Page):
    """Transcript and prompt of one conversation at a time."""

    DEFAULT_CSS = """
    ChatRoom {
        layout: vertical; background: $background;
        & Transcript { display: none; height: 1fr; }
        & Welcome { height: 1fr; }
        &.-talking Transcript { display: block; }
        &.-talking Welcome { display: none; }
        & Prompt { margin: 0 0 1 0; }
    }
    """

    class RevokeWanted(Message):
        """A prompt held a key that begins as these keys of the account do, and the user wants it revoked."""

        def __init__(self, keys: "tuple[ApiKey, ...]") -> None:
            super().__init__()
            self.keys = keys

    def __init__(self, account: Account, launch: Launch, clock: Callable[[], float]) -> None:
        # What is to be opened finds its room laid out, and is drawn at once instead of after another layout.
        super().__init__(classes="-talking" if launch.continue_last else None)
        self.account, self.launch, self.clock = account, launch, clock
        self.conversation: Conversation | None = None
        """The one shown; None where none is begun."""
        self.model: CleanText = launch.model or account.profile.model or CleanText("smart")
        """What the next prompt goes to."""
        self.typed_at = float("-inf")
        """When the last key came, on `perf_counter`."""
        self.bar, self.status, self.transcript = TopBar(), Status(clock), Transcript()
        self._welcome = Welcome(demo=launch.demo)
        settings = account.settings
        self._prompt = Prompt(enter_sends=settings.enter == "send", blink=settings.cursor_blink)
        self.draft: Draft = self._prompt.draft
        self.money = ChatMoney(account, self.bar, self.status, clock)
        self.drafts = DraftKeeper(self, account.store, self.draft_now, self._tell_of_draft)
        self.sendings: list[Sending] = []
        """Prompts that were sent and are not yet kept as turns: until then they are part of the draft."""
        self.view: object = object()
        """What is shown: another one with each conversation that is opened or begun."""

    def compose(self) -> ComposeResult:
        """The parts of the room."""
        yield self.bar
        yield self._welcome
        yield self.transcript
        yield self.status
        yield self._prompt
        yield KeyHints()

    def shows(self, turn: Turn) -> bool:
        """Whether the conversation shown is that of the turn."""
        return self.conversation is not None and self.conversation.id == turn.conversation_id

    def say(self, words: str) -> None:
        """Tell it in passing."""
        self.notify(words, markup=False)

    def show_model(self) -> None:
        """What the next prompt goes to, and the conversation's title."""
        bar = self.bar
        bar.model, bar.answered = clean_line(self.model), None
        bar.title = clean_line(self.conversation.title) if self.conversation else None
        self.draft.placeholder = "Ask anything"
        self._welcome.model = bar.model

    # -- what is shown

    async def show_branch(self, leaf: Turn) -> None:
        """Show the conversation up to a turn that may not be on the branch shown."""
        conversations = (await self.account.store()).conversations
        turns, older = await conversations.page(leaf.conversation_id, leaf=leaf.id, limit=PAGE)
        self.transcript.show(turns, older=older)

    # -- what is written

    def key_heard(self) -> None:
        """A key came from the terminal: its echo goes before anything else. Called in another thread."""
        self.typed_at = time.perf_counter()
        self.transcript.hold()

    @property
    def place(self) -> str | None:
        """The id of the conversation shown; None for one to be begun."""
        return self.conversation.id if self.conversation else None

    @property
    def is_sending(self) -> bool:
        """Whether a prompt is on its way from here and not yet on disk."""
        return self._sending_here is not None

    @property
    def _sending_here(self) -> Sending | None:
        place = self.place
        return next(
            (each for each in self.sendings if each.view is self.view or (each.place == place and place is not None)),
            None,
        )

    def take(self, draft: DraftText | None = None) -> Sending | None:
        """Begin to send from here; None where a prompt is on its way already."""
        if self.is_sending:
            return None
        sending = Sending(self.place, self.view, self.model, draft or NO_DRAFT)
        self.sendings.append(sending)
        return sending

    def draft_now(self) -> tuple[str | None, DraftText]:
        """Return the conversation that the draft belongs to, None for one to be begun, and the draft."""
        place = self.place
        unkept = (each for each in self.sendings if each.place == place and not each.storing)
        return place, joined(*(part for each in unkept for part in (each.draft, each.left)), self.draft.value)

    def draft_shown(self, conversation: Conversation) -> DraftText:
        """Return what the prompt shows of a conversation that opens: its draft, without a prompt that is on its way.

        On disk that prompt is part of the draft until its turn is stored.
        """
        waiting = [each for each in self.sendings if each.place == conversation.id and not each.storing]
        if not waiting:
            return conversation.draft
        shown = joined(*(each.left for each in waiting))
        for each in waiting:
            each.left = NO_DRAFT
        return shown

    def leave_view(self) -> "Left":
        """Leave what is shown for something else."""
        behind = tuple(each for each in self.sendings if each.view is self.view)
        for each in behind:
            each.left = self.draft.value
        self.view = object()
        return Left(self.place, self.draft.value, behind)

    def _tell_of_draft(self, trouble: CleanLine) -> None:
        self.status.notice = trouble
