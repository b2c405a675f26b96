"""The plan of the house, checked: floors, doors, what loads at the start, and how foreign text may be shown."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UI = ROOT / "relai_tui" / "ui"


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {
    "textual",
    "httpx",
    "httpx_sse",
    "pydantic",
    "keyring",
    "aiosqlite",
    "sqlite3",
    "markdown_it",
    "pygments.lexers",
    "starlette",
    "uvicorn",
    "platformdirs",
}


def test_asking_for_the_version_loads_nothing_heavy() -> None:
    loaded = loaded_by("from relai_tui.cli import run\nassert run(['--version']) == 0")
    assert not HEAVY & loaded
    assert "rich" not in loaded


@pytest.mark.parametrize(
    "module", ["session", "account", "commands.ask", "balance", "api.client", "store.database", "credentials"]
)
def test_what_has_no_screen_loads_no_textual_and_nothing_heavy(module: str) -> None:
    assert not HEAVY & loaded_by(f"import relai_tui.{module}")


def test_the_screen_is_drawn_before_anything_of_the_wire_the_disk_or_the_keyring_is_loaded() -> None:
    assert not (HEAVY - {"textual", "platformdirs"}) & loaded_by("import relai_tui.ui.app")


LATER = {
    "relai_tui.session",
    "relai_tui.pricing",
    "relai_tui.spending_records",
    "relai_tui.api.deltas",
    "relai_tui.api.client",
    "relai_tui.store.database",
    "relai_tui.balance.watch",
    "relai_tui.settings.reading",
    "relai_tui.settings.saving",
    "relai_tui.ui.dialogs",
    "relai_tui.ui.sign_in",
    "relai_tui.ui.chat.replies",
    "relai_tui.ui.chat.shortfall",
    "relai_tui.ui.chat.shelf",
    "relai_tui.ui.chat.model_picker",
}


def test_the_first_paint_waits_for_nothing_it_does_not_show() -> None:
    """Each of these is loaded after it, most of them in a thread: together they cost a fifth of the start."""
    loaded = loaded_by("import relai_tui.cli, relai_tui.commands.build, relai_tui.ui.app")
    assert not LATER & loaded
    assert not {name for name in loaded if name.startswith(("relai_tui.spending.", "relai_tui.ui.balance"))}


def test_what_follows_the_first_paint_is_all_there() -> None:
    loaded = loaded_by("from relai_tui.ui.chat.page import _load_later\n_load_later()")
    assert {"relai_tui.session", "relai_tui.ui.chat.replies", "relai_tui.ui.chat.shortfall"} <= loaded


def test_a_request_of_ask_waits_for_no_money() -> None:
    loaded = loaded_by("import relai_tui.commands.build, relai_tui.commands.ask, relai_tui.store.database")
    assert not {"relai_tui.pricing", "relai_tui.balance.attribution", "relai_tui.spending_records"} & loaded


# -- foreign text

MARKUP_SINKS = {
    "Static",
    "Label",
    "Button",
    "Checkbox",
    "RadioButton",
    "Option",
    "Collapsible",
    "Tooltip",
    "update",
    "notify",
    "add_option",
}
TITLES = {"border_title", "border_subtitle", "tooltip"}


def is_safe(node: ast.expr) -> bool:
    """Our own constant without markup, or Content made without parsing markup."""
    if isinstance(node, ast.Constant):
        return not (isinstance(node.value, str) and "[" in node.value)
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in {"Content", "Content.styled", "Content.assemble", "Text", "Option"} or called.startswith(
            ("Content(", "self._", "Content.")
        )
    return isinstance(node, ast.Name) and node.id in {"content", "line", "option", "options"}


def suspicious(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            unmarked = any(k.arg == "markup" and ast.unparse(k.value) == "False" for k in node.keywords)
            widget = (
                name != "update"
                or ast.unparse(node.func).startswith("self.query_one")
                or "state" in ast.unparse(node.func)
            )
            if name in MARKUP_SINKS and widget and node.args and not unmarked and not is_safe(node.args[0]):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:90]}"
            if name in {"OptionList", "SelectionList"} and not unmarked:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {name} without markup=False"
            if ast.unparse(node.func).endswith("from_markup"):
                yield f"{path.relative_to(ROOT)}:{node.lineno} markup is parsed: {ast.unparse(node)[:90]}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in TITLES and not is_safe(node.value):
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:90]}"


def test_nothing_foreign_is_ever_read_as_markup() -> None:
    assert [line for path in sorted(UI.rglob("*.py")) for line in suspicious(path)] == []


def test_the_check_for_markup_can_fail(tmp_path: Path) -> None:
    bad = ROOT / "tests" / "__markup_probe__.py"
    bad.write_text("notify(error)\nStatic(name)\nw.border_title = name\nOptionList()\nContent.from_markup(x)\n")
    try:
        assert len(list(suspicious(bad))) == 5
    finally:
        bad.unlink()


def test_no_one_but_text_makes_clean_text() -> None:
    """`CleanText(…)` elsewhere is a cast past the gate, for joining, cutting and replacing within clean text."""
    allowed = ("join", "+", "[", "replace", "strip", 'f"', "f'")
    for path in sorted((ROOT / "relai_tui").rglob("*.py")):
        if path.name == "text.py" or "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("CleanText", "CleanLine"):
                words = ast.unparse(node.args[0])
                assert isinstance(node.args[0], ast.Name | ast.Constant | ast.Call) or any(
                    mark in words for mark in allowed
                ), f"{path}:{node.lineno} {words}"
