"""`angarium chat`: puts the parts of a live conversation together."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from angarium.cli.arguments import Commands, add_command, add_json, add_login, add_server, username
from angarium.cli.chat.chat_session import ChatSession, Screen
from angarium.cli.chat.connection_status import ConnectionStatus, LoginStatus
from angarium.cli.chat.connector import Connector
from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.events import ChatFailed, Connected, OwnLine, RequestRepeated
from angarium.cli.chat.feed import Feed
from angarium.cli.chat.inputs import Input, PipeInput, TerminalInput
from angarium.cli.chat.login_dialog import LoginDialog
from angarium.cli.chat.mailbox import (
    Loop,
    Mailbox,
    RepeatingThread,
    Signals,
    WakeupPipe,
    stop_this_process,
)
from angarium.cli.chat.plain import JsonScreen, PlainScreen
from angarium.cli.chat.sender import Outbox, Sender
from angarium.cli.chat.slash_words import HELP_WORD
from angarium.cli.chat.terminal import TerminalScreen
from angarium.cli.chat.terminal_mode import TerminalMode
from angarium.cli.console import Console
from angarium.cli.credentials import Credentials, SavedLogin
from angarium.cli.errors import EXIT_FAILED, CommandError
from angarium.cli.session import (
    PATIENCE_S,
    RetryNote,
    Session,
    explain,
    find_login,
    keep_login,
)
from angarium.cli.text import shorten
from angarium.client import Client, RequestFailed
from angarium.client.bodies import TokenBody
from angarium.clock import SystemClock

GRACE_IN_A_PIPE_S = 2.0
"""Seconds at the end for seeing the last lines stored and confirming
the last messages.
"""

GRACE_ON_A_TERMINAL_S = 0.5
MAX_NAMED = 20
_MIN_INTERVAL_S = 0.1
_JOIN_TIMEOUT_S = 1.0
"""Seconds for all threads together: one can be in a request that
hangs.
"""


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "chat",
        _run,
        "have a live conversation",
        "Have a live conversation: each line is a message. Shows the latest messages and new "
        "ones as they arrive, confirms their delivery, and shows the state of your own: sending, "
        "accepted, sent or pending, delivered. While the server cannot be reached, lines wait; "
        "they are sent once it is back, none of them twice. Ends at the end of the input "
        "(Ctrl-D) once every line was accepted. In a pipe the output is plain lines.",
        "angarium chat bob\nangarium chat bob --as alice < lines.txt",
    )
    parser.add_argument("name", metavar="NAME", type=username, help="the other participant")
    add_server(parser)
    add_login(parser)
    add_json(parser, "print the API's own messages, an object a line; again when a status rises")


@dataclass(frozen=True, slots=True)
class _Frontend:
    """Where a chat is shown and read from: a terminal or a pipe."""

    screen: Screen
    source: Input
    terminal: TerminalScreen | None
    mode: TerminalMode | None
    grace_s: float
    editor: LineEditor | None = None

    @property
    def draft(self) -> str:
        """Return what is typed and not sent."""
        return "" if self.editor is None else self.editor.text


@dataclass(frozen=True, slots=True)
class _Threads:
    """The threads beside the main one; each makes requests."""

    connecting: RepeatingThread
    sending: RepeatingThread
    polling: RepeatingThread


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Put the parts together and run the main loop until it is over."""
    name: str = arguments.name
    login = find_login(arguments, console)
    names = {login.user_id: login.username}
    frontend = _choose_frontend(console, names, login.user_id, as_json=arguments.json)
    wakeup, outbox = WakeupPipe(), Outbox()
    signals = Signals() if frontend.mode is None else Signals(frontend.mode.restore_at_once)
    mailbox = Mailbox(wakeup)
    connection, status = ConnectionStatus(mailbox.post, login.url), LoginStatus(mailbox.post)
    client = Client(login.url, patience_s=0.0).use_token(login.username, login.access_token)
    sender = Sender(client.api, outbox, connection, status, mailbox.post)
    feed = Feed(client.api, login.user_id, connection, status, mailbox.post)

    def note(text: str) -> None:
        """Show what a person should know of the requests."""
        if frontend.terminal is None:
            console.note(text)
        else:
            mailbox.post(RequestRepeated(text))

    def use_token(token: TokenBody) -> None:
        """Send a new token from now on, and keep it if possible."""
        for each in (client, patient):
            each.use_token(login.username, token.access_token)
        _keep(console, login, token, note)

    def offer(password: str) -> None:
        """Have the connecting thread log in."""
        connector.offer(password)
        threads.connecting.nudge()

    retry_note = RetryNote(login.url, note)
    patient = Client(login.url, patience_s=PATIENCE_S, on_retry=retry_note)
    patient.use_token(login.username, login.access_token)
    connector = Connector(Session(patient, login), name, status, use_token, mailbox.post)
    chat = ChatSession(
        frontend.screen,
        outbox,
        feed,
        login.user_id,
        SystemClock(),
        frontend.grace_s,
        LoginDialog(frontend.screen, login.username, offer) if frontend.terminal else None,
        person=console.stdin.isatty(),
    )

    def on_connected(event: Connected) -> None:
        """Enter the conversation, before its threads start."""
        names[event.other_id] = name
        sender.enter(event.conversation_id)
        feed.enter(event.conversation_id)
        if frontend.terminal is not None:
            frontend.terminal.notice(f"talking with {name}; Ctrl-D ends, {HELP_WORD} helps")

    def post_failure(error: Exception) -> None:
        """Hand a thread's error to the main thread."""
        mailbox.post(ChatFailed(error))

    threads = _Threads(
        RepeatingThread("chat-connector", connector.step, post_failure, patient.close),
        RepeatingThread("chat-sender", sender.step, post_failure, client.close),
        RepeatingThread("chat-feed", feed.step, post_failure, client.close, _MIN_INTERVAL_S),
    )
    loop = Loop(
        chat,
        frontend.source,
        console.stdin.fileno(),
        wakeup,
        mailbox,
        threads.sending,
        threads.polling,
        on_connected,
        connection.find_silence,
    )
    with ExitStack() as stack:
        stack.callback(wakeup.close)
        # Signals are caught before the terminal is changed, so that
        # none can leave it so. It is given back last: what is typed
        # until then must not reach the shell.
        stack.enter_context(signals.catch(wakeup.wake, frontend.terminal is not None))
        if frontend.mode is not None:
            stack.enter_context(frontend.mode)
        stack.callback(frontend.source.discard)
        stack.enter_context(_running(mailbox, threads))
        stack.enter_context(_drawing(frontend, login.url))
        stack.enter_context(retry_note.watch(patient))
        loop.run(signals, lambda: _on_signal(signals, frontend))
    return _leave(console, chat, frontend, signals, login)


def _choose_frontend(
    console: Console, names: dict[str, str], own_id: str, as_json: bool
) -> _Frontend:
    """Choose a screen and an input by what the streams are."""
    descriptor = console.stdin.fileno()
    dumb = console.environment.get("TERM", "dumb") == "dumb"
    if as_json or dumb or not (console.stdin.isatty() and console.stdout.isatty()):
        screen = (
            JsonScreen(console, names, own_id) if as_json else PlainScreen(console, names, own_id)
        )
        return _Frontend(screen, PipeInput(descriptor), None, None, GRACE_IN_A_PIPE_S)
    editor = LineEditor()
    out = console.stdout.fileno()
    terminal = TerminalScreen(
        console.stdout,
        lambda: os.get_terminal_size(out),
        editor,
        names,
        own_id,
        console.has_colours,
        lambda: datetime.now(UTC),
    )
    source = TerminalInput(descriptor, editor, terminal)
    mode = TerminalMode(descriptor)
    return _Frontend(terminal, source, terminal, mode, GRACE_ON_A_TERMINAL_S, editor)


@contextmanager
def _running(mailbox: Mailbox, threads: _Threads) -> Iterator[None]:
    """Connect; stop all threads when the block ends."""
    threads.connecting.start()
    try:
        yield
    finally:
        mailbox.close()
        running = (threads.connecting, threads.sending, threads.polling)
        for each in running:
            each.stop()
        ends_at = monotonic() + _JOIN_TIMEOUT_S
        for each in running:
            each.join(max(0.0, ends_at - monotonic()))


@contextmanager
def _drawing(frontend: _Frontend, url: str) -> Iterator[None]:
    """Draw on the terminal for the block."""
    if frontend.terminal is None:
        yield
        return
    frontend.terminal.begin()
    frontend.terminal.hold_input(f"connecting to {url}…")
    try:
        yield
    finally:
        frontend.terminal.give_back()


def _on_signal(signals: Signals, frontend: _Frontend) -> None:
    """Redraw, or give the terminal back and suspend the process."""
    if frontend.terminal is None or frontend.mode is None:
        return
    if signals.suspend:
        frontend.terminal.give_back()
        frontend.mode.leave()
        stop_this_process()
    signals.suspend = signals.redraw = False
    if frontend.mode.is_ours():
        frontend.mode.enter()
        frontend.terminal.repaint()


def _keep(
    console: Console, login: SavedLogin, token: TokenBody, note: Callable[[str], None]
) -> None:
    """Keep a new token; the chat goes on if it cannot be kept."""
    try:
        keep_login(Credentials.of(console.environment), login.url, login.username, token)
    except CommandError as error:
        note(f"the new login is good for this chat only: {error}")


def _name_unsent(console: Console, lines: Sequence[OwnLine]) -> None:
    """Name the lines that may be lost, or the first ones of many."""
    if lines:
        count = "1 line was" if len(lines) == 1 else f"{len(lines)} lines were"
        console.complain(f"{count} not accepted, as far as is known:")
        for line in lines[:MAX_NAMED]:
            console.complain(f"not accepted: {shorten(line.content, 60)}")


def _leave(
    console: Console, chat: ChatSession, frontend: _Frontend, signals: Signals, login: SavedLogin
) -> int:
    """Report what was not sent, and choose the exit status."""
    status = EXIT_FAILED if chat.skipped else 0
    if signals.ended_by is not None:
        status = 128 + signals.ended_by
    if chat.failure is not None:
        if isinstance(chat.failure, RequestFailed):
            console.complain(explain(chat.failure, login, console))
        status = EXIT_FAILED
    if status and frontend.draft.strip():
        console.complain(f"not sent: {shorten(frontend.draft, 60)}")
    lines = chat.not_accepted()
    _name_unsent(console, lines)
    if chat.failure is not None and not isinstance(chat.failure, RequestFailed):
        raise chat.failure
    if lines:
        status = status or EXIT_FAILED
    elif status == 0 and chat.not_stored():
        console.note(f"accepted and not yet seen stored: {chat.not_stored()}")
    if not chat.reached and status == 0:
        console.complain("the conversation could not be read")
        status = EXIT_FAILED
    return status
