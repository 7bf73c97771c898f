"""The line that is being typed."""

from angarium.cli.chat.keys import Key
from angarium.cli.text import joins_the_one_before

MAX_CHARACTERS = 32_768
"""What is typed beyond this is dropped; a message's limit is far
below.
"""


class LineEditor:
    """Edits one line.

    Attributes:
        before: What stands left of the cursor.
        after: What stands right of it.
    """

    def __init__(self) -> None:
        self.before = ""
        self.after = ""

    @property
    def text(self) -> str:
        """Give the whole line."""
        return self.before + self.after

    def insert(self, character: str) -> None:
        """Put a character where the cursor is.

        Args:
            character: One code point.
        """
        if len(self.before) + len(self.after) < MAX_CHARACTERS:
            self.before += character

    def take(self) -> str:
        """End the line and begin an empty one.

        Returns:
            The line.
        """
        text = self.text
        self.before = self.after = ""
        return text

    def press(self, key: Key) -> None:
        """Edit the line.

        Args:
            key: Any; those that do not edit change nothing.
        """
        match key:
            case Key.LEFT:
                self._move(self._start_of_last(self.before))
            case Key.RIGHT:
                self._move(len(self.before) + self._length_of_first(self.after))
            case Key.HOME:
                self._move(0)
            case Key.END:
                self._move(len(self.text))
            case _:
                self._delete(key)

    def _delete(self, key: Key) -> None:
        match key:
            case Key.BACKSPACE:
                self.before = self.before[: self._start_of_last(self.before)]
            case Key.DELETE | Key.END_OF_INPUT:
                self.after = self.after[self._length_of_first(self.after) :]
            case Key.KILL_TO_START:
                self.before = ""
            case Key.KILL_TO_END:
                self.after = ""
            case Key.KILL_WORD:
                kept = self.before.rstrip()
                self.before = kept[: len(kept) - len(kept.split(" ")[-1])]
            case _:
                return

    def _move(self, place: int) -> None:
        text = self.text
        self.before, self.after = text[:place], text[place:]

    def _start_of_last(self, text: str) -> int:
        place = max(0, len(text) - 1)
        while place > 0 and joins_the_one_before(text[place]):
            place -= 1
        return place

    def _length_of_first(self, text: str) -> int:
        length = min(1, len(text))
        while length < len(text) and joins_the_one_before(text[length]):
            length += 1
        return length
