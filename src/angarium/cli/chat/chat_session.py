"""The state of a chat: what was typed, what arrived, what failed."""

from collections.abc import Callable, Sequence
from typing import Protocol

from angarium.cli.chat.events import (
    ChatFailed,
    Event,
    HistoryLoaded,
    LineAccepted,
    LineRejected,
    MessagesArrived,
    OwnLine,
    ReceiptsAccepted,
    ServerBack,
    ServerLost,
    StatusRaised,
)
from angarium.cli.chat.feed import DELIVERED, Feed
from angarium.cli.chat.sender import Outbox
from angarium.cli.text_input import utf8_fault
from angarium.client.bodies import MessageBody
from angarium.clock import Clock
from angarium.domain.content import content_problem
from angarium.domain.message import MAX_CONTENT_BYTES


class Screen(Protocol):
    """Shows the conversation; used by the main thread only."""

    def show_typed(self, line: OwnLine) -> None:
        """Show an own line that is on its way.

        Args:
            line: The newest.
        """
        ...

    def mark_accepted(self, line: OwnLine) -> None:
        """Show that the log has a line.

        Args:
            line: One that was typed.
        """
        ...

    def mark_rejected(self, line: OwnLine) -> None:
        """Show that a line will never be sent.

        Args:
            line: One that was typed.
        """
        ...

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        """Show messages, each for the first time as a stored one.

        Args:
            messages: Of both participants, in the conversation's order.
        """
        ...

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        """Show that own messages have another status than before.

        Args:
            messages: As they are now.
        """
        ...

    def notice(self, text: str) -> None:
        """Show a notice that is not a message.

        Args:
            text: Anything; control characters are escaped.
        """
        ...


MAX_UNSHOWN = 2_000
"""Changes of own lines that wait until the history is shown."""

GIVE_UP_S = 300.0
"""Seconds without an accepted line, after the end of the input.

Then the chat ends: a script cannot press Ctrl-C.
"""


class ChatSession:
    """Takes lines and events; used by the main thread only.

    Attributes:
        failure: Why the chat cannot go on, None while it can.
        skipped: Lines that were not sent because of their text.
        reached: Whether the conversation was seen at all.
    """

    def __init__(
        self,
        screen: Screen,
        outbox: Outbox,
        feed: Feed,
        own_id: str,
        clock: Clock,
        grace_s: float,
        numbered: bool,
    ) -> None:
        """Begin with nothing typed and no history shown."""
        self._screen = screen
        self._outbox = outbox
        self._feed = feed
        self._own_id = own_id
        self._clock = clock
        self._grace_s = grace_s
        self._numbered = numbered
        self._unstored: set[str] = set()
        self._unshown: list[tuple[Callable[[OwnLine], None], OwnLine]] = []
        self._awaits_history = True
        self._number = 0
        self._ended = False
        self._last_news = clock.monotonic()
        self.failure: Exception | None = None
        self.skipped = 0
        self.reached = False

    def type(self, text: str, size: int) -> None:
        """Queue a line, or say why it cannot be sent.

        Args:
            text: As it was typed, without the line's end; only its
                beginning where it is far too long.
            size: Its length in bytes of UTF-8.
        """
        self._number += 1
        refusal = f"line {self._number} was not sent" if self._numbered else "not sent"
        if not text or text.isspace():
            self._screen.notice(f"{refusal}: the line is empty")
            return
        if size > MAX_CONTENT_BYTES:
            problem = f"{size:,} bytes, the limit is {MAX_CONTENT_BYTES:,}"
        else:
            found = content_problem(text)
            problem = utf8_fault(text) or ("" if found is None else found.detail)
        if problem:
            self.skipped += 1
            self._screen.notice(f"{refusal}: {problem}")
            return
        line = OwnLine.of(text)
        self._unstored.add(line.message_id)
        self._outbox.put(line)
        self._show(self._screen.show_typed, line)
        self._feed.stay_awake()

    def end(self) -> None:
        """Note the end of the input: what was typed is still sent."""
        if not self._ended:
            self._ended = True
            self._last_news = self._clock.monotonic()

    @property
    def has_ended(self) -> bool:
        """Return whether no more lines are taken."""
        return self._ended

    @property
    def takes_lines(self) -> bool:
        """Return whether reading more input makes sense now."""
        return not self._ended and not self._outbox.is_full and len(self._unshown) < MAX_UNSHOWN

    def handle(self, event: Event) -> None:
        """Show an event and update the state.

        Args:
            event: What a thread has posted.
        """
        match event:
            case HistoryLoaded(messages):
                self._handle_stored(messages)
                self._enter({message.message_id for message in messages})
            case MessagesArrived(messages):
                self._handle_stored(messages)
            case LineAccepted(line):
                self._last_news = self._clock.monotonic()
                self._show(self._screen.mark_accepted, line)
            case LineRejected(line, reason):
                self.skipped += 1
                self._unstored.discard(line.message_id)
                self._show(self._screen.mark_rejected, line)
                self._screen.notice(f"not sent: {reason}")
            case StatusRaised(messages):
                self._screen.show_statuses(messages)
            case ReceiptsAccepted():
                self._last_news = self._clock.monotonic()
            case _:
                self._handle_connection(event)

    def is_over(self) -> bool:
        """Return whether to leave.

        Returns:
            True once the chat cannot go on, or the input has ended,
            every line was accepted and the rest is done or has had its
            time.
        """
        if self.failure is not None:
            return True
        if not self._ended:
            return False
        quiet = self._clock.monotonic() - self._last_news
        if self._outbox.first() is not None or not self.reached:
            return quiet > GIVE_UP_S
        return quiet > self._grace_s or not (self._unstored or self._feed.has_receipts)

    def not_accepted(self) -> tuple[OwnLine, ...]:
        """List the lines that may not be in the log.

        Returns:
            The lines, oldest first.
        """
        return self._outbox.lines()

    def not_stored(self) -> int:
        """Count accepted lines that were not seen stored yet.

        Returns:
            The number.
        """
        return len(self._unstored) - len(self._outbox.lines())

    def _show(self, show: Callable[[OwnLine], None], line: OwnLine) -> None:
        """Show a line's state, after the history was shown."""
        # What was said before belongs above.
        if self._awaits_history:
            self._unshown.append((show, line))
        else:
            show(line)

    def _enter(self, shown: set[str]) -> None:
        """Note that the history came, and show the lines after it."""
        self.reached = True
        self._show_waiting(shown)

    def _show_waiting(self, shown: set[str] | frozenset[str] = frozenset()) -> None:
        """Show the lines that waited for the history."""
        self._awaits_history = False
        for show, line in self._unshown:
            if line.message_id not in shown:
                show(line)
        self._unshown.clear()

    def _handle_stored(self, messages: tuple[MessageBody, ...]) -> None:
        """Show messages, and confirm those from the other person."""
        if not messages:
            return
        self._screen.show_stored(messages)
        self._last_news = self._clock.monotonic()
        for message in messages:
            self._unstored.discard(message.message_id)
            if message.sender_id != self._own_id and message.status != DELIVERED:
                self._feed.confirm_later(message.message_id)

    def _handle_connection(self, event: Event) -> None:
        """Tell the person that the connection changed."""
        match event:
            case ServerLost(reason):
                self._screen.notice(f"connection lost, retrying… ({reason})")
                # The history may come late: a line that was typed must
                # be visible until then.
                self._show_waiting()
            case ServerBack():
                self._screen.notice("back")
            case ChatFailed(error):
                self.failure = error
            case _:
                raise TypeError(f"unknown event {type(event).__name__}")
