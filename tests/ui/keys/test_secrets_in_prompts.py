"""Stories of a prompt that holds a key: nothing leaves before the user has decided."""

from pathlib import Path

from textual.widgets import Button

from relai_tui.account import Launch
from relai_tui.conversation import DraftText
from relai_tui.sandbox.server import Sandbox
from relai_tui.text import clean
from relai_tui.ui.chat.secret_found import SecretFound
from relai_tui.ui.keys.revoke import RevokeKey
from tests.ui.conftest import desk
from tests.ui.keys.conftest import Room, account_of, minted, room


def chats(sandbox: Sandbox) -> list[str]:
    return [each.body["messages"][-1]["content"] for each in sandbox.requests.of("POST", "/chat/completions")]


async def test_it_is_stopped_and_the_prompt_comes_back(sandbox: Sandbox, home: Path) -> None:
    leaked = minted(sandbox, "Leaked", 50).secret
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send(f"why does {leaked} not work?")
        await at.at(SecretFound)
        await at.sees("Relai API key")
        assert leaked not in at.screen_text()
        await at.pilot.press("enter")
        await at.until(lambda: at.draft.text == f"why does {leaked} not work?")
        await at.pilot.press("enter")
        await at.at(SecretFound)
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.page)
        assert chats(sandbox) == []
        assert await at.kept() == ()


async def test_redacted_it_is_sent_and_kept_without_the_key(sandbox: Sandbox, home: Path) -> None:
    leaked = minted(sandbox, "Leaked", 50).secret
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send(f"why does {leaked} not work?")
        await at.at(SecretFound)
        await at.press("redact")
        await at.until(lambda: chats(sandbox))
        assert chats(sandbox) == ["why does ‹Relai API key removed› not work?"]
        await at.answered()
        assert (await at.kept())[0].text == chats(sandbox)[0]


async def test_anyway_means_anyway_also_for_others_keys_in_a_paste(sandbox: Sandbox, home: Path) -> None:
    pasted = "\n".join([f"line {n}" for n in range(60)] + ["token = ghp_Ab1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2"])
    async with room(account_of(sandbox, home), listed=False) as at:
        at.draft.put(DraftText(clean(pasted)))
        await at.pilot.press("enter")
        await at.at(SecretFound)
        await at.sees("GitHub token")
        assert not at.app.screen.query("#revoke")
        await at.press("send")
        await at.until(lambda: chats(sandbox))
        assert chats(sandbox) == [pasted]
        await at.answered()


async def test_a_key_of_the_account_can_be_revoked_on_the_spot(sandbox: Sandbox, home: Path) -> None:
    leaked = minted(sandbox, "Leaked", 50)
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send(f"here: {leaked.secret}")
        await at.at(SecretFound)
        await at.sees("“Leaked”")
        await at.press("revoke")
        await at.at(RevokeKey)
        await at.sees("Leaked")
        await at.press("revoke")
        await at.until(lambda: leaked.revoked_at is not None)
        await at.pilot.press("f5")
        await at.until(lambda: at.app.screen is at.page)
        assert leaked.secret in at.draft.text
        assert chats(sandbox) == []


async def test_a_prompt_from_the_shell_is_looked_at_too(sandbox: Sandbox, home: Path) -> None:
    leaked = minted(sandbox, "Leaked", 50).secret
    async with desk(account_of(sandbox, home), Launch(prompt=clean(f"is {leaked} fine?"))) as shown:
        at = Room(shown.app, shown.pilot, shown.account)
        await at.at(SecretFound)
        assert at.app.screen.query_one("#back", Button).has_focus
        await at.pilot.press("escape")
        await at.until(lambda: leaked in at.draft.text)
        assert chats(sandbox) == []


async def test_asking_again_asks_about_the_key_again(sandbox: Sandbox, home: Path) -> None:
    leaked = minted(sandbox, "Leaked", 50).secret
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send(f"why does {leaked} not work?")
        await at.at(SecretFound)
        await at.press("send")
        await at.until(lambda: chats(sandbox))
        await at.answered()
        await at.ask_again()
        await at.at(SecretFound)
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.page)
        assert len(chats(sandbox)) == 1
        await at.ask_again()
        await at.at(SecretFound)
        await at.press("send")
        await at.until(lambda: len(chats(sandbox)) == 2)
        await at.answered()
