"""An account in use: its profile, key, client, store and balance, each made when it is first asked for.

Constructing one imports, opens and asks nothing, so a screen can be drawn at once; `warm()` then loads what is heavy
in a thread. The command line, the screen and the sign-in take the same steps:

    find a key  →  refuse what our rules forbid  →  a client        (`connect`)
    read a key  →  try it at its server  →  keyring  →  profile     (`try_key`, `keep`, `adopt`)
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from relai_tui.api.address import choose_address, read_address
from relai_tui.api.errors import KeyRefused, NotFound, NotOffered, RefusedToSend, RelaiError, UnusableKey
from relai_tui.api.keys import key_format, read_key
from relai_tui.balance.governor import RateGovernor
from relai_tui.credentials.errors import KeyringError, NoKeyring
from relai_tui.credentials.sources import FILE_VARIABLE, KEY_VARIABLE, Credential, KeySource, find
from relai_tui.settings import Profile, Settings, SettingsError, checked_name, load
from relai_tui.store.errors import StoreUnavailable
from relai_tui.text import CleanLine, CleanText, clean, clean_line, clean_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from pydantic import SecretStr

    from relai_tui.api.client import Client
    from relai_tui.api.deltas import Waiting
    from relai_tui.api.keys import KeyFormat
    from relai_tui.api.models import Balance
    from relai_tui.api.progress import Observer, StillWaiting
    from relai_tui.balance.watch import BalanceWatch
    from relai_tui.credentials.os_keyring import Keyring, KeyringState
    from relai_tui.spending_records import KeptReading
    from relai_tui.store.database import Store

ALIASES = {1: ("smart", "fast", "cheap"), 2: ("smart", "fast", "cheap", "best", "code", "reasoning/cheapest")}
"""What may be asked for in place of a model, by the API's edition; the server's list does not hold them."""


class NoCredential(Exception):
    """No key was found. `str()` says where it was looked for and what to do."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 600)
        super().__init__(self.message)


class Launch(NamedTuple):
    """What the command line asks for, beyond the account."""

    prompt: CleanText | None = None
    """To be sent at once; the only thing a launch ever sends."""
    continue_last: bool = False
    model: CleanText | None = None
    """An id or alias; None for the profile's."""
    system: CleanText | None = None
    """The system prompt of a new conversation."""
    stream: bool = True
    demo: bool = False


class Arranged(NamedTuple):
    """A server and a key made for this run, as the demo does."""

    base_url: str
    key: SecretStr
    label: CleanLine


class Trial(NamedTuple):
    """A key that its server accepted; not yet kept anywhere."""

    key: SecretStr
    profile: Profile
    client: Client


class Account:
    """One profile of one user, from the key to the balance."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        keyring: Keyring,
        environ: Mapping[str, str],
        *,
        base_url: str | None = None,
        region: str | None = None,
        given: Credential | None = None,
        arrange: Callable[[], Awaitable[Arranged]] | None = None,
        furnish: Callable[[Path], Awaitable[None]] | None = None,
        read_only: bool = False,
    ) -> None:
        self.settings = settings
        self.profile = profile
        self.credential: Credential | None = None
        """The key in use and where it comes from; None until `connect`."""
        self.base_url_given = base_url
        """The server named on the command line or in the environment, which overrules the profile's."""
        self._region_given = region
        self.given = given
        """The key named on the command line."""
        self.read_only = read_only
        """Nothing of the account may be changed: no key is created or revoked. Chatting is not a change."""
        self._keyring, self._environ, self._arrange, self._furnish = keyring, environ, arrange, furnish
        self._client: Client | None = None
        self._retired: list[Client] = []
        self._revoked: SecretStr | None = None
        self._store: Store | None = None
        self._watch: BalanceWatch | None = None
        self.governor = RateGovernor()
        """The rate of the key in use; its limit is told by the server's list of keys, once that is read."""
        self.observer: Observer | None = None
        """Told why a request that is not streamed takes long. May be set at any time, also before `connect`."""
        self._connecting, self._opening = asyncio.Lock(), asyncio.Lock()

    # -- what it is

    @property
    def region(self) -> CleanText | None:
        """The region requests go to; None where the server has none, or before a key is known."""
        told = self._told()
        wished = self._region_given or self.profile.region or (told.region if told else None)
        return clean_name(wished) if wished else None

    @property
    def aliases(self) -> tuple[CleanText, ...]:
        """What may be asked for in place of a model; none on a server that is not Relai."""
        told = self._told()
        return tuple(map(clean, ALIASES.get(told.edition or 0, ()))) if told else ()

    @property
    def edition(self) -> int | None:
        """The edition of Relai's contract that the key speaks; None before a key is known and for foreign keys."""
        told = self._told()
        return told.edition if told else None

    @property
    def connected(self) -> bool:
        """Whether there is a client to ask with."""
        return self._client is not None

    @property
    def keyring(self) -> Keyring:
        """The system's keyring, for the keys of every profile."""
        return self._keyring

    def profiles(self) -> tuple[Profile, ...]:
        """The profiles of this machine as config.toml has them now, and the one in use."""
        try:
            found = dict(load(self.settings.paths).profiles)
        except SettingsError:
            found = dict(self.settings.profiles)
        return tuple({**found, self.profile.name: self.profile}.values())

    async def preferred_model(self) -> CleanText:
        """The profile's model, else `smart`; on a server that is not Relai, the first it lists."""
        if self.profile.model:
            return self.profile.model
        if self.credential is None or self.aliases:
            return CleanText("smart")
        try:
            models = await (await self.connect()).models()
        except RelaiError:
            models = ()
        return models[0].id if models else CleanText("default")

    @property
    def watch(self) -> BalanceWatch:
        """The balance, read at the right times. Only after `connect`."""
        assert self._client is not None, "connect first"
        if self._watch is None:
            from relai_tui.balance.watch import BalanceWatch  # with the first use: no start waits for it

            client, governor = self._client, self.governor

            async def read() -> Balance:
                governor.sent()
                return await client.balance(once=True)

            self._watch = BalanceWatch(read, shelf=KeptReadings(self), may_poll=governor.may_poll)
        return self._watch

    def _told(self) -> KeyFormat | None:
        return key_format(self.credential.key) if self.credential else None

    # -- getting there

    async def warm(self) -> None:
        """Import what the first request needs, in a thread, so that the first answer does not wait for it."""

        def load() -> None:
            from relai_tui.api.client import warm

            warm()

        await asyncio.to_thread(load)

    async def store(self) -> Store:
        """The history, opened once. Where no file can be used it is kept in memory, and `notice` says so."""
        async with self._opening:
            if self._store is None:
                if self._furnish is not None:
                    await self._furnish(self.settings.paths.database)
                self._store = await self._open_store()
        return self._store

    async def _open_store(self) -> Store:
        def load() -> None:
            from relai_tui.store.database import warm

            warm()

        await asyncio.to_thread(load)  # keys are echoed meanwhile
        from relai_tui.store.database import Store

        try:
            store = await Store.open(self.settings.paths.database)
        except StoreUnavailable as error:
            memory = await Store.in_memory()
            memory.notice = clean_line(f"{error} This session's conversations are not kept.", 600)
            return memory
        if not store.read_only:
            return store
        notice = store.notice
        await store.close()
        memory = await Store.in_memory()
        memory.notice = clean_line(
            f"{notice or ''} It is left as it is; this session's conversations are not kept.", 600
        )
        return memory

    async def connect(self) -> Client:
        """The client, made once. Raises `NoCredential`, `CredentialError` or `RefusedToSend`.

        Sends nothing, but for one look at the models where there is no key, to see whether one is wanted.
        """
        async with self._connecting:
            if self._client is None:
                self._client = await self._make_client()
        return self._client

    async def _make_client(self) -> Client:
        if self._arrange is not None:
            arranged = await self._arrange()
            self.base_url_given = arranged.base_url
            self.credential = Credential(arranged.key, KeySource.SESSION, arranged.label)
            return self._client_for(arranged.key, arranged.base_url)
        base_url = self.base_url_given or self.profile.base_url
        found = await self._find_key(base_url)
        if found is not None and self._revoked is not None and found.key == self._revoked:
            raise NoCredential(f"The key from {found.label} was revoked here. Sign in with another one.")
        self.credential = found
        if self.credential is None and base_url is None:
            raise NoCredential(
                f"There is no key for the profile “{self.profile.name}”."
                " Sign in with relai-tui login, or set RELAI_API_KEY."
            )
        if self.credential is not None:
            return self._client_for(self.credential.key, base_url)
        return await self._keyless_client(base_url)

    async def _keyless_client(self, base_url: str | None) -> Client:
        client = self._client_for(None, base_url)
        try:
            await client.models()
        except KeyRefused:
            await client.aclose()
            raise NoCredential(f"{client.base_url} wants a key, and there is none for “{self.profile.name}”.") from None
        except RelaiError:
            pass  # whatever else is the matter with it will be told when something is asked
        return client

    async def _find_key(self, base_url: str | None) -> Credential | None:
        try:
            found = await find(
                self.profile.name,
                read_key=read_key,
                environ=self._environ,
                given=self.given,
                key_command=self.profile.key_command,
                keyring=self._keyring,
                in_keyring=self.profile.key_prefix is not None,
            )
        except KeyringError as error:
            if base_url is None or read_address(base_url).official:
                if isinstance(error, NoKeyring):
                    raise NoCredential(f"There is no key for the profile “{self.profile.name}”. {error}") from None
                raise
            return None  # a server that is not Relai may need no key, and this machine has no keyring to ask
        kept = found is not None and found.source in (KeySource.KEYRING, KeySource.COMMAND)
        if found is not None and kept and self.base_url_given and not self._same_server(found.key):
            raise RefusedToSend(
                f"The key of the profile “{self.profile.name}” belongs to another server than --base-url names."
                " Make a profile for that server with relai-tui login, or set RELAI_API_KEY."
            )
        return found

    def _same_server(self, key: SecretStr) -> bool:
        own = choose_address(self.profile.base_url, key, self.profile.region)
        return own.host == choose_address(self.base_url_given, key, None).host

    def _client_for(self, key: SecretStr | None, base_url: str | None, region: str | None = None) -> Client:
        from relai_tui.api.client import Client

        region = region or self._region_given or self.profile.region
        return Client(
            base_url,
            key,
            region=region,
            allow_insecure_hosts=frozenset(self.profile.allow_insecure_hosts),
            read_only=self.read_only,
            observer=self._observe,
        )

    def _observe(self, progress: Waiting | StillWaiting) -> None:
        if self.observer is not None:
            self.observer(progress)

    # -- signing in

    async def try_key(self, text: str, *, base_url: str | None = None, profile: str | None = None) -> Trial:
        """Read a key and try it at its server.

        Raises `RelaiError`, whose words never repeat the key, and `SettingsError` for a name no profile can have.
        """
        return await self.try_secret(read_key(text), base_url=base_url, profile=profile)

    async def try_secret(self, key: SecretStr, *, base_url: str | None = None, profile: str | None = None) -> Trial:
        """As `try_key`, of a key that was read before."""
        told = key_format(key)
        server = clean_name(named) if (named := base_url or self.base_url_given or self.profile.base_url) else None
        name = checked_name(profile or self.profile.name)
        region = clean_name(found) if (found := self._region_given or told.region) else None
        trial = replace(
            self.profile, name=name, region=region, base_url=server, key_prefix=shown_prefix(key), key_id=None
        )
        client = self._client_for(key, server, region)
        try:
            await client.models()
        except (NotOffered, NotFound):
            pass  # a server without a list of models still chats
        except BaseException:
            await client.aclose()
            raise
        return Trial(key, trial, client)

    async def keep(self, trial: Trial, *, make_default: bool = True) -> None:
        """Store the key in the keyring, read it back, and name it in config.toml. Raises `KeyringError`."""
        from relai_tui.settings.saving import save_profile

        await self._keyring.save(trial.profile.name, trial.key)
        save_profile(self.settings.paths, trial.profile, make_default=make_default)

    async def adopt(self, trial: Trial, *, kept: bool) -> None:
        """Use the key from now on. Answers on their way go on with the key they began with."""
        if self._client is not None:
            self._retired.append(self._client)
        self._client, self._watch, self.governor = trial.client, None, RateGovernor()
        self.profile = trial.profile
        source, label = (KeySource.KEYRING, "keyring") if kept else (KeySource.SESSION, "this session only")
        self.credential = Credential(trial.key, source, clean_line(label))

    def let_go(self) -> None:
        """The key in use was revoked: use it no more, wherever it is found again. The next `connect` looks anew."""
        if self._client is not None:
            self._retired.append(self._client)
        if self.credential is not None:
            self._revoked = self.credential.key
        self._client = self._watch = self.credential = None
        self.governor = RateGovernor()
        self._arrange = None

    @property
    def environment_key(self) -> CleanLine | None:
        """The environment variable that holds a key, which goes before the keyring; None when there is none."""
        names = (KEY_VARIABLE, FILE_VARIABLE)
        return next((clean_line(name) for name in names if self._environ.get(name)), None)

    async def probe_keyring(self) -> KeyringState:
        """The keyring in use and what is the matter with it."""
        return await self._keyring.probe()

    async def forget(self) -> bool:
        """Remove the profile's key from the keyring; whether there was one. Raises `KeyringError`."""
        was_there = await self._keyring.read(self.profile.name) is not None
        await self._keyring.delete(self.profile.name)
        return was_there

    async def close(self) -> None:
        """Close the network and the store; waits for what is still being written."""
        for client in (*self._retired, self._client):
            if client is not None:
                await client.aclose()
        if self._store is not None:
            await self._store.close()


class KeptReadings:
    """The readings of the profile in use, in the store: what a `BalanceWatch` keeps them on."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def keep(self, micro: int, as_of: float) -> None:
        """Keep a reading."""
        account = self._account
        await (await account.store()).ledger.add_reading(account.profile.name, account.region, micro, as_of, "balance")

    async def newest(self) -> KeptReading | None:
        """The newest one, whoever made it."""
        return await (await self._account.store()).ledger.last_reading(self._account.profile.name)

    async def take_lease(self, holder: str, now: float, until: float) -> bool:
        """Whether `holder` is the one to read until then."""
        store = await self._account.store()
        return await store.ledger.take_poll_lease(self._account.profile.name, holder, now, until)

    async def thin_out(self) -> None:
        """Thin what is old."""
        await (await self._account.store()).ledger.thin_out()


def shown_prefix(key: SecretStr) -> CleanLine | None:
    """The beginning of a Relai key as the server's list shows it, which is no secret; None for other keys."""
    told = key_format(key)
    if told.edition is None:
        return None
    length = 9 if told.edition == 1 else 22 if told.scope == "global" else 18
    return clean_line(key.get_secret_value()[:length])


def describe_key(text: str) -> str:
    """What a key being typed tells of itself; never the key."""
    if not text.strip():
        return "Paste it here; it is never shown."
    try:
        told = key_format(read_key(text))
    except UnusableKey as error:
        return error.message
    if told.edition is None:
        return "Not a Relai key: name its server below."
    region = (told.region or "").upper()
    scope = f"a global key, billed in {region}" if told.scope == "global" else f"a key for {region}"
    return f"This is {scope}{'' if told.live else ' (test)'}."
