"""What a chat shows, whatever it is shown on."""

from collections.abc import Sequence
from typing import Protocol

from angarium.cli.bodies import MessageBody
from angarium.cli.chat.events import OwnLine


class Screen(Protocol):
    """Shows the conversation; used by the main thread only."""

    def typed(self, line: OwnLine) -> None:
        """Show an own line that is on its way.

        Args:
            line: The newest.
        """
        ...

    def accepted(self, line: OwnLine) -> None:
        """Show that the log has a line.

        Args:
            line: One that was typed.
        """
        ...

    def rejected(self, line: OwnLine) -> None:
        """Show that a line will never be sent.

        Args:
            line: One that was typed.
        """
        ...

    def stored(self, messages: Sequence[MessageBody]) -> None:
        """Show messages, each for the first time as a stored one.

        Args:
            messages: Of both participants, in the conversation's order.
        """
        ...

    def risen(self, messages: Sequence[MessageBody]) -> None:
        """Show that own messages have another status than before.

        Args:
            messages: As they are now.
        """
        ...

    def notice(self, text: str) -> None:
        """Tell something beside the conversation.

        Args:
            text: Anything; control characters are escaped.
        """
        ...
