"""libvterm, a terminal emulator in C, through ctypes: what a person would see of the bytes a program writes.

In C, because one in Python would cost more processor time than the programs it watches, on the same machine.
"""

import ctypes
import ctypes.util

_CELL_BYTES = 24
"""Room for the text of one cell: a base character and what combines with it, in UTF-8."""


class NoTerminalEmulator(Exception):
    """libvterm is not installed. `str()` says how to get it."""

    def __init__(self) -> None:
        super().__init__("The bench needs libvterm: apt-get install libvterm0 (Debian), brew install libvterm (macOS).")


class _Rectangle(ctypes.Structure):
    _fields_ = (
        ("start_row", ctypes.c_int),
        ("end_row", ctypes.c_int),
        ("start_column", ctypes.c_int),
        ("end_column", ctypes.c_int),
    )


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(ctypes.util.find_library("vterm") or "libvterm.so.0")
    except OSError:
        raise NoTerminalEmulator from None
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "vterm_new": (pointer, [number, number]),
        "vterm_free": (None, [pointer]),
        "vterm_set_size": (None, [pointer, number, number]),
        "vterm_set_utf8": (None, [pointer, number]),
        "vterm_obtain_screen": (pointer, [pointer]),
        "vterm_screen_enable_altscreen": (None, [pointer, number]),
        "vterm_screen_reset": (None, [pointer, number]),
        "vterm_input_write": (size, [pointer, ctypes.c_char_p, size]),
        "vterm_output_read": (size, [pointer, ctypes.c_char_p, size]),
        "vterm_screen_get_text": (size, [pointer, ctypes.c_char_p, size, _Rectangle]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Screen:
    """Rows and columns of text. Raises `NoTerminalEmulator`."""

    def __init__(self, rows: int, columns: int) -> None:
        self._library = _library()
        self._terminal = self._library.vterm_new(rows, columns)
        self._library.vterm_set_utf8(self._terminal, 1)
        self._screen = self._library.vterm_obtain_screen(self._terminal)
        self._library.vterm_screen_enable_altscreen(self._screen, 1)
        self._library.vterm_screen_reset(self._screen, 1)
        self._set_size(rows, columns)

    def _set_size(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self._buffer = ctypes.create_string_buffer(rows * columns * _CELL_BYTES)

    def write(self, data: bytes) -> bytes:
        """Show what a program wrote; what the terminal says to it in return."""
        self._library.vterm_input_write(self._terminal, data, len(data))
        size = self._library.vterm_output_read(self._terminal, self._buffer, len(self._buffer))
        return self._buffer.raw[:size]

    def text(self) -> str:
        """What is on the screen, a line for each row."""
        whole = _Rectangle(0, self.rows, 0, self.columns)
        size = self._library.vterm_screen_get_text(self._screen, self._buffer, len(self._buffer), whole)
        return self._buffer.raw[:size].decode("utf-8", "replace")

    def resize(self, rows: int, columns: int) -> None:
        """Make the window another size."""
        self._library.vterm_set_size(self._terminal, rows, columns)
        self._set_size(rows, columns)

    def close(self) -> None:
        """Free it."""
        self._library.vterm_free(self._terminal)
