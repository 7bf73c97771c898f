"""`angarium audit`: does the store say what the log says?"""

import argparse
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

from angarium import logs
from angarium.cli.arguments import Commands, add_command, add_json, at_least_one
from angarium.cli.console import Console
from angarium.cli.errors import EXIT_FAILED, CommandError
from angarium.cli.export import Progress
from angarium.cli.start_settings import settings_with_data
from angarium.clock import SystemClock
from angarium.config.values import quote
from angarium.domain.identifiers import parse_uuid

if TYPE_CHECKING:
    from angarium.services.audit.audit import AuditSummary, Step
    from angarium.services.outage_retry import OutageRetry
    from angarium.wiring import Inspection


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "audit",
        _run,
        "compare the store with the log, and name every difference",
        "Read the log as far as the workers have committed it, and the store, and compare them: "
        "every message is stored once, at its place, with its text; every receipt has had its "
        "effect; every record that cannot be applied has its dead letter; and nothing is stored "
        "that the log does not explain. What retention has removed from the log is not judged. "
        "It works while everything runs, changes nothing, and needs some room for temporary "
        "files (TMPDIR). The exit status is 1 if there is any difference.",
        "angarium audit\n"
        "angarium audit --rate 5000 --json\n"
        "angarium audit --conversation 5d1f0c2e-8f0e-5b0a-9f43-0a3c6d6d2a11",
    )
    parser.add_argument(
        "--conversation", type=_conversation, metavar="ID", help="only this conversation"
    )
    parser.add_argument(
        "--rate",
        type=at_least_one,
        metavar="N",
        help="read at most N records a second from the store (default: unlimited)",
    )
    add_json(parser, "print a JSON object with every difference")


def _conversation(text: str) -> UUID:
    """Read a conversation's id from the command line."""
    conversation_id = parse_uuid(text)
    if conversation_id is None:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a conversation's id, a UUID")
    return conversation_id


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Audit what the settings name, and print what was found."""
    settings = settings_with_data(console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring
    from angarium.cli.audit_report import AuditReport
    from angarium.services.audit.audit import Sources, audit
    from angarium.services.audit.findings import Findings
    from angarium.services.audit.store_walk import Pace
    from angarium.services.outage_retry import OutageRetry, RetryWarnings
    from angarium.wiring.load import guard_against_import

    clock = SystemClock()
    warn = RetryWarnings("Log or store did not answer; the call is repeated.")
    progress = Progress(console)
    handler = logs.configure("cli", "WARNING", settings.log_format, console.stderr)
    try:
        with wiring.open_inspection(settings) as inspection, closing(Findings()) as findings:
            retry = OutageRetry(clock, warn, max_s=wiring.outage_patience_s(settings))
            # Until an import ends, nothing says that its rows are of no
            # record.
            check = guard_against_import(inspection, retry, "audit")
            audited = audit(
                Sources(inspection.log, inspection.dead_letters, inspection.store),
                findings,
                retry,
                Pace(arguments.rate, clock),
                clock,
                lambda step: progress.show(_progress_text(step)),
                arguments.conversation,
            )
            check()
            progress.clear()
            if arguments.conversation is not None:
                _require_conversation(arguments.conversation, audited, inspection, retry)
            if audited.waiting and not audited.records:
                console.note(
                    f"group {settings.group} has committed nothing of what is in the log, so "
                    "nothing is judged yet"
                )
            topic = settings.topic if settings.kafka else "messages"
            report = AuditReport(audited, findings, topic)
            if arguments.json:
                # In pieces: a million findings are not held at once.
                console.stdout.writelines(report.json())
            else:
                for line in report.lines():
                    console.say(line)
            return EXIT_FAILED if report.total else 0
    finally:
        progress.clear()
        handler.close()


def _require_conversation(
    conversation_id: UUID, audited: "AuditSummary", inspection: "Inspection", retry: "OutageRetry"
) -> None:
    """Refuse the id of a conversation that nobody has opened."""
    if audited.records or audited.rows or audited.waiting:
        return
    if not retry(lambda: inspection.conversations.find([conversation_id])):
        raise CommandError(f"neither the log nor the store has conversation {conversation_id}")


def _progress_text(step: "Step") -> str:
    """Say how far the audit is."""
    text = f"{step.doing}: {step.done:,}"
    if step.total:
        text = f"{text} of {step.total:,} records ({step.done / step.total:.0%})"
    return text
