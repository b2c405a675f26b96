"""Turns for the tests, made the way the session makes them."""

from relai_tui.conversation import Conversation, Role, Turn, TurnState, new_id
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line

MODEL = clean_line("smart")


async def new_conversation(store: Store) -> Conversation:
    return await store.conversations.create(model=MODEL)


def prompt(conversation: Conversation, text: str, parent: Turn | None = None) -> Turn:
    return Turn(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id if parent else None,
        role=Role.USER,
        text=clean(text),
        state=TurnState.COMPLETE,
        created_at=1_800_000_000.0,
    )


def answer(conversation: Conversation, parent: Turn, text: str = "", state: TurnState = TurnState.STREAMING) -> Turn:
    return Turn(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id,
        role=Role.ASSISTANT,
        text=clean(text),
        state=state,
        created_at=1_800_000_001.0,
        model_asked=MODEL,
    )


async def ask(
    store: Store, conversation: Conversation, text: str, said: str = "Fine.", parent: Turn | None = None
) -> Turn:
    """A prompt and its complete answer; returns the answer."""
    asked = prompt(conversation, text, parent)
    await store.conversations.add_turn(asked)
    told = answer(conversation, asked, said, TurnState.COMPLETE)
    await store.conversations.add_turn(told)
    return told
