"""Reading settings one by one, collecting every problem."""

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
    """A setting as `angarium config` displays it.

    Attributes:
        name: The environment variable.
        value: As it was written, masked if it is a secret; None if
            there is none.
        source: Where the value came from.
    """

    name: str
    value: str | None
    source: Source


class Reader:
    """Reads settings; an invalid one is noted and its default used.

    A variable that is set to nothing counts as not set, because that is
    how Compose files pass on what is missing.

    Attributes:
        problems: What is wrong so far, one line each.
        wrong: The names of the settings that have a problem.
        shown: The settings read so far, to display.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read from this environment, and no other."""
        self._environment = environment
        self.problems: list[str] = []
        self.wrong: set[str] = set()
        self.shown: list[Shown] = []

    def is_set(self, name: str) -> bool:
        """Return whether a setting is set to something."""
        return bool(self._environment.get(name))

    def read(
        self, name: str, default: str, parse: Callable[[str], Value], secret: bool = False
    ) -> Value:
        """Read a setting that always has a value.

        Args:
            name: The environment variable.
            default: Its text in the environment.
            parse: Turns the text into a value, or raises
                `InvalidValue`.
            secret: Whether to mask the value.

        Returns:
            The value; the default if it is not set or invalid.
        """
        text = self._text(name, default, secret)
        value = None if text is None else self._parse(name, text, parse, secret)
        return parse(default) if value is None else value

    def optional(
        self, name: str, parse: Callable[[str], Value], secret: bool = False
    ) -> Value | None:
        """Read a setting that may have no value.

        Args:
            name: The environment variable.
            parse: Turns the text into a value, or raises
                `InvalidValue`.
            secret: Whether to mask the value.

        Returns:
            The value; None if it is not set or invalid.
        """
        text = self._text(name, None, secret)
        return None if text is None else self._parse(name, text, parse, secret)

    def _text(self, name: str, default: str | None, secret: bool) -> str | None:
        """Return the text of a setting, and remember how to show it."""
        text = self._environment.get(name) or None
        source = Source.DEFAULT if text is None else Source.ENVIRONMENT
        value = default if text is None else text
        self.shown.append(Shown(name, MASK if secret and value is not None else value, source))
        return text

    def _parse(
        self, name: str, text: str, parse: Callable[[str], Value], secret: bool
    ) -> Value | None:
        """Parse a text; note the problem of an invalid one."""
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
        """Remember a problem and the setting that it is about."""
        self.wrong.add(name)
        self.problems.append(problem)
