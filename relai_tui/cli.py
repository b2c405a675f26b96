"""The command line: reads arguments, builds the parts, hands them on. Textual is imported only to open the screen.

`relai-tui --version` and `--help` load neither textual, httpx nor keyring.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from relai_tui import __version__
from relai_tui.commands.exit_codes import ExitCode, table_of

if TYPE_CHECKING:
    from relai_tui.account import Account, Launch
    from relai_tui.ui.terminal_input.early import Early

MONEY = ("balance", "usage", "receipt")
COMMANDS = ("ask", "keys", *MONEY, "login", "logout", "doctor", "sandbox")
FRAMES = "240"
"""Pictures a second that Textual may paint. Its own 60 hold the echo of a key back for up to two of them, 33 ms.
Nothing here asks for more than 30 a second, and for none while nothing happens."""

TURN = 0.001
"""Seconds a thread goes on before another that wants to has its turn. With Python's own 5 ms, a key pressed while
modules are loaded in a thread waits for several such turns: to be read, to be heard, and to be echoed."""

_USUAL = gc.get_threshold()
_AT_THE_START = 50_000
"""Objects made between two looks for garbage while modules are loaded, nearly all of which stay: 700 cost a tenth."""

_NO_SCREEN = ("", "dumb", "unknown", "network", "dialup", "emacs")
"""Values of TERM for what cannot move a cursor."""

_TAKES_VALUE = {"--profile", "--region", "--base-url", "--model", "--system", "--api-key-file", "--port", "-m"}
_TAKES_VALUE |= {"--rpm", "--scope", "--confirm", "--save-as"}
_TAKES_VALUE |= {"--below", "--format", "--by", "--since", "--until", "--conversation", "--output", "-o"}

_EPILOG = """\
commands:
  ask "…"     answer to standard output; reads standard input too (git diff | relai-tui ask "review this")
  keys        list, create, revoke and rotate the account's API keys
  balance     what is left and how long it lasts: once, watched, for a status bar, or as an exit code
  usage       what was spent, by model, day, key or conversation
  receipt     what a time or a conversation cost, as CSV or Markdown
  login       try a key and keep it in this system's keyring
  logout      forget the key of a profile
  doctor      where the key comes from, where files are, whether the server answers; shows no secret
  sandbox     serve a local Relai for development

environment:
  RELAI_API_KEY, RELAI_API_KEY_FILE, RELAI_BASE_URL    the key, a file that holds it, the server
  RELAI_TUI_HOME                                       one folder for configuration, data and state

relai-tui COMMAND --help tells more of each.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit with its code."""
    from relai_tui.commands.standard_streams import OutputFailed, as_typed, flush_output, prepare

    gc.set_threshold(_AT_THE_START)
    prepare()
    code: int | str | None
    try:
        try:
            code = run([as_typed(each) for each in (sys.argv[1:] if arguments is None else arguments)])
        except SystemExit as end:  # of the parser: a usage error, or --help
            code = end.code
        flush_output()
    except KeyboardInterrupt:
        code = ExitCode.STOPPED
    except OutputFailed as failed:
        code = ExitCode.STOPPED if failed.reader_gone else ExitCode.OUTPUT_FAILED
        if not failed.reader_gone:
            print(f"relai-tui: {failed}", file=sys.stderr)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the program; the exit code."""
    command, rest = split_command(arguments)
    parser = parser_for(command)
    options = parser.parse_args(rest)
    if getattr(options, "version", False):
        print(f"relai-tui {__version__}")
        return ExitCode.DONE
    if command is not None:
        return _dispatch(command, options)
    if (words := _refused_screen(options)) is not None:
        return _complain(words)
    from relai_tui.ui.terminal_input.early import Early

    early = Early()
    if not options.api_key_stdin:
        early.begin()
    try:
        return _dispatch(command, options, early)
    finally:
        early.end()


def _refused_screen(options: argparse.Namespace) -> str | None:
    """Say why the screen is not opened, before anything is read or sent; None when it is."""
    # A prompt begins with an argument that has white space in it, as in quotes: a single word is a mistyped command.
    first = next((argument for argument in options.prompt if argument.strip()), None)
    if first is not None and len(first.split()) == 1:
        from relai_tui.commands.mistyped import refusal

        return refusal(options.prompt, COMMANDS)
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return 'the screen needs a terminal; in a pipe, use: relai-tui ask "…"'
    terminal = os.environ.get("TERM", "").strip()
    if os.name != "nt" and terminal.lower() in _NO_SCREEN:
        named = f"TERM={terminal}" if terminal else "TERM is not set"
        return f'this terminal cannot show the screen ({named}); use: relai-tui ask "…"'
    return None


def _complain(words: str, code: ExitCode = ExitCode.USAGE) -> ExitCode:
    print(f"relai-tui: {words}", file=sys.stderr)
    return code


def split_command(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The command, wherever options stand before it, and the other arguments; None for the screen."""
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "--":
            break
        elif argument.startswith("-") and argument != "-":
            skip = argument in _TAKES_VALUE
        elif argument in COMMANDS:
            return argument, arguments[:index] + arguments[index + 1 :]
        else:
            break
    return None, arguments


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """The parser of a command, or of the screen for None. Abbreviated options are refused: scripts outlive them."""
    name = f"relai-tui {command}" if command else "relai-tui"
    parser = argparse.ArgumentParser(
        prog=name,
        description=_DESCRIPTIONS[command],
        epilog=_epilog(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command == "sandbox":
        parser.add_argument(
            "--port", type=_port, default=8787, help="port on loopback, 0 for a free one (default 8787)"
        )
        parser.add_argument("--json", action="store_true", help="print base_url and keys on one line of JSON, first")
        parser.add_argument(
            "--pace", type=float, default=80.0, metavar="N", help="tokens a second; 0 is unpaced (default 80)"
        )
        return parser
    _add_account_options(parser)
    if command in (None, "ask"):
        _add_chat_options(parser)
    if command == "ask":
        parser.add_argument("--force", action="store_true", help="send standard input that is not UTF-8 text")
    if command == "keys":
        _add_keys_options(parser)
    if command in MONEY:
        from relai_tui.commands.money_options import add_money_options

        add_money_options(parser, command)
    if command is None:
        parser.add_argument("--version", action="store_true", help="print the version and exit")
    if command == "doctor":
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def _epilog(command: str | None) -> str | None:
    if command is None:
        return f"{_EPILOG}\n{table_of(None)}"
    if command in MONEY:
        from relai_tui.commands.money_options import EPILOGS

        return f"{table_of(command)}{EPILOGS.get(command, '')}"
    return table_of(command)


_DESCRIPTIONS: dict[str | None, str] = {
    None: "The terminal home of a Relai account. With a prompt, opens the chat and sends it.",
    "ask": "Ask once; the answer streams to standard output as plain text, and the conversation is kept.",
    "keys": "List, create, revoke and rotate the account's API keys. A new secret goes to standard output alone.",
    "balance": "Tell the balance, how old the figure is, and how long it lasts at the pace of late.",
    "usage": "Tell what was spent in a time: the server's account of every request where it keeps one, else the answers"
    " of this program on this machine.",
    "receipt": "Tell what a time or a conversation cost, answer by answer, as Markdown or CSV. Costs that are not known"
    " are counted apart.",
    "login": "Try a key at its server, then keep it in this system's keyring.",
    "logout": "Forget the key of a profile: it is removed from the keyring. It stays valid until it is revoked.",
    "doctor": "Tell where the key comes from, where files are, and whether the server answers. Shows no secret.",
    "sandbox": "Serve a local Relai, a development double with scripted models, on loopback until stopped.",
}


def _add_account_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("account")
    group.add_argument("--profile", metavar="NAME", help="the profile to use (default: the one in config.toml)")
    group.add_argument("--region", choices=("eu", "us"), help="the region, for keys that work in both")
    group.add_argument("--base-url", metavar="URL", help="the server; any OpenAI-compatible one will chat")
    group.add_argument("--api-key-file", metavar="F", type=Path, help="read the key from a file")
    group.add_argument("--api-key-stdin", action="store_true", help="read the key from standard input's first line")
    group.add_argument("--read-only", action="store_true", help="change nothing of the account: no key made or revoked")
    group.add_argument(
        "--demo", action="store_true", help="use a local sandbox with a seeded account; touches nothing of yours"
    )


def _add_keys_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "create", "revoke", "rotate", "log"), help="what to do")
    parser.add_argument("target", nargs="?", metavar="NAME|ID", help="create: a name; revoke, rotate: a key's id")
    group = parser.add_argument_group("keys")
    group.add_argument("--json", action="store_true", help="print JSON")
    group.add_argument("--rpm", metavar="N", help="requests a minute, 1 to 1000 (create: 60; rotate: as the old key)")
    group.add_argument("--scope", choices=("regional", "global"), help="where a new key works (second edition)")
    group.add_argument("--confirm", metavar="NAME", help="the key's name or id, where revoking asks for it")
    group.add_argument("--save-as", metavar="PROFILE", help="create: keep the new key in the keyring")
    group.add_argument("--reveal", action="store_true", help="print a new secret also where there is no terminal")


def _add_chat_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what to ask; without a command, in quotes")
    group = parser.add_argument_group("chat")
    group.add_argument("-m", "--model", metavar="M", help="a model's id or an alias (smart, fast, cheap)")
    group.add_argument("--system", metavar="S", help="the system prompt of a new conversation")
    group.add_argument(
        "-c", "--continue", dest="continue_last", action="store_true", help="go on with the last conversation"
    )
    group.add_argument("--allow-secrets", action="store_true", help="send a text although it holds an API key")
    group.add_argument("--no-stream", dest="stream", action="store_false", help="ask for the whole answer at once")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to 65535")
    return int(text)


def _dispatch(command: str | None, options: argparse.Namespace, early: "Early | None" = None) -> int:
    if command == "sandbox":
        from relai_tui.sandbox.server import serve

        return serve(port=options.port, json=options.json, demo=True, tokens_per_second=options.pace)
    from relai_tui.commands.build import NoUsableKey, UsageError, build
    from relai_tui.credentials.process import keep_memory_private

    keep_memory_private()
    try:
        account, launch = build(options, new_profile=command == "login")
    except NoUsableKey as error:
        return _complain(str(error), ExitCode.NO_CREDENTIAL)
    except UsageError as error:
        return _complain(str(error))
    match command:
        case "ask":
            from relai_tui.commands.ask import ask

            return ask(account, launch, allow_secrets=options.allow_secrets)
        case "keys":
            from relai_tui.commands.keys import keys

            return keys(account, options)
        case "balance":
            from relai_tui.commands.balance import balance

            return balance(account, options)
        case "usage":
            from relai_tui.commands.usage import usage

            return usage(account, options)
        case "receipt":
            from relai_tui.commands.receipt import receipt

            return receipt(account, options)
        case "login":
            from relai_tui.commands.sign import login

            return login(account)
        case "logout":
            from relai_tui.commands.sign import logout

            return logout(account)
        case "doctor":
            from relai_tui.commands.doctor import doctor

            return doctor(account, as_json=options.json)
    if launch.system and not options.allow_secrets:
        from relai_tui.commands.secret_check import secret_in

        # The screen looks at prompts itself, and can take a key out of them.
        if held_back := secret_in(launch._replace(prompt=None)):
            return _complain(held_back, ExitCode.SECRET_FOUND)
    return _open_screen(account, launch, early)


def _open_screen(account: "Account", launch: "Launch", early: "Early | None") -> int:
    from relai_tui.commands.standard_streams import restore
    from relai_tui.ui.environment import ignore_development_variables

    restore()
    ignore_development_variables(os.environ)
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    sys.setswitchinterval(TURN)
    from relai_tui.ui.app import RelaiApp

    # What is loaded lives as long as the program: looking through it in vain takes 35 ms, in the middle of the first
    # pictures. Once more when all is loaded (`settled`).
    gc.freeze()
    gc.set_threshold(*_USUAL)
    app = RelaiApp(account, launch, settled=gc.freeze, early=early)
    app.run(mouse=account.settings.mouse)
    return app.return_code or 0
