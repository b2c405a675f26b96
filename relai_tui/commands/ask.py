"""`relai-tui ask`: one prompt, the answer to standard output as it comes, the conversation kept."""

import asyncio
import sys
from contextlib import aclosing, suppress
from enum import IntEnum
from math import ceil
from typing import TYPE_CHECKING

from relai_tui.account import Account, Launch, NoCredential
from relai_tui.api.deltas import QuotaWarning, TextDelta, ToolCallDelta, Waiting
from relai_tui.api.errors import (
    InsufficientBalance,
    KeyRefused,
    QuotaExceeded,
    RateLimited,
    RefusedToSend,
    RelaiError,
    ServerRefused,
)
from relai_tui.api.finish_reasons import finish_words, is_withheld
from relai_tui.commands.ending import STOPPED, say, until_stopped
from relai_tui.conversation import TurnState
from relai_tui.credentials.errors import CredentialError
from relai_tui.session import ChatSession, Reply
from relai_tui.store.errors import StoreError
from relai_tui.text import NOTHING, clean

if TYPE_CHECKING:
    from relai_tui.conversation import Conversation
    from relai_tui.store.database import Store


SETTLING = 2.0
"""Seconds that are waited for the cost of an answer, once it is out."""


class Exit(IntEnum):
    """The exit codes of `ask`."""

    COMPLETE = 0
    USAGE = 2
    INTERRUPTED = 3
    """The partial answer is on standard output."""
    REFUSED = 4
    """By the server, or by its content filter in mid-answer."""
    NO_CREDENTIAL = 5
    OUT_OF_CREDIT = 6
    RATE_LIMITED = 7
    """For longer than is waited for."""
    STOPPED = STOPPED


def ask(account: Account, launch: Launch) -> int:
    """Ask what `launch.prompt` and standard input say; the exit code."""
    return asyncio.run(until_stopped(account, _ask(account, launch)))


async def _ask(account: Account, launch: Launch) -> int:
    prompt = clean(launch.prompt or "")
    if not prompt.strip():
        return _complain('there is nothing to ask: relai-tui ask "…", or pipe a text in', Exit.USAGE)
    try:
        client = await account.connect()
    except (NoCredential, CredentialError) as error:
        return _complain(str(error), Exit.NO_CREDENTIAL)
    except RefusedToSend as error:
        return _complain(error.message, Exit.USAGE)
    except RelaiError as error:
        return _complain(error.message, Exit.NO_CREDENTIAL)
    try:
        store = await account.store()
        if store.notice:
            say(store.notice)
        conversation = await _conversation(account, launch, store)
        session = ChatSession(client, store, conversation, profile=account.profile.name, stream=launch.stream)
        reply = await session.begin(prompt, model=launch.model)
    except StoreError as error:
        return _complain(f"not sent, because it could not be kept: {error}", Exit.REFUSED)
    await _print_answer(reply)
    code = _outcome(reply)
    if account.edition == 2:
        await _settle(session, reply)
    return code


async def _settle(session: ChatSession, reply: Reply) -> None:
    """Note what the server says it cost. The answer is out already; a charge that comes later is left unknown."""
    sys.stdout.flush()
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLING):
            for wait in (0.0, SETTLING / 4, SETTLING / 2):
                await asyncio.sleep(wait)
                if await session.settle_exactly(reply) is not None or not session.may_settle(reply):
                    return


async def _conversation(account: Account, launch: Launch, store: "Store") -> "Conversation":
    found = await store.conversations.latest() if launch.continue_last else None
    if found is not None:
        return found
    model = launch.model or await account.preferred_model()
    return await store.conversations.create(model=model, system=launch.system or NOTHING, region=account.region)


async def _print_answer(reply: Reply) -> None:
    ended_line = True
    try:
        async with aclosing(reply.deltas()) as deltas:
            async for delta in deltas:
                match delta:
                    case TextDelta(text):
                        sys.stdout.write(text)
                        sys.stdout.flush()
                        ended_line = text.endswith("\n")
                    case Waiting(seconds, _, because):
                        say(f"trying again in {max(1, ceil(seconds))} s: {because}")
                    case QuotaWarning(_, message):
                        say(message)
                    case ToolCallDelta(_, _, name) if name:
                        say(f"the model asked for the tool {name}, which is not run")
    finally:
        if not ended_line:
            with suppress(BrokenPipeError):
                sys.stdout.write("\n")
                sys.stdout.flush()


def _outcome(reply: Reply) -> int:
    if reply.unsaved:
        say(f"the answer is not saved: {reply.unsaved}")
    answer, trouble = reply.answer, reply.trouble
    if answer.state is TurnState.COMPLETE:
        answered = bool(answer.text.strip() or answer.tool_calls)
        words = finish_words(answer.finish_reason, answered=answered, reasoned=bool(answer.reasoning))
        if words:
            say(words)
        return Exit.REFUSED if is_withheld(answer.finish_reason) else Exit.COMPLETE
    if trouble is None:
        return Exit.STOPPED
    if answer.state is TurnState.INTERRUPTED:
        return _complain(f"interrupted: {trouble}", Exit.INTERRUPTED)
    return _complain(trouble.message, exit_code(trouble))


def exit_code(trouble: RelaiError) -> Exit:
    """The exit code that tells a script what happened."""
    match trouble:
        case KeyRefused():
            return Exit.NO_CREDENTIAL
        case InsufficientBalance():
            return Exit.OUT_OF_CREDIT
        case RateLimited() | QuotaExceeded():
            return Exit.RATE_LIMITED
        case ServerRefused() | RefusedToSend():
            return Exit.REFUSED
    return Exit.INTERRUPTED


def _complain(words: str, code: int) -> int:
    say(words)
    return code
