"""`angarium send`: one message."""

import argparse

from angarium.cli import send_trace
from angarium.cli.arguments import Commands, add_command, add_json, add_login, add_server, username
from angarium.cli.console import Console
from angarium.cli.errors import CommandError, UsageError
from angarium.cli.send_trace import SendTrace
from angarium.cli.session import Session, open_session
from angarium.cli.text import escape_unprintable
from angarium.cli.text_input import read_text, utf8_fault
from angarium.client import AcceptedMessage, RequestFailed
from angarium.domain.content import content_problem


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "send",
        _run,
        "send one message",
        "Send a message. It is accepted once it is durable in the log; a failed request is "
        "repeated with the same message id, so that the message is never sent twice. Several "
        "words are joined by spaces; write a `--` before words that begin with a dash. Without "
        "words, or with `-` alone, the text is read from stdin: UTF-8, without its last line end.",
        "angarium send bob 'shall we meet at noon?'\nangarium send bob < letter.txt\n"
        "date | angarium send bob -\nangarium send bob --as alice -- -v means verbose\n"
        "angarium send bob hello --trace",
    )
    parser.add_argument("name", metavar="NAME", type=username, help="the recipient")
    parser.add_argument("text", metavar="TEXT", nargs="*", help="the message")
    send_trace.add_options(parser)
    add_server(parser)
    add_login(parser)
    add_json(parser)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Send the words as one message and print its id."""
    name: str = arguments.name
    timeout_s = send_trace.timeout_of(arguments)
    text = _text(arguments.text, console)
    with open_session(arguments, console) as session:
        conversation_id = session.conversation_with(name)
        if timeout_s is not None:
            trace = SendTrace(console, name, arguments.json, timeout_s)
            return trace.follow(
                lambda: _send(session, name, text), session.client, conversation_id
            )
        accepted = _send(session, name, text)
    message_id = escape_unprintable(accepted.message_id)
    try:
        if arguments.json:
            console.say_json(accepted.body)
        else:
            console.say(f"accepted for {name} ({message_id})")
        console.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # A script that took this for a failure would send it twice.
        raise CommandError(
            f"the message was accepted ({message_id}), but stdout took no word of it: "
            f"{error.strerror}; do not send it again"
        ) from error
    return 0


def _send(session: Session, name: str, text: str) -> AcceptedMessage:
    """Send a message; if nobody knows whether it went, say so."""
    try:
        return session.client.send(name, text)
    except RequestFailed as failure:
        if not failure.message_id:
            raise
        raise CommandError(
            str(failure),
            f"the message may or may not have been accepted: look with `angarium history {name}`",
        ) from failure


def _text(words: list[str], console: Console) -> str:
    """Return the message: the words, or what is on stdin."""
    if words and words != ["-"]:
        text = " ".join(words)
        fault = utf8_fault(text)
        if fault is not None:
            raise CommandError(f"nothing was sent: {fault}")
    elif not words and console.stdin.isatty():
        raise UsageError(
            "send: the text is missing; write it after the name, or `-` to type it until Ctrl-D; "
            "see `angarium send -h`"
        )
    else:
        text = read_text(console.stdin)
    problem = content_problem(text)
    if problem is not None:
        raise CommandError(f"nothing was sent: {problem.detail}")
    return text
