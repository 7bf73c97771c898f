"""The command itself: options, users and exit status."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from angarium.cli.arguments import (
    Commands,
    Parser,
    add_command,
    add_json,
    add_servers,
    at_least_one,
    seconds,
    username,
)
from angarium.cli.console import Console, ProgressLine
from angarium.cli.credentials import Credentials
from angarium.cli.errors import EXIT_FAILED, CommandError, UsageError
from angarium.cli.session import RetryNote, server_urls
from angarium.cli.verify.ledger import Ledger
from angarium.cli.verify.people import Person
from angarium.cli.verify.run import Amount, Run
from angarium.client import RequestFailed
from angarium.config import DEMO_USERS, VERIFY_USERS

DEFAULT_CONVERSATIONS = 4
DEFAULT_MESSAGES = 1_000
DEFAULT_RATE = 100.0
DEFAULT_PATIENCE_S = 60.0

_FIRST, _SECOND, _THIRD, _FOURTH = VERIFY_USERS

_PAIRS = (
    (_FIRST, _SECOND),
    (_SECOND, _THIRD),
    (_THIRD, _FOURTH),
    (_FOURTH, _FIRST),
    (_FIRST, _THIRD),
    (_SECOND, _FOURTH),
)


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "verify",
        _run,
        "write messages, read them back, report what was lost",
        "Write numbered messages, repeat each with its own id until an instance accepts it, and "
        "confirm the delivery of about half. Meanwhile, kill and restart what you like. Then "
        "read everything back through every --url and compare it with the ledger of what was "
        "accepted: report messages that were lost, duplicated, reordered or altered, statuses "
        "that went back, and instances that disagree. The exit status is 1 if there are any. "
        "Ctrl-C ends the writing; the reading still runs. The messages stay in the conversations, "
        "which by default are those of users of its own, verify-1 to verify-4.",
        "angarium verify\n"
        "angarium verify --url http://api1:8080 --url http://api2:8080 --seconds 600 --ledger "
        "run.jsonl\n"
        "angarium verify --check --ledger run.jsonl\n"
        "angarium verify --as erin --with frank",
    )
    add_servers(parser)
    _add_amount(parser)
    parser.add_argument(
        "--patience",
        type=seconds,
        default=DEFAULT_PATIENCE_S,
        metavar="SECONDS",
        help="how long a message is repeated, and how long reading waits for accepted messages "
        f"(default: {DEFAULT_PATIENCE_S:g})",
    )
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="record every message before it is sent, and every 202, in this file; what it has "
        "already is verified too",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing: read back what --ledger has"
    )
    parser.add_argument(
        "--as",
        dest="login",
        type=username,
        metavar="NAME",
        help="the sender (default: users of its own, verify-1 to verify-4)",
    )
    parser.add_argument(
        "--with",
        dest="others",
        type=username,
        action="append",
        default=[],
        metavar="NAME",
        help="the recipient; once per conversation. Stored logins are used; otherwise the "
        "password is asked for, or read from a line of stdin, --as first",
    )
    add_json(parser, "print a JSON object with every finding")


def _add_amount(parser: Parser) -> None:
    """Add the options that say how much is written."""
    parser.add_argument(
        "--conversations",
        type=at_least_one,
        metavar="N",
        help=f"how many are written side by side (default: {DEFAULT_CONVERSATIONS}, or one for "
        "each --with)",
    )
    parser.add_argument(
        "--messages",
        type=at_least_one,
        metavar="N",
        help=f"how many in all (default: {DEFAULT_MESSAGES}, or what fits into --seconds)",
    )
    parser.add_argument("--seconds", type=seconds, metavar="SECONDS", help="how long to write")
    parser.add_argument(
        "--rate",
        type=at_least_one,
        default=DEFAULT_RATE,
        metavar="N",
        help=f"messages a second in all conversations together (default: {DEFAULT_RATE:g})",
    )


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Log in, write, read back and print the report."""
    pairs = _pairs(arguments)
    urls = server_urls(arguments, console)
    ledger = Ledger(arguments.ledger, writes=not arguments.check)
    progress = ProgressLine(console)
    run = None
    try:
        names = [*dict.fromkeys(name for pair in pairs for name in pair)]
        names += [
            record.sender for record in ledger.records.values() if record.sender not in names
        ]
        people = {name: _person(name, arguments, urls, console) for name in names}
        note = RetryNote(", ".join(urls), console.note)
        run = Run(urls, people, ledger, arguments.patience, progress.show, note)
        _log_in(run, arguments.login is None)
        spent = 0.0
        if pairs:
            messages = arguments.messages
            if messages is None and arguments.seconds is None:
                messages = DEFAULT_MESSAGES
            spent = run.write(pairs, Amount(messages, arguments.seconds, arguments.rate))
        report = run.read(spent)
    finally:
        progress.clear()
        ledger.close()
        if run is not None:
            run.close()
    for line in [report.json()] if arguments.json else report.lines():
        console.say(line)
    return 0 if report.is_clean and report.accepted else EXIT_FAILED


def _pairs(arguments: argparse.Namespace) -> Sequence[tuple[str, str]]:
    """Choose who writes to whom; refuse options that conflict."""
    login: str | None = arguments.login
    others: Sequence[str] = arguments.others
    if arguments.check:
        if arguments.ledger is None or not arguments.ledger.exists():
            raise UsageError(
                "verify: --check reads back a ledger; name a file that is there with --ledger"
            )
        return ()
    if (login is None) != (not others):
        raise UsageError("verify: --as and --with go together: the sender and the recipients")
    if login in others or len(set(others)) < len(others):
        raise UsageError("verify: each --with must name a different user, and not --as")
    pairs = _PAIRS if login is None else tuple((login, other) for other in others)
    wanted = arguments.conversations or min(
        DEFAULT_CONVERSATIONS if login is None else len(pairs), len(pairs)
    )
    if wanted > len(pairs):
        more = (
            "name more people with --with"
            if login
            else "name your own people with --as and --with"
        )
        raise UsageError(
            f"verify: there are people for {len(pairs)} conversations, not {wanted}; {more}"
        )
    return pairs[:wanted]


def _person(
    name: str, arguments: argparse.Namespace, urls: Iterable[str], console: Console
) -> Person:
    """Find a user's password or token, or ask for a password."""
    passwords = {user.username: user.password for user in DEMO_USERS}
    if arguments.login is None and name in passwords:
        return Person(name, passwords[name])
    for url in urls:
        try:
            return Person(
                name, None, Credentials.of(console.environment).find(url, name).access_token
            )
        except CommandError:
            continue
    return Person(name, console.ask_password(f"password of {name}"))


def _log_in(run: Run, demo: bool) -> None:
    """Log everyone in; explain a refused password."""
    try:
        run.log_in()
    except RequestFailed as problem:
        if problem.code != "invalid_credentials":
            raise
        hint = (
            "`angarium serve` or `init` makes verify-1 to verify-4 where the demo users are; "
            "elsewhere name your own with --as and --with"
            if demo
            else "try again"
        )
        raise CommandError(f"wrong username or password; {hint}") from problem
