"""Where keys are handled: listed, created, revoked, with the guards, and with a note of all that was done.

One change at a time. A creation is sent once; when its answer is lost, the list from before is compared with the one
after (T10). The secret of a new key is a `SecretStr` from the byte it is read, and goes where it is told, nowhere else.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relai_tui.account import shown_prefix
from relai_tui.api.errors import KeyRefused, NotFound, NotOffered, RelaiError
from relai_tui.api.keys import is_shown_as, key_format, prefixes_agree
from relai_tui.api.retry import may_have_happened
from relai_tui.credentials.errors import KeyringError
from relai_tui.credentials.sources import KeySource
from relai_tui.key_records import KeyAction
from relai_tui.keys.guards import NotAllowed, demand_for, name_trouble
from relai_tui.keys.listing import Held, KeyRow, Listing
from relai_tui.moments import DAY
from relai_tui.settings import Profile, SettingsError, checked_name
from relai_tui.settings.saving import save_profile
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, CleanText, clean_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import SecretStr

    from relai_tui.account import Account
    from relai_tui.api.client import Client
    from relai_tui.api.models import ApiKey
    from relai_tui.api.progress import OnWait
    from relai_tui.key_records import KeyEvent

"""Characters: a shorter prefix would match too much."""
VERIFYING = 180.0
"""Seconds for which a revoked key is tried until it is refused."""


@dataclass(frozen=True, slots=True)
class Creation:
    """What came of creating a key."""

    name: CleanText
    key: ApiKey | None
    """The new key; None when neither the answer nor the list tells it."""
    secret: SecretStr | None = None
    """The whole key, this once; None when the answer was lost or held none."""
    suspects: tuple[ApiKey, ...] = ()
    """After a lost answer: keys of that name that were not there before. One of them is the new one."""
    trouble: RelaiError | None = None
    """How the answer was lost; None when there was one."""
    compared: bool = True
    """Whether the list could be read again; where not, nobody knows whether a key was created."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What came of revoking a key."""

    row: KeyRow
    was_gone: bool
    """The server did not have it any more."""
    secret: SecretStr | None
    """The old key, where this program holds it: to see that it is refused."""
    ended_session: bool
    """It was the key in use: there is none now."""


class KeyDesk:
    """The keys of an account. `clock` is Unix time in seconds.

    Beside what is named, the methods raise `RelaiError`, `CredentialError` and `NoCredential` as connecting does.
    """

    def __init__(
        self,
        account: Account,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.account, self.clock, self._sleep = account, clock, sleep
        self.listing: Listing | None = None
        """The last list that could be read."""
        self.unlogged: CleanLine | None = None
        """Why the audit log could not be written, in words; None while all is well."""
        self._changing = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether a change is on its way."""
        return self._changing.locked()

    # -- looking

    async def refresh(self, on_wait: OnWait | None = None) -> Listing:
        """Read the list. Raises `NotOffered` on servers without keys."""
        client = await self.account.connect()
        keys = await client.keys(on_wait)
        self.listing = self._listing(keys)
        return self.listing

    def _listing(self, keys: tuple[ApiKey, ...]) -> Listing:
        ours = self._session_keys(keys)
        profiles = self.account.profiles()
        rows = (
            KeyRow(key, ours.get(key.id, Held.NO), tuple(each.name for each in profiles if uses(each, key)))
            for key in keys
        )
        return Listing(tuple(rows), self.clock())

    def _session_keys(self, keys: tuple[ApiKey, ...]) -> dict[CleanText, Held]:
        credential, profile = self.account.credential, self.account.profile
        if credential is None:
            return {}
        secret = credential.key.get_secret_value()
        alike = [key.id for key in keys if key.revoked is not True and is_shown_as(secret, key.prefix)]
        kept = credential.source in (KeySource.KEYRING, KeySource.SESSION)
        if kept and profile.key_id in alike and profile.key_prefix == shown_prefix(credential.key):
            return {profile.key_id: Held.YES}
        if len(alike) > 1:
            # Ours was used just now: of several with its prefix, those in use lately stay (their record may lag).
            used = {key.id: key.last_used_at.timestamp() for key in keys if key.last_used_at is not None}
            lately = [key_id for key_id in alike if self.clock() - used.get(key_id, 0.0) < DAY]
            alike = lately or alike
        return dict.fromkeys(alike, Held.YES if len(alike) == 1 else Held.PROBABLY)

    async def events(self, key_id: str | None = None, limit: int = 200) -> tuple[KeyEvent, ...]:
        """What this program did to a key, or to all, the newest first. Raises `StoreError`."""
        store = await self.account.store()
        return await store.key_log.events(key_id=key_id, limit=limit)

    # -- creating

    async def create(self, name: str, rpm_limit: int, scope: str | None = None) -> Creation:
        """Create a key. Raises `NotAllowed`, and `RelaiError` when certainly none was created.

        Goes on when its caller is cancelled: the answer holds what is told only once.
        """
        self._check_may_change()
        if trouble := name_trouble(name):
            raise NotAllowed(trouble)
        return await asyncio.shield(asyncio.ensure_future(self._create(clean_name(name), rpm_limit, scope)))

    async def _create(self, name: CleanText, rpm_limit: int, scope: str | None) -> Creation:
        async with self._changing:
            client = await self.account.connect()
            before = frozenset(key.id for key in await client.keys())
            await self.note(KeyAction.CREATE, None, name, None, "asked")
            try:
                created = await client.create_key(name, rpm_limit, scope)
            except RelaiError as error:
                if not may_have_happened(error):
                    await self.note(KeyAction.CREATE, None, name, None, f"failed: {error}")
                    raise
                return await self._after_lost_answer(client, name, before, error)
            key = created.key
            if key is None:
                appeared = await self._appeared(client, name, before) or ()
                key = appeared[0] if len(appeared) == 1 else None
            elif key.rpm_limit is None:
                key = key.model_copy(update={"rpm_limit": rpm_limit})
            told = (key.id, key.prefix) if key else (None, None)
            result = "done" if created.secret else "created, but the answer held no secret"
            await self.note(KeyAction.CREATE, told[0], name, told[1], result)
            return Creation(name, key, created.secret)

    async def _after_lost_answer(
        self, client: Client, name: CleanText, before: frozenset[CleanText], error: RelaiError
    ) -> Creation:
        appeared = await self._appeared(client, name, before)
        if appeared is None:
            words = "the answer was lost, and the list could not be read"
        else:
            words = "created, but the answer was lost" if appeared else "the answer was lost; no key was created"
        one = appeared[0] if appeared and len(appeared) == 1 else None
        await self.note(KeyAction.CREATE, one.id if one else None, name, one.prefix if one else None, words)
        return Creation(name, one, None, appeared or (), error, compared=appeared is not None)

    async def _appeared(
        self, client: Client, name: CleanText, before: frozenset[CleanText]
    ) -> tuple[ApiKey, ...] | None:
        """Keys of that name that were not there before; None when the list cannot be read."""
        try:
            keys = await client.keys()
        except RelaiError:
            return None
        self.listing = self._listing(keys)
        return tuple(key for key in keys if key.id not in before and key.name == name)

    # -- where a secret goes

    async def store_secret(self, secret: SecretStr, key: ApiKey | None, profile: str) -> Profile:
        """Keep a new key in the keyring as a profile of that name, read back.

        Raises `KeyringError`, `SettingsError`, and `NotAllowed` when the profile holds a key already.
        """
        name = checked_name(profile.strip())
        known = next((each for each in self.account.profiles() if each.name == name), None)
        if known is not None and (known.key_prefix or known.key_command or name == self._profile_in_use):
            raise NotAllowed(f"The profile “{name}” has a key already. Choose another name for this one.")
        kept = self.profile_for(secret, key, known or Profile(name))
        await self.account.keyring.save(name, secret)
        save_profile(self.account.settings.paths, kept)
        await self._note_key(KeyAction.STORE, secret, key, f"in the keyring, as profile “{name}”")
        return kept

    @property
    def _profile_in_use(self) -> CleanText | None:
        return self.account.profile.name if self.account.credential is not None else None

    def profile_for(self, secret: SecretStr, key: ApiKey | None, profile: Profile) -> Profile:
        """The profile as it is with this key."""
        account = self.account
        server = account.base_url_given or account.profile.base_url
        region = key_format(secret).region
        return replace(
            profile,
            region=clean_name(region) if region else None,
            base_url=clean_name(server) if server else None,
            key_id=key.id if key else None,
            key_prefix=shown_prefix(secret),
        )

    async def use_now(self, secret: SecretStr, key: ApiKey | None, profile: Profile | None = None) -> None:
        """Try the key, and use it from the next request on; `profile` is the one it is kept as. Raises `RelaiError`."""
        account = self.account
        name = profile.name if profile else account.profile.name
        trial = await account.try_secret(secret, profile=name)
        told = replace(trial.profile, key_id=key.id if key else None, key_prefix=shown_prefix(secret))
        await account.adopt(trial._replace(profile=told), kept=profile is not None)
        await self._note_key(KeyAction.SWITCH, secret, key, f"this session uses it, as profile “{name}”")

    # -- revoking

    async def revoke(self, row: KeyRow, typed: str | None = None, *, among_marked: bool = False) -> Revocation:
        """Revoke the key of this row, for good. `typed` is what the guard asks for.

        `among_marked` says that several were confirmed together, with what that asks for. Raises `NotAllowed`, and
        `RelaiError` when the key is still there. A key that is gone already counts as revoked.
        """
        self._check_may_change()
        demand = demand_for(row, self.clock())
        if among_marked and demand.ends_session:
            raise NotAllowed("This session uses that key: it is not revoked among others.")
        if not among_marked and not demand.met_by(typed):
            raise NotAllowed(f"Not revoked: {'; '.join(demand.reasons)}. Confirm with its name or its id.")
        return await asyncio.shield(asyncio.ensure_future(self._revoke(row)))

    async def _revoke(self, row: KeyRow) -> Revocation:
        async with self._changing:
            secret = await self._secret_of(row)
            was_gone = await self._delete(row)
            await self.note_row(KeyAction.REVOKE, row, "was gone already" if was_gone else "done")
            if row.session is not Held.NO:
                await self._leave_key(row)
            return Revocation(row, was_gone, secret, row.session is not Held.NO)

    async def _delete(self, row: KeyRow) -> bool:
        """Whether it was gone before."""
        client = await self.account.connect()
        try:
            await client.revoke_key(row.id)
        except NotFound:
            return True
        except NotOffered:
            raise
        except RelaiError as error:
            if may_have_happened(error) and await self._is_gone(client, row):
                return False
            await self.note_row(KeyAction.REVOKE, row, f"failed: {error}")
            raise
        return False

    async def _is_gone(self, client: Client, row: KeyRow) -> bool:
        try:
            keys = await client.keys()
        except KeyRefused:
            return row.session is not Held.NO
        except RelaiError:
            return False
        found = next((key for key in keys if key.id == row.id), None)
        return found is None or found.revoked is True

    async def _secret_of(self, row: KeyRow) -> SecretStr | None:
        """The key itself, where this program holds it: that of this session, or of a profile that names its id."""
        credential = self.account.credential
        if row.session is Held.YES and credential is not None:
            return credential.key
        for profile in self.account.profiles():
            if profile.key_id == row.id and profile.name != self._profile_in_use:
                try:
                    found = await self.account.keyring.read(profile.name)
                except KeyringError:
                    return None
                return found if found and is_shown_as(found.get_secret_value(), row.key.prefix) else None
        return None

    async def _leave_key(self, row: KeyRow) -> None:
        """The key in use is revoked: it is not used again, also not by the next start."""
        account = self.account
        kept = account.credential is not None and account.credential.source is KeySource.KEYRING
        account.let_go()
        if not kept:
            return
        try:
            await account.keyring.delete(account.profile.name)
            save_profile(account.settings.paths, replace(account.profile, key_id=None, key_prefix=None))
        except (KeyringError, SettingsError) as error:
            await self.note_row(KeyAction.REVOKE, row, f"the keyring still holds it: {error}")

    async def is_refused(self, secret: SecretStr) -> bool:
        """Whether a key is refused by its server, asked once. Raises any other `RelaiError`."""
        try:
            trial = await self.account.try_secret(secret)
        except KeyRefused:
            return True
        await trial.client.aclose()
        return False

    async def wait_until_refused(
        self, secret: SecretStr, on_try: Callable[[int], None], patience: float = VERIFYING
    ) -> bool:
        """Try a revoked key until it is refused; `on_try` is told the number of each try. False when patience ends."""
        until, attempt, pause = self.clock() + patience, 1, 1.0
        while True:
            on_try(attempt)
            try:
                if await self.is_refused(secret):
                    return True
            except RelaiError:
                pass  # asked again: it says nothing of the key
            if self.clock() + pause > until:
                return False
            await self._sleep(pause)
            attempt, pause = attempt + 1, min(pause * 1.6, 15.0)

    # -- what was done

    async def note(self, action: KeyAction, key_id: str | None, name: str, prefix: str | None, result: str) -> None:
        """Write it into the audit log. That this fails stops nothing, and is told in `unlogged`."""
        try:
            store = await self.account.store()
            await store.key_log.add(
                self.account.profile.name, action, key_id=key_id, name=name, prefix=prefix, result=result
            )
        except StoreError as error:
            self.unlogged = error.message

    async def note_row(self, action: KeyAction, row: KeyRow, result: str) -> None:
        """As `note`, of a key of the list."""
        await self.note(action, row.id, row.key.name, row.key.prefix, result)

    async def _note_key(self, action: KeyAction, secret: SecretStr, key: ApiKey | None, result: str) -> None:
        if key is not None:
            await self.note(action, key.id, key.name, key.prefix, result)
        else:
            await self.note(action, None, "", shown_prefix(secret), result)

    def _check_may_change(self) -> None:
        if self.account.read_only:
            raise NotAllowed("This is --read-only: no key is created or revoked.")


def uses(profile: Profile, key: ApiKey) -> bool:
    """Whether a profile of this machine uses the key: by the id it was kept with, else by the prefix."""
    if profile.key_id is not None:
        return profile.key_id == key.id
    return prefixes_agree(profile.key_prefix, key.prefix)
