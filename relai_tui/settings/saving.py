"""Writing into `config.toml`: one choice at a time, in one step, with the user's comments and order kept."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from relai_tui.private_files import Distrusted, close_folder, make_folder, write
from relai_tui.settings.reading import check, read
from relai_tui.settings.values import Paths, Profile, SettingsError, checked_name, text_of

if TYPE_CHECKING:
    import tomlkit


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


class _Editing:
    """The file as a document to change; written back whole, in one step, when the block ends well."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        # A link stays a link: people keep their settings in a repository of their own.
        self._path = paths.config_file.resolve()

    def __enter__(self) -> tomlkit.TOMLDocument:
        import tomlkit

        text = text_of(self._paths.config_file) or ""
        read(self._paths, text)  # what cannot be read is not written over
        self._document = tomlkit.parse(text)
        return self._document

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._write(self._document.as_string())

    def _write(self, text: str) -> None:
        check(self._path, text)
        try:
            if self._paths.config.is_dir():
                close_folder(self._paths.config)
            else:
                make_folder(self._paths.config)
            write(self._path, text)
        except Distrusted as error:
            raise SettingsError(f"The settings cannot be saved: {error.strerror}. {error.way_on}.") from error
        except OSError as error:
            raise SettingsError(f"{self._path} cannot be written: {error.strerror}.") from error


def _table(parent: Any, name: str) -> Any:
    import tomlkit

    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "profiles")
    return parent[name]
