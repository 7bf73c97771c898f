"""`angarium trace`: the journey of one message."""

import argparse
import re
from typing import TYPE_CHECKING
from uuid import UUID

from angarium import logs
from angarium.cli.arguments import Commands, add_command, add_json
from angarium.cli.console import Console
from angarium.cli.errors import EXIT_FAILED, CommandError, UsageError
from angarium.cli.export import Progress
from angarium.cli.start_settings import settings_with_data
from angarium.config.values import quote
from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import parse_uuid

if TYPE_CHECKING:
    from angarium.wiring import Inspection

EMBEDDED_TOPIC = "messages"
"""The embedded log has no name of its own."""

_LOCATION = re.compile(r"(?:https?://[^/]+)?/v1/conversations/([^/]+)/messages/([^/]+)")


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "trace",
        _run,
        "show where one message is: log, store, delivery",
        "Read the log and the store and show the journey of one message: when it was accepted "
        "and by which instance, where it is in the log, how far the workers are, where and how "
        "it is stored, and when it was delivered. What is not there yet says why. Repeats of "
        "the message and its dead letter are shown too. It works while the service runs and "
        "disturbs nothing. The text of the message is shown with --json only.",
        "angarium trace 3e1f… 01a2…\nangarium trace /v1/conversations/3e1f…/messages/01a2…",
    )
    parser.add_argument(
        "conversation",
        metavar="CONVERSATION_ID",
        help="the conversation; or the path that the Location header of the 202 has, alone",
    )
    parser.add_argument("message", metavar="MESSAGE_ID", nargs="?", help="the message")
    add_json(parser, "print a JSON object")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Read and print the journey; 1 if a part cannot be read."""
    conversation_id, message_id = _ids(arguments)
    settings = settings_with_data(console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring
    from angarium.cli.trace_report import TraceReport
    from angarium.services.trace.journey import Subject
    from angarium.services.trace.tracer import LogSources, StoreSources, UnknownMessage, trace

    topic = settings.topic if settings.kafka else EMBEDDED_TOPIC
    subject = Subject(conversation_id, message_id, topic, settings.partitions)
    progress = Progress(console)
    partition = f"{topic}[{subject.partition}]"
    handler = logs.configure("cli", "ERROR", settings.log_format, console.stderr)
    try:
        with wiring.open_inspection(settings) as inspection:
            _refuse_half_import(inspection)
            journey = trace(
                subject,
                LogSources(inspection.log, inspection.dead_letters),
                StoreSources(inspection.store, inspection.users, inspection.conversations),
                lambda done, total: progress.show(
                    f"reading {partition}: {done:,} of {total:,} records"
                ),
            )
    except UnknownMessage as error:
        raise CommandError(str(error)) from error
    finally:
        progress.clear()
        handler.close()
    report = TraceReport(subject, settings.group, journey)
    if arguments.json:
        console.say_json(report.json())
    else:
        for line in report.lines():
            console.say(line)
    for line in journey.unavailable:
        console.complain(line)
    return EXIT_FAILED if journey.unavailable else 0


def _refuse_half_import(inspection: "Inspection") -> None:
    """Refuse to explain rows that an import has not explained yet."""
    from angarium.wiring.load import refuse_half_import

    try:
        marker = inspection.import_marker()
    except StoreUnavailable:
        # The journey says that the store is away.
        return
    refuse_half_import(marker, inspection.store_name)


def _ids(arguments: argparse.Namespace) -> tuple[UUID, UUID]:
    """Read two ids, or the one path that names both."""
    first: str = arguments.conversation
    second: str | None = arguments.message
    if second is None:
        location = _LOCATION.fullmatch(first)
        if location is None:
            raise UsageError(
                f"trace: {quote(first)} is not a path such as "
                "/v1/conversations/CONVERSATION_ID/messages/MESSAGE_ID; give that, or both ids; "
                "see `angarium trace -h`"
            )
        first, second = location.groups()
    return _uuid(first, "CONVERSATION_ID"), _uuid(second, "MESSAGE_ID")


def _uuid(text: str, name: str) -> UUID:
    """Read an id from the command line."""
    found = parse_uuid(text)
    if found is None:
        raise UsageError(
            f"trace: {name} is {quote(text)}, which is not a UUID; see `angarium trace -h`"
        )
    return found
