"""Prompts that the credits did not cover, by conversation, and the place where the shown one's is told."""

from typing import TYPE_CHECKING

from relai_tui.api.errors import InsufficientBalance
from relai_tui.conversation import Turn
from relai_tui.ui.chat.shortfall import Shortage, Shortfall

if TYPE_CHECKING:
    from relai_tui.ui.chat.room import ChatRoom


class Shortages:
    """Out of credit in one room. Nothing here sends anything."""

    def __init__(self, room: "ChatRoom") -> None:
        self._room = room
        self._known: dict[str, Shortage] = {}
        self._place: Shortfall | None = None

    async def fell_short(self, answer: Turn, trouble: InsufficientBalance) -> None:
        """Make the place where it is said what is missing and what can be done."""
        room = self._room
        conversation = await (await room.account.store()).conversations.get(answer.conversation_id)
        if conversation is None:
            return
        ways = await room.money.purser.ways(conversation)
        shortage = Shortage(answer, trouble.balance_micro, trouble.required_micro, trouble.message, ways)
        self._known[conversation.id] = shortage
        if self._place is None:
            self._place = Shortfall()
            await room.mount(self._place, before=room.status)
        self.show()
        if room.shows(answer):
            self._place.query_one("OptionList").focus()
        room.account.watch.read_soon()

    def settled(self, conversation_id: str) -> None:
        """The prompt is asked again, or another one is: nothing is missing now."""
        self._known.pop(conversation_id, None)
        self.show()

    def balance_is(self, micro: int) -> None:
        """Tell it where it is missed; nothing is sent for that."""
        for name, shortage in self._known.items():
            after = shortage.with_balance(micro)
            if after.enough and not shortage.enough:
                self._room.notify("The balance rose: the prompt can be asked again.", markup=False, timeout=8)
            self._known[name] = after
        self.show()

    def show(self) -> None:
        """What is missing in the conversation shown."""
        shown = self._room.conversation
        if self._place is not None:
            self._place.shortage = self._known.get(shown.id) if shown else None
