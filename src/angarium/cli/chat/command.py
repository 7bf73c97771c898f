"""`angarium chat`: puts the parts of a live conversation together."""

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from angarium.cli.arguments import Commands, add_command, add_json, add_login, add_server, username
from angarium.cli.chat.chat_session import ChatSession, Screen
from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.events import ChatFailed
from angarium.cli.chat.feed import Feed
from angarium.cli.chat.inputs import Input, PipeInput, TerminalInput
from angarium.cli.chat.mailbox import (
    Loop,
    Mailbox,
    RepeatingThread,
    Signals,
    WakeupPipe,
    stop_this_process,
)
from angarium.cli.chat.plain import JsonScreen, PlainScreen
from angarium.cli.chat.sender import ConnectionStatus, Outbox, Sender
from angarium.cli.chat.terminal import TerminalScreen
from angarium.cli.chat.terminal_mode import TerminalMode
from angarium.cli.console import Console
from angarium.cli.credentials import Login
from angarium.cli.errors import EXIT_FAILED
from angarium.cli.session import explain, open_session
from angarium.cli.text import shorten
from angarium.client import Client, RequestFailed
from angarium.clock import SystemClock

GRACE_IN_A_PIPE_S = 2.0
"""Seconds at the end for seeing the last lines stored and confirming
the last messages.
"""

GRACE_ON_A_TERMINAL_S = 0.5
MAX_NAMED = 20
_MIN_INTERVAL_S = 0.1
_JOIN_TIMEOUT_S = 1.0


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


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Start the two threads and run the main loop until it is over."""
    name: str = arguments.name
    with open_session(arguments, console) as session:
        conversation_id = session.conversation_with(name)
        login = session.login
        names = {login.user_id: login.username, session.client.user_id(name): name}
    frontend = _choose_frontend(console, names, login.user_id, as_json=arguments.json)
    wakeup, outbox, signals = WakeupPipe(), Outbox(), Signals()
    mailbox = Mailbox(wakeup)
    connection = ConnectionStatus(mailbox.post)
    client = Client(login.url, patience_s=0.0).use_token(login.username, login.access_token)
    sender = Sender(client.api, conversation_id, outbox, connection, mailbox.post)
    feed = Feed(client.api, conversation_id, login.user_id, connection, mailbox.post)
    chat = ChatSession(
        frontend.screen,
        outbox,
        feed,
        login.user_id,
        SystemClock(),
        frontend.grace_s,
        numbered=frontend.terminal is None,
    )

    def post_failure(error: Exception) -> None:
        """Hand a thread's error to the main thread."""
        mailbox.post(ChatFailed(error))

    sending = RepeatingThread("chat-sender", sender.step, post_failure, client.close)
    polling = RepeatingThread("chat-feed", feed.step, post_failure, client.close, _MIN_INTERVAL_S)
    loop = Loop(chat, frontend.source, console.stdin.fileno(), wakeup, mailbox, sending, polling)
    with ExitStack() as stack:
        stack.callback(wakeup.close)
        # Signals are caught before the terminal is changed, so that
        # none can leave it so; and it is given back before the threads
        # are waited for.
        stack.enter_context(signals.catch(wakeup.wake, frontend.terminal is not None))
        stack.enter_context(_running(mailbox, sending, polling))
        stack.enter_context(_drawing(frontend, name))
        loop.run(signals, lambda: _on_signal(signals, frontend))
    return _leave(console, chat, signals, login)


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
    return _Frontend(terminal, source, terminal, TerminalMode(descriptor), GRACE_ON_A_TERMINAL_S)


@contextmanager
def _running(mailbox: Mailbox, *threads: RepeatingThread) -> Iterator[None]:
    """Run the threads for as long as the block lasts."""
    for each in threads:
        each.start()
    try:
        yield
    finally:
        mailbox.close()
        for each in threads:
            each.stop()
        for each in threads:
            each.join(_JOIN_TIMEOUT_S)


@contextmanager
def _drawing(frontend: _Frontend, name: str) -> Iterator[None]:
    """Keep the terminal in single-key mode for the block."""
    if frontend.terminal is None or frontend.mode is None:
        yield
        return
    with frontend.mode:
        frontend.terminal.notice(f"talking with {name}; Ctrl-D ends")
        try:
            yield
        finally:
            frontend.terminal.clear_input()


def _on_signal(signals: Signals, frontend: _Frontend) -> None:
    """Redraw, or give the terminal back and suspend the process."""
    if frontend.terminal is None or frontend.mode is None:
        return
    if signals.suspend:
        frontend.terminal.clear_input()
        frontend.mode.leave()
        stop_this_process()
    signals.suspend = signals.redraw = False
    if frontend.mode.is_ours():
        frontend.mode.enter()
        frontend.terminal.repaint()


def _leave(console: Console, chat: ChatSession, signals: Signals, login: Login) -> int:
    """Report what was not sent, and choose the exit status."""
    status = EXIT_FAILED if chat.skipped else 0
    if signals.ended_by is not None:
        status = 128 + signals.ended_by
    if chat.failure is not None:
        if not isinstance(chat.failure, RequestFailed):
            raise chat.failure
        console.complain(explain(chat.failure, login))
        status = EXIT_FAILED
    lines = chat.not_accepted()
    if lines:
        count = "1 line was" if len(lines) == 1 else f"{len(lines)} lines were"
        console.complain(f"{count} not accepted, as far as is known:")
        for line in lines[:MAX_NAMED]:
            console.complain(f"not accepted: {shorten(line.content, 60)}")
        status = status or EXIT_FAILED
    elif status == 0 and chat.not_stored():
        console.note(f"accepted and not yet seen stored: {chat.not_stored()}")
    if not chat.reached and status == 0:
        console.complain("the conversation could not be read")
        status = EXIT_FAILED
    return status
