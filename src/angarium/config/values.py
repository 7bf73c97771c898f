"""Parsers for each kind of value that a setting can have."""

import math
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from angarium.domain.signing_secret import MIN_BYTES, signing_secret_fault

MAX_SHOWN = 80
"""Characters of a value in an error: one line of a terminal."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,9})?")
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})


class InvalidValue(Exception):
    """A text that is not a valid value of its setting.

    Attributes:
        reason: Completes "…, which".
        instead: What to write.
    """

    def __init__(self, reason: str, instead: str) -> None:
        """Take both halves of the message, `reason; instead`."""
        super().__init__(reason)
        self.reason = reason
        self.instead = instead


def quote(text: str) -> str:
    """Quote a value for a message, cut to `MAX_SHOWN` characters.

    Args:
        text: The value.

    Returns:
        The value in quotes, control characters escaped.
    """
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Make a parser of whole numbers in a range.

    Args:
        least: The smallest value allowed.
        most: The largest value allowed.

    Returns:
        The parser.
    """

    def parse(text: str) -> int:
        """Parse a whole number, or say which are allowed."""
        instead = f"write a whole number from {least} to {most}"
        if _WHOLE.fullmatch(text) is None:
            raise InvalidValue("is not a whole number", instead)
        number = int(text)
        if not least <= number <= most:
            raise InvalidValue("is out of range", instead)
        return number

    return parse


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Make a parser of durations in a range.

    Args:
        least: The smallest value allowed, in seconds.
        most: The largest value allowed, in seconds.

    Returns:
        The parser.
    """

    def parse(text: str) -> float:
        """Parse a number of seconds, or say which are allowed."""
        instead = f"write seconds from {least:g} to {most:g}"
        if _DECIMAL.fullmatch(text) is None or not math.isfinite(float(text)):
            raise InvalidValue("is not a number of seconds", instead)
        number = float(text)
        if not least <= number <= most:
            raise InvalidValue("is out of range", instead)
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a parser of a few words, in any case of letters.

    Args:
        *choices: As they are returned.

    Returns:
        The parser.
    """
    by_lower = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        """Return the word as it is usually written."""
        choice = by_lower.get(text.lower())
        if choice is None:
            raise InvalidValue("is not a known value", f"write one of {', '.join(choices)}")
        return choice

    return parse


def text_matching(pattern: str, rule: str) -> Callable[[str], str]:
    """Make a parser of names that match a pattern.

    Args:
        pattern: A regular expression for the whole text.
        rule: The same in words, for "write …".

    Returns:
        The parser.
    """
    form = re.compile(pattern)

    def parse(text: str) -> str:
        """Return the name, or say what the pattern allows."""
        if form.fullmatch(text) is None:
            raise InvalidValue("is not allowed here", f"write {rule}")
        return text

    return parse


def text_of_any_kind(text: str) -> str:
    """Return a text that may be anything, such as a password.

    Args:
        text: As it is written.

    Returns:
        The same.
    """
    return text


def signing_secret(text: str) -> str:
    """Check the secret that signs tokens.

    Args:
        text: As it is written.

    Returns:
        The same.

    Raises:
        InvalidValue: It is too short, or one byte repeated.
    """
    fault = signing_secret_fault(text)
    if fault is not None:
        raise InvalidValue(
            fault, f"write at least {MIN_BYTES} random bytes, such as `openssl rand -hex 32` gives"
        )
    return text


def check_no_control_characters(text: str) -> None:
    """Refuse control characters, which are never meant.

    Other programs truncate at them or act on them.

    Args:
        text: As it is written.

    Raises:
        InvalidValue: Such as a carriage return, from a file with
            Windows line endings.
    """
    for character in text:
        if unicodedata.category(character) == "Cc":
            known = " (a carriage return)" if character == "\r" else ""
            raise InvalidValue(
                f"contains the control character U+{ord(character):04X}{known}",
                "remove that character",
            )


def switch(text: str) -> bool:
    """Parse a yes or no.

    Args:
        text: As it is written.

    Returns:
        True for `1`, `true`, `yes`, `on`.

    Raises:
        InvalidValue: The text is neither.
    """
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise InvalidValue("is neither yes nor no", "write 1 or 0")


def file(text: str) -> Path:
    """Parse the path of a file that must exist.

    Args:
        text: As it is written.

    Returns:
        The path.

    Raises:
        InvalidValue: There is no such file, or it is not readable.
    """
    path = Path(text)
    if not path.is_file():
        raise InvalidValue("is not a file", "write the path of one")
    if not os.access(path, os.R_OK):
        raise InvalidValue(
            "is a file that cannot be read", "let this user read it, or write the path of another"
        )
    return path


def folder(text: str) -> Path:
    """Parse the path of a folder, which is created when missing.

    Args:
        text: As it is written.

    Returns:
        The path.

    Raises:
        InvalidValue: The path exists and is not a folder.
    """
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise InvalidValue(
            "is not a folder", "write the path of a folder; it is created when it is missing"
        )
    return path
