"""What can go wrong with keys before any server is asked. No message, and nothing chained to one, holds a key.

CredentialError               str() is one clean line: what is the matter, and the way on
├── KeyFileUnreadable         the file that should hold the key cannot be read
├── KeyCommandFailed          the profile's key_command did not print a key
├── UnusableSource            a place holds something that cannot be a key
└── KeyringError              the system's keyring
    ├── NoKeyring             there is none to use here, or none that may be trusted
    ├── KeyringLocked         it is there and locked: the key may well be in it
    ├── KeyringDenied         the user, or the system in their name, said no; not asked again until they act
    ├── KeyringLies           it says it keeps the key and does not
    ├── KeyringHangs          no answer in time; it may be showing a dialog, and its answer still counts
    └── KeyringBroken         anything else, such as a wrong PYTHON_KEYRING_BACKEND
"""

from relai_tui.text import CleanLine, clean_line

WAY_ON = "use the key for this session only, or set RELAI_API_KEY or RELAI_API_KEY_FILE"
"""What a user can do without a keyring."""


class CredentialError(Exception):
    """Any trouble with a key before a server is asked. `str(error)` is one clean line fit to show."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 500)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class KeyFileUnreadable(CredentialError):
    """The file that should hold the key cannot be read."""


class KeyCommandFailed(CredentialError):
    """The profile's key_command did not print a key."""


class UnusableSource(CredentialError):
    """A place holds something that cannot be a key. The message says which place and does not repeat it."""


class KeyringError(CredentialError):
    """The system's keyring did not do what was asked."""


class NoKeyring(KeyringError):
    """There is no keyring here that may be used."""


class KeyringLocked(KeyringError):
    """The keyring is locked. That a key is missing cannot be said."""


class KeyringDenied(KeyringError):
    """Access was refused. It is not asked for again until the user acts."""


class KeyringLies(KeyringError):
    """What was saved cannot be read back."""


class KeyringHangs(KeyringError):
    """The keyring did not answer in time. It may be waiting for the user, and a late answer is still used."""


class KeyringBroken(KeyringError):
    """The keyring failed in a way of its own."""
