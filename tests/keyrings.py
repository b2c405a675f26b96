"""Keyrings for tests: what a desktop would offer, without one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """Keeps what it is given, as a good keyring does."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is not typed
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class HangingKeyring(MemoryKeyring):
    """Waits for somebody to answer a dialog that nobody sees."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait()
        return super().get_password(service, username)


@contextmanager
def installed(backend: KeyringBackend) -> Iterator[None]:
    """The system's keyring, for a while."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


class ForgetfulKeyring(MemoryKeyring):
    """Takes what it is given and does not give it back: `found` is what it gives, or raises."""

    def __init__(self, found: "str | Exception | None" = None, *, keeps_for_good: bool = False) -> None:
        super().__init__()
        self.found, self.keeps_for_good = found, keeps_for_good

    def get_password(self, service: str, username: str) -> str | None:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def delete_password(self, service: str, username: str) -> None:
        if self.keeps_for_good:
            raise RuntimeError("it is mine now")
        super().delete_password(service, username)
