"""Text from others on a terminal: escaped, measured, wrapped."""

import unicodedata
from collections.abc import Iterator

from angarium.cli.graphemes import graphemes

_ESCAPED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e"
    "\u2066\u2067\u2068\u2069"
    "\u206a\u206b\u206c\u206d\u206e\u206f"
)
"""Unicode's `Bidi_Control`, and the deprecated format characters that
change how the text after them is written.
"""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0xE0020, 0xE0080))
"""Variation selectors, and the tags of flags such as Scotland's."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_EMOJI_PRESENTATION = "\ufe0f"


def escape_unprintable(text: str) -> str:
    """Show a text in one line that can do nothing to a terminal.

    Args:
        text: Anything.

    Returns:
        The text with control characters, line separators, lone
        surrogates, and the controls that turn the direction of writing,
        escaped as in Python. So are joiners and variation selectors,
        but within a grapheme, where they are needed.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_escape, text, (" ", *text)))


def escape_json(text: str) -> str:
    """Escape what a terminal would obey in JSON; keep its meaning.

    Args:
        text: JSON as a server has sent it.

    Returns:
        The JSON with control characters, line separators, lone
        surrogates, and every character that turns the direction of
        writing, as JSON's escapes. Line ends between its parts stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape_in_json(character) for character in text)


def width(text: str) -> int:
    """Estimate a text's columns on a terminal, never too few.

    Args:
        text: Without control characters.

    Returns:
        Columns.
    """
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def rows(text: str, columns: int, indent: int = 0) -> Iterator[str]:
    """Cut a text into rows, between words where that is possible.

    A word that is longer than a row is cut where a row is full.

    Args:
        text: Without control characters.
        columns: The width of the first row.
        indent: By how much every other row is narrower; 2 columns or
            more must be left.

    Yields:
        One row or more, none wider than its room; put together again
        they are the text.
    """
    while (end := _end_of_row(text, columns)) < len(text):
        columns, indent = columns - indent, 0
        start = _start_of_last_word(text[:end])
        word = text[start:].split(" ", 1)[0]
        if start and _whole_graphemes(word, columns) == len(word):
            end = start
        yield text[:end]
        text = text[end:]
    yield text


def cut(text: str, columns: int) -> Iterator[str]:
    """Cut a text into rows wherever one is full.

    Args:
        text: Without control characters.
        columns: The width of the rows, 2 or more.

    Yields:
        One row or more; put together again they are the text.
    """
    while (end := _end_of_row(text, columns)) < len(text):
        yield text[:end]
        text = text[end:]
    yield text


def head(text: str, columns: int) -> str:
    """Return as much of a text's beginning as fits.

    Args:
        text: Without control characters.
        columns: The room there is.

    Returns:
        The beginning of the text.
    """
    return text[: _whole_graphemes(text, columns)]


def shorten(text: str, columns: int = 40) -> str:
    """Name a text by its beginning.

    Args:
        text: Anything.
        columns: The room there is.

    Returns:
        The text, printable, with `…` where something is missing.
    """
    shown = escape_unprintable(text[: columns * 4])
    if width(shown) <= columns and len(text) <= columns * 4:
        return shown
    return head(shown, columns - 1) + "…"


def _is_harmful(character: str) -> bool:
    """Return whether a character would do something to a terminal."""
    return unicodedata.category(character) in _ESCAPED_CATEGORIES or character in _BIDI_CONTROLS


def _is_joiner(character: str) -> bool:
    """Return whether a character only changes the one before it."""
    code = ord(character)
    return code in {0x200C, 0x200D} or any(code in each for each in _SELECTORS)


def _escape(character: str, before: str) -> str:
    """Return a character, escaped as in Python if it is unsafe."""
    stands_alone = before.isspace() or _is_harmful(before)
    if not _is_harmful(character) and not (stands_alone and _is_joiner(character)):
        return character
    return _SHORT.get(character) or character.encode("unicode_escape", "surrogatepass").decode()


def _escape_in_json(character: str) -> str:
    """Return a character, escaped as in JSON if it is unsafe.

    JSON has no other control characters than white space between its
    parts, where an escape would break it.
    """
    if character in "\n\t\r":
        return " " if character == "\r" else character
    if not _is_harmful(character):
        return character
    return f"\\u{ord(character):04x}"


def _columns(character: str) -> int:
    """Estimate a character's columns, as East Asian terminals do."""
    if character == _EMOJI_PRESENTATION:
        return 1
    # Combining marks, joiners and variation selectors.
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _whole_graphemes(text: str, columns: int) -> int:
    """Count the characters of the whole graphemes that fit."""
    if text.isascii():
        return min(len(text), columns)
    count = 0
    for grapheme in graphemes(text):
        columns -= width(grapheme)
        if columns < 0:
            break
        count += len(grapheme)
    return count


def _end_of_row(text: str, columns: int) -> int:
    """Return where a row is full; within a grapheme if it must be."""
    end = _whole_graphemes(text, columns)
    if end == 0 and text:
        end = 1
        while width(text[: end + 1]) <= columns:
            end += 1
    return end


def _start_of_last_word(text: str) -> int:
    """Return what follows the last space; 0 where there is none."""
    start = end = 0
    for grapheme in graphemes(text):
        end += len(grapheme)
        # With a mark on it, a space is a character of its own.
        if grapheme == " ":
            start = end
    return start
