"""What the lines of an export hold."""

from dataclasses import dataclass

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message
from angarium.domain.user import User


class InvalidLine(Exception):
    """A line that no export of this version has; says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        exported_at: When the export began, milliseconds since the
            epoch.
        program: The version of the program that wrote it.
    """

    exported_at: int
    program: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines of each kind there are."""

    users: int = 0
    conversations: int = 0
    messages: int = 0

    def __str__(self) -> str:
        """Write them for a person."""
        return ", ".join(
            (
                plural(self.users, "user"),
                plural(self.conversations, "conversation"),
                plural(self.messages, "message"),
            )
        )


@dataclass(frozen=True, slots=True)
class End:
    """The last line.

    Attributes:
        counts: How many lines of each kind precede it.
        sha256: In hexadecimal, of all bytes before it.
    """

    counts: Counts
    sha256: str


Entry = Header | User | Conversation | Message
"""What a line holds, except for the last one."""


def plural(number: int, name: str) -> str:
    """Write how many of something there are.

    Args:
        number: How many.
        name: What one of them is called.

    Returns:
        A number with its noun.
    """
    return f"{number:,} {name if number == 1 else name + 's'}"
