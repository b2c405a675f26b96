"""Replacing a key by a successor without a moment in which none works.

    create → store (or shown) → try → switch → watch the old one → revoke it → see it refused

After each step the record is on disk: ids and the step, no secret. The successor waits in the keyring beside the old
key (`PROFILE/next`) until it was tried; so a crash at any step leaves either the old key in use, or the new one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relai_tui.api.errors import RelaiError
from relai_tui.conversation import new_id
from relai_tui.credentials.errors import CredentialError, KeyringError
from relai_tui.key_records import KeyAction, RotationRecord, RotationStep
from relai_tui.keys.desk import uses
from relai_tui.keys.guards import NotAllowed
from relai_tui.keys.listing import Held
from relai_tui.settings.saving import save_profile
from relai_tui.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from relai_tui.account import Account
    from relai_tui.api.models import ApiKey
    from relai_tui.keys.desk import Creation, KeyDesk, Revocation
    from relai_tui.keys.listing import KeyRow
    from relai_tui.text import CleanLine, CleanText

QUIET = 15 * 60.0
"""Seconds without a use of the old key after which nothing seems to use it any more: servers note use with a delay."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The old key, watched."""

    row: KeyRow | None
    """None: it is not in the list any more."""
    unchanged: float
    """Seconds for which its last use has not moved, as far as this program saw."""

    @property
    def quiet(self) -> bool:
        """Whether nothing seems to use it."""
        return self.row is None or self.unchanged >= QUIET


@dataclass(frozen=True, slots=True)
class Switched:
    """Where the successor is used now."""

    profiles: tuple[CleanText, ...]
    session: bool
    """This session uses it."""
    elsewhere: CleanLine | None
    """Where the old key still stands and this program cannot change it, such as an environment variable."""


class Rotation:
    """One rotation, from `plan` or `resume` to its end. Each step may be tried again until it succeeds."""

    def __init__(self, desk: KeyDesk, record: RotationRecord, old: KeyRow | None) -> None:
        self._desk = desk
        self.record = record
        self.old = old
        """The key to be replaced; None where the list does not have it any more."""
        self.secret: SecretStr | None = None
        """The successor's secret, while it is held."""
        self.new: ApiKey | None = None
        self.suspects: tuple[ApiKey, ...] = ()
        """Keys that may be the successor, after its answer was lost."""
        self.stored = False
        """The keyring holds the successor; where it cannot, the user keeps it."""
        self.unsaved: CleanLine | None = None
        """Why the record is not on disk; then a crash would leave nothing to resume."""
        credential = desk.account.credential
        held = old is not None and old.session is not Held.NO and credential is not None
        self._old_secret = credential.key if held and credential is not None else None

    @classmethod
    def plan(cls, desk: KeyDesk, row: KeyRow, rpm_limit: int | None = None) -> Rotation:
        """A rotation of this key with the same name, scope and limit, or with another limit. Sends nothing."""
        key = row.key
        record = RotationRecord(
            id=new_id(),
            profile=desk.account.profile.name,
            step=RotationStep.CREATING,
            name=key.name,
            old_id=key.id,
            old_prefix=key.prefix,
            rpm_limit=rpm_limit or key.rpm_limit,
            scope=key.scope,
            started_at=desk.clock(),
        )
        return cls(desk, record, row)

    @classmethod
    async def resume(cls, desk: KeyDesk, record: RotationRecord) -> Rotation:
        """A rotation that was left. Reads the list; raises `RelaiError`."""
        listing = await desk.refresh()
        rotation = cls(desk, record, listing.row(record.old_id))
        if record.new_id is not None:
            found = listing.row(record.new_id)
            rotation.new = found.key if found else None
        if record.step is RotationStep.CREATING:
            rotation.suspects = tuple(
                row.key
                for row in listing.rows
                if row.key.name == record.name
                and row.id != record.old_id
                and not row.revoked
                and (row.created is None or row.created >= record.started_at - 120)
            )
        if record.step in (RotationStep.CREATED, RotationStep.STORED, RotationStep.TRIED):
            with suppress(KeyringError):
                rotation.secret = await desk.account.keyring.read(_beside(record.profile))
            rotation.stored = rotation.secret is not None
        return rotation

    @property
    def _account(self) -> Account:
        return self._desk.account

    @property
    def step(self) -> RotationStep:
        """The last step that is done."""
        return self.record.step

    @property
    def secret_lost(self) -> bool:
        """The successor exists, and nobody has its secret: it is to be revoked, and another one made."""
        begun = (RotationStep.CREATING, RotationStep.CREATED, RotationStep.STORED, RotationStep.TRIED)
        exists = bool(self.suspects) or self.step is not RotationStep.CREATING
        return self.secret is None and self.step in begun and exists

    def now(self) -> float:
        """Unix time in seconds."""
        return self._desk.clock()

    async def _reach(self, step: RotationStep, **more: object) -> None:
        changes: dict[str, object] = {"step": step, **more}
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]  # fields of the record, by name
        try:
            store = await self._account.store()
            await store.key_log.save(self.record)
            self.unsaved = None
        except StoreError as error:
            self.unsaved = error.message

    # -- the steps

    async def create(self, rpm_limit: int | None = None) -> Creation:
        """Create the successor, with another limit where one is given. Sent once.

        Raises `NotAllowed` and `RelaiError` when certainly none was created."""
        if self.secret_lost:
            raise NotAllowed("A successor was created before; revoke it first.")
        await self._reach(RotationStep.CREATING, rpm_limit=rpm_limit or self.record.rpm_limit)
        record = self.record
        try:
            creation = await self._desk.create(record.name, record.rpm_limit or 60, record.scope)
        except (NotAllowed, RelaiError):
            await self._reach(RotationStep.ENDED)
            raise
        self.secret, self.new, self.suspects = creation.secret, creation.key, creation.suspects
        key = creation.key
        if creation.secret is not None:
            await self._reach(
                RotationStep.CREATED, new_id=key.id if key else None, new_prefix=key.prefix if key else None
            )
        elif key is not None:
            self.suspects = (key,)
        elif creation.compared and not creation.suspects:
            await self._reach(RotationStep.ENDED)
        return creation

    async def store(self) -> None:
        """Keep the successor in the keyring beside the old key, and read it back. Raises `KeyringError`."""
        await self._account.keyring.save(_beside(self.record.profile), self._held())
        self.stored = True
        await self._reach(RotationStep.STORED)

    async def acknowledge(self) -> None:
        """The user says that the secret is kept elsewhere."""
        if self.step is RotationStep.CREATED:
            await self._reach(RotationStep.SHOWN)

    async def try_new(self) -> None:
        """See that the successor works. Raises `RelaiError`."""
        trial = await self._account.try_secret(self._held())
        await trial.client.aclose()
        await self._reach(RotationStep.TRIED)

    async def switch(self) -> Switched:
        """Have every profile that uses the old key, and this session, use the successor.

        Raises `KeyringError` and `SettingsError`; then what was not switched still uses the old key, which works.
        """
        secret, account, old = self._held(), self._account, self.old
        switched = []
        for profile in account.profiles():
            if old is None or not self.stored or not uses(profile, old.key):
                continue
            await account.keyring.save(profile.name, secret)
            save_profile(account.settings.paths, self._desk.profile_for(secret, self.new, profile))
            switched.append(profile.name)
        in_session = old is not None and old.session is not Held.NO
        elsewhere = None
        if in_session:
            before = account.credential.label if account.credential else None
            mine = next((each for each in account.profiles() if each.name == account.profile.name), None)
            stored = account.profile.name in switched
            await self._desk.use_now(secret, self.new, mine if stored else None)
            elsewhere = None if stored else before
        with suppress(KeyringError):
            await account.keyring.delete(_beside(self.record.profile))
        await self._reach(RotationStep.SWITCHED)
        return Switched(tuple(switched), in_session, elsewhere)

    async def watch(self) -> Watch:
        """Look when the old key was last used. Raises `RelaiError`."""
        listing = await self._desk.refresh()
        self.old = listing.row(self.record.old_id)
        if self.old is None or self.old.revoked:
            return Watch(None, 0.0)
        now, record, used = self._desk.clock(), self.record, self.old.last_used
        if record.unchanged_since is None or used != record.last_used:
            await self._reach(record.step, last_used=used, unchanged_since=now)
        return Watch(self.old, now - (self.record.unchanged_since or now))

    async def revoke(self, typed: str | None) -> Revocation | None:
        """Revoke the old key; None when it is gone already.

        Raises `NotAllowed` while this session uses it, or where the guard is not met, and `RelaiError`.
        """
        old = self.old
        if old is not None and old.session is not Held.NO:
            raise NotAllowed("This session still uses the old key. Switch to the new one first.")
        revocation = await self._desk.revoke(old, typed) if old is not None and not old.revoked else None
        await self._reach(RotationStep.REVOKED)
        return revocation

    async def see_refused(self, on_try: Callable[[int], None], patience: float | None = None) -> bool | None:
        """Try the old key until it is refused; None where its secret is not held here. Ends the rotation."""
        refused = None
        if self._old_secret is not None:
            more = {} if patience is None else {"patience": patience}
            refused = await self._desk.wait_until_refused(self._old_secret, on_try, **more)
        await self.end(f"done; the old key is {'refused' if refused else 'revoked'}")
        return refused

    # -- other ways out

    async def give_up(self) -> None:
        """Revoke the successor, if there is one that is not in use, and leave the old key as it is.

        Raises `NotAllowed` after the switch, and `RelaiError` when it could not be revoked.
        """
        if self.record.has(RotationStep.SWITCHED):
            raise NotAllowed("The new key is in use already: go on, or leave both.")
        doomed = (self.record.new_id,) if self.record.new_id else tuple(key.id for key in self.suspects)
        if len(doomed) > 1:
            raise NotAllowed("Several keys may be the successor. Revoke the right one in the list, then end this.")
        listing = await self._desk.refresh()
        for key_id in doomed:
            row = listing.row(key_id)
            if row is not None and row.session is not Held.NO:
                raise NotAllowed("This session uses the new key already: it is not revoked here.")
            if row is not None and not row.revoked:
                await self._desk.revoke(row, row.id)
        with suppress(KeyringError):
            await self._account.keyring.delete(_beside(self.record.profile))
        await self.end("given up")

    async def leave_both(self) -> None:
        """End it here: both keys stay valid."""
        await self.end("ended; the old key stays valid")

    async def end(self, words: str) -> None:
        """Nothing of it is left to do."""
        await self._reach(RotationStep.ENDED)
        record = self.record
        result = f"{words} (successor {record.new_id or 'unknown'})"
        await self._desk.note(KeyAction.ROTATE, record.old_id, record.name, record.old_prefix, result)

    def _held(self) -> SecretStr:
        if self.secret is None:
            raise CredentialError("The secret of the new key is not held here any more.")
        return self.secret


async def left_behind(desk: KeyDesk) -> tuple[RotationRecord, ...]:
    """The rotations of this profile that have not ended, the newest first; none where the store cannot be read."""
    try:
        store = await desk.account.store()
        return await store.key_log.rotations(desk.account.profile.name)
    except StoreError:
        return ()


def _beside(profile: str) -> str:
    """Where a successor waits in the keyring. No profile has a slash in its name."""
    return f"{profile}/next"
