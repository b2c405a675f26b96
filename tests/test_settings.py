"""The settings: where files live, what config.toml may hold, and that it never holds a key."""

import importlib
import os
import pkgutil
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from textual.binding import Binding
from textual.theme import BUILTIN_THEMES

from relai_tui.settings import Paths, Profile, SettingsError, load
from relai_tui.settings.known_names import BINDINGS, THEMES
from relai_tui.settings.saving import remove_profile, save_choice, save_profile
from relai_tui.spending_rules import AlertLine, AlertRules, Cap, SpendingLimits
from relai_tui.text import clean_line
from relai_tui.ui.theme import THEMES as OUR_THEMES

KEY_1 = "rk-eu-" + "Zq7canary" * 4
KEY_2 = "relai_sk_gbl_us_live_" + "ABCDEFGHJKMNPQRSTUVWXYZ234"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"RELAI_TUI_HOME": str(tmp_path / "home")})


def write(paths: Paths, text: str) -> None:
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text, encoding="utf-8")


def profile(name: str, **more: str) -> Profile:
    return Profile(clean_line(name), **{column: clean_line(value) for column, value in more.items()})  # type: ignore[arg-type]  # only columns of one line


def test_one_folder_can_hold_everything(tmp_path: Path) -> None:
    paths = Paths.find({"RELAI_TUI_HOME": str(tmp_path)})
    assert paths.config_file == tmp_path / "config" / "config.toml"
    assert paths.database == tmp_path / "data" / "relai.db"
    assert paths.log.parent == paths.crash.parent == tmp_path / "state"
    assert list(tmp_path.iterdir()) == []


def test_otherwise_files_are_where_the_system_keeps_them() -> None:
    paths = Paths.find({"RELAI_TUI_HOME": "  "})
    assert all("relai-tui" in str(folder) for folder in (paths.config, paths.data, paths.state))


def test_without_a_file_everything_has_a_default(paths: Paths) -> None:
    settings = load(paths)
    assert (settings.mouse, settings.cursor_blink, settings.enter, settings.theme) == (True, False, "send", None)
    assert settings.profile() == Profile(clean_line("default"))
    assert settings.warnings == ()
    assert not paths.config.exists()


def test_a_whole_file_is_understood(paths: Paths) -> None:
    write(
        paths,
        """
        default_profile = "prod"
        theme = "nord"
        mouse = false
        cursor_blink = false
        enter = "newline"
        [profiles.prod]
        region = "eu"
        base_url = "https://eu.api.llmrelai.com/v1"
        model = "smart"
        key_command = ["pass", "show", "relai/prod"]
        key_id = "key_abc123"
        key_prefix = "relai_sk_gbl_eu_live_A"
        [profiles."at home"]
        allow_insecure_hosts = ["gateway.lan"]
        [keymap]
        "chat.new" = "ctrl+n,f2"
        """,
    )
    settings = load(paths)
    assert settings.profile() == Profile(
        name=clean_line("prod"),
        region=clean_line("eu"),
        base_url=clean_line("https://eu.api.llmrelai.com/v1"),
        model=clean_line("smart"),
        key_command=("pass", "show", "relai/prod"),
        key_id=clean_line("key_abc123"),
        key_prefix=clean_line("relai_sk_gbl_eu_live_A"),
    )
    assert settings.profile("at home").allow_insecure_hosts == ("gateway.lan",)
    assert settings.keymap == {"chat.new": "ctrl+n,f2"}
    assert (settings.theme, settings.mouse, settings.cursor_blink, settings.enter) == ("nord", False, False, "newline")
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("theme = \n", r"config\.toml is no valid TOML: .*line 1"),
        ("a = 1\na = 2\n", "no valid TOML"),
        ("# hello\n\nmouse = 'yes'\n", r"line 3: “mouse” must be true or false"),
        ("theme = 7", r"line 1: “theme” must be text in quotes"),
        ('enter = "shout"', r"line 1: “enter” must be .*newline"),
        ('default_profile = "nobody"', r"line 1: “default_profile” must be the name of a profile"),
        ('[profiles.a]\nregion = "mars"', r"line 2: “region” must be"),
        ('[profiles.a]\nmodel = "x"\n[profiles.b]\n\nmodel = 3', r"line 5: “model”"),
        ('[profiles.a]\nkey_command = "pass show x"', r"line 2: “key_command” must be a list such as"),
        ('[profiles.a]\nkey_command = ["pass", 3]', r"line 2: “key_command” must be a list"),
        ('[profiles.a]\nbase_url = "ftp://x"', r"line 2: “base_url” must be an address"),
        ('[profiles.a]\nbase_url = "https://me:pass@x/v1"', r"without a name or password"),
        ('[profiles]\na = "x"', r"line 2: “a” must be a section \[profiles.a\]"),
        ('profiles = "x"', r"“profiles” must be a section"),
        ('[profiles."a/b"]', "without a slash"),
        ('[keymap]\n"chat.new" = 7', r"line 2: “chat.new” must be keys as text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(paths: Paths, text: str, says: str) -> None:
    write(paths, text)
    with pytest.raises(SettingsError, match=says) as caught:
        load(paths)
    assert str(paths.config_file) in str(caught.value) or "slash" in says


def test_a_file_that_is_no_text_is_said(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(paths)
    paths.config_file.unlink()
    paths.config_file.mkdir()
    with pytest.raises(SettingsError, match="is a folder and no file"):
        load(paths)


def test_hostile_names_are_shown_as_text(paths: Paths) -> None:
    write(paths, '"\\u001b]0;x" = 1\n')
    (warning,) = load(paths).warnings
    assert "\x1b" not in warning
    write(paths, '[profiles."\\u001b[2J"]\n')
    with pytest.raises(SettingsError) as caught:
        load(paths)
    assert "\x1b" not in str(caught.value)


def test_what_is_not_known_is_a_warning_and_stays(paths: Paths) -> None:
    write(paths, 'colour = "red"\n[profiles.prod]\nregion = "eu"\nmood = "good"\n')
    settings = load(paths)
    assert [warning.split("config.toml, ")[1] for warning in settings.warnings] == [
        "line 4: “mood” in [profiles.prod] is not a setting and is ignored. Did you mean “model”?",
        "line 1: “colour” is not a setting and is ignored.",
    ]
    save_profile(paths, profile("prod", region="us"))
    assert 'mood = "good"' in paths.config_file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        f'[profiles.prod]\napi_key = "{KEY_1}"',
        f'[profiles.prod]\nregion = "eu"\n# my key: {KEY_2}',
        f'[profiles.prod]\nkey_command = ["echo", "{KEY_1}"]',
        '[profiles.prod]\napi_key = "anything at all"',
        f'theme = "{KEY_2}"',
        f"this is no TOML {KEY_1}",
        'token = "sk-' + "a1B2" * 8 + '"',
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(paths: Paths, text: str) -> None:
    write(paths, text)
    with pytest.raises(SettingsError, match="looks like an API key") as caught:
        load(paths)
    assert "RELAI_API_KEY_FILE" in str(caught.value)
    for secret in (KEY_1, KEY_2, "anything", "a1B2"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


@pytest.mark.parametrize("secret", [KEY_1, KEY_2])
def test_a_key_is_never_written(paths: Paths, secret: str) -> None:
    save_choice(paths, theme="nord")
    before = paths.config_file.read_bytes()
    with pytest.raises(SettingsError):
        save_profile(paths, profile("prod", model=secret))
    assert paths.config_file.read_bytes() == before
    assert [file.name for file in paths.config.iterdir()] == ["config.toml"]


def test_saving_keeps_the_users_comments_and_order(paths: Paths) -> None:
    write(
        paths, '# my settings\ntheme = "nord"  # dark\n\n[profiles.prod] # work\nregion = "eu"\n\n[keymap]\n"a" = "b"\n'
    )
    save_choice(paths, theme="light", mouse=False, enter="newline", cursor_blink=False)
    save_profile(paths, profile("prod", region="us", model="smart"))
    text = paths.config_file.read_text()
    assert text.startswith('# my settings\ntheme = "light"  # dark\n')
    assert "[profiles.prod] # work" in text
    assert text.index("[profiles.prod]") < text.index("[keymap]")
    settings = load(paths)
    assert (settings.profile("prod").region, settings.profile("prod").model) == ("us", "smart")
    assert (settings.mouse, settings.enter, settings.cursor_blink, settings.keymap) == (
        False,
        "newline",
        False,
        {"a": "b"},
    )


def test_a_first_profile_makes_the_file_for_its_owner_only(paths: Paths) -> None:
    made = Profile(
        name=clean_line("at home"),
        region=clean_line("us"),
        key_command=("op", "read", "op://Work/relai/key"),
        allow_insecure_hosts=(clean_line("gateway.lan"),),
    )
    save_profile(paths, made, make_default=True)
    assert load(paths).profile() == made
    assert stat.S_IMODE(paths.config_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o700
    save_profile(paths, profile("at home", region="us"))
    assert load(paths).profile() == profile("at home", region="us")


def test_removing_a_profile_removes_it_as_the_default(paths: Paths) -> None:
    save_profile(paths, profile("a"), make_default=True)
    save_profile(paths, profile("b", region="eu"))
    remove_profile(paths, "a")
    remove_profile(paths, "never there")
    settings = load(paths)
    assert list(settings.profiles) == ["b"]
    assert settings.default_profile == "default"
    with pytest.raises(SettingsError, match=r"no profile “a”.*Known profiles: b"):
        settings.profile("a")


@pytest.mark.parametrize("name", ["", "a/b", "two\nlines", "x" * 65, "\x1b[2J", " padded "])
def test_a_profile_needs_a_name_that_can_be_shown(paths: Paths, name: str) -> None:
    with pytest.raises(SettingsError, match="one short line"):
        save_profile(paths, Profile(clean_line("x")).__class__(name))  # type: ignore[arg-type]  # what a caller might do
    assert not paths.config_file.exists()


def test_a_broken_file_is_not_written_over(paths: Paths) -> None:
    write(paths, "half a = = file")
    with pytest.raises(SettingsError, match="no valid TOML"):
        save_choice(paths, theme="nord")
    assert paths.config_file.read_text() == "half a = = file"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_linked_file_stays_a_link(paths: Paths, tmp_path: Path) -> None:
    mine = tmp_path / "dotfiles" / "relai.toml"
    mine.parent.mkdir()
    mine.write_text("# kept in git\n")
    paths.config.mkdir(parents=True)
    paths.config_file.symlink_to(mine)
    save_choice(paths, theme="nord")
    assert paths.config_file.is_symlink()
    assert mine.read_text() == '# kept in git\ntheme = "nord"\n'


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the way")
    with pytest.raises(SettingsError, match=r"cannot be (written|read)"):
        save_choice(Paths.find({"RELAI_TUI_HOME": str(tmp_path)}), theme="nord")


def test_importing_the_settings_is_light() -> None:
    program = (
        "import sys, relai_tui.settings as s; s.load(s.Paths.find({'RELAI_TUI_HOME': '/nowhere'}));"
        "print([m for m in ('tomlkit', 'platformdirs', 'pydantic', 'textual', 'asyncio') if m in sys.modules])"
    )
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ)
    assert ran.stdout == "[]\n", ran.stderr


# -- limits and alerts


def test_limits_and_alerts_are_read_to_the_micro_dollar(paths: Paths) -> None:
    write(
        paths,
        "[limits]\nconversation = { soft = 0.10, hard = 0.3 }\nday = { hard = 5 }\n"
        '[limits.month]\nhard = "49.999999"\n\n'
        "[alerts]\nlow = { floor = 3, runway_hours = 12 }\ncritical = { runway_hours = 0.5 }\nbell = true\n",
    )
    settings = load(paths)
    assert settings.limits == SpendingLimits(
        conversation=Cap(100_000, 300_000), day=Cap(None, 5_000_000), month=Cap(None, 49_999_999)
    )
    assert settings.alerts == AlertRules(
        low=AlertLine(3_000_000, 43_200.0), critical=AlertLine(None, 1_800.0), bell=True, desktop=False
    )
    assert settings.warnings == ()


def test_without_them_nothing_is_limited_and_the_usual_alerts_hold(paths: Paths) -> None:
    write(paths, 'theme = "nord"\n')
    assert load(paths).limits == SpendingLimits()
    assert load(paths).alerts == AlertRules()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[limits]\nday = { hard = -1 }\n", 2, "an amount in dollars"),
        ("[limits]\n\nday = { hard = 0.0000001 }\n", 3, "an amount in dollars"),
        ("[limits]\nday = { hard = nan }\n", 2, "an amount in dollars"),
        ("[limits]\nday = { hard = inf }\n", 2, "an amount in dollars"),
        ("[limits]\nday = { hard = true }\n", 2, "an amount in dollars"),
        ('[limits]\nday = { hard = "much" }\n', 2, "an amount in dollars"),
        ("[limits.day]\nhard = [5]\n", 2, "an amount in dollars"),
        ("[limits]\nday = 5\n", 2, "a table, such as day = { soft"),
        ("[limits]\nday = [5]\n", 2, "a table, such as day = { soft"),
        ('limits = "none"\n', 1, r"a section \[limits\]"),
        ("[alerts]\nlow = 2\n", 2, "a table, such as low = { floor"),
        ("[limits]\nday = { soft = 3, hard = 2 }\n", 2, "a soft limit that is not above"),
        ("[alerts]\nlow = { runway_hours = -2 }\n", 2, "a number of hours"),
        ('[alerts]\nbell = "yes"\n', 2, "true or false"),
    ],
)
def test_a_wrong_limit_names_its_line_and_what_is_wanted(paths: Paths, text: str, line: int, words: str) -> None:
    write(paths, text)
    with pytest.raises(SettingsError, match=rf"line {line}: .*{words}"):
        load(paths)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[limits]\nweek = { hard = 5 }\n", "“week” in [limits] IGNORED Known here: conv"),
        ("[limits]\ndya = { hard = 5 }\n", "“dya” in [limits] IGNORED Did you mean “day”?"),
        ("[limits]\nDay = { hard = 5 }\n", "“Day” in [limits] IGNORED Did you mean “day”?"),
        ("[limits]\nhard = 5\n", "“hard” in [limits] IGNORED It belongs to a limit, such as"),
        ("[limits]\nday = { hrad = 5, soft = 1 }\n", "“hrad” in [limits.day] IGNORED Did you me"),
        ("[limits]\nday = {}\n", "“day” in [limits] is empty and limits nothing"),
        ("[limits.month]\n", "“month” in [limits] is empty and limits nothing"),
        ("[limit]\nday = { hard = 5 }\n", "“limit” IGNORED Did you mean “limits”?"),
        ("[day]\nhard = 5\n", "“day” IGNORED It belongs in [limits]."),
        ("[alerts]\nlow = { flour = 2 }\n", "“flour” in [alerts.low] IGNORED Did you mean “flo"),
        ("[limits]\nmouse = false\n", "“mouse” in [limits] IGNORED It belongs at the top"),
        ("[profile.work]\nregion = 'eu'\n", "“profile” IGNORED Did you mean “profiles”"),
        ("[profiles.a]\nbase-url = 'http://x'\n", "“base-url” in [profiles.a] IGNORED Did you m"),
        ("theme = 'nrod'\n", "“theme” names “nrod”, and there is no such theme. Did you mean “nord”?"),
        ("theme = 'zzz'\n", "“theme” names “zzz”, and there is no such theme."),
        ("[keymap]\n'chat.nwe' = 'f2'\n", "“chat.nwe” in [keymap] is no action and is ignored. Did you mean “chat"),
        ("\n[keymap]\nchat_new = 'f2'\n", "“chat_new” in [keymap] is no action and is ignored."),
    ],
)  # fmt: skip
def test_what_is_ignored_is_told_with_what_was_meant(paths: Paths, text: str, says: str) -> None:
    write(paths, text)
    (warning,) = load(paths).warnings
    assert warning.startswith(f"{paths.config_file}, line ")
    assert says.replace("IGNORED", "is not a setting and is ignored.") in warning


@settings_of_hypothesis(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["day", "month", "conversation", "Day", "days", "week", "limits.day"]),
    value=st.sampled_from(["5", '"5"', "true", "[]", "[5]", "{}", "1979-05-27", "{ hard = %s }", "{ soft = %s }"]),
    amount=st.sampled_from(["5", '"5"', '""', "-1", "nan", "true", "{}", "[1]", "1e30", "0", "0.5"]),
)
def test_a_limit_never_silently_limits_nothing(paths: Paths, name: str, value: str, amount: str) -> None:
    write(paths, f"[limits]\n{name} = {value.replace('%s', amount)}\n")
    with suppress(SettingsError):  # told, and nothing is sent
        found = load(paths)
        assert found.warnings or found.limits != SpendingLimits()


def test_the_advice_on_a_limit_leads_to_one(paths: Paths) -> None:
    write(paths, "[limits]\nday = 5\n")
    with pytest.raises(SettingsError) as caught:
        load(paths)
    advised = re.search(r"such as (day = \{.*?\})", str(caught.value))
    assert advised
    write(paths, f"[limits]\n{advised[1]}\n")
    settings = load(paths)
    assert settings.limits.day == Cap(2_000_000, 5_000_000)
    assert settings.warnings == ()


def test_the_names_that_settings_know_are_those_of_the_screen() -> None:
    """Where this fails, correct the lists in `settings/known_names.py`."""
    import relai_tui.ui

    bindings: set[str] = set()
    for found in pkgutil.walk_packages(relai_tui.ui.__path__, "relai_tui.ui."):
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type):
                bindings |= {
                    each.id for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding) and each.id
                }
    assert bindings == BINDINGS
    assert {*BUILTIN_THEMES, *(theme.name for theme in OUR_THEMES)} == THEMES
