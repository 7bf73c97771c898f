"""How each kind of setting is written."""

import math
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from angarium.domain.signing_secret import MIN_BYTES, signing_secret_fault

MAX_SHOWN = 80
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,9})?")
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})


class InvalidValue(Exception):
    """A text that is no value of its setting.

    Attributes:
        reason: Completes "…, which".
        instead: What to write.
    """

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.instead = instead


def quote(text: str) -> str:
    """Show a value in a message, shortened where it is long.

    Args:
        text: The value.

    Returns:
        The value in quotes, control characters escaped.
    """
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Read whole numbers of a range.

    Args:
        least: The smallest that is taken.
        most: The largest that is taken.

    Returns:
        The parser.
    """

    def parse(text: str) -> int:
        instead = f"write a whole number from {least} to {most}"
        if _WHOLE.fullmatch(text) is None:
            raise InvalidValue("is no whole number", instead)
        number = int(text)
        if not least <= number <= most:
            raise InvalidValue("is out of range", instead)
        return number

    return parse


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Read spans of time.

    Args:
        least: The shortest that is taken, in seconds.
        most: The longest that is taken, in seconds.

    Returns:
        The parser.
    """

    def parse(text: str) -> float:
        instead = f"write seconds from {least:g} to {most:g}"
        if _DECIMAL.fullmatch(text) is None or not math.isfinite(float(text)):
            raise InvalidValue("is no number of seconds", instead)
        number = float(text)
        if not least <= number <= most:
            raise InvalidValue("is out of range", instead)
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Read one of a few words, in any case.

    Args:
        *choices: As they are given back.

    Returns:
        The parser.
    """
    by_lower = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        choice = by_lower.get(text.lower())
        if choice is None:
            raise InvalidValue("is none that is known", f"write one of {', '.join(choices)}")
        return choice

    return parse


def named(pattern: str, rule: str) -> Callable[[str], str]:
    """Read a name of a given form.

    Args:
        pattern: A regular expression for the whole text.
        rule: The same in words, for "write …".

    Returns:
        The parser.
    """
    form = re.compile(pattern)

    def parse(text: str) -> str:
        if form.fullmatch(text) is None:
            raise InvalidValue("cannot be such a name", f"write {rule}")
        return text

    return parse


def text_of_any_kind(text: str) -> str:
    """Read a text that has no form of its own.

    Args:
        text: As it is written.

    Returns:
        The same.
    """
    return text


def signing_secret(text: str) -> str:
    """Read the secret that signs tokens.

    Args:
        text: As it is written.

    Returns:
        The same.

    Raises:
        Wrong: It is too short, or one byte over and over.
    """
    fault = signing_secret_fault(text)
    if fault is not None:
        raise InvalidValue(
            fault, f"write at least {MIN_BYTES} random bytes, such as `openssl rand -hex 32` gives"
        )
    return text


def check_no_control_characters(text: str) -> None:
    """Refuse what nobody means to write, and what others cut off or
    execute.

    Args:
        text: As it is written.

    Raises:
        Wrong: Such as a carriage return, from a file with the line ends
            of Windows.
    """
    for character in text:
        if unicodedata.category(character) == "Cc":
            known = " (a carriage return)" if character == "\r" else ""
            raise InvalidValue(
                f"has the control character U+{ord(character):04X}{known} in it",
                "remove that character",
            )


def switch(text: str) -> bool:
    """Read yes or no.

    Args:
        text: As it is written.

    Returns:
        True for `1`, `true`, `yes`, `on`.

    Raises:
        Wrong: The text is neither yes nor no.
    """
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise InvalidValue("is neither yes nor no", "write 1 or 0")


def file(text: str) -> Path:
    """Read the path of a file that must be there.

    Args:
        text: As it is written.

    Returns:
        The path.

    Raises:
        Wrong: There is no such file, or it cannot be read.
    """
    path = Path(text)
    if not path.is_file():
        raise InvalidValue("is no file", "write the path of one")
    if not os.access(path, os.R_OK):
        raise InvalidValue(
            "is a file that cannot be read", "let this user read it, or write the path of another"
        )
    return path


def folder(text: str) -> Path:
    """Read the path of a folder that is made when it is missing.

    Args:
        text: As it is written.

    Returns:
        The path.

    Raises:
        Wrong: The path is something else than a folder.
    """
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise InvalidValue(
            "is no folder", "write the path of a folder; it is made when it is missing"
        )
    return path
