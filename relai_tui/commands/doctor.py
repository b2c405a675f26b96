"""`relai-tui doctor`: where everything comes from and whether it works. Shows no secret."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from relai_tui import __version__
from relai_tui.account import Account, NoCredential
from relai_tui.api.errors import NotFound, NotOffered, RelaiError
from relai_tui.api.keys import masked
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import run
from relai_tui.counts import counted
from relai_tui.credentials.errors import CredentialError
from relai_tui.text import clean_line

_LIBRARIES = ("textual", "httpx", "httpx-sse", "pydantic", "keyring", "aiosqlite", "markdown-it-py")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, whether that is well."""

    subject: str
    words: str
    well: bool = True
    needed: bool = True
    """Chatting depends on it: where it is not well, the exit code is 1."""


def doctor(account: Account, *, as_json: bool) -> int:
    """Look and tell; exit code 1 when something keeps one from chatting."""
    return run(account, _doctor(account, as_json=as_json))


async def _doctor(account: Account, *, as_json: bool) -> ExitCode:
    findings = await _look(account)
    if as_json:
        print(
            json.dumps({f.subject: {"found": f.words, "well": f.well} for f in findings}, ensure_ascii=False, indent=2)
        )
    else:
        column = max(len(finding.subject) for finding in findings)
        for finding in findings:
            print(f"{'✓' if finding.well else '✗'} {finding.subject:<{column}}  {finding.words}")
    return ExitCode.DONE if all(finding.well or not finding.needed for finding in findings) else ExitCode.PROBLEM


async def _look(account: Account) -> list[Finding]:
    return [
        *_versions(),
        *_paths(account),
        await _keyring(account),
        *await _connection(account),
        await _store(account),
    ]


def _versions() -> list[Finding]:
    def of(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"{name} —"

    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return [
        Finding("version", f"relai-tui {__version__}"),
        Finding("python", python),
        Finding("libraries", ", ".join(map(of, _LIBRARIES))),
    ]


def _paths(account: Account) -> list[Finding]:
    paths = account.settings.paths
    there = "" if paths.config_file.exists() else " (not there: defaults are used)"
    rows = [Finding("configuration", f"{clean_line(str(paths.config_file))}{there}")]
    rows += [Finding("configuration", clean_line(warning), well=False) for warning in account.settings.warnings]
    return [*rows, Finding("history", clean_line(str(paths.database)))]


async def _keyring(account: Account) -> Finding:
    state = await account.probe_keyring()
    if state.trouble is not None:
        named = f"{state.backend}: " if state.backend else ""
        # Where the key was to come from it, the key is missing too, and that is told.
        return Finding("keyring", f"{named}{state.trouble}", well=False, needed=False)
    return Finding("keyring", f"{state.backend}: an entry was written, read back and deleted")


async def _connection(account: Account) -> list[Finding]:
    profile = account.profile.name
    try:
        client = await account.connect()
    except (NoCredential, CredentialError, RelaiError) as error:
        return [Finding("profile", profile), Finding("key", str(error), well=False)]
    rows = [Finding("profile", f"{profile}{f' · {account.region}' if account.region else ''}")]
    credential = account.credential
    if credential is not None:
        hides = f" (goes before the {credential.hides})" if credential.hides else ""
        rows.append(Finding("key", f"{masked(credential.key) or 'set,'} from {credential.label}{hides}"))
    else:
        rows.append(Finding("key", "none; this server may not need one"))
    try:
        models = await client.models()
        rows.append(Finding("server", f"{client.base_url} answers; {counted(len(models), 'model')}"))
    except (NotFound, NotOffered):
        rows.append(Finding("server", f"{client.base_url} answers; it lists no models"))
    except RelaiError as error:
        rows.append(Finding("server", f"{client.base_url}: {error}", well=False))
    return rows


async def _store(account: Account) -> Finding:
    store = await account.store()
    if store.notice:
        return Finding("store", store.notice, well=False)
    return Finding("store", counted(await store.conversations.count(), "conversation"))
