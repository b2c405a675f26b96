"""The system's keyring: slow, lockable, deniable, sometimes lying, and asked in a thread that cannot hold us up.

One call at a time (parallel reads make storms of dialogs), one item a profile, read once a run. Measured and sourced in
the tests: a null backend that "saves", a blocked call that would make the program unquittable, third-party backends
that keep secrets in plain text.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from relai_tui.credentials.daemon import in_daemon_thread
from relai_tui.credentials.environment import (
    EnvironmentKind,
    environment_kind,
    locked_words,
    without_keyring,
)
from relai_tui.credentials.errors import (
    WAY_ON,
    KeyringBroken,
    KeyringDenied,
    KeyringError,
    KeyringHangs,
    KeyringLies,
    KeyringLocked,
    NoKeyring,
)
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from keyring.backend import KeyringBackend
    from pydantic import SecretStr

LIMIT = 5.0
"""Seconds a caller waits for the keyring."""

USERNAME = "api-key"
"""The same for every profile: some backends move entries of one service with several names."""

TRUSTED = frozenset(
    f"keyring.backends.{name}" for name in ("macOS", "SecretService", "kwallet", "libsecret", "Windows")
)
"""The backends that keep a secret. Others, such as keyrings.alt, may keep it in plain text."""

_DENIED = ("denied", "cancel", "-128,", "-25293")
_LOCKED = ("-25308", "locked", "interaction")
_NO_SESSION = "1312"  # Windows over SSH: "A specified logon session does not exist"


def service_of(profile: str) -> str:
    """The name under which the key of a profile is kept."""
    return f"relai-tui/{profile}"


class KeyringState(NamedTuple):
    """Whether keys can be kept in the keyring, found out before the user types one."""

    backend: CleanLine | None
    """Its name, such as `SecretService`; None when there is none."""
    trouble: KeyringError | None = None

    @property
    def usable(self) -> bool:
        """Whether a key can be kept."""
        return self.trouble is None


class Keyring:
    """The keys of all profiles in the system's keyring. One for the whole program. Methods raise `KeyringError`s only.

    `read_key` makes a secret of text and raises what it likes when it is no key; `trusted` are backend classes accepted
    beside `TRUSTED`.
    """

    def __init__(
        self,
        read_key: Callable[[str], SecretStr],
        *,
        environ: Mapping[str, str] | None = None,
        limit: float = LIMIT,
        trusted: tuple[type[KeyringBackend], ...] = (),
    ) -> None:
        self._read_key = read_key
        self._kind = environment_kind(os.environ if environ is None else environ)
        self._limit, self._trusted = limit, trusted
        self._one_at_a_time = asyncio.Lock()
        self._flight: asyncio.Future[SecretStr | KeyringError | None] | None = None
        self._known: dict[str, SecretStr] = {}
        self._denied: CleanLine | None = None

    async def read(self, profile: str, *, limit: float | None = None) -> SecretStr | None:
        """The key of a profile; None when the keyring has none.

        Waits `limit` seconds (infinity to wait for as long as an unlock dialog takes). After a KeyringHangs the next
        read takes up the answer that was on its way. A refusal is repeated without asking again, until `ask_again`.
        """
        known = self._remembered(profile)
        if known is not None:
            return known
        async with self._in_turn(limit):
            return self._remembered(profile) or await self._fly(lambda: self._get(profile), profile)

    async def save(self, profile: str, key: SecretStr) -> None:
        """Keep the key of a profile, and read it back to be sure. After a KeyringHangs it may still be kept."""
        self.forget(profile)
        async with self._in_turn():
            await self._fly(lambda: self._set(profile, key), profile)

    async def delete(self, profile: str) -> None:
        """Take the key of a profile out of the keyring; well if it was not there."""
        self.forget(profile)
        async with self._in_turn():
            await self._fly(lambda: self._delete(profile), profile)

    async def probe(self) -> KeyringState:
        """Find out whether keys can be kept here: an entry is written, read back and deleted. Raises nothing."""
        names: list[CleanLine] = []

        def look() -> None:
            backend = self._backend()
            names.append(_name_of(backend))
            _try_out(backend)

        try:
            async with self._in_turn():
                await self._fly(look, None)
        except KeyringError as trouble:
            return KeyringState(names[0] if names else None, trouble)
        return KeyringState(names[0])

    def forget(self, profile: str) -> None:
        """Have the next read ask the keyring, also after a refusal: the user acts."""
        self._denied = None
        self._known.pop(profile, None)

    # -- in the loop

    def _remembered(self, profile: str) -> SecretStr | None:
        if self._denied is not None:
            raise KeyringDenied(self._denied)
        return self._known.get(profile)

    @asynccontextmanager
    async def _in_turn(self, limit: float | None = None) -> AsyncIterator[None]:
        """One call at a time, also after one that is still on its way; all of it within the limit."""
        if self._kind is EnvironmentKind.CI:
            raise NoKeyring(without_keyring(self._kind))
        wait = self._limit if limit is None else limit
        try:
            async with asyncio.timeout(None if wait == float("inf") else wait), self._one_at_a_time:
                if self._flight is not None and not self._flight.done():
                    await asyncio.wait({self._flight})
                yield
        except TimeoutError:
            raise KeyringHangs(
                f"The keyring has not answered for {wait:g} seconds; it may be showing a dialog somewhere. "
                f"Answer it and try again, or {WAY_ON}."
            ) from None

    async def _fly(self, work: Callable[[], SecretStr | None], profile: str | None) -> SecretStr | None:
        def remember(flight: asyncio.Future[SecretStr | KeyringError | None]) -> None:
            if flight.cancelled():
                return
            outcome = flight.result()
            if isinstance(outcome, KeyringDenied):
                self._denied = outcome.message
            elif profile is not None and outcome is not None and not isinstance(outcome, KeyringError):
                self._known[profile] = outcome

        flight = in_daemon_thread(lambda: self._guarded(work), "relai-tui keyring")
        flight.add_done_callback(remember)
        self._flight = flight
        # Waited for without being cancelled with us: a late answer is remembered.
        await asyncio.wait({flight})
        outcome = flight.result()
        if isinstance(outcome, KeyringError):
            raise outcome
        return outcome

    # -- in the thread

    def _guarded(self, work: Callable[[], SecretStr | None]) -> SecretStr | KeyringError | None:
        """What `work` returns, or its error in our words: what a backend says may repeat the key, so it ends here."""
        try:
            return work()
        except KeyringError as error:
            return error
        except Exception as error:  # noqa: BLE001  # backends raise anything; each becomes an error of ours
            return self._in_words(error)

    def _get(self, profile: str) -> SecretStr | None:
        found = self._backend().get_password(service_of(profile), USERNAME)
        if found is None:
            return None
        with suppress(Exception):
            return self._read_key(found)
        raise KeyringBroken("What the keyring holds for this profile is no key. Sign in again to replace it.")

    def _set(self, profile: str, key: SecretStr) -> SecretStr:
        backend, service = self._backend(), service_of(profile)
        backend.set_password(service, USERNAME, key.get_secret_value())
        try:
            kept = backend.get_password(service, USERNAME)
        except Exception as error:  # noqa: BLE001  # backends raise anything; each becomes an error of ours
            trouble = self._in_words(error)
            raise type(trouble)(f"{_taken_back(backend, service)} {trouble.message}") from None
        if kept is None or not hmac.compare_digest(kept.encode(), key.get_secret_value().encode()):
            raise KeyringLies(f"{_taken_back(backend, service)} You can {WAY_ON}.")
        return key

    def _delete(self, profile: str) -> None:
        backend, service = self._backend(), service_of(profile)
        if backend.get_password(service, USERNAME) is None:
            return
        backend.delete_password(service, USERNAME)
        if backend.get_password(service, USERNAME) is not None:
            raise KeyringBroken("The keyring still holds the key: delete it with the keyring's own program.")

    def _backend(self) -> KeyringBackend:
        """The backend to use: of a chain its first trusted link, because a chain asks and deletes in part only."""
        import keyring
        from keyring.backends import chainer, fail, null

        found: KeyringBackend | None = None
        with suppress(Exception):
            found = keyring.get_keyring()
        if found is None:
            raise KeyringBroken(
                f"The keyring cannot be loaded: check PYTHON_KEYRING_BACKEND and keyringrc.cfg, or {WAY_ON}."
            )
        links = list(found.backends) if isinstance(found, chainer.ChainerBackend) else [found]
        for backend in links:
            if type(backend).__module__ in TRUSTED or isinstance(backend, self._trusted):
                return backend
        if isinstance(found, null.Keyring):
            raise KeyringLies(f"The keyring is switched off (its null backend forgets what it is given): {WAY_ON}.")
        if isinstance(found, fail.Keyring) or not links:
            raise NoKeyring(without_keyring(self._kind))
        raise NoKeyring(f"The only keyring here ({_name_of(found)}) is not one known to keep a secret: {WAY_ON}.")

    def _in_words(self, error: Exception) -> KeyringError:
        from keyring import errors

        said = str(error).lower()
        if isinstance(error, errors.NoKeyringError):
            return NoKeyring(without_keyring(self._kind))
        if _NO_SESSION in said:
            return NoKeyring(without_keyring(EnvironmentKind.SSH))
        if any(mark in said for mark in _DENIED):
            return KeyringDenied(
                f"The keyring refused access. It is not asked again by itself: try again, or {WAY_ON}."
            )
        if isinstance(error, errors.KeyringLocked) or any(mark in said for mark in _LOCKED):
            return KeyringLocked(locked_words(self._kind))
        return KeyringBroken(f"The keyring failed ({type(error).__name__}): {WAY_ON}.")


def _try_out(backend: KeyringBackend) -> None:
    """Write an entry of its own, read it back and delete it. Raises what the backend raises, and `KeyringLies`."""
    service, value = service_of(f"/probe-{secrets.token_hex(4)}"), secrets.token_hex(8)
    backend.set_password(service, USERNAME, value)
    try:
        kept = backend.get_password(service, USERNAME)
    finally:
        with suppress(Exception):  # told by what was read, or by what is raised
            backend.delete_password(service, USERNAME)
    if kept != value:
        raise KeyringLies(f"The keyring does not give back what it was given: {WAY_ON}.")


def _taken_back(backend: KeyringBackend, service: str) -> str:
    """Delete what cannot be read back; say what became of it."""
    said = "The keyring took the key, but does not give it back;"
    try:
        backend.delete_password(service, USERNAME)
    except Exception:  # noqa: BLE001  # whatever it is, the entry may still be there, and that is said
        return f"{said} it may still hold it as “{service}”: look with the keyring's own program."
    return f"{said} it was removed again."


def _name_of(backend: KeyringBackend) -> CleanLine:
    return clean_line(f"{type(backend).__module__.removeprefix('keyring.backends.')}.{type(backend).__name__}", 80)
