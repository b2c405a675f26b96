"""Stories of keys that are created, revoked and rotated, with everything that can go wrong on the way."""

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Button, Static

from relai_tui.api.keys import read_key
from relai_tui.sandbox.faults import answer, delay, error, html, lost_answer, no_secret
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.keys.create import CreateKey
from relai_tui.ui.keys.reveal import RevealSecret
from relai_tui.ui.keys.revoke import RevokeKey, RevokeSeveral
from relai_tui.ui.keys.rotate import RotateKey
from relai_tui.ui.secret_text import SecretText
from relai_tui.ui.sign_in import SignInScreen
from tests.key_stories import MemoryKeyring, posts, sign_in
from tests.ui.keys.conftest import account_of, minted, room


async def test_a_key_is_made_and_its_secret_leaves_only_when_told(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    async with room(account_of(sandbox, home)) as at:
        await at.make("Nightly run")
        secret = sandbox.account.keys[-1].secret
        assert secret not in at.screen_text()
        await at.sees("•••••")
        for key in ("escape", "f5", "f6", "ctrl+q", "q"):
            await at.pilot.press(key)
            await at.pilot.pause()
        await at.pilot.click(offset=(1, 1))
        await at.app.action_quit()
        assert at.keys.reason_to_stay
        assert isinstance(at.app.screen, RevealSecret)
        assert not at.app._exit
        await at.press("reveal")
        await at.sees(secret)
        picture = at.app.export_screenshot()
        assert secret not in picture
        assert secret not in at.screen_text()
        await at.press("copy")
        await at.says("paste to check")
        assert at.app.clipboard == ""
        await at.press("keep")
        await at.says("read back")
        assert memory.of("nightly-run") == secret
        await at.press("stored")
        await at.back()
        await at.until(lambda: at.here.key.name == "Nightly run")
        assert at.here.profiles == ("nightly-run",)
        assert posts(sandbox) == 1
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert secret.encode() not in kept


async def test_a_revealed_secret_is_masked_again_by_itself_and_a_signal_may_end_it(
    sandbox: Sandbox, home: Path
) -> None:
    async with room(account_of(sandbox, home)) as at:
        await at.make("Nightly")
        await at.pilot.press("v")
        shown = at.app.screen.query_one(SecretText)
        assert shown.revealed
        shown.conceal()
        await at.pilot.pause()
        assert sandbox.account.keys[-1].secret not in at.screen_text()
        assert at.app.screen.get_selected_text() is None
        await at.press("stored")
        await at.back()


async def test_the_form_says_what_is_wrong_before_anything_is_sent(sandbox: Sandbox, home: Path) -> None:
    minted(sandbox, "Taken")
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("n")
        await at.at(CreateKey)
        assert bool(at.app.screen.query("#scope")) is (2 in sandbox.keys)
        await at.press("create")
        await at.says("needs a name")
        await at.fill("name", "taken")
        await at.sees("has this name already")
        await at.fill("name", "n" * 65)
        await at.sees("at most 64")
        await at.fill("name", "Fine")
        await at.fill("rpm", "1001")
        await at.press("create")
        await at.says("whole number")
        assert posts(sandbox) == 0
        await at.pilot.press("escape")
        await at.back()


async def test_scope_and_limit_reach_the_server(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Everywhere")
        await at.fill("rpm", "900")
        if 2 in sandbox.keys:
            at.app.screen.query_one("#global").toggle()  # type: ignore[attr-defined]
        await at.press("create")
        await at.at(RevealSecret)
        new = sandbox.account.keys[-1]
        assert (new.rpm_limit, new.scope) == (900, "global" if 2 in sandbox.keys else "regional")
        await at.press("stored")
        await at.back()
        assert posts(sandbox) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
async def test_a_refusal_stays_in_the_form_and_sends_nothing_again(sandbox: Sandbox, home: Path, status: int) -> None:
    wait = {"retry_after": 25} if status == 429 else {}
    code = "rate_limit_exceeded" if status == 429 else "no"
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(error(status, code, "Not [/] so.", **wait), method="POST", path="/keys", times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.press("create")
        await at.says("Nothing was created")
        assert posts(sandbox) == 1
        if status == 429:
            await at.sees("Create (in 25 s)")
            assert at.app.screen.query_one("#create", Button).disabled
        else:
            await at.press("create")
            await at.at(RevealSecret)
            await at.press("stored")


async def test_the_form_cannot_be_left_while_the_answer_is_out(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(delay(0.6), method="POST", path="/keys", times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.pilot.press("enter", "enter", "enter")
        await at.until(lambda: posts(sandbox))
        await at.pilot.press("escape")
        await at.app.action_quit()
        assert not at.app._exit
        assert isinstance(at.app.screen, CreateKey)
        await at.at(RevealSecret)
        assert posts(sandbox) == 1
        await at.press("stored")
        await at.back()


@pytest.mark.parametrize("how", ["close", "error"])
async def test_a_lost_answer_is_found_revoked_and_tried_again(sandbox: Sandbox, home: Path, how: str) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(lost_answer("close" if how == "close" else "error"), method="POST", path="/keys", times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.press("create")
        await at.at(Confirm)
        await at.sees("its secret is lost")
        assert posts(sandbox) == 1
        lost = sandbox.account.keys[-1]
        await at.sees(lost.id)
        assert lost.revoked_at is None
        await at.press("yes")
        await at.at(CreateKey)
        assert lost.revoked_at is not None
        await at.press("create")
        await at.at(RevealSecret)
        assert posts(sandbox) == 2
        await at.press("stored")


async def test_an_answer_without_a_secret_says_so_and_offers_to_revoke(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(no_secret(), times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.press("create")
        await at.at(Confirm)
        await at.sees("The answer held no secret")
        await at.press("no")
        await at.back()
        await at.until(lambda: at.here.key.name == "Nightly")
        assert sandbox.account.keys[-1].revoked_at is None


async def test_a_failure_before_the_work_and_a_list_that_cannot_be_read(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(html(502), method="POST", path="/keys", times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.press("create")
        await at.at(Confirm)
        await at.sees("No key was created")
        await at.press("yes")
        await at.at(CreateKey)
        sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
        sandbox.faults.add(delay(0), method="GET", path="/keys", times=1)
        sandbox.faults.add(error(403, "forbidden"), method="GET", path="/keys", times=1)
        await at.press("create")
        await at.at(Confirm)
        await at.sees("may have been created")
        assert posts(sandbox) == 2
        await at.press("no")


async def test_a_key_nobody_uses_goes_with_a_plain_yes_and_cancel_is_the_default(sandbox: Sandbox, home: Path) -> None:
    old = minted(sandbox, "Old importer", 120)
    async with room(account_of(sandbox, home)) as at:
        await at.on("Old importer")
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.sees(old.prefix)
        await at.pilot.press("enter")
        await at.back()
        assert old.revoked_at is None
        await at.pilot.press("delete")
        await at.at(RevokeKey)
        await at.pilot.press("right", "enter")
        await at.back()
        await at.until(lambda: old.revoked_at is not None)
        await at.sees("is revoked")


async def test_a_key_in_use_is_revoked_by_its_name_only_and_by_the_id_it_had(sandbox: Sandbox, home: Path) -> None:
    busy = minted(sandbox, "Busy", 0.2)
    async with room(account_of(sandbox, home)) as at:
        await at.on("Busy")
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.sees("it was used 4 h ago")
        assert at.app.screen.query_one("#revoke", Button).disabled
        await at.fill("typed", "busy")
        assert at.app.screen.query_one("#revoke", Button).disabled
        # What the list does meanwhile changes nothing: the target is fixed.
        minted(sandbox, "Another", 0.1)
        await at.keys._read_list()
        await at.fill("typed", "Busy")
        await at.press("revoke")
        await at.back()
        await at.until(lambda: busy.revoked_at is not None)
        assert [key.name for key in sandbox.account.keys if key.revoked_at is not None] == ["Busy"]


@pytest.mark.parametrize(("status", "words"), [(403, "Not so"), (409, "Not so"), (429, "Not so"), (500, "Not so")])
async def test_a_refused_revocation_is_told(sandbox: Sandbox, home: Path, status: int, words: str) -> None:
    old = minted(sandbox, "Old", 120)
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(error(status, "no", words), method="DELETE", times=1)
        await at.on("Old")
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.press("revoke")
        await at.sees(words)
        assert old.revoked_at is None
        assert len([each for each in sandbox.requests if each.method == "DELETE"]) == 1


async def test_revoking_the_key_of_this_session_leads_to_the_sign_in(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    key = next(iter(sandbox.keys.values()))
    await sign_in(sandbox, home, key)
    spare = minted(sandbox, "Spare")
    async with room(account_of(sandbox, home, signed_in=True)) as at:
        ours = sandbox.account.keys[0]
        await at.on(ours.name)
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.sees("this session uses it")
        await at.sees("profile “default”")
        await at.sees("asked to sign in")
        await at.fill("typed", ours.name)
        await at.press("revoke")
        await at.at(SignInScreen)
        assert memory.of("default") is None
        asked = len(sandbox.requests)
        await at.pilot.pause(0.3)
        assert len(sandbox.requests) <= asked + 1
        at.app.screen.query_one("#key").value = spare.secret  # type: ignore[attr-defined]
        await at.press("sign-in")
        await at.back()
        await at.until(lambda: "Spare" in at.names() and at.list_status.trouble is None)
        assert memory.of("default") == spare.secret
        await at.sees("the server refuses it now")
        await at.pilot.press("f5")
        await at.send("hello")
        await at.answered()
        assert spare.last_used_at is not None


async def test_after_it_the_chat_asks_for_a_key_and_keeps_the_draft(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        ours = sandbox.account.keys[0]
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.fill("typed", ours.id)
        await at.press("revoke")
        await at.at(SignInScreen)
        await at.pilot.press("escape")
        await at.back()
        await at.sees("was revoked here")
        await at.pilot.press("f5")
        await at.send("hello")
        await at.at(SignInScreen)
        await at.pilot.press("escape")
        await at.until(lambda: at.draft.text == "hello")
        assert not sandbox.requests.of("POST", "/chat/completions")


async def test_running_answers_are_named_before_their_key_goes(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send("very long 4000 at 20/s")
        await at.until(lambda: at.status.streaming)
        await at.listed()
        await at.on(sandbox.account.keys[0].name)
        await at.pilot.press("x")
        await at.at(RevokeKey)
        await at.sees("“very long 4000 at 20/s”")
        await at.pilot.press("escape")
        await at.back()


async def test_what_the_filter_hides_is_not_revoked(sandbox: Sandbox, home: Path) -> None:
    for name in ("old one", "old two", "new one"):
        minted(sandbox, name, 100)
    async with room(account_of(sandbox, home)) as at:
        for name in ("old one", "old two", "new one"):
            await at.on(name)
            await at.pilot.press("space")
        await at.sees("3 marked")
        await at.pilot.press("slash", *"old", "enter")
        await at.sees("1 hidden")
        await at.pilot.press("x")
        await at.at(RevokeSeveral)
        preview = str(at.app.screen.query_one(".lines", Static).content)
        assert ("old one" in preview, "old two" in preview, "new one" in preview) == (True, True, False)
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.keys)
        await at.pilot.press("escape")
        await at.sees("3 marked")


async def test_several_are_listed_typed_and_revoked_with_a_mark_each(sandbox: Sandbox, home: Path) -> None:
    doomed = [minted(sandbox, f"old {n}", 100 + n) for n in range(3)]
    kept = minted(sandbox, "kept", 1.5)
    async with room(account_of(sandbox, home)) as at:
        await at.on(sandbox.account.keys[0].name)
        await at.pilot.press("space")
        await at.sees("not revoked with others")
        await at.on("kept")
        await at.pilot.press("space", "asterisk")
        await at.sees("3 marked")
        await at.pilot.press("x")
        await at.at(RevokeSeveral)
        preview = str(at.app.screen.query_one(".lines", Static).content)
        assert all(key.name in preview for key in doomed)
        assert "kept" not in preview
        sandbox.faults.add(error(500, "internal_error"), method="DELETE", path=f"/keys/{doomed[1].id}", times=1)
        await at.fill("typed", "revoke 2")
        assert at.app.screen.query_one("#revoke", Button).disabled
        await at.fill("typed", "revoke 3")
        start = asyncio.get_running_loop().time()
        await at.press("revoke")
        await at.until(lambda: "Go on with 1" in at.screen_text())
        assert asyncio.get_running_loop().time() - start >= 1.9
        lines = str(at.app.screen.query_one(".lines", Static).content)
        assert (lines.count("✓"), lines.count("✗")) == (2, 1)
        await at.press("revoke")
        await at.sees("3 of 3 revoked")
        await at.press("cancel")
        await at.back()
        assert all(key.revoked_at is not None for key in doomed)
        assert kept.revoked_at is None


async def test_a_rotation_from_start_to_end(sandbox: Sandbox, home: Path, memory: MemoryKeyring) -> None:
    await sign_in(sandbox, home, next(iter(sandbox.keys.values())))
    old = sandbox.account.keys[0]
    async with room(account_of(sandbox, home, signed_in=True)) as at:
        await at.pilot.press("t")
        await at.at(RotateKey)
        await at.press("next")
        await at.says("read back")
        new = sandbox.account.keys[-1]
        assert new.secret not in at.screen_text()
        await at.pilot.press("escape")
        await at.app.action_quit()
        assert at.keys.reason_to_stay
        assert isinstance(at.app.screen, RotateKey)
        await at.press("other")
        await at.says("paste to check")
        await at.press("next")
        await at.says("this session use it now")
        assert memory.of("default") == new.secret
        await at.press("other")
        await at.says("The old key: last used")
        assert at.app.screen.query_one("#next", Button).disabled
        await at.fill("typed", old.name)
        await at.press("next")
        await at.says("the server refuses it")
        await at.press("later")
        await at.back()
        assert old.revoked_at is not None
        await at.until(lambda: any(row.id == new.id and row.session.value == 2 for row in at.table._shown.rows or ()))
        await at.pilot.press("f5")
        await at.send("hello")
        await at.answered()
        assert posts(sandbox) == 1


async def test_a_rotation_that_was_left_is_offered_at_the_next_visit(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    await sign_in(sandbox, home, next(iter(sandbox.keys.values())))
    async with room(account_of(sandbox, home, signed_in=True)) as at:
        await at.pilot.press("t")
        await at.at(RotateKey)
        await at.press("next")
        await at.says("read back")
        at.app.exit()
    async with room(account_of(sandbox, home, signed_in=True)) as at:
        await at.at(Confirm)
        await at.sees("Go on with the rotation of")
        await at.sees("“stored”")
        await at.press("yes")
        await at.at(RotateKey)
        await at.press("next")
        await at.says("this session use it now")
        await at.press("later")
        await at.back()
        assert memory.of("default") == sandbox.account.keys[-1].secret
        assert sandbox.account.keys[0].revoked_at is None
        assert read_key(memory.of("default") or "") == at.account.credential.key  # type: ignore[union-attr]
        assert posts(sandbox) == 1


async def test_a_rotation_whose_answer_is_lost_offers_to_revoke_the_successor(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
        await at.pilot.press("l")
        await at.at(RotateKey)
        await at.fill("rpm", "333")
        await at.press("next")
        await at.says("its secret is lost")
        assert sandbox.account.keys[-1].rpm_limit == 333
        await at.press("next")
        await at.says("successor is revoked")
        assert sandbox.account.keys[-1].revoked_at is not None
        assert sandbox.account.keys[0].revoked_at is None
        await at.press("later")
        await at.back()
        assert posts(sandbox) == 1


async def test_a_rotation_without_a_keyring_shows_the_secret_and_names_where_the_old_one_stands(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    memory.fails = True
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("t")
        await at.at(RotateKey)
        await at.press("next")
        await at.says("could not keep it")
        await at.press("next")
        await at.says("The old key still stands in environment RELAI_API_KEY")
        await at.press("later")
        await at.back()
        await at.sees("this session only")


async def test_an_odd_success_is_no_crash(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.faults.add(answer(200, "<html>fine</html>"), method="POST", path="/keys", times=1)
        await at.pilot.press("n")
        await at.at(CreateKey)
        await at.fill("name", "Nightly")
        await at.press("create")
        await at.at(Confirm)
        await at.sees("may have been created")
        await at.press("no")
        await at.back()
