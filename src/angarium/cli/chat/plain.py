"""A chat in a pipe: whole lines, no control codes."""

import json
from collections.abc import Mapping, Sequence

from angarium.cli.chat.events import OwnLine
from angarium.cli.console import Console
from angarium.cli.message_lines import local_time, message_lines
from angarium.cli.text import escape_unprintable
from angarium.client.bodies import MessageBody


class PlainScreen:
    """Shows each message once it is stored.

    So the lines are in the conversation's order.
    """

    def __init__(self, console: Console, names: Mapping[str, str], own_id: str) -> None:
        """Write to the console's streams."""
        self._console = console
        self._names = names
        self._own_id = own_id

    def show_typed(self, line: OwnLine) -> None:
        """Implements `Screen.show_typed`; nothing is shown yet."""

    def mark_accepted(self, line: OwnLine) -> None:
        """Implements `Screen.mark_accepted`; nothing is shown yet."""

    def mark_rejected(self, line: OwnLine) -> None:
        """Implements `Screen.mark_rejected`; a notice says why."""

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_stored`, one line per message."""
        for message in messages:
            own = message.sender_id == self._own_id
            self._console.say(
                message_lines(
                    message.sent_at,
                    self._names.get(message.sender_id, message.sender_id),
                    message.content,
                    message.status if own else None,
                    self._console,
                )
            )
        self._console.stdout.flush()

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_statuses`, one line per status."""
        for status in dict.fromkeys(message.status for message in messages):
            changed = [message for message in messages if message.status == status]
            count = "1 message" if len(changed) == 1 else f"{len(changed)} messages"
            newest = local_time(max(message.sent_at for message in changed))
            self._console.say(
                f"[{escape_unprintable(status.lower())}] {count}, the newest of {newest}"
            )
        self._console.stdout.flush()

    def hold_input(self, text: str) -> None:
        """Implements `Screen.hold_input`; there is no input line."""

    def resume_input(self) -> None:
        """Implements `Screen.resume_input`; there is no input line."""

    def notice(self, text: str) -> None:
        """Implements `Screen.notice`, on stderr."""
        self._console.complain(text)


class JsonScreen(PlainScreen):
    """Writes the API's own messages, one object per line.

    A message whose status rose is written again.
    """

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_stored`, one JSON object per line."""
        for message in messages:
            self._console.say_json(json.dumps(message.fields, ensure_ascii=False))
        self._console.stdout.flush()

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_statuses`: the messages again."""
        self.show_stored(messages)
