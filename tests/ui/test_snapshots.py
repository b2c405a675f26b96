"""What the room looks like: empty, full, streaming, in trouble, narrow. Compared as pictures."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from relai_tui.account import Account, Launch
from relai_tui.api.keys import read_key
from relai_tui.conversation import CostBasis, Figures, Role, ToolCall, Turn, TurnState, new_id
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.sandbox.faults import error, stall
from relai_tui.sandbox.server import Sandbox, run_in_thread
from relai_tui.settings import Paths, load
from relai_tui.settings.saving import save_choice
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.chat.model_picker import ModelPicker
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.chat.prompt import Draft
from relai_tui.ui.chat.shortfall import Shortfall
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.page import TopBar
from relai_tui.ui.sign_in import SignInScreen
from tests.ui.conftest import account_on

DOCUMENT = """\
# Release *notes*

A paragraph with **bold**, `code`, ~~gone~~ and [a link](https://example.com/notes "title"), long enough to wrap twice
at eighty columns, which is what it is here for.

1. first
2. second
   - nested
   - [x] done

> A quote, and in it
> > another.

| left | right | middle |
|:---|---:|:---:|
| a | 1 | x |
| 日本 | 22 | 🚀 |

```python
def answer(question: str) -> int:
    return 42  # always
```
"""

Compare = Callable[..., bool]


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with ExitStack() as stack:
        yield stack.enter_context(run_in_thread(tokens_per_second=0))


def seeded(home: Path) -> None:
    """A conversation with every kind of turn, on disk."""

    async def write() -> None:
        async with await Store.open(home / "data" / "relai.db", clock=lambda: 1_750_000_000.0) as store:
            smart = clean_line("smart")
            conversation = await store.conversations.create(model=smart)
            question = clean("What is new?\nIn short.")
            asked = Turn(new_id(), conversation.id, None, Role.USER, question, TurnState.COMPLETE, 1.0)
            answer = Turn(
                id=new_id(),
                conversation_id=conversation.id,
                parent_id=asked.id,
                role=Role.ASSISTANT,
                text=clean(DOCUMENT),
                state=TurnState.COMPLETE,
                created_at=2.0,
                reasoning=clean("The user wants to know what is new. I list it."),
                tool_calls=(ToolCall(clean_line("call_1"), clean_line("look_up"), clean('{"version": "8.2"}')),),
                model_asked=smart,
                model_answered=clean_line("claude-sonnet-4.6"),
                figures=Figures(24, 1_204, 0.4, 15.8, 4_200, CostBasis.MEASURED),
            )
            more = clean("And what broke?")
            again = Turn(new_id(), conversation.id, answer.id, Role.USER, more, TurnState.COMPLETE, 3.0)
            cut = Turn(
                id=new_id(),
                conversation_id=conversation.id,
                parent_id=again.id,
                role=Role.ASSISTANT,
                text=clean("Three things broke, and the first of them is that"),
                state=TurnState.INTERRUPTED,
                created_at=4.0,
                error=clean_line("The answer broke off: the connection was lost."),
                model_asked=smart,
                model_answered=clean_line("claude-sonnet-4.6"),
                figures=Figures(1_230, None, 0.6, 2.0),
            )
            for turn in (asked, answer, again, cut):
                await store.conversations.add_turn(turn)
            for turn in (answer, cut):
                figures = turn.figures
                await store.ledger.record_cost(
                    turn.id, conversation.id, "default", cost_micro=figures.cost_micro, basis=figures.cost_basis
                )

    asyncio.run(write())


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.01)
    await pilot.pause()


async def credited(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: pilot.app.screen_stack[0].query_one(TopBar).credits is not None)


def app_on(server: Sandbox, home: Path, launch: Launch | None = None) -> RelaiApp:
    return RelaiApp(account_on(server, home), launch or Launch(), clock=lambda: 0.0)


def test_empty(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    assert snap_compare(app_on(server, home), run_before=credited, terminal_size=(100, 30))


STALLED_AT = 60
"""Words that come before the answer stalls."""


async def drawn(pilot: Pilot[None]) -> None:
    await credited(pilot)
    transcript = pilot.app.screen.query_one(Transcript)
    await until(pilot, lambda: transcript.first_turn_id and transcript.drawing_done)
    await until(pilot, lambda: (pilot.app.screen.query_one(TopBar).spent or "").endswith("this"))
    await pilot.pause()


@pytest.mark.parametrize("size", [(100, 60), (80, 24), (40, 20)], ids=["full", "narrow", "tiny"])
def test_a_conversation(snap_compare: Compare, server: Sandbox, home: Path, size: tuple[int, int]) -> None:
    seeded(home)
    assert snap_compare(app_on(server, home, Launch(continue_last=True)), run_before=drawn, terminal_size=size)


@pytest.mark.parametrize("theme", ["relai-day", "ansi-light"])
def test_a_light_theme(snap_compare: Compare, server: Sandbox, home: Path, theme: str) -> None:
    seeded(home)
    save_choice(Paths.find({"RELAI_TUI_HOME": str(home)}), theme=theme)
    assert snap_compare(app_on(server, home, Launch(continue_last=True)), run_before=drawn, terminal_size=(100, 60))


async def ask(pilot: Pilot[None], text: str) -> None:
    await credited(pilot)
    pilot.app.screen.query_one(Draft).type(text)
    await pilot.press("enter")


def test_streaming(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    server.faults.add(stall(60))

    async def streaming(pilot: Pilot[None]) -> None:
        await ask(pilot, "echo: " + "one two three four five " * 40)
        await until(pilot, lambda: pilot.app.screen.query_one(Status).streaming)
        transcript = pilot.app.screen.query_one(Transcript)
        await until(pilot, lambda: len((transcript.last_answer_source() or "").split()) == STALLED_AT)
        await until(pilot, lambda: transcript.drawing_done)
        status = pilot.app.screen.query_one(Status)
        status._clock = lambda: status.since
        status.refresh()
        await pilot.pause()

    assert snap_compare(app_on(server, home), run_before=streaming, terminal_size=(100, 30))


def quiet_alerts(home: Path, more: str = "") -> None:
    """No toast of low credits in a picture that is about something else."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text(f"{more}[alerts]\nlow = {{}}\ncritical = {{}}\n")


async def refused(pilot: Pilot[None]) -> None:
    await ask(pilot, "something costly")
    place = pilot.app.screen.query_one(Shortfall)
    transcript = pilot.app.screen.query_one(Transcript)
    await until(pilot, lambda: place.display and transcript.drawing_done)
    await until(pilot, lambda: pilot.app.focused is place.query_one(OptionList))


@pytest.mark.parametrize(
    ("theme", "size"),
    [("relai-night", (80, 24)), ("relai-night", (120, 30)), ("relai-day", (80, 24)), ("relai-night", (60, 20))],
    ids=["narrow", "normal", "light", "tiny"],
)
def test_out_of_credit(snap_compare: Compare, server: Sandbox, home: Path, theme: str, size: tuple[int, int]) -> None:
    quiet_alerts(home, f'theme = "{theme}"\n')
    server.account.set_credits(120_000)
    more = {"balance_micro": 120_000, "required_micro": 310_000}
    server.faults.add(error(402, "insufficient_balance", "Insufficient balance.", **more), path="/chat/completions")
    assert snap_compare(app_on(server, home), run_before=refused, terminal_size=size)


def test_the_balance_rose(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    quiet_alerts(home)
    server.account.set_credits(120_000)
    more = {"balance_micro": 120_000, "required_micro": 310_000}
    server.faults.add(error(402, "insufficient_balance", "Insufficient balance.", **more), path="/chat/completions")

    async def risen(pilot: Pilot[None]) -> None:
        await refused(pilot)
        server.account.top_up(5_000_000)
        page = pilot.app.screen
        assert isinstance(page, ChatPage)
        page.account.watch.read_soon()
        await until(pilot, lambda: page.has_class("-talking") and page.query_one(Shortfall).has_class("-enough"))
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app_on(server, home), run_before=risen, terminal_size=(100, 26))


def test_over_a_hard_limit(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    quiet_alerts(home, "[limits]\nday = { hard = 0 }\n")

    async def asked(pilot: Pilot[None]) -> None:
        await ask(pilot, "one more")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.pause()

    assert snap_compare(app_on(server, home), run_before=asked, terminal_size=(100, 26))


def test_held_back_by_the_keys_rate(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    quiet_alerts(home)

    async def held(pilot: Pilot[None]) -> None:
        page = pilot.app.screen
        assert isinstance(page, ChatPage)
        governor = page.account.governor
        await credited(pilot)
        governor._sent.clear()
        governor._clock = lambda: 1_000.0
        governor.limit = 60
        while governor.used() < 60:
            governor.sent()
        page.money._clock = page.status._clock = lambda: 1_000.0
        page.money.show_meter()
        await ask(pilot, "one more")
        await until(pilot, lambda: page.status.holding is not None)
        await pilot.pause()

    assert snap_compare(app_on(server, home), run_before=held, terminal_size=(100, 26))


def test_choosing_a_model(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    async def choosing(pilot: Pilot[None]) -> None:
        await credited(pilot)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker) and not pilot.app.screen.loading_models)
        await pilot.press(*"claude")

    assert snap_compare(app_on(server, home), run_before=choosing, terminal_size=(80, 24))


def test_the_help(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    async def helped(pilot: Pilot[None]) -> None:
        await credited(pilot)
        await pilot.press("f1")
        await pilot.pause()

    assert snap_compare(app_on(server, home), run_before=helped, terminal_size=(110, 44))


def test_signing_in(snap_compare: Compare, home: Path) -> None:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    account = Account(settings, settings.profile(), Keyring(read_key, environ={"CI": "1"}), {})

    async def asked(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        pilot.app.screen.query_one("#key").value = "rk-eu-0123456789abcdefghij"  # type: ignore[attr-defined]
        await pilot.pause()

    assert snap_compare(RelaiApp(account, Launch()), run_before=asked, terminal_size=(80, 24))
