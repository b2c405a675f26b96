"""Choose a model: recent ones, aliases with what they last resolved to, the server's list; filtered as you type."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from relai_tui.account import NoCredential
from relai_tui.api.errors import NotOffered, RelaiError
from relai_tui.credentials.errors import CredentialError
from relai_tui.text import CleanLine, CleanText, clean_line, clean_name
from relai_tui.ui.chat.narrowed_list import NarrowedList
from relai_tui.ui.text_input import TextInput


class Choice:
    """A model to choose: its id, a few words, and the group it stands in."""

    __slots__ = ("group", "model", "words")

    def __init__(self, model: CleanText, words: CleanLine, group: str) -> None:
        self.model, self.words, self.group = model, words, group


def choices(
    recent: Sequence[CleanText],
    aliases: Sequence[CleanText],
    resolved: Mapping[CleanText, CleanText],
    models: Sequence[tuple[CleanText, CleanLine]],
) -> tuple[Choice, ...]:
    """Recent ones on top, then aliases, then the list by owner; each model once."""
    out = [Choice(m, clean_line(f"→ {resolved[m]}" if m in resolved else ""), "recent") for m in recent]
    seen = set(recent)
    out += [
        Choice(alias, clean_line(f"→ {resolved[alias]}" if alias in resolved else "alias"), "aliases")
        for alias in aliases
        if alias not in seen
    ]
    seen.update(aliases)
    out += [Choice(model, owner, "models") for model, owner in models if model not in seen]
    return tuple(out)


def matches(choice: Choice, words: str) -> bool:
    """Every word typed is somewhere in the id or beside it."""
    text = f"{choice.model} {choice.words}".casefold()
    return all(word in text for word in words.casefold().split())


class ModelPicker(NarrowedList[CleanText]):
    """Dismisses with the chosen id or alias, or None."""

    HELP = "Type to filter, Enter takes the marked model, Esc keeps the one in use. Any id may be typed in full."
    DEFAULT_CSS = """
    ModelPicker {
        & > Vertical {
            width: 72; max-width: 94%; height: 80%; max-height: 30; padding: 1 1 0 1;
            background: $surface; border-left: thick $accent;
        }
    }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "Back", id="picker.back", tooltip="Keep the model in use"),
    ]

    offer: reactive[tuple[Choice, ...]] = reactive(())
    """What can be chosen; replaced whole when the server's list comes."""
    trouble: reactive[CleanLine | None] = reactive(None)
    """Why the server's list is not here."""
    loading_models: reactive[bool] = reactive(True)

    def __init__(
        self, current: CleanText, offer: tuple[Choice, ...], load: Callable[[], Awaitable[tuple[Choice, ...]]]
    ) -> None:
        """`offer` is shown at once; `load` asks the server for the whole of it and may raise `RelaiError`."""
        super().__init__()
        self._current, self._load = current, load
        self.set_reactive(ModelPicker.offer, offer)

    def compose(self) -> ComposeResult:
        """The filter, the list, a line that says what is hidden."""
        with Vertical():
            yield TextInput(placeholder="Filter models, or type an id")
            yield OptionList(markup=False)
            yield Static(classes="state")

    def on_mount(self) -> None:
        """Start with everything, the model in use marked."""
        self.query_one(Input).focus()
        self._fill()
        self._ask_server()

    @work(group="models", exclusive=True, exit_on_error=False)
    async def _ask_server(self) -> None:
        try:
            self.offer = await self._load()
        except NotOffered:
            self.trouble = clean_line("this server has none")
        except (RelaiError, NoCredential, CredentialError) as error:
            self.trouble = clean_line(str(error))
        self.loading_models = False

    def watch_offer(self) -> None:
        """The list came."""
        if self.is_mounted:
            self._fill()

    watch_trouble = watch_loading_models = watch_offer

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self._fill()

    def chosen(self, option_id: str) -> CleanText:
        """The model of that line."""
        return self._shown[int(option_id)].model

    def typed(self, text: str) -> CleanText | None:
        """Any id may be typed in full."""
        return clean_name(text.strip()) or None

    def _fill(self) -> None:
        words = self.query_one(Input).value
        self._shown = [choice for choice in self.offer if matches(choice, words)]
        options, group = self.query_one(OptionList), ""
        options.clear_options()
        mark = first = None
        for index, choice in enumerate(self._shown):
            if choice.group != group:
                group = choice.group
                options.add_option(Option(Content.styled(group.upper(), "$foreground 50%"), disabled=True))
            here = choice.model == self._current
            first = options.option_count if first is None else first
            mark = options.option_count if here and mark is None else mark
            options.add_option(Option(self._line(choice, here), id=str(index)))
        options.highlighted = mark if mark is not None and not words else first
        self.query_one(".state", Static).update(self._state(words))

    def _line(self, choice: Choice, here: bool) -> Content:
        return Content.assemble(
            ("● " if here else "  ", "$text-success"),
            (choice.model, "bold" if here else ""),
            "  ",
            (choice.words, "$foreground 50%"),
        )

    def _state(self, words: str) -> Content:
        hidden = len(self.offer) - len(self._shown)
        parts = [f"{len(self._shown)} shown"] + ([f"{hidden} hidden by the filter"] if hidden else [])
        if not self._shown and words.strip():
            parts = ["no match: Enter takes what is typed as an id"]
        if self.trouble:
            parts.append(f"the server's list is missing: {self.trouble}")
        elif self.loading_models:
            parts.append("asking the server …")
        return Content(" · ".join(parts)).truncate(max(10, self.size.width), ellipsis=True)
