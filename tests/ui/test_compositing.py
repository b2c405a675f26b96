"""An update asks only the widgets it reaches for their lines, and the picture is Textual's own."""

from pathlib import Path

import pytest
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.chat.prompt import Draft
from relai_tui.ui.chat.rail import Rail
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.compositing import NarrowCompositor
from relai_tui.ui.page import TopBar
from tests.ui.conftest import account_on, desk


def drawn(screen: Screen[object], region: Region, kind: type[Compositor]) -> str:
    """What is sent to the terminal for a change in this region, with this compositor's choice of widgets."""
    compositor = screen._compositor
    assert isinstance(compositor, NarrowCompositor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NarrowCompositor, "_get_renders", kind._get_renders)
        chops = compositor._render_chops(region, frozenset(region.line_range).__contains__)
    spans = [(y, region.x, region.right) for y in region.line_range]
    return ChopsUpdate(chops, spans, [cuts[1:] for cuts in compositor.cuts]).render_segments(screen.app.console)


async def test_a_part_of_the_screen_is_painted_as_textual_paints_it(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("show me a table and a list")
        await at.answered()
        await at.pilot.pause()
        screen = at.app.screen
        width, height = at.app.size
        regions = [widget.region for widget in screen.walk_children(Widget) if widget.region.area]
        regions += [Region(0, 0, width, height), Region(3, 2, 40, 9), Region(width - 5, height - 6, 5, 6)]
        for region in regions:
            assert drawn(screen, region, NarrowCompositor) == drawn(screen, region, Compositor), region


async def test_the_echo_of_a_key_asks_nobody_but_the_prompt(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await at.pilot.pause()
        asked: list[type[Widget]] = []
        plain = Widget.render_lines

        def noting(self: Widget, crop: Region) -> object:
            asked.append(type(self))
            return plain(self, crop)

        monkeypatch.setattr(Widget, "render_lines", noting)
        monkeypatch.setattr(Transcript, "render_lines", noting)
        await at.pilot.press("x")
        await at.until(lambda: Draft in asked)
        await at.pilot.pause()
        assert TopBar not in asked
        assert Transcript not in asked


async def test_the_rail_looks_as_textuals_scrollbar(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("a long answer, please: 400 tokens")
        await at.answered()
        rail = at.transcript.vertical_scrollbar
        assert isinstance(rail, Rail)
        for window, position in ((40, 0), (400, 3), (90, 7), (33, 0), (5_000, 4_967)):
            rail.window_virtual_size, rail.position = window, position
            whole = rail.region.reset_offset
            ours, textuals = rail.render_lines(whole), Widget.render_lines(rail, whole)
            assert [[(s.text, s.style) for s in strip] for strip in ours] == [
                [(s.text, s.style) for s in strip] for strip in textuals
            ]
            assert rail.render_lines(Region(0, 2, 1, 3)) == ours[2:5]
