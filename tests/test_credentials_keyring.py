"""The system's keyring, as it behaves in the wild: absent, locked, denying, lying, hanging, plain text."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring as os_level
import pytest
from keyring import errors as theirs
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from pydantic import SecretStr

from relai_tui.credentials.environment import EnvironmentKind, environment_kind, without_keyring
from relai_tui.credentials.errors import (
    KeyringBroken,
    KeyringDenied,
    KeyringError,
    KeyringHangs,
    KeyringLies,
    KeyringLocked,
    NoKeyring,
)
from relai_tui.credentials.os_keyring import Keyring, service_of

CANARY = "rk-eu-canary0123456789"
DESKTOP = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus"}


class Memory(KeyringBackend):
    """A keyring that works, and counts how often it is read."""

    priority = 0.1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.reads = 0
        self.at_once = self.most_at_once = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.reads += 1
        found = self.kept.get((service, username))
        self.at_once -= 1
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Failing(Memory):
    """A keyring that raises, with the key in its words: some do."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class Lying(Memory):
    """A keyring that keeps something else."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password[:10]


class Hanging(Memory):
    """A keyring behind an unlock dialog."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()
        self.asked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        self.answered.wait(20)
        return super().get_password(service, username)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = os_level.get_keyring()
    yield
    os_level.set_keyring(before)


def read_key(text: str) -> SecretStr:
    if not text.startswith("rk-"):
        raise ValueError(f"no key: {text}")
    return SecretStr(text)


def over(backend: KeyringBackend, *, limit: float = 5.0, environ: dict[str, str] | None = None) -> Keyring:
    os_level.set_keyring(backend)
    return Keyring(read_key, environ=DESKTOP if environ is None else environ, limit=limit, trusted=(Memory,))


def said(error: BaseException) -> str:
    """All that a crash report could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(error.__dict__)


async def test_a_key_is_kept_read_and_deleted_under_its_own_name() -> None:
    backend = Memory()
    ring = over(backend)
    assert await ring.read("prod") is None
    await ring.save("prod", SecretStr(CANARY))
    assert backend.kept == {("relai-tui/prod", "api-key"): CANARY}
    found = await over(backend).read("prod")
    assert found
    assert found.get_secret_value() == CANARY
    assert await ring.read("home") is None
    await ring.delete("prod")
    await ring.delete("prod")
    assert backend.kept == {}
    assert await ring.read("prod") is None


async def test_it_is_read_once_a_run() -> None:
    backend = Memory()
    backend.kept[service_of("prod"), "api-key"] = CANARY
    ring = over(backend)
    for found in await asyncio.gather(*(ring.read("prod") for _ in range(10))):
        assert found
        assert CANARY not in repr(found)
    assert backend.reads == 1


async def test_one_call_at_a_time() -> None:
    backend = Memory()
    ring = over(backend)
    await asyncio.gather(*(ring.save(f"profile {n}", SecretStr(f"{CANARY}{n}")) for n in range(10)))
    assert backend.most_at_once == 1
    assert len(backend.kept) == 10


async def test_what_is_not_kept_is_found_out_at_once() -> None:
    with pytest.raises(KeyringLies, match="session only"):
        await over(Lying()).save("prod", SecretStr(CANARY))
    with pytest.raises(KeyringLies, match="RELAI_API_KEY"):
        await over(null.Keyring()).save("prod", SecretStr(CANARY))  # type: ignore[no-untyped-call]  # theirs
    with pytest.raises(KeyringLies):
        await over(null.Keyring()).read("prod")  # type: ignore[no-untyped-call]  # theirs


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (theirs.KeyringLocked("Failed to unlock the collection!"), KeyringLocked),
        (theirs.KeyringError(f"Can't store: (-25308, 'Unknown Error') {CANARY}"), KeyringLocked),
        (theirs.KeyringLocked("Can't get password from keychain: (-128, 'Keychain Access Denied')"), KeyringDenied),
        (theirs.PasswordSetError("Cancelled by user"), KeyringDenied),
        (theirs.InitError(f"Failed to open {CANARY}"), KeyringBroken),
        (theirs.NoKeyringError("No recommended backend was available."), NoKeyring),
        (OSError(1312, "A specified logon session does not exist"), NoKeyring),
        (RuntimeError(CANARY), KeyringBroken),
        (UnicodeEncodeError("ascii", CANARY, 0, 1, CANARY), KeyringBroken),
    ],
)
async def test_each_failure_has_its_own_words_and_no_key_in_them(error: Exception, becomes: type[KeyringError]) -> None:
    ring = over(Failing(error))
    for work in (ring.save("prod", SecretStr(CANARY)), ring.read("other"), ring.delete("third")):
        with pytest.raises(KeyringError) as caught:
            await work
        assert type(caught.value) is becomes
        assert CANARY not in said(caught.value)
        assert "RELAI_API_KEY" in str(caught.value) or "Unlock" in str(caught.value)
    state = await ring.probe()
    assert not state.usable
    assert CANARY not in repr(state)


async def test_a_refusal_is_not_asked_again_until_the_user_acts() -> None:
    backend = Failing(theirs.KeyringLocked("Keychain Access Denied"))
    ring = over(backend)
    for _ in range(5):
        with pytest.raises(KeyringDenied):
            await ring.read("prod")
    assert backend.reads == 1
    ring.forget("prod")
    with pytest.raises(KeyringDenied):
        await ring.read("prod")
    assert backend.reads == 2


async def test_what_the_keyring_holds_may_be_no_key() -> None:
    backend = Memory()
    backend.kept[service_of("prod"), "api-key"] = "canary-that-is-no-key"
    with pytest.raises(KeyringBroken, match="is no key") as caught:
        await over(backend).read("prod")
    assert "canary" not in said(caught.value)


async def test_a_dialog_that_is_answered_late_is_still_an_answer() -> None:
    backend = Hanging()
    backend.kept[service_of("prod"), "api-key"] = CANARY
    ring = over(backend, limit=0.05)
    with pytest.raises(KeyringHangs, match="dialog"):
        await ring.read("prod")
    with pytest.raises(KeyringHangs):
        await ring.read("prod")
    with pytest.raises(KeyringHangs):
        await ring.save("home", SecretStr(CANARY))
    waiting = asyncio.create_task(ring.read("prod", limit=float("inf")))
    await asyncio.sleep(0)
    backend.answered.set()
    found = await waiting
    assert found
    assert found.get_secret_value() == CANARY
    assert backend.reads == 1


async def test_giving_up_the_wait_does_not_lose_the_answer() -> None:
    backend = Hanging()
    backend.kept[service_of("prod"), "api-key"] = CANARY
    ring = over(backend)
    waiting = asyncio.create_task(ring.read("prod"))
    await asyncio.to_thread(backend.asked.wait, 5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    backend.answered.set()
    assert await ring.read("prod")
    assert backend.reads == 1


@pytest.mark.parametrize("ending", ["await asyncio.sleep(0.1)", "return", "raise SystemExit(0)"])
def test_a_keyring_that_hangs_does_not_keep_the_program_from_ending(ending: str) -> None:
    program = textwrap.dedent(f"""
        import asyncio, contextlib, keyring, threading, time
        from tests.test_credentials_keyring import Hanging, Memory, read_key
        from relai_tui.credentials.os_keyring import Keyring
        from relai_tui.credentials.errors import KeyringHangs
        backend = Hanging()
        keyring.set_keyring(backend)
        async def main():
            reading = asyncio.create_task(Keyring(read_key, environ={{}}, trusted=(Memory,)).read("prod"))
            while not backend.asked.is_set():
                await asyncio.sleep(0.01)
            print(time.monotonic(), flush=True)
            {ending}
        asyncio.run(main())
    """)
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ)
    assert process.stdout
    assert process.stdout.readline()
    assert process.wait(timeout=2) == 0
    process.stdout.close()


async def test_a_late_answer_finds_the_loop_gone_and_does_no_harm() -> None:
    backend = Hanging()
    before = set(threading.enumerate())

    def run() -> None:
        async def main() -> None:
            with pytest.raises(KeyringHangs):
                await over(backend, limit=0.05).read("prod")

        asyncio.run(main())

    await asyncio.to_thread(run)
    (thread,) = (each for each in set(threading.enumerate()) - before if each.name == "relai-tui keyring")
    backend.answered.set()
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()  # a traceback in it would fail the test: warnings are errors


async def test_a_keyring_of_plain_text_is_refused() -> None:
    plaintext = type("PlaintextKeyring", (Memory,), {"__module__": "keyrings.alt.file"})()
    os_level.set_keyring(plaintext)
    ring = Keyring(read_key, environ=DESKTOP)
    with pytest.raises(NoKeyring, match="PlaintextKeyring"):
        await ring.save("prod", SecretStr(CANARY))
    assert plaintext.kept == {}
    state = await ring.probe()
    assert (state.usable, state.backend) == (False, None)


async def test_of_a_chain_the_first_trusted_link_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plaintext = type("PlaintextKeyring", (Memory,), {"__module__": "keyrings.alt.file"})()
    trusted, other = type("Trusted", (Memory,), {})(), Memory()
    chain = ChainerBackend()  # type: ignore[no-untyped-call]  # theirs
    monkeypatch.setattr(ChainerBackend, "backends", [plaintext, trusted, other])
    os_level.set_keyring(chain)
    ring = Keyring(read_key, environ=DESKTOP, trusted=(type(trusted),))
    await ring.save("prod", SecretStr(CANARY))
    assert (len(plaintext.kept), len(trusted.kept), len(other.kept)) == (0, 1, 0)
    assert (await ring.probe()).usable


@pytest.mark.parametrize("name", ["no.such.module.Keyring", "keyring.backends.null.NoSuchClass", "nonsense"])
def test_a_wrong_setting_of_the_backend_is_told_in_words(name: str) -> None:
    program = textwrap.dedent("""
        import asyncio
        from relai_tui.credentials.os_keyring import Keyring
        from relai_tui.credentials.errors import KeyringBroken
        async def main():
            try:
                await Keyring(str, environ={}).read("prod")
            except KeyringBroken as error:
                print(error)
        asyncio.run(main())
    """)
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHON_KEYRING_BACKEND": name,
    }
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, timeout=20)
    assert "PYTHON_KEYRING_BACKEND" in ran.stdout, ran.stderr
    assert ran.stderr == ""


async def test_in_ci_no_keyring_is_ever_touched() -> None:
    backend = Memory()
    with pytest.raises(NoKeyring, match="CI job"):
        await over(backend, environ={"CI": "true"}).read("prod")
    assert backend.reads == 0


async def test_a_probe_tells_before_a_key_is_typed() -> None:
    assert (await over(Memory()).probe()).usable
    state = await over(fail.Keyring(), environ={}).probe()  # type: ignore[no-untyped-call]  # theirs
    assert isinstance(state.trouble, NoKeyring)
    hanging = Hanging()
    state = await over(hanging, limit=0.05).probe()
    hanging.answered.set()
    assert isinstance(state.trouble, KeyringHangs)
    assert state.backend


@pytest.mark.parametrize(
    ("environ", "platform", "files", "kind"),
    [
        ({"CI": "true", **DESKTOP}, "linux", {}, EnvironmentKind.CI),
        ({"CI": "false", **DESKTOP}, "linux", {}, EnvironmentKind.DESKTOP),
        (DESKTOP, "linux", {".dockerenv": ""}, EnvironmentKind.CONTAINER),
        (DESKTOP, "linux", {"run/.containerenv": ""}, EnvironmentKind.CONTAINER),
        ({"container": "podman"}, "linux", {}, EnvironmentKind.CONTAINER),
        (DESKTOP, "linux", {"proc/version": "Linux version 5.15 Microsoft standard"}, EnvironmentKind.WSL),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", {}, EnvironmentKind.SSH),
        ({"SSH_TTY": "/dev/pts/1", "DISPLAY": ":10"}, "linux", {}, EnvironmentKind.SSH),
        ({"DISPLAY": ":0"}, "linux", {"proc/version": "Linux version 6"}, EnvironmentKind.HEADLESS),
        (DESKTOP, "linux", {}, EnvironmentKind.DESKTOP),
        ({}, "darwin", {}, EnvironmentKind.DESKTOP),
        ({}, "win32", {}, EnvironmentKind.DESKTOP),
    ],
)
def test_the_kind_of_machine_is_told_from_little(
    tmp_path: Path, environ: dict[str, str], platform: str, files: dict[str, str], kind: EnvironmentKind
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert environment_kind(environ, platform, tmp_path) is kind


def test_every_kind_of_machine_has_words_of_its_own_and_a_way_on() -> None:
    words = {kind: without_keyring(kind) for kind in EnvironmentKind}
    assert len(set(words.values())) == len(words)
    assert all("RELAI_API_KEY" in text and "RELAI_API_KEY_FILE" in text for text in words.values())
