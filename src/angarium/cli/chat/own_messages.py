"""Own messages that the other one's client has not confirmed yet."""

from collections.abc import Iterable
from datetime import datetime

from angarium.cli.bodies import MessageBody

MAX_WATCHED = 1_000
DELIVERED = "DELIVERED"


class OwnMessages:
    """Watches the status of own messages; bounded, the oldest are let
    go first.
    """

    def __init__(self, most: int = MAX_WATCHED) -> None:
        self._most = most
        self._watched: dict[str, MessageBody] = {}

    def watch(self, message: MessageBody) -> None:
        """Start to watch a message, unless it is delivered already.

        Args:
            message: An own one.
        """
        if message.status == DELIVERED:
            return
        self._watched[message.message_id] = message
        while len(self._watched) > self._most:
            self._watched.pop(next(iter(self._watched)))

    def oldest(self) -> datetime | None:
        """Tell from where on statuses must be read.

        Returns:
            The oldest watched message's time, None when none is
            watched.
        """
        return min((message.sent_at for message in self._watched.values()), default=None)

    def compare(self, messages: Iterable[MessageBody]) -> tuple[MessageBody, ...]:
        """Find what changed.

        Args:
            messages: As they are now.

        Returns:
            The watched ones with another status than before.
        """
        risen = []
        for message in messages:
            before = self._watched.get(message.message_id)
            if before is None or before.status == message.status:
                continue
            risen.append(message)
            if message.status == DELIVERED:
                del self._watched[message.message_id]
            else:
                self._watched[message.message_id] = message
        return tuple(risen)
