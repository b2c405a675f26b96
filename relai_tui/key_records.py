"""What this program did to API keys, as it is kept on disk: values only, and never a secret."""

from dataclasses import dataclass
from enum import StrEnum

from relai_tui.text import CleanText


class KeyAction(StrEnum):
    """What was done to a key."""

    CREATE = "create"
    REVOKE = "revoke"
    STORE = "store"
    SWITCH = "switch"
    ROTATE = "rotate"


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One line of the audit log."""

    at: float
    """Unix time in seconds."""
    profile: CleanText
    """The profile whose key was used to do it."""
    action: KeyAction
    key_id: CleanText | None
    """None where the server has not told it (yet)."""
    name: CleanText
    prefix: CleanText | None
    result: CleanText
    """In words: `asked`, `done`, or why not."""


class RotationStep(StrEnum):
    """The last step of a rotation that is known to be done, or `CREATING` while the answer to the POST is out."""

    CREATING = "creating"
    CREATED = "created"
    STORED = "stored"
    """In the keyring, beside the old key, and read back."""
    SHOWN = "shown"
    """Not in the keyring: the user says that it is kept elsewhere."""
    TRIED = "tried"
    SWITCHED = "switched"
    REVOKED = "revoked"
    """The old key is revoked: all is done but to see it refused."""
    ENDED = "ended"
    """Done, or given up."""


STEPS = tuple(RotationStep)
"""In their order; `STORED` and `SHOWN` stand for one another."""


@dataclass(frozen=True, slots=True)
class RotationRecord:
    """A rotation as far as it got: ids and the step, no secret."""

    id: str
    profile: CleanText
    step: RotationStep
    name: CleanText
    old_id: CleanText
    old_prefix: CleanText | None
    rpm_limit: int | None
    """Requests a minute of the successor."""
    scope: CleanText | None
    started_at: float
    """Unix time in seconds."""
    new_id: CleanText | None = None
    new_prefix: CleanText | None = None
    last_used: float | None = None
    """When the old key was last used, as the last look saw it: Unix time in seconds."""
    unchanged_since: float | None = None
    """Since when that has not moved: Unix time in seconds."""

    def has(self, step: RotationStep) -> bool:
        """Whether it got as far as this step."""
        return STEPS.index(self.step) >= STEPS.index(step)
