"""Where files live, and what the user has chosen: `config.toml` with its profiles. It never holds a secret.

    theme = "textual-dark"
    default_profile = "prod"

    [profiles.prod]
    region = "eu"
    key_command = ["op", "read", "op://Work/relai/key"]

    [keymap]
    "chat.new" = "ctrl+n"

    [limits]                            # of your own, in dollars
    day = { soft = 2.00, hard = 5.00 }

    [alerts]
    low = { floor = 2.00, runway_hours = 24 }

What limits and alerts may hold is told in `spending_rules`. A setting this program does not know is a warning and stays
in the file; a wrong one is a `SettingsError` that names the file, the line and what to do. Saving keeps the user's
comments and order.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from relai_tui.spending_rules import AlertLine, AlertRules, Cap, SpendingLimits
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tomlkit

DEFAULT_PROFILE = clean_line("default")
"""The profile's name while there is no other."""

NAME_LENGTH = 64
"""Characters of a profile's name."""


class SettingsError(Exception):
    """The settings cannot be used. `str(error)` is one clean line: file, line, what is wrong, what to do."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 600)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of this program. None of them need exist."""

    config: Path
    data: Path
    state: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Paths:
        """`RELAI_TUI_HOME` holds all three as subfolders; otherwise each is where the system keeps its like."""
        home = environ.get("RELAI_TUI_HOME", "").strip()
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "state")
        import platformdirs

        found = platformdirs.PlatformDirs("relai-tui", appauthor=False)
        return cls(found.user_config_path, found.user_data_path, found.user_state_path)

    @property
    def config_file(self) -> Path:
        """The settings."""
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        """The history."""
        return self.data / "relai.db"

    @property
    def log(self) -> Path:
        """What the program notes of itself; no foreign text, no secret."""
        return self.state / "relai-tui.log"

    @property
    def crash(self) -> Path:
        """The traceback of the last crash, without the values of variables."""
        return self.state / "crash.txt"


@dataclass(frozen=True, slots=True)
class Profile:
    """One account or server. Its key lives in the keyring, never here."""

    name: CleanLine
    region: CleanLine | None = None
    """`eu` or `us`; None leaves it to the key."""
    base_url: CleanLine | None = None
    """Another server than the region's own."""
    model: CleanLine | None = None
    """What new conversations ask for."""
    key_command: tuple[str, ...] | None = None
    """A program, with its arguments, that prints the key."""
    key_id: CleanLine | None = None
    """The server's id of the key in use; no secret."""
    key_prefix: CleanLine | None = None
    """The beginning of the key as the server shows it; no secret."""
    allow_insecure_hosts: tuple[CleanLine, ...] = ()
    """Hosts a key may be sent to over plain http, by name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has chosen, with what holds where nothing was chosen."""

    paths: Paths
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default_profile: CleanLine = DEFAULT_PROFILE
    theme: CleanLine | None = None
    mouse: bool = True
    cursor_blink: bool = False
    enter: Literal["send", "newline"] = "send"
    """What the Enter key does in the prompt."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """From the id of a binding to the keys that do it instead."""
    limits: SpendingLimits = field(default_factory=SpendingLimits)
    """How much may be spent; no limit where none was chosen."""
    alerts: AlertRules = field(default_factory=AlertRules)
    """When the user is warned that the credits run low."""
    warnings: tuple[CleanLine, ...] = ()
    """What was found and is not known, in words."""

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the default one. Raises SettingsError when it was asked for and is not there."""
        wanted = name or self.default_profile
        if wanted in self.profiles:
            return self.profiles[wanted]
        if name is None or name == DEFAULT_PROFILE:
            return Profile(clean_line(wanted, NAME_LENGTH))
        known = ", ".join(self.profiles) or "none yet"
        raise SettingsError(f"There is no profile “{name}” in {self.paths.config_file}. Known profiles: {known}.")


def load(paths: Paths) -> Settings:
    """The settings of `config.toml`; what holds by default where there is no such file. Raises SettingsError."""
    path = paths.config_file
    text = _text_of(path)
    if text is None:
        return Settings(paths)
    return _Reader(path, text).settings(paths)


def save_profile(paths: Paths, profile: Profile, *, make_default: bool = False) -> None:
    """Write one profile, and nothing else of the file. Raises SettingsError; then the file is as it was."""
    name = checked_name(profile.name)
    with _Editing(paths) as document:
        profiles = _table(document, "profiles")
        section = _table(profiles, name)
        for column in fields(Profile):
            value = getattr(profile, column.name)
            if column.name == "name":
                continue
            if value in (None, ()):
                section.pop(column.name, None)
            else:
                section[column.name] = list(value) if isinstance(value, tuple) else str(value)
        if make_default:
            document["default_profile"] = name


def remove_profile(paths: Paths, name: str) -> None:
    """Take a profile out of the file; its key in the keyring is another matter. Raises SettingsError."""
    with _Editing(paths) as document:
        _table(document, "profiles").pop(name, None)
        if document.get("default_profile") == name:
            document.pop("default_profile")


def save_choice(
    paths: Paths,
    *,
    theme: str | None = None,
    mouse: bool | None = None,
    cursor_blink: bool | None = None,
    enter: Literal["send", "newline"] | None = None,
    default_profile: str | None = None,
) -> None:
    """Write the choices that are given. Raises SettingsError; then the file is as it was."""
    choices = {
        "theme": theme,
        "mouse": mouse,
        "cursor_blink": cursor_blink,
        "enter": enter,
        "default_profile": default_profile and checked_name(default_profile),
    }
    with _Editing(paths) as document:
        for name, value in choices.items():
            if value is not None:
                document[name] = value


def checked_name(name: str) -> CleanLine:
    """A profile's name, or SettingsError: one line of at most 64 characters without a slash."""
    clean_name = clean_line(name, NAME_LENGTH)
    if not clean_name or clean_name != name or "/" in name:
        raise SettingsError(f"A profile's name is one short line without a slash; “{clean_line(name, 40)}” is not.")
    return clean_name


# What a key looks like. The prefix that a server shows of a key is shorter.
_KEY_SHAPED = re.compile(
    r"\brk-(?:eu|us)-[!#-&(-~]{12,}|\brelai_sk_(?:gbl_)?(?:eu|us)_(?:live|test)_[A-Za-z0-9]{8,}|\bsk-[\w-]{20,}"
)
_SECRET_NAME = re.compile(
    r"(?i)^\s*[\"']?(?:api[_-]?key|key|secret|token|password|authorization)[\"']?\s*=\s*[\"'][^\"']+"
)
_SECTION = re.compile(r"^\s*\[\s*(.+?)\s*\]")


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is no UTF-8 text. Save it as UTF-8, or move it away.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error


class _Reader:
    """Takes a config.toml apart; every complaint names the line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._lines = path, text.splitlines()
        self._warnings: list[CleanLine] = []
        self._refuse_secrets()
        self._found = self._parsed(text)

    def settings(self, paths: Paths) -> Settings:
        found, top = self._found, ""
        profiles: dict[str, Profile] = {
            checked_name(name): self._profile(name, table)
            for name, table in self._take(found, top, "profiles", dict, {}).items()
        }
        keymap = self._take(found, top, "keymap", dict, {})
        for binding, keys in keymap.items():
            if not isinstance(keys, str):
                raise self._wrong("keymap", binding, 'keys as text, such as "ctrl+n"')
        enter = self._take(found, top, "enter", str, "send")
        if enter not in ("send", "newline"):
            raise self._wrong(top, "enter", '"send" or "newline"')
        settings = Settings(
            paths=paths,
            profiles=profiles,
            default_profile=checked_name(self._take(found, top, "default_profile", str, DEFAULT_PROFILE)),
            theme=self._line(found, top, "theme"),
            mouse=self._take(found, top, "mouse", bool, True),
            cursor_blink=self._take(found, top, "cursor_blink", bool, False),
            enter="send" if enter == "send" else "newline",
            keymap=keymap,
            limits=self._limits(self._take(found, top, "limits", dict, {})),
            alerts=self._alerts(self._take(found, top, "alerts", dict, {})),
        )
        self._warn_of_rest(found, top)
        if settings.default_profile not in profiles and settings.default_profile != DEFAULT_PROFILE:
            raise self._wrong(top, "default_profile", "the name of a profile in this file")
        return _with_warnings(settings, tuple(self._warnings))

    def _profile(self, name: str, table: object) -> Profile:
        section = f"profiles.{name}"
        if not isinstance(table, dict):
            raise self._wrong("profiles", name, f"a section [{section}]")
        region = self._line(table, section, "region")
        if region not in (None, "eu", "us"):
            raise self._wrong(section, "region", '"eu" or "us"')
        base_url = self._line(table, section, "base_url")
        if base_url is not None and not re.match(r"https?://[^@/]+(?:/[^@]*)?$", base_url):
            raise self._wrong(
                section, "base_url", "an address such as https://host/v1, without a name or password in it"
            )
        command = self._words(table, section, "key_command", 'a list such as ["pass", "show", "relai"]')
        hosts = self._words(table, section, "allow_insecure_hosts", 'a list of host names such as ["gateway.lan"]')
        profile = Profile(
            name=checked_name(name),
            region=region,
            base_url=base_url,
            model=self._line(table, section, "model"),
            key_command=command or None,
            key_id=self._line(table, section, "key_id"),
            key_prefix=self._line(table, section, "key_prefix"),
            allow_insecure_hosts=tuple(map(clean_line, hosts)),
        )
        self._warn_of_rest(table, section)
        return profile

    def _limits(self, table: dict[str, Any]) -> SpendingLimits:
        caps = {name: self._cap(table, name) for name in ("conversation", "day", "month")}
        self._warn_of_rest(table, "limits")
        return SpendingLimits(**caps)

    def _cap(self, table: dict[str, Any], name: str) -> Cap:
        section, line = f"limits.{name}", self._take(table, "limits", name, dict, {})
        cap = Cap(self._dollars(line, section, "soft"), self._dollars(line, section, "hard"))
        if cap.soft is not None and cap.hard is not None and cap.soft > cap.hard:
            raise self._wrong("limits", name, "a soft limit that is not above the hard one")
        self._warn_of_rest(line, section)
        return cap

    def _alerts(self, table: dict[str, Any]) -> AlertRules:
        usual = AlertRules()
        rules = AlertRules(
            low=self._alert_line(table, "low", usual.low),
            critical=self._alert_line(table, "critical", usual.critical),
            bell=self._take(table, "alerts", "bell", bool, usual.bell),
            desktop=self._take(table, "alerts", "desktop", bool, usual.desktop),
        )
        self._warn_of_rest(table, "alerts")
        return rules

    def _alert_line(self, table: dict[str, Any], name: str, usual: AlertLine) -> AlertLine:
        line = self._take(table, "alerts", name, dict, None)
        if line is None:
            return usual
        section = f"alerts.{name}"
        hours = line.pop("runway_hours", None)
        if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int | Decimal) or not hours >= 0):
            raise self._wrong(section, "runway_hours", "a number of hours, such as 24")
        found = AlertLine(self._dollars(line, section, "floor"), None if hours is None else float(hours) * 3_600)
        self._warn_of_rest(line, section)
        return found

    def _dollars(self, table: dict[str, Any], section: str, name: str) -> int | None:
        """Dollars as they are written, `5`, `2.50` or `"2.50"`, as micro-dollars; exactly, or not at all."""
        value = table.pop(name, None)
        if value is None:
            return None
        try:
            micro = Decimal(value) * 1_000_000 if isinstance(value, str | int | Decimal) else None
        except ArithmeticError:
            micro = None
        whole = micro is not None and micro.is_finite() and 0 <= micro < 10**18 and micro == micro.to_integral_value()
        if micro is None or isinstance(value, bool) or not whole:
            raise self._wrong(section, name, "an amount in dollars, such as 2.50")
        return int(micro)

    def _refuse_secrets(self) -> None:
        for number, line in enumerate(self._lines, 1):
            if _KEY_SHAPED.search(line) or _SECRET_NAME.match(line):
                raise SettingsError(
                    f"{self._path}, line {number}: this looks like an API key, and this file is no place "
                    "for one. Take it out and sign in with it, so that it goes into your keyring, or put it into "
                    "RELAI_API_KEY or a file named by RELAI_API_KEY_FILE. If others could read it, revoke the key."
                )

    def _parsed(self, text: str) -> dict[str, Any]:
        import tomllib

        try:
            return tomllib.loads(text, parse_float=Decimal)  # an amount of money is what was written
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SettingsError(f"{self._path} is no valid TOML: {error}. Correct it, or move it away.") from error

    def _take(self, table: dict[str, Any], section: str, name: str, kind: type[Any], otherwise: Any) -> Any:
        value = table.pop(name, None)
        if value is None:
            return otherwise
        if not isinstance(value, kind):
            raise self._wrong(
                section, name, {dict: f"a section [{name}]", bool: "true or false"}.get(kind, "text in quotes")
            )
        return value

    def _line(self, table: dict[str, Any], section: str, name: str) -> CleanLine | None:
        value = self._take(table, section, name, str, None)
        return None if value is None else clean_line(value)

    def _words(self, table: dict[str, Any], section: str, name: str, wanted: str) -> tuple[str, ...]:
        value = table.pop(name, [])
        if not isinstance(value, list) or not all(
            isinstance(word, str) and word and "\0" not in word for word in value
        ):
            raise self._wrong(section, name, wanted)
        return tuple(value)

    def _warn_of_rest(self, table: dict[str, Any], section: str) -> None:
        for name in table:
            where = f" in [{section}]" if section else ""
            line = self._line_of(section, name)
            self._warnings.append(
                clean_line(f"{self._path}, line {line}: “{name}”{where} is not a setting and is ignored.")
            )

    def _wrong(self, section: str, name: str, wanted: str) -> SettingsError:
        return SettingsError(f"{self._path}, line {self._line_of(section, name)}: “{name}” must be {wanted}.")

    def _line_of(self, section: str, name: str) -> int:
        inside, quoted = "", re.compile(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*[=.]")
        for number, line in enumerate(self._lines, 1):
            header = _SECTION.match(line)
            if header:
                inside = re.sub(r"[\"'\s]", "", header[1])
                if inside == (f"{section}.{name}" if section else name):
                    return number
            elif inside == section and quoted.match(line):
                return number
        parent, _, leaf = section.rpartition(".")
        return self._line_of(parent, leaf) if parent else 1  # a table in one line: day = { hard = 5 }


def _with_warnings(settings: Settings, warnings: tuple[CleanLine, ...]) -> Settings:
    from dataclasses import replace

    return replace(settings, warnings=warnings)


class _Editing:
    """The file as a document to change; written back whole, in one step, when the block ends well."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        # A link stays a link: people keep their settings in a repository of their own.
        self._path = paths.config_file.resolve()

    def __enter__(self) -> tomlkit.TOMLDocument:
        import tomlkit

        load(self._paths)  # what cannot be read is not written over
        self._document = tomlkit.parse(_text_of(self._path) or "")
        return self._document

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._write(self._document.as_string())

    def _write(self, text: str) -> None:
        _Reader(self._path, text)  # refuses a secret, whoever would write it
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                beside.unlink()
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise SettingsError(f"{self._path} cannot be written: {error.strerror}.") from error


def _table(parent: Any, name: str) -> Any:
    import tomlkit

    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "profiles")
    return parent[name]
