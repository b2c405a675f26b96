"""Stories of the chat room: keys pressed, then what is on the screen, then what is kept."""

from pathlib import Path

import pytest
from textual.events import Key, Paste

from relai_tui.account import Launch
from relai_tui.conversation import NO_DRAFT, Role, TurnState
from relai_tui.sandbox.faults import cut, delay, error
from relai_tui.sandbox.server import Sandbox
from relai_tui.text import clean, clean_line
from relai_tui.ui.chat.model_picker import ModelPicker
from relai_tui.ui.chat.shelf import Shelf
from relai_tui.ui.sign_in import SignInScreen
from tests.ui.conftest import account_on, desk


async def test_a_prompt_is_answered_on_the_screen_and_kept(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.sees("Ask smart anything")
        await at.send("Say something short.")
        await at.answered()
        await at.sees("tokens")
        prompt, answer = await at.kept()
        assert (prompt.text, answer.state) == ("Say something short.", TurnState.COMPLETE)
        assert at.bar.answered == answer.model_answered
        assert at.draft.has_focus


async def test_opening_the_app_sends_nothing(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
    async with desk(account_on(sandbox, home), Launch(continue_last=True)) as at:
        await at.sees("hello")
        await at.until(lambda: at.bar.credits is not None)
        assert len(sandbox.requests.of("POST", "/chat/completions")) == 1


async def test_a_prompt_given_on_the_command_line_is_sent(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home), Launch(prompt=clean("from the shell"))) as at:
        await at.sees("from the shell")
        await at.until(lambda: sandbox.requests.of("POST", "/chat/completions"))
        await at.answered()


async def test_escape_stops_keeps_the_partial_and_says_so(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("very long 4000 at 200/s")
        await at.until(lambda: at.status.streaming)
        await at.pilot.press("escape")
        await at.answered()
        await at.sees("stopped")
        _, answer = await at.kept()
        assert answer.state is TurnState.STOPPED
        assert answer.text


async def test_what_is_typed_while_an_answer_comes_is_not_sent_and_not_lost(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("very long 4000 at 200/s")
        await at.until(lambda: at.status.streaming)
        await at.send("a second thought")
        await at.sees("still on its way")
        assert at.draft.text == "a second thought"
        await at.pilot.press("escape")
        await at.until(lambda: at.page.here is None)
        assert at.draft.text == "a second thought"
        assert len(sandbox.requests.of("POST", "/chat/completions")) == 1


async def test_a_cut_answer_is_shown_as_interrupted(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(cut(30))
    async with desk(account_on(sandbox, home)) as at:
        await at.send("markdown")
        await at.answered()
        await at.sees("interrupted")
        await at.send("and now?")
        await at.answered()
        assert (await at.kept())[-1].role is Role.ASSISTANT


REFUSALS = [
    (400, "bad_request"),
    (401, "invalid_api_key"),
    (402, "insufficient_balance"),
    (403, "region_mismatch"),
    (404, "model_not_found"),
    (429, "end_user_quota_exceeded"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS)
async def test_after_every_refusal_one_can_go_on(sandbox: Sandbox, home: Path, status: int, code: str) -> None:
    sandbox.faults.add(error(status, code, "Not [this] time."), path="/chat/completions", times=1)
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await at.sees("failed")
        await at.send("short")
        await at.answered()
        assert (await at.kept())[-1].state is TurnState.COMPLETE


async def test_a_retry_counts_down_and_escape_gives_up(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(503, "overloaded", retry_after=30), path="/chat/completions")
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.sees("trying again in")
        await at.pilot.press("escape")
        await at.answered()
        assert len(sandbox.requests.of("POST", "/chat/completions")) == 1


async def test_the_draft_survives_escape_a_new_chat_and_a_restart(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("first")
        await at.answered()
        await at.type("half a thought")
        await at.pilot.press("escape")
        assert at.draft.text == "half a thought"
        await at.pilot.press("ctrl+n")
        await at.until(lambda: at.draft.text == "")
        await at.type("another")
        await at.pilot.press("ctrl+q")
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.draft.text == "another")
    async with desk(account_on(sandbox, home), Launch(continue_last=True)) as at:
        await at.until(lambda: at.draft.text == "half a thought")


async def test_new_lines_without_sending(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.type("one")
        await at.pilot.press("ctrl+j", *"two", "shift+enter", *"three", "backslash", "enter", *"four")
        assert at.draft.text == "one\ntwo\nthree\nfour"
        assert at.draft.region.height == 4
        await at.type("\nline" * 20)
        assert at.draft.region.height == 10


async def test_a_large_paste_is_folded_and_sent_whole(sandbox: Sandbox, home: Path) -> None:
    pasted = "\n".join(f"line {number}" for number in range(200))
    async with desk(account_on(sandbox, home)) as at:
        await at.type("see: ")
        at.app.post_message(Paste(pasted))
        await at.sees("see: [Pasted #1 +200 lines]")
        await at.pilot.press("enter")
        await at.answered()
        assert (await at.kept())[0].text == f"see: {pasted}"


async def test_earlier_prompts_come_back_with_up(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        for text in ("first", "second"):
            await at.send(text)
            await at.answered()
        await at.type("unsent")
        await at.pilot.press("up")
        assert at.draft.text == "second"
        await at.pilot.press("up")
        assert at.draft.text == "first"
        await at.pilot.press("down", "down")
        assert at.draft.text == "unsent"


async def test_choosing_a_model_shows_and_uses_it(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.bar.credits is not None)
        await at.pilot.press("ctrl+l")
        await at.until(lambda: isinstance(at.app.screen, ModelPicker) and not at.app.screen.loading_models)
        await at.pilot.press(*"opus")
        await at.sees("hidden by the filter")
        await at.pilot.press("enter")
        await at.until(lambda: "opus" in (at.bar.model or ""))
        await at.send("hello")
        await at.answered()
        assert "opus" in (sandbox.requests.of("POST", "/chat/completions")[0].body["model"])
        await at.pilot.press("ctrl+o")
        await at.sees("RECENT")


async def test_a_kept_conversation_is_found_by_what_was_said_and_opened(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("tell me about quokkas")
        await at.answered()
        await at.pilot.press("ctrl+n")
        await at.send("something else")
        await at.answered()
        await at.pilot.press("ctrl+s")
        await at.until(lambda: isinstance(at.app.screen, Shelf))
        await at.pilot.press(*"quok")
        await at.sees("1 found")
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.page)
        await at.sees("quokkas")
        assert len(sandbox.requests.of("POST", "/chat/completions")) == 2


async def test_an_answer_goes_on_unseen_and_is_there_when_one_comes_back(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("long 1500 at 500/s")
        await at.until(lambda: at.status.streaming)
        await at.pilot.press("ctrl+n")
        await at.sees("anything")
        await at.pilot.press("ctrl+s")
        await at.sees("long 1500")
        await at.pilot.press("enter")
        await at.until(lambda: at.page.conversation is not None)
        await at.until(lambda: at.page.here is None)
        await at.sees("tokens")
        assert (await at.kept())[-1].state is TurnState.COMPLETE


async def test_ctrl_c_stops_then_asks_before_it_quits(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("very long 4000 at 200/s")
        await at.until(lambda: at.status.streaming)
        await at.pilot.press("ctrl+c")
        await at.until(lambda: at.page.here is None)
        await at.pilot.press("ctrl+c")
        await at.sees("again to quit")
        assert at.app.is_running
        await at.pilot.press("ctrl+c")
        await at.until(lambda: not at.app.is_running or at.app._exit)


async def test_quitting_in_mid_answer_keeps_it(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home)
    async with desk(account) as at:
        await at.send("very long 4000 at 200/s")
        await at.until(lambda: at.status.streaming)
        await at.pilot.press("ctrl+q")
    async with desk(account_on(sandbox, home)) as at:
        _, answer = await at.kept()
        assert answer.state is TurnState.STOPPED
        assert answer.text


async def test_a_hostile_answer_is_only_text(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hostile [/] [@click=app.quit]x[/]")
        await at.answered()
        await at.sees("[@click=app.quit]x[/]")
        assert "\x1b" not in at.screen_text()
        assert "\u202e" not in at.screen_text()


async def test_slash_commands_run_and_unknown_ones_are_not_sent(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("/modle")
        await at.sees("There is no /modle")
        assert at.draft.text == "/modle"
        at.draft.put(NO_DRAFT)
        await at.send("/model fast")
        await at.until(lambda: at.bar.model == "fast")
        await at.send("//usr is a path")
        await at.answered()
        assert (await at.kept())[0].text == "/usr is a path"


async def test_help_lists_the_keys_of_what_has_the_focus(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home), size=(120, 50)) as at:
        await at.pilot.press("f1")
        await at.sees("Send the prompt")
        await at.sees("Choose the model")
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.page)


async def test_the_credits_are_in_the_bar_and_fall(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.bar.credits is not None and at.bar.credits.micro == 4_500_000)
        await at.send("markdown")
        await at.answered()
        await at.until(lambda: at.bar.credits is not None and (at.bar.credits.micro or 0) < 4_500_000)
        await at.sees("exact")


async def test_asking_again_puts_another_answer_beside_the_first(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(500, "internal_error"), path="/chat/completions", times=3)
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.until(lambda: "failed" in at.screen_text())
        await at.ask_again()
        await at.until(lambda: "failed" not in at.screen_text())
        await at.until(lambda: at.page.here is None)
        prompt, answer = await at.kept()
        assert (prompt.text, answer.state) == ("hello", TurnState.COMPLETE)
        store = await at.account.store()
        assert len(await store.conversations.siblings(answer.id)) == 2
        assert sandbox.requests.of("POST", "/chat/completions")[-1].body["messages"] == [
            {"role": "user", "content": "hello"}
        ]


async def test_a_link_shows_its_true_target_and_opens_only_on_a_yes(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    async with desk(account_on(sandbox, home)) as at:
        monkeypatch.setattr(at.app, "open_url", opened.append)
        await at.send("echo: [your bank](https://evil.example/login)")
        await at.answered()
        await at.sees("your bank")
        at.transcript.post_message(at.transcript.LinkActivated(clean_line("https://evil.example/login")))
        await at.sees("Open this link?")
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.page)
        assert opened == []
        at.transcript.post_message(at.transcript.LinkActivated(clean_line("https://evil.example/login")))
        await at.sees("Open this link?")
        await at.pilot.press("right", "enter")
        await at.until(lambda: opened == ["https://evil.example/login"])


async def test_keys_that_come_in_one_bunch_are_taken_in_their_order(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.bar.credits is not None)
        for key in ("w", "o", "x", "backspace", "r", "d", "ctrl+j", "!", "enter"):
            at.app.post_message(Key(key, key if len(key) == 1 else None))
        await at.until(lambda: sandbox.requests.of("POST", "/chat/completions"))
        await at.answered()
        assert (await at.kept())[0].text == "word\n!"


async def test_a_second_prompt_sent_before_the_first_could_leave_waits_in_the_draft(
    sandbox: Sandbox, home: Path
) -> None:
    sandbox.faults.add(delay(1.5), path="/models", times=1)
    async with desk(account_on(sandbox, home, environ={})) as at:
        await at.send("first")
        await at.send("second")
        await at.sees("still on its way")
        await at.until(lambda: isinstance(at.app.screen, SignInScreen))
        await at.pilot.press("escape")
        await at.until(lambda: at.draft.text == "first\nsecond")
    assert not sandbox.requests.of("POST", "/chat/completions")
