"""Reading settings one by one while every problem is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from angarium.config.values import InvalidValue, check_no_control_characters, quote

Value = TypeVar("Value")

MASK = "********"


class Source(StrEnum):
    """Where a setting's value came from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as a person may see it.

    Attributes:
        name: The environment variable.
        value: As it was written, masked when it is a secret; None when
            it has none.
        source: Where the value came from.
    """

    name: str
    value: str | None
    source: Source


class Reader:
    """Reads settings from an environment; a wrong one is noted and its
    default taken instead.

    A variable that is set to nothing counts as not set, because that is
    how Compose files pass on what is missing.

    Attributes:
        problems: What is wrong so far, a line each.
        wrong: The names of the settings that they are about.
        shown: What was read so far.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []
        self.wrong: set[str] = set()
        self.shown: list[Shown] = []

    def given(self, name: str) -> bool:
        """Tell whether the environment says anything about a setting.

        Args:
            name: The environment variable.

        Returns:
            True when it is set to something.
        """
        return bool(self._environment.get(name))

    def read(
        self, name: str, default: str, parse: Callable[[str], Value], secret: bool = False
    ) -> Value:
        """Read a setting that always has a value.

        Args:
            name: The environment variable.
            default: What it would be written as.
            parse: Turns the text into a value, or raises
                `InvalidValue`.
            secret: Whether the value must not be shown.

        Returns:
            The value, the default's when there is none or it is wrong.
        """
        text = self._text(name, default, secret)
        value = None if text is None else self._parsed(name, text, parse, secret)
        return parse(default) if value is None else value

    def optional(
        self, name: str, parse: Callable[[str], Value], secret: bool = False
    ) -> Value | None:
        """Read a setting that may have no value.

        Args:
            name: The environment variable.
            parse: Turns the text into a value, or raises
                `InvalidValue`.
            secret: Whether the value must not be shown.

        Returns:
            The value, None when there is none or it is wrong.
        """
        text = self._text(name, None, secret)
        return None if text is None else self._parsed(name, text, parse, secret)

    def _text(self, name: str, default: str | None, secret: bool) -> str | None:
        text = self._environment.get(name) or None
        source = Source.DEFAULT if text is None else Source.ENVIRONMENT
        value = default if text is None else text
        self.shown.append(Shown(name, MASK if secret and value is not None else value, source))
        return text

    def _parsed(
        self, name: str, text: str, parse: Callable[[str], Value], secret: bool
    ) -> Value | None:
        try:
            text.encode()
            check_no_control_characters(text)
            return parse(text)
        except UnicodeEncodeError:
            self._note(name, f"{name} is not UTF-8; write it in UTF-8")
        except InvalidValue as wrong:
            head = name if secret else f"{name} is {quote(text)}, which"
            self._note(name, f"{head} {wrong.reason}; {wrong.instead}")
        return None

    def _note(self, name: str, problem: str) -> None:
        self.wrong.add(name)
        self.problems.append(problem)
