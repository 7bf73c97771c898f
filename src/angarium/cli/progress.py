"""One line on a terminal that tells how far it is."""

import shutil

from angarium.cli.console import Console
from angarium.cli.text import head


class ProgressLine:
    """Writes over itself; silent where stderr is no terminal."""

    def __init__(self, console: Console) -> None:
        self._stream = console.stderr
        self._visible = console.stderr.isatty()
        self._dirty = False

    def show(self, text: str) -> None:
        """Tell how far it is.

        Args:
            text: A line.
        """
        if self._visible:
            room = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r{head(text, room)}\x1b[K")
            self._stream.flush()
            self._dirty = True

    def clear(self) -> None:
        """Leave an empty line for what comes next."""
        if self._dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._dirty = False
