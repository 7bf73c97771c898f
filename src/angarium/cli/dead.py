"""`angarium dead`: records the worker could not process.

They are kept and can be replayed (docs/adr/0012-dead-letters.md).
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from angarium.cli.arguments import DEFAULT_LIMIT, Commands, add_command, add_json, at_least_one
from angarium.cli.console import Console
from angarium.cli.errors import EXIT_FAILED, CommandError, UsageError
from angarium.cli.message_lines import local_time
from angarium.cli.start_settings import command_logs, settings_with_data
from angarium.cli.text import escape_unprintable
from angarium.config.values import quote
from angarium.ports.message_log import Appended, DeadLetter

if TYPE_CHECKING:
    from angarium.services.dead_letters import DeadLetters


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "dead",
        _nothing,
        "list and replay records the worker could not process",
        "A record that the worker can never apply becomes a dead letter, and the worker goes on "
        "with the next one. Works while the service runs.",
        "angarium dead list\nangarium dead replay 3:1204",
    )
    parts = parser.add_commands()
    listing = add_command(
        parts,
        "list",
        _list,
        "list dead letters",
        "List the newest dead letters, newest first: the position of the record "
        "(PARTITION:OFFSET), when it was appended, why it could not be applied, and its trace "
        "id. The text of a message is never shown.",
        "angarium dead list --limit 10\nangarium dead list --json",
    )
    listing.add_argument(
        "--limit",
        type=at_least_one,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"the newest N (default: {DEFAULT_LIMIT})",
    )
    add_json(listing, "print a JSON object")
    replay = add_command(
        parts,
        "replay",
        _replay,
        "append dead letters to the log again (safe to repeat)",
        "Append the record of a dead letter to the log again, with its own key, value, headers "
        "and trace id, so that the worker tries it once more; correct the cause first. It is "
        "safe to repeat: a message id that is stored already is not stored again. A replayed "
        "message comes after those that were accepted in the meantime. A dead letter stays "
        "listed after a replay; a record that fails again becomes another one, and --all "
        "appends only one of those with equal records.",
        "angarium dead replay 3:1204\nangarium dead replay --all",
    )
    replay.add_argument(
        "position",
        nargs="?",
        type=_position,
        metavar="PARTITION:OFFSET",
        help="as `angarium dead list` shows it",
    )
    replay.add_argument(
        "--all",
        action="store_true",
        help="every dead letter, oldest first (of more than 100,000 the newest)",
    )
    add_json(replay, "print a JSON object for each")


def _nothing(*_: object) -> int:
    """Refuse `dead` alone and name its commands."""
    raise UsageError("dead: the command is missing, `list` or `replay`; see `angarium dead -h`")


def _position(text: str) -> tuple[int, int]:
    """Read PARTITION:OFFSET from the command line."""
    partition, colon, offset = text.partition(":")
    if not (colon and all(part.isascii() and part.isdigit() for part in (partition, offset))):
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a position: use PARTITION:OFFSET, such as 3:1204"
        )
    return int(partition), int(offset)


def _list(arguments: argparse.Namespace, console: Console) -> int:
    """Print the newest dead letters, without their content."""
    with _open(console) as dead_letters:
        found = dead_letters.newest(arguments.limit)
    if arguments.json:
        console.say(json.dumps({"dead_letters": [_fields(dead_letter) for dead_letter in found]}))
        return 0
    for dead_letter in found:
        moment = local_time(datetime.fromtimestamp(dead_letter.record.timestamp / 1000, UTC))
        what = f"{dead_letter.reason}: {dead_letter.detail}  (trace id {dead_letter.trace_id})"
        words = f"{_position_text(dead_letter)}  {moment}  {what}"
        console.say(escape_unprintable(words))
    if not found:
        console.note("there are no dead letters")
    return 0


def _replay(arguments: argparse.Namespace, console: Console) -> int:
    """Append the chosen records again; report those that cannot be."""
    from angarium.services.dead_letters import NoSuchDeadLetter, NotReplayable

    if arguments.all == (arguments.position is not None):
        raise UsageError(
            "dead replay: name one PARTITION:OFFSET, or --all; see `angarium dead replay -h`"
        )
    with _open(console) as dead_letters:
        try:
            chosen: Sequence[DeadLetter] = (
                dead_letters.to_replay()
                if arguments.all
                else [dead_letters.find(*arguments.position)]
            )
        except NoSuchDeadLetter as error:
            raise CommandError(f"{error}; see `angarium dead list`") from error
        status = 0
        for dead_letter in chosen:
            try:
                appended = dead_letters.replay(dead_letter)
            except NotReplayable as error:
                console.complain(f"not replayed: {error}")
                status = EXIT_FAILED
                continue
            _print_replayed(arguments, console, dead_letter, appended)
    if not chosen:
        console.note("there are no dead letters")
    return status


def _print_replayed(
    arguments: argparse.Namespace, console: Console, dead_letter: DeadLetter, appended: Appended
) -> None:
    """Print the old and the new position of a record."""
    place = f"{appended.partition}:{appended.offset}"
    if arguments.json:
        console.say(
            json.dumps(
                {
                    "position": _position_text(dead_letter),
                    "replayed_as": place,
                    "trace_id": dead_letter.trace_id,
                }
            )
        )
    else:
        console.say(
            escape_unprintable(
                f"{_position_text(dead_letter)} was appended again as {place} (trace id "
                f"{dead_letter.trace_id})"
            )
        )


@contextmanager
def _open(console: Console) -> Iterator["DeadLetters"]:
    """Open the engine that the settings name, for this command."""
    settings = settings_with_data(console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring

    with command_logs(settings, console), wiring.open_dead_letters(settings) as dead_letters:
        yield dead_letters


def _position_text(dead_letter: DeadLetter) -> str:
    """Format a position as `dead replay` takes it."""
    return f"{dead_letter.record.partition}:{dead_letter.record.offset}"


def _fields(dead_letter: DeadLetter) -> dict[str, object]:
    """Describe a dead letter for --json: sizes, never content."""
    record = dead_letter.record
    moment = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(
        timespec="milliseconds"
    )
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": moment.replace("+00:00", "Z"),
        "reason": dead_letter.reason,
        "detail": dead_letter.detail,
        "trace_id": dead_letter.trace_id,
        "key_bytes": None if record.key is None else len(record.key),
        "value_bytes": None if record.value is None else len(record.value),
    }
