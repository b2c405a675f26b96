"""The app: its rooms, its themes, and the ways out of it, all of which keep what is there."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from relai_tui.account import Account, Launch
from relai_tui.settings import SettingsError, save_choice
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.dialogs import Help
from relai_tui.ui.faults import Fault, TellsFaults, write_down
from relai_tui.ui.page import Page
from relai_tui.ui.theme import DEFAULT_THEME, THEMES


def is_command(binding_id: str) -> bool:
    """Whether a binding is worth finding in the palette: editing and scrolling are not."""
    room, _, name = binding_id.partition(".")
    return room != "prompt" and name not in ("up", "down", "page-up", "page-down", "palette", "interrupt", "leave")


class RelaiApp(TellsFaults, App[None]):
    """The terminal home of a Relai account. `settled` is called once all that is heavy has been loaded."""

    TITLE = "relai-tui"
    CSS = """
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
    """
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar = [
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, tooltip="Leave; all is kept"),
    ]

    def __init__(
        self,
        account: Account,
        launch: Launch,
        *,
        clock: Callable[[], float] = time.monotonic,
        settled: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self._account, self._launch, self._clock = account, launch, clock
        self._settled = settled
        for theme in THEMES:
            self.register_theme(theme)
        wanted = account.settings.theme
        self.theme = wanted if wanted in self.available_themes else DEFAULT_THEME
        self.set_keymap(dict(account.settings.keymap))
        self.faults: list[BaseException] = []
        """Our own, since the start."""

    def get_default_screen(self) -> Screen[None]:
        """The chat is where one starts."""
        return ChatPage(self._account, self._launch, self._clock)

    def on_mount(self) -> None:
        """Leave in good order when the terminal goes away or the system says so."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not in the main thread
                loop.add_signal_handler(number, self._leave_by_signal, number)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))

    def on_chat_page_settled(self, event: ChatPage.Settled) -> None:
        """What is heavy is loaded."""
        event.stop()
        if self._settled is not None:
            self._settled()

    def _leave_by_signal(self, number: int) -> None:
        self._return_code_of_signal = 128 + number
        self.run_worker(self._close_and_exit(128 + number), exit_on_error=False)

    async def action_quit(self) -> None:
        """Stop what runs, keep what was written, leave."""
        await self._close_and_exit(0)

    async def _close_and_exit(self, return_code: int) -> None:
        await self._close_rooms()
        self.exit(return_code=return_code)

    async def _close_rooms(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ChatPage):
                await screen.close_room()

    async def on_unmount(self) -> None:
        """Wait for the workers' last words, then close the store and the network."""
        workers = list(self.workers)
        self.workers.cancel_all()
        await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        await self._account.close()

    # -- help and palette

    def action_help(self) -> None:
        """Help for what has the focus."""
        screen = self.screen
        if isinstance(screen, Help):
            return
        focused = screen.focused
        words = [each.HELP for each in (focused, screen) if each is not None and each.HELP]
        title = "Help" if not isinstance(screen, Page) else f"relai-tui · {type(screen).__name__.removesuffix('Page')}"
        self.push_screen(Help(title, "\n\n".join(words), screen.active_bindings))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What every binding does, and the theme. No screenshot of a screen that may show a secret."""
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Quit"):
                yield command
        seen = {"app.quit"}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id and binding.id not in seen and binding.tooltip and active.enabled and is_command(binding.id):
                seen.add(binding.id)
                yield SystemCommand(
                    binding.tooltip,
                    self.get_key_display(binding),
                    lambda a=active: self.run_action(a.binding.action, a.node),
                )

    def action_help_quit(self) -> None:
        """Ctrl+C in a dialog."""
        self.notify("Ctrl+Q quits.", markup=False, timeout=2)

    def _keep_theme(self, name: str) -> None:
        if name != self._account.settings.theme:
            try:
                save_choice(self._account.settings.paths, theme=name)
            except (SettingsError, OSError) as error:
                self.notify(f"The theme is not saved: {error}", markup=False, severity="warning")

    # -- the last line of defence

    def on_fault(self, event: Fault) -> None:
        """Tell of a fault of ours and go on: what was kept is kept."""
        event.stop()
        self.faults.append(event.error)
        path = self._account.settings.paths.crash
        try:
            write_down(event.error, path)
            where = f"The details, without secrets, are in {path}."
        except OSError as error:
            where = f"The details could not be written: {error.strerror}."
        kind = type(event.error).__name__
        self.notify(
            f"Something is wrong in relai-tui itself ({kind}). {where}", severity="error", markup=False, timeout=15
        )

    def _fatal_error(self) -> None:
        """As Textual's, but without locals: they would print keys (textual 8.2's shows them)."""
        from rich.segment import Segments
        from rich.traceback import Traceback  # loads all of rich.syntax, which the start must not wait for

        self.bell()
        traceback = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()
