"""`relai-tui ask`: one prompt, the answer to standard output as it comes, the conversation kept."""

import asyncio
import sys
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from relai_tui.account import Account, Launch
from relai_tui.api.deltas import QuotaWarning, TextDelta, ToolCallDelta, Waiting
from relai_tui.api.finish_reasons import finish_words, is_withheld
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import exit_code, run, say, say_progress
from relai_tui.commands.secret_check import secret_in
from relai_tui.commands.standard_streams import OutputFailed
from relai_tui.conversation import TurnState
from relai_tui.session import ChatSession, Reply
from relai_tui.store.errors import StoreError
from relai_tui.text import NOTHING, VisibleStream

if TYPE_CHECKING:
    from relai_tui.conversation import Conversation, Turn
    from relai_tui.store.database import Store


SETTLING = 2.0
"""Seconds that are waited for the cost of an answer, once it is out."""


def ask(account: Account, launch: Launch, *, allow_secrets: bool = False) -> int:
    """Ask what `launch.prompt` and standard input say; the exit code."""
    for warning in account.settings.warnings:
        say(warning)
    return run(account, _ask(account, launch, allow_secrets=allow_secrets))


async def _ask(account: Account, launch: Launch, *, allow_secrets: bool) -> ExitCode:
    prompt = launch.prompt or NOTHING
    if not prompt.strip():
        return say('there is nothing to ask: relai-tui ask "…", or pipe a text in', ExitCode.USAGE)
    if not allow_secrets and (held_back := secret_in(launch)):
        return say(held_back, ExitCode.SECRET_FOUND)
    client = await account.connect()
    if not allow_secrets and account.credential and (held_back := secret_in(launch, account.credential.key)):
        return say(held_back, ExitCode.SECRET_FOUND)
    try:
        store = await account.store()
        if store.notice:
            say(store.notice)
        conversation = await _conversation(account, launch, store)
        session = ChatSession(client, store, conversation, profile=account.profile.name, stream=launch.stream)
        reply = await _begun(session, prompt, launch)
    except StoreError as error:
        return say(f"not sent, because it could not be kept: {error}", exit_code(error))
    failed = await _print_answer(reply)
    code = _outcome(reply, failed)
    if account.edition == 2:
        await _settle(session, reply)
    return code


async def _begun(session: ChatSession, prompt: str, launch: Launch) -> Reply:
    """Keep the prompt and make room for the answer. Stopped in the middle of that, the answer is kept as stopped."""
    beginning = asyncio.ensure_future(session.begin(prompt, model=launch.model))
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        reply = await beginning
        await session.store.conversations.finish_turn(replace(reply.answer, state=TurnState.STOPPED))
        raise


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


async def _print_answer(reply: Reply) -> OutputFailed | None:
    """Print the answer as it comes; why that failed, if it did.

    An answer that cannot be written is read to its end all the same and kept. Once nobody reads it any more, as after
    `| head -1`, it is stopped: what came is kept, and no more is paid for.
    """
    failed: OutputFailed | None = None
    ended_line = True
    drawn = VisibleStream() if sys.stdout.isatty() else None
    try:
        async with aclosing(reply.deltas()) as deltas:
            async for delta in deltas:
                match delta:
                    case TextDelta(text):
                        failed = _put(text if drawn is None else drawn.feed(text)) or failed
                        ended_line = text.endswith("\n")
                    case Waiting():
                        say_progress(delta)
                    case QuotaWarning(_, message):
                        say(message)
                    case ToolCallDelta(_, _, name) if name:
                        say(f"the model asked for the tool {name}, which is not run")
                if failed is not None and failed.reader_gone:
                    break
    finally:
        if not ended_line:
            failed = _put(f"{drawn.finish() if drawn else ''}\n") or failed
    return failed


def _put(text: str) -> OutputFailed | None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OutputFailed as failed:
        if failed.reader_gone:
            say(f"{failed}: stopped. What came is kept; relai-tui -c shows it")
        else:
            say(f"{failed}. The answer is read to its end and kept; relai-tui -c shows it")
        return failed
    return None


def _outcome(reply: Reply, failed: OutputFailed | None) -> ExitCode:
    if reply.unsaved:
        say(f"the answer is not saved: {reply.unsaved}")
    answer, trouble = reply.answer, reply.trouble
    if trouble is None:
        return _outcome_of_whole(answer, failed)
    if answer.state is TurnState.INTERRUPTED:
        return say(f"interrupted: {trouble}", ExitCode.INCOMPLETE)
    if answer.text:
        return say(f"{trouble.message} What came is kept", ExitCode.INCOMPLETE)
    return say(trouble.message, exit_code(trouble))


def _outcome_of_whole(answer: "Turn", failed: OutputFailed | None) -> ExitCode:
    """Say what is odd about an answer the server ended by itself; the exit code."""
    if answer.state is not TurnState.COMPLETE:
        return ExitCode.STOPPED
    answered = bool(answer.text.strip() or answer.tool_calls)
    words = finish_words(answer.finish_reason, answered=answered, reasoned=bool(answer.reasoning))
    if words:
        say(words)
    if is_withheld(answer.finish_reason):
        return ExitCode.INCOMPLETE
    if failed is None:
        return ExitCode.DONE
    return ExitCode.STOPPED if failed.reader_gone else ExitCode.OUTPUT_FAILED
