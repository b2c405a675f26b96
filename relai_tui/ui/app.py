"""The app: its rooms, its themes, and the ways out of it, all of which keep what is there."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual._context import active_message_pump
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.driver import Driver
from textual.screen import Screen
from textual.widgets import Input, TextArea

from relai_tui.account import Account, Launch
from relai_tui.text import CleanLine, clean_line
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.dialog import Dialog, handled
from relai_tui.ui.drawing_guards import guard_drawing
from relai_tui.ui.faults import Fault, TellsFaults, write_down
from relai_tui.ui.hearing import hearing
from relai_tui.ui.late_input import LateInput
from relai_tui.ui.page import Page
from relai_tui.ui.stylesheet import OnceParsed
from relai_tui.ui.terminal_gone import lasting
from relai_tui.ui.terminal_input.driver import reading_driver
from relai_tui.ui.terminal_input.early import Early
from relai_tui.ui.terminal_input.keys import TerminalKey, is_pasted, typed_text
from relai_tui.ui.theme import DEFAULT_THEME, THEMES

if TYPE_CHECKING:
    from textual.message import Message

    from relai_tui.spending.desk import BalanceDesk
    from relai_tui.spending.recent import RecentReadings
    from relai_tui.spending_records import KeptReading
    from relai_tui.ui.balance.page import BalancePage
    from relai_tui.ui.balance.purse import Purse
    from relai_tui.ui.keys.page import KeysPage


guard_drawing()

LOOK = 20.0
"""Seconds between two looks at the clock."""
SHOWN_WARNINGS = 3
"""Warnings about the settings that are shown at the start."""
SLEPT = 60.0
"""Seconds on the wall between two looks from which this machine must have slept: timers stood still meanwhile."""


class RelaiApp(TellsFaults, App[None]):
    """The terminal home of a Relai account. `settled` is called once all that is heavy has been loaded."""

    TITLE = "relai-tui"
    CSS = """
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
    /* A border that comes with the focus moves the rows under the mouse: the click takes the row above. */
    OptionList, RadioSet { border: none; }
    CommandList { border-top: blank; border-bottom: hkey black; }
    """
    ENABLE_COMMAND_PALETTE = True
    DEFAULT_MODE = "chat"
    BINDINGS: ClassVar = [
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, priority=True, tooltip="Leave; all is kept"),
        Binding("f5", "show_room('chat')", "Chat", id="app.chat", tooltip="To the chat; what runs elsewhere goes on"),
        Binding("f6", "show_room('keys')", "Keys", id="app.keys", tooltip="To the account's API keys"),
        Binding("f7", "show_room('balance')", "Balance", id="app.balance", tooltip="To the balance and what was spent"),
    ]

    def __init__(
        self,
        account: Account,
        launch: Launch,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        settled: Callable[[], object] | None = None,
        early: Early | None = None,
    ) -> None:
        self._early = early  # the driver's class is asked for first
        super().__init__()
        self.stylesheet = OnceParsed(variables=self.get_css_variables())
        self._late_input = LateInput()
        self._account, self._launch, self._clock = account, launch, clock
        self._settled, self._wall_clock = settled, wall_clock
        for theme in THEMES:
            self.register_theme(theme)
        wanted = account.settings.theme
        self.theme = wanted if wanted in self.available_themes else DEFAULT_THEME
        self.set_keymap(dict(account.settings.keymap))
        self.faults: list[BaseException] = []
        """Our own, since the start."""
        self._chat = ChatPage(account, launch, self._clock)
        self._keys: KeysPage | None = None
        self._balance: BalancePage | None = None
        self._without_keys = False
        self._began = self._looked_at = wall_clock()
        self._purse: Purse | None = None
        self._made_money: tuple[BalanceDesk, RecentReadings] | None = None
        self.add_mode("chat", lambda: self._chat)
        self.add_mode("keys", self._make_keys_room)
        self.add_mode("balance", self._make_balance_room)

    def get_driver_class(self) -> type[Driver]:
        """The system's driver; each key it reads holds the transcript's work back, so that its echo goes first."""
        driver = reading_driver(lasting(super().get_driver_class()), self._early)
        return hearing(driver, lambda: self._chat.key_heard())

    def on_chat_page_takes_input(self, event: ChatPage.TakesInput) -> None:
        """Hand on what was typed while the program started."""
        event.stop()
        if (start := getattr(self._driver, "start_input", None)) is not None:
            start()

    # -- rooms

    def _make_keys_room(self) -> Screen[None]:
        from relai_tui.keys.desk import KeyDesk  # with the first visit: the start need not wait for it
        from relai_tui.ui.keys.page import KeysPage

        desk = KeyDesk(self._account, clock=self._wall_clock)
        self._keys = KeysPage(desk, lambda: self._chat.answering)
        return self._keys

    def _make_balance_room(self) -> Screen[None]:
        from relai_tui.ui.balance.page import BalancePage

        desk, recent = self._money()
        self._balance = BalancePage(desk, recent, lambda: self._chat.answering, self._began)
        self._balance.told(self._purse)
        return self._balance

    async def action_show_room(self, name: str) -> None:
        """Go to a room; the others stay as they are, and what runs there goes on."""
        if not self.check_action("show_room", (name,)):
            self.notify("This server has no API keys to manage.", markup=False)
            return
        await self.switch_mode(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A room is offered where it is not shown already, and never out of a dialog."""
        if action == "show_room":
            here = isinstance(self.screen, Page) and parameters != (self.current_mode,)
            return here and (parameters != ("keys",) or self._has_keys())
        return super().check_action(action, parameters)

    def _has_keys(self) -> bool:
        """Whether the server may have keys to manage: it is Relai's, or speaks to a key of Relai's."""
        if not self._account.connected:
            return not self._without_keys  # not known yet: the Keys screen says so
        return not self._without_keys and self._account.edition is not None

    async def on_keys_page_no_keys_here(self, event: "Message") -> None:
        """This server has none: back to the chat, and no more of it."""
        event.stop()
        self._without_keys = True
        self.notify("This server has no API keys to manage.", markup=False)
        await self.switch_mode("chat")
        self.screen.refresh_bindings()

    async def on_chat_room_revoke_wanted(self, event: ChatPage.RevokeWanted) -> None:
        """To the Keys room, with the question; where several keys begin alike, with those."""
        event.stop()
        await self.switch_mode("keys")
        if self._keys is not None:
            self._keys.revoke_one_of(event.keys)

    def on_keys_page_key_changed(self, event: "Message") -> None:
        """Another key is used from now on, or none: the chat shows it, and asks for one when it needs one."""
        event.stop()
        self._made_money = None
        if self._balance is not None:
            self._balance.use(*self._money())
        self._chat.account_changed()

    # -- the balance, in the top bar of every room

    def on_page_balance_read(self, event: Page.BalanceRead) -> None:
        """Show it in every room there is."""
        event.stop()
        reading = event.reading
        why = clean_line(reading.trouble) if reading and reading.trouble else None
        if reading is None or not reading.offered:
            from relai_tui.ui.balance.purse import Purse

            self._show_purse(Purse(offered=False, trouble=why) if reading else None)
            return
        fresh, account = None, self._account
        if reading.micro is not None:
            from relai_tui.spending_records import KeptReading

            now, source = self._wall_clock(), clean_line("balance")
            fresh = KeptReading(account.profile.name, account.region, reading.micro, now, source)
        self._take_stock(fresh, why)

    @work(group="stock", exclusive=True, exit_on_error=False)
    async def _take_stock(self, fresh: "KeptReading | None", trouble: CleanLine | None) -> None:
        from relai_tui.ui.balance.purse import look_into

        self._show_purse(await look_into(self._money()[1], fresh, trouble))

    def _money(self) -> "tuple[BalanceDesk, RecentReadings]":
        """The money of the account, for the top bars and the Balance room; made when first wanted."""
        if self._made_money is None:
            from relai_tui.spending.desk import BalanceDesk
            from relai_tui.spending.recent import RecentReadings

            desk = BalanceDesk(self._account, clock=self._wall_clock)
            self._made_money = desk, RecentReadings(desk)
        return self._made_money

    def _show_purse(self, purse: "Purse | None") -> None:
        self._purse = purse
        self._show_credits()
        if self._balance is not None:
            self._balance.told(purse)

    def _show_credits(self) -> None:
        """In every room; also as time goes by, because the figure gets older."""
        held = self._purse.credits(self._wall_clock()) if self._purse else None
        for page in (self._chat, self._keys, self._balance):
            if page is not None and page.is_mounted:
                page.show_credits(held)

    def look_at_the_clock(self) -> None:
        """As time goes by, figures get older. After this machine slept, the balance is read anew."""
        now, before = self._wall_clock(), self._looked_at
        self._looked_at = now
        if now - before > SLEPT and self._account.connected:
            self._account.watch.read_soon()
        self._show_credits()

    def on_page_shown(self, event: Page.Shown) -> None:
        """A room comes with the figure the others show."""
        event.stop()
        self._show_credits()

    def on_mount(self) -> None:
        """Leave in good order when the terminal goes away or the system says so."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not in the main thread
                loop.add_signal_handler(number, self._leave_by_signal, number)
        self.set_interval(LOOK, self.look_at_the_clock)
        self.app_resume_signal.subscribe(self, lambda _: self._repaint())
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self._warn_of_settings()

    def _warn_of_settings(self) -> None:
        """Tell of settings that are ignored: a limit that was misspelled protects nobody."""
        settings = self._account.settings
        if settings.warnings:
            file = settings.paths.config_file
            shown = [warning.removeprefix(f"{file}, ") for warning in settings.warnings[:SHOWN_WARNINGS]]
            if len(settings.warnings) > SHOWN_WARNINGS:
                shown.append(f"{len(settings.warnings) - SHOWN_WARNINGS} more: relai-tui doctor shows all.")
            title = clean_line(f"Settings in {file}")
            self.notify("\n".join(shown), title=title, severity="warning", markup=False, timeout=15)

    def _repaint(self) -> None:
        """Draw everything: the terminal's screen is empty after a suspension."""
        screen = self.screen
        screen.refresh(layout=True)

    def on_chat_page_settled(self, event: ChatPage.Settled) -> None:
        """What is heavy is loaded."""
        event.stop()
        if self._settled is not None:
            self._settled()

    def _leave_by_signal(self, number: int) -> None:
        self._return_code_of_signal = 128 + number
        self.run_worker(self._close_and_exit(128 + number), exit_on_error=False)

    async def action_quit(self) -> None:
        """Stop what runs, keep what was written, leave; but not while a secret is told that is told only once."""
        if self._keys is not None and (reason := self._keys.reason_to_stay):
            self.notify(reason, markup=False, severity="warning")
            return
        await self._close_and_exit(0)

    async def _close_and_exit(self, return_code: int) -> None:
        await self._chat.close_room()
        self.exit(return_code=return_code)

    async def on_unmount(self) -> None:
        """Wait for the workers' last words, then close the store and the network."""
        await self._chat.close_room()
        workers = list(self.workers)
        self.workers.cancel_all()
        await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        await self._account.close()

    # -- help and palette

    def action_help(self) -> None:
        """Help for what has the focus."""
        from relai_tui.ui.dialogs import Help

        screen = self.screen
        if isinstance(screen, Help):
            return
        focused = screen.focused
        words = [each.HELP for each in (focused, screen) if each is not None and each.HELP]
        title = "Help" if not isinstance(screen, Page) else f"relai-tui · {type(screen).__name__.removesuffix('Page')}"
        self.push_screen(Help(title, "\n\n".join(words), screen.active_bindings))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What can be done here, then on the other screens, the theme, and a picture, which never shows a secret."""
        from relai_tui.ui.palette import is_command, other_screens

        seen = {"app.quit", "app.chat", "app.keys", "app.balance"}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id and binding.id not in seen and binding.tooltip and active.enabled and is_command(binding.id):
                seen.add(binding.id)
                yield SystemCommand(
                    binding.tooltip,
                    self.get_key_display(binding),
                    lambda a=active: self.run_action(a.binding.action, a.node),
                )
        if isinstance(screen, Page):
            for there in other_screens(self.current_mode, self.get_key_display, has_keys=self._has_keys()):
                yield SystemCommand(there.title, there.key, lambda c=there: self._run_on_screen(c.screen, c.action))
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Quit", "Screenshot"):
                yield command

    async def _run_on_screen(self, mode: str, action: str) -> None:
        """Go to a screen, and do something there once it is drawn."""
        await self.action_show_room(mode)
        screen = self.screen
        if action and self.current_mode == mode:
            screen.call_after_refresh(self.run_action, action, screen)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """As Textual's, with every secret masked."""
        from relai_tui.ui.secret_text import SecretText

        for screen in self.screen_stack:
            for secret in screen.query(SecretText):
                secret.conceal()
        return super().export_screenshot(title=title, simplify=simplify)

    def deliver_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None
    ) -> str | None:
        """As Textual's, but readable by the user alone, and told where it is."""
        name = filename or time.strftime(time_format or "relai-tui-%Y-%m-%d-%H%M%S.svg")
        self._save_picture(self.export_screenshot(), name, path)
        return None

    @work(group="screenshot", exit_on_error=False)
    async def _save_picture(self, svg: str, name: str, folder: str | None) -> None:
        from relai_tui.ui.screenshot import save_picture

        try:
            path = await asyncio.to_thread(save_picture, svg, name, folder)
        except OSError as error:
            self.notify(f"The screenshot is not saved: {error.strerror or error}", severity="warning", markup=False)
        else:
            self.notify(f"Screenshot saved as {path}. Only you can read it.", markup=False, timeout=10)

    def action_forget_clipboard(self) -> None:
        """A secret that was copied is not to be pasted from here again."""
        self._clipboard = ""

    def action_help_quit(self) -> None:
        """Ctrl+C in a dialog."""
        self.notify("Ctrl+Q quits.", markup=False, timeout=2)

    def _keep_theme(self, name: str) -> None:
        if name != self._account.settings.theme:
            from relai_tui.settings import SettingsError
            from relai_tui.settings.saving import save_choice

            try:
                save_choice(self._account.settings.paths, theme=name)
            except (SettingsError, OSError) as error:
                self.notify(f"The theme is not saved: {error}", markup=False, severity="warning")

    # -- input, and the screens it is for

    async def on_event(self, event: events.Event) -> None:
        """Drop input meant for a screen that is gone. Handle a command, or a key in a dialog, before the next."""
        if isinstance(event, events.Key):
            if is_pasted(event) and not event.is_forwarded and not isinstance(self.screen, ChatPage):
                # A line end of pasted text confirms and picks nothing; in a field it is a space.
                if not isinstance(self.focused, Input):
                    return
                event = TerminalKey("space", " ")
            typing = isinstance(self.focused, Input | TextArea)
            if self._late_input.is_late_key(event, typing=typing):
                return
        elif isinstance(event, events.MouseEvent) and self._late_input.is_late_click(event, self.screen):
            return
        screen = self.screen_stack[-1] if isinstance(event, events.Key) and not event.is_forwarded else None
        await super().on_event(event)
        if isinstance(screen, Dialog) or (
            isinstance(screen, ChatPage) and isinstance(event, events.Key) and typed_text(event) is None
        ):
            await handled(screen)

    def push_screen(self, *arguments: Any, **options: Any) -> Any:
        """As Textual's, noting when."""
        self._late_input.screen_changed()
        return super().push_screen(*arguments, **options)

    def pop_screen(self) -> AwaitComplete:
        """As Textual's, noting when. The last screen stays: Textual's palette asks once for each click beside it."""
        self._late_input.screen_changed()
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    async def push_screen_wait(self, screen: "Screen[Any] | str", *, mode: str | None = None) -> Any:
        """As Textual's. When the worker that waits for a dialog is cancelled, the dialog goes with it."""
        try:
            return await super().push_screen_wait(screen, mode=mode)
        except asyncio.CancelledError:
            if isinstance(screen, Dialog):
                screen.dismiss(None)
            raise

    # -- the last line of defence

    def _handle_exception(self, error: Exception) -> None:
        """As Textual's, which ends the app; but a dialog only ends itself."""
        pump = active_message_pump.get(None)
        while pump is not None and not isinstance(pump, Screen):
            pump = pump._parent  # noqa: SLF001
        if isinstance(pump, Dialog):
            pump.dismiss(None)
            self.post_message(Fault(error))
        else:
            super()._handle_exception(error)

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
