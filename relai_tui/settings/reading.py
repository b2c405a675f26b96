"""`config.toml`, taken apart: every complaint names the file, the line and what to do."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from relai_tui.settings.known_names import BINDINGS, THEMES, advice, closest
from relai_tui.settings.values import DEFAULT_PROFILE, Paths, Profile, Settings, SettingsError, checked_name
from relai_tui.spending_rules import AlertLine, AlertRules, Cap, SpendingLimits
from relai_tui.text import CleanLine, CleanText, clean_line, clean_name

if TYPE_CHECKING:
    from pathlib import Path

# What a key looks like. The prefix that a server shows of a key is shorter.
_KEY_SHAPED = re.compile(
    r"\brk-(?:eu|us)-[!#-&(-~]{12,}|\brelai_sk_(?:gbl_)?(?:eu|us)_(?:live|test)_[A-Za-z0-9]{8,}|\bsk-[\w-]{20,}"
)
_SECRET_NAME = re.compile(
    r"(?i)^\s*[\"']?(?:api[_-]?key|key|secret|token|password|authorization)[\"']?\s*=\s*[\"'][^\"']+"
)
_SECTION = re.compile(r"^\s*\[\s*(.+?)\s*\]")


def read(paths: Paths, text: str) -> Settings:
    """The settings that the text of a `config.toml` makes. Raises SettingsError."""
    return _Reader(paths.config_file, text).settings(paths)


def check(path: Path, text: str) -> None:
    """Refuse a text that is no TOML or that holds a secret, whoever would write it. Raises SettingsError."""
    _Reader(path, text)


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
        self._warn_of_looks(settings)
        if settings.default_profile not in profiles and settings.default_profile != DEFAULT_PROFILE:
            raise self._wrong(top, "default_profile", "the name of a profile in this file")
        return replace(settings, warnings=tuple(self._warnings))

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
            allow_insecure_hosts=tuple(map(clean_name, hosts)),
        )
        self._warn_of_rest(table, section)
        return profile

    def _limits(self, table: dict[str, Any]) -> SpendingLimits:
        caps = {name: self._cap(table, name) for name in ("conversation", "day", "month")}
        self._warn_of_rest(table, "limits")
        return SpendingLimits(**caps)

    def _cap(self, table: dict[str, Any], name: str) -> Cap:
        wanted = f"a table, such as {name} = {{ soft = 2.00, hard = 5.00 }}: at soft you are told, at hard asked"
        section, line = f"limits.{name}", self._take(table, "limits", name, dict, None, wanted=wanted)
        if line is None:
            return Cap()
        given = bool(line)
        cap = Cap(self._dollars(line, section, "soft"), self._dollars(line, section, "hard"))
        if not given:
            self._warn("limits", name, "in [limits] is empty and limits nothing. Give it soft, hard or both.")
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
        wanted = f"a table, such as {name} = {{ floor = 2.00, runway_hours = 24 }}"
        line = self._take(table, "alerts", name, dict, None, wanted=wanted)
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
        try:
            return tomllib.loads(text, parse_float=Decimal)  # an amount of money is what was written
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SettingsError(f"{self._path} is no valid TOML: {error}. Correct it, or move it away.") from error

    def _take(
        self,
        table: dict[str, Any],
        section: str,
        name: str,
        kind: type[Any],
        otherwise: Any,
        *,
        wanted: str | None = None,
    ) -> Any:
        value = table.pop(name, None)
        if value is None:
            return otherwise
        if not isinstance(value, kind):
            usual = {dict: f"a section [{name}]", bool: "true or false"}.get(kind, "text in quotes")
            raise self._wrong(section, name, wanted or usual)
        return value

    def _line(self, table: dict[str, Any], section: str, name: str) -> CleanText | None:
        value = self._take(table, section, name, str, None)
        return None if value is None else clean_name(value)

    def _words(self, table: dict[str, Any], section: str, name: str, wanted: str) -> tuple[str, ...]:
        value = table.pop(name, [])
        if not isinstance(value, list) or not all(
            isinstance(word, str) and word and "\0" not in word for word in value
        ):
            raise self._wrong(section, name, wanted)
        return tuple(value)

    def _warn_of_rest(self, table: dict[str, Any], section: str) -> None:
        where = f"in [{section}] " if section else ""
        for name in table:
            self._warn(section, name, f"{where}is not a setting and is ignored.{advice(section, name)}")

    def _warn_of_looks(self, settings: Settings) -> None:
        """Warn of a theme or a binding that does not exist."""
        if settings.theme is not None and settings.theme not in THEMES:
            meant = closest(settings.theme, THEMES)
            more = f" Did you mean “{meant}”?" if meant else ""
            self._warn("", "theme", f"names “{settings.theme}”, and there is no such theme.{more}")
        for binding in settings.keymap:
            if binding not in BINDINGS:
                meant = closest(binding, BINDINGS)
                more = f" Did you mean “{meant}”?" if meant else ""
                self._warn("keymap", binding, f"in [keymap] is no action and is ignored.{more}")

    def _warn(self, section: str, name: str, words: str) -> None:
        line = self._line_of(section, name)
        self._warnings.append(clean_line(f"{self._path}, line {line}: “{name}” {words}", 600))

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
