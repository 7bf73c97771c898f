"""The message that is being typed, and those typed before."""

from angarium.cli.chat.keys import Key
from angarium.cli.graphemes import length_of_first, start_of_last
from angarium.cli.text import head, width

MAX_CHARACTERS = 32_768
"""What is typed beyond this is dropped; a message's limit is far
below.
"""

MAX_REMEMBERED = 200
"""Own messages that Up goes back through; the oldest are forgotten."""


class LineEditor:
    """Edits one message, of one line or several.

    Attributes:
        before: The text left of the cursor.
        after: The text right of it.
    """

    def __init__(self) -> None:
        """Start with an empty line and no earlier ones."""
        self.before = ""
        self.after = ""
        self._earlier: list[str] = []
        self._index = 0
        self._changed: dict[int, str] = {}

    @property
    def text(self) -> str:
        """The whole text, without a cursor."""
        return self.before + self.after

    def insert(self, text: str) -> bool:
        """Put a text where the cursor is, if there is room for it.

        Args:
            text: A character, or what was pasted.

        Returns:
            Whether there was room.
        """
        if len(self.before) + len(self.after) + len(text) > MAX_CHARACTERS:
            return False
        self.before += text
        return True

    def take(self) -> str:
        """Remember the text as an earlier one, and begin an empty one.

        Returns:
            The text.
        """
        text = self.text
        self.remember(text)
        self.before = self.after = ""
        return text

    def remember(self, text: str) -> None:
        """Let Up find a text that was not typed here.

        Args:
            text: Not empty, unless it is to be left out.
        """
        if text and self._earlier[-1:] != [text]:
            self._earlier.append(text)
            del self._earlier[:-MAX_REMEMBERED]
        self._index = len(self._earlier)
        self._changed.clear()

    def press(self, key: Key) -> None:
        """Edit the text.

        Args:
            key: Any; those that do not edit change nothing.
        """
        match key:
            case Key.LEFT:
                self._move(start_of_last(self.before))
            case Key.RIGHT:
                self._move(len(self.before) + length_of_first(self.after))
            case Key.HOME:
                self._move(self._line_start())
            case Key.END:
                self._move(self._line_end())
            case Key.UP:
                self._go_up()
            case Key.DOWN:
                self._go_down()
            case Key.NEW_LINE:
                self.insert("\n")
            case _:
                self._delete(key)

    def _delete(self, key: Key) -> None:
        """Apply a key that deletes; ignore any other."""
        match key:
            case Key.BACKSPACE:
                self.before = self.before[: start_of_last(self.before)]
            case Key.DELETE | Key.END_OF_INPUT:
                self.after = self.after[length_of_first(self.after) :]
            case Key.KILL_TO_START:
                self.before = self.before[: self._line_start()]
            case Key.KILL_TO_END:
                self.after = self.text[self._line_end() :]
            case Key.KILL_WORD:
                kept = self.before.rstrip()
                word = kept.replace("\n", " ").split(" ")[-1]
                self.before = kept[: len(kept) - len(word)]
            case _:
                return

    def _go_up(self) -> None:
        """Go to the line above, or to the message before."""
        start = self._line_start()
        if start > 0:
            above = self.before.rfind("\n", 0, start - 1) + 1
            self._move_to_column(above, start - 1)
        elif self._index > 0:
            self._recall(self._index - 1)

    def _go_down(self) -> None:
        """Go to the line below, or to the message after."""
        end = self._line_end()
        text = self.text
        if end < len(text):
            below_end = text.find("\n", end + 1)
            self._move_to_column(end + 1, below_end if below_end >= 0 else len(text))
        elif self._index < len(self._earlier):
            self._recall(self._index + 1)

    def _recall(self, index: int) -> None:
        """Show an earlier message; keep what was typed meanwhile."""
        self._changed[self._index] = self.text
        earlier = self._earlier[index] if index < len(self._earlier) else ""
        self._index = index
        self.before, self.after = self._changed.get(index, earlier), ""

    def _line_start(self) -> int:
        """Find where the cursor's line starts."""
        return self.before.rfind("\n") + 1

    def _line_end(self) -> int:
        """Find where the cursor's line ends."""
        return len(self.before) + len(self.after.split("\n", 1)[0])

    def _move_to_column(self, start: int, end: int) -> None:
        """Put the cursor into another line, below or above itself."""
        column = width(self.before[self._line_start() :])
        self._move(start + len(head(self.text[start:end], column)))

    def _move(self, index: int) -> None:
        """Put the cursor at an index of the text."""
        text = self.text
        self.before, self.after = text[:index], text[index:]
