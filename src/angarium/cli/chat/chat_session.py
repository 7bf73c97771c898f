"""The state of a chat: what was typed, what arrived, what failed."""

from collections.abc import Sequence
from typing import Protocol

from angarium.cli.chat.events import (
    ChatFailed,
    Connected,
    Event,
    HistoryLoaded,
    LineAccepted,
    LineRejected,
    LoggedIn,
    LoginNeeded,
    MessagesArrived,
    OwnLine,
    PasswordRefused,
    ReceiptsAccepted,
    RequestRepeated,
    ServerBack,
    ServerLost,
    ServerSilent,
    StatusRaised,
)
from angarium.cli.chat.feed import DELIVERED, Feed
from angarium.cli.chat.login_dialog import LoginDialog, Prompt
from angarium.cli.chat.sender import Outbox
from angarium.cli.chat.slash_words import HELP, HELP_WORD, QUIT_WORD, text_to_send, word_of
from angarium.cli.text_input import utf8_fault
from angarium.client.bodies import MessageBody
from angarium.clock import Clock
from angarium.domain.content import content_problem
from angarium.domain.message import MAX_CONTENT_BYTES


class Screen(Prompt, Protocol):
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
        dialog: LoginDialog | None = None,
        person: bool = False,
    ) -> None:
        """Begin with nothing typed and no history shown.

        Args:
            screen: Shows the conversation.
            outbox: Gets the lines.
            feed: Gets the receipts.
            own_id: The caller's id.
            clock: Measures the end's patience.
            grace_s: Seconds at the end for what is not confirmed yet.
            dialog: Asks for the password; None where nobody can be
                asked.
            person: Whether somebody types the lines.
        """
        self._screen = screen
        self._outbox = outbox
        self._feed = feed
        self._own_id = own_id
        self._clock = clock
        self._grace_s = grace_s
        self._dialog = dialog
        self._person = person
        self._unstored: set[str] = set()
        self._is_connected = False
        self._number = 0
        self._ended = False
        self._last_news = clock.monotonic()
        self.failure: Exception | None = None
        self.skipped = 0
        self.reached = False

    def type(self, text: str, size: int) -> bool:
        """Queue a line, or say why it cannot be sent.

        Args:
            text: As it was typed, without the line's end; only its
                beginning where it is far too long.
            size: Its length in bytes of UTF-8.

        Returns:
            Whether it was taken: a person goes on editing one that was
            not.
        """
        self._number += 1
        if not self._person:
            return self._send(text, size, f"line {self._number} was not sent")
        content = text_to_send(text)
        if content is None:
            return self._obey(word_of(text))
        if self._outbox.is_full:
            self._screen.notice(f"not sent: {len(self._outbox.lines()):,} lines are waiting")
            return False
        return self._send(content, size + len(content) - len(text), "not sent")

    def _send(self, text: str, size: int, refusal: str) -> bool:
        """Queue a message, or say why it cannot be sent."""
        if not text or text.isspace():
            self._screen.notice(f"{refusal}: the line is empty")
            return False
        if size > MAX_CONTENT_BYTES:
            problem = f"{size:,} bytes, the limit is {MAX_CONTENT_BYTES:,}"
        else:
            found = content_problem(text)
            problem = utf8_fault(text) or ("" if found is None else found.detail)
        if problem:
            # A person mends the line; in a pipe it is lost.
            self.skipped += not self._person
            self._screen.notice(f"{refusal}: {problem}")
            return False
        line = OwnLine.of(text)
        self._unstored.add(line.message_id)
        self._outbox.put(line)
        self._screen.show_typed(line)
        self._feed.stay_awake()
        return True

    def _obey(self, word: str) -> bool:
        """Do what a word with a slash says, or say that none is it."""
        if word == HELP_WORD:
            for line in HELP:
                self._screen.notice(line)
        elif word == QUIT_WORD:
            self.end()
        else:
            shown = word.split()[0]
            self._screen.notice(
                f"not sent: {shown} is no command, see {HELP_WORD}; to send it, begin with //"
            )
            return False
        return True

    def notice(self, text: str) -> None:
        """Show a notice that is not a message.

        Args:
            text: Anything.
        """
        self._screen.notice(text)

    @property
    def login_dialog(self) -> LoginDialog | None:
        """Return the dialog that gets the keys, None for the editor."""
        return self._dialog if self._dialog is not None and self._dialog.is_open else None

    def give_up_login(self) -> None:
        """Leave, because nobody knows the password."""
        if self._dialog is not None:
            self.failure = self._dialog.refusal

    def end(self) -> None:
        """Note the end of the input: what was typed is still sent."""
        if not self._ended:
            self._ended = True
            self._last_news = self._clock.monotonic()
            self._show_end()

    @property
    def has_ended(self) -> bool:
        """Return whether no more lines are taken."""
        return self._ended

    @property
    def reads_input(self) -> bool:
        """Return whether reading more input makes sense now."""
        if self._ended or not self._is_connected or self.login_dialog is not None:
            return self.login_dialog is not None and self.login_dialog.asks
        return self._person or not self._outbox.is_full

    def handle(self, event: Event) -> None:
        """Show an event and update the state.

        Args:
            event: What a thread has posted.
        """
        match event:
            case Connected():
                self._is_connected = True
                self._screen.resume_input()
            case HistoryLoaded(messages):
                self.reached = True
                self._handle_stored(messages)
            case MessagesArrived(messages):
                self._handle_stored(messages)
            case LineAccepted(line):
                self._last_news = self._clock.monotonic()
                self._screen.mark_accepted(line)
            case LineRejected(line, reason):
                self.skipped += 1
                self._unstored.discard(line.message_id)
                self._screen.mark_rejected(line)
                self._screen.notice(f"not sent: {reason}")
            case StatusRaised(messages):
                self._screen.show_statuses(messages)
            case ReceiptsAccepted():
                self._last_news = self._clock.monotonic()
            case LoginNeeded() | PasswordRefused() | LoggedIn():
                self._handle_login(event)
            case _:
                self._handle_connection(event)
        if self._ended:
            self._show_end()

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
        if self._outbox.first() is not None or not (self.reached or self._person):
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

    def _show_end(self) -> None:
        """Say what is waited for, once no more is typed."""
        count = len(self._outbox.lines())
        if self.login_dialog is not None:
            return
        if count:
            lines = "1 line is" if count == 1 else f"{count:,} lines are"
            self._screen.hold_input(f"waiting until {lines} accepted; Ctrl-C leaves without")
        else:
            self._screen.hold_input("leaving…")

    def _handle_login(self, event: LoginNeeded | PasswordRefused | LoggedIn) -> None:
        """Ask for the password, or go on after it was right."""
        if self._dialog is None:
            if isinstance(event, LoginNeeded):
                self.failure = event.refusal
            return
        match event:
            case LoginNeeded(refusal):
                self._dialog.open(refusal)
            case PasswordRefused(reason):
                self._dialog.ask_again(reason)
            case LoggedIn():
                self._dialog.close()
                if self._is_connected:
                    self._screen.resume_input()
                else:
                    self._screen.hold_input("connecting…")

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
            case ServerSilent(url):
                self._screen.notice(f"no answer from {url} yet, still trying")
            case ServerBack():
                self._screen.notice("back")
            case RequestRepeated(note):
                self._screen.notice(note)
            case ChatFailed(error):
                self.failure = error
            case _:
                raise TypeError(f"unknown event {type(event).__name__}")
