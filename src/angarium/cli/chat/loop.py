"""The main thread of a chat: keys and lines in, events in, drawings out."""

import select
from collections.abc import Callable

from angarium.cli.chat.events import Accepted, Event
from angarium.cli.chat.inputs import Input
from angarium.cli.chat.mailbox import Mailbox, WakeupPipe
from angarium.cli.chat.rounds import RepeatingThread
from angarium.cli.chat.signals import Signals
from angarium.cli.chat.talk import ChatSession

_MAX_SLEEP_SECONDS = 0.1
"""Seconds between two looks at whether it is over, once the input has ended."""

_AT_REST = 5.0


class Loop:
    """Waits for input, events and signals, whichever comes first."""

    def __init__(
        self,
        talk: ChatSession,
        source: Input,
        descriptor: int,
        alarm: WakeupPipe,
        mailbox: Mailbox,
        sending: RepeatingThread,
        polling: RepeatingThread,
    ) -> None:
        self._talk = talk
        self._source = source
        self._descriptor = descriptor
        self._alarm = alarm
        self._mailbox = mailbox
        self._sending = sending
        self._polling = polling

    def run(self, signals: Signals, on_signal: Callable[[], None]) -> None:
        """Go on until the talk is over or a signal asks to end.

        Args:
            signals: What was signalled.
            on_signal: Draws or suspends, where that was asked for.
        """
        while signals.ended_by is None and not self._talk.is_over():
            watched: list[WakeupPipe | int] = [self._alarm]
            if self._talk.takes_lines:
                watched.append(self._descriptor)
            wait = _MAX_SLEEP_SECONDS if self._talk.has_ended else _AT_REST
            ready, _, _ = select.select(watched, [], [], wait)
            if self._descriptor in ready:
                self._source.read(self._talk)
                self._sending.nudge()
            if signals.redraw or signals.suspend:
                # After the keys: those typed before Ctrl-Z belong to the chat, not to the shell.
                on_signal()
            if self._alarm in ready:
                self._alarm.silence()
                for event in self._mailbox.take():
                    self._handle(event)

    def _handle(self, event: Event) -> None:
        self._talk.handle(event)
        if isinstance(event, Accepted):
            self._polling.nudge()
