"""Replaces the client libraries' log lines by a few of our own.

Each kind is logged once in ten seconds, with the number of repeats.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from angarium.logs.line import Line
from angarium.threads import show_thread_name

PERIOD_S = 10.0
"""Between two lines of a kind: six lines a minute in an outage."""

_MAX_TEXT = 300
"""Characters of a library's words; some contain a whole response."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble in outages, rebalances and on busy machines.

    Attributes:
        message: The text of our own line.
        phrases: By the beginning of a logger's name, phrases of which
            one is in the library's text before values are formatted
            into it.
    """

    message: str
    phrases: Mapping[str, tuple[str, ...]]


TROUBLES: Mapping[str, tuple[Trouble, ...]] = {
    "kafka": (
        Trouble(
            "A client's thread had to wait for the CPU; the machine is busy.",
            {"kafka.net.selector": (" ran for ",)},
        ),
        Trouble(
            "A connection to a Kafka broker was lost or failed; it is retried.",
            {
                "kafka.net.transport": (
                    "socket disconnected",
                    "Error receiving network data",
                    "Error sending request data",
                    "Abort",
                ),
                "kafka.net.connection": ("Request timed out", "Connection lost"),
                "kafka.net.manager": ("Bootstrap ", "Connection failed"),
                "kafka.net.inet": ("DNS lookup failed",),
                "kafka.cluster": (
                    "Metadata refresh",
                    "No node available for metadata",
                    "No broker metadata",
                    "bootstrap resolution failed",
                ),
            },
        ),
        Trouble(
            "The coordinator of the consumer group did not answer, or has removed this member.",
            {
                "kafka.coordinator": (
                    "Error sending ",
                    "Group Coordinator Request failed",
                    "Group Coordinator lookup",
                    "Marking the coordinator dead",
                    "LeaveGroup request failed",
                    "Heartbeat session expired",
                    "Consumer poll timeout has expired",
                    "Heartbeat failed for group %s: ",
                    "local member_id was not recognized",
                    "OffsetCommit for group %s failed: ",
                    "failed to commit partition",
                    "Offset commit failed",
                    "offset commit failed",
                ),
            },
        ),
        Trouble(
            "Kafka did not accept a batch of records at once; it is sent again, or its requests "
            "fail.",
            {
                "kafka.producer.sender": (
                    "Error sending produce request",
                    "Got error produce response",
                    "splitting batch",
                    "unknown topic or partition",
                    "Got an exception when trying to find a node",
                    "Aborting producer batches",
                    "producer id/epoch changed",
                ),
                "kafka.producer.producer_batch": ("Failed to produce messages",),
                "kafka.producer.transaction_manager": (
                    "Bumping producer epoch",
                    "Fatal Error handling request",
                ),
                "kafka.producer.kafka": ("Overriding close timeout",),
            },
        ),
        Trouble(
            "Kafka did not return the records or offsets of a partition; this is retried.",
            {
                "kafka.consumer.fetcher": (
                    "unknown topic",
                    "Attempt to fetch offsets",
                    "Fetch to node %s failed",
                    "Discarding error in ListOffsetResponse",
                    "Truncation detected",
                    "OffsetForLeaderEpoch",
                    "Unable to find fetch session handler",
                ),
                "kafka.cluster": ("not found in cluster metadata",),
            },
        ),
    ),
    "cassandra": (
        Trouble(
            "A connection to a Cassandra node was lost or failed; it is retried.",
            {
                "cassandra.pool": (
                    "Error attempting to reconnect",
                    "Failed reconnecting",
                    "ailed to create new connection",
                    "Failed to add new connection",
                    "Failed replacing connection",
                ),
                "cassandra.cluster": (
                    "has been marked down",
                    "marking node %s up",
                    "being marked up",
                    "while adding node",
                    "not marking node",
                    "trying to prepare all statements",
                    "Error preparing query",
                    "Failed to create connection pool",
                    "Control connection failed to connect",
                    "[control connection] Error connecting",
                ),
                "cassandra.connection": (
                    "while erroring requests",
                    "Failed sending heartbeat",
                    "Heartbeat failed",
                    "Failed connection heartbeat",
                ),
            },
        ),
        Trouble(
            "A Cassandra node answered a request with an error; it is retried, or fails.",
            {"cassandra.cluster": ("Host %s error",)},
        ),
        Trouble(
            "A Cassandra node warned of a request; ANGARIUM_LOG_LEVEL=DEBUG logs its words.",
            {"cassandra.protocol": ("Server warning",)},
        ),
    ),
}
"""The kinds by library. A line of no kind is logged with the library's
own words, without the values, which might be secret.
"""

Key = tuple[str, ...]
"""What lines of one kind have in common."""
Schedule = Callable[[float, Callable[[], None]], None]
"""Calls a function after a number of seconds, on another thread."""


@dataclass(slots=True)
class _Window:
    """A line that was logged, and how often it was repeated since."""

    line: Line
    repeats: int = 0


class LibraryFilter(logging.Filter):
    """Gives a handler lines of our own instead of the libraries'.

    The first line of a kind is logged at once. Further ones are
    counted, and their number is logged every ten seconds while there
    are any. The libraries' own words are DEBUG lines.

    Lines may come from any thread, even while one is being logged.
    """

    def __init__(
        self,
        handle: Callable[[Line], object],
        quiet: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        """Start with nothing logged.

        Args:
            handle: Logs a line.
            quiet: Whether known kinds are left out: a command that
                waits for its servers reports at the end what it found.
            schedule: Replaces a timer in tests.
        """
        super().__init__()
        self._handle = handle
        self._quiet = quiet
        self._schedule = schedule or _on_a_timer
        self._lock = threading.RLock()
        self._windows: dict[Key, _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Log a library's record in our own words.

        Args:
            record: Of any logger.

        Returns:
            True if it is not of these libraries, and is logged as it
            is.
        """
        library = record.name.partition(".")[0]
        if isinstance(record, Line) or library not in TROUBLES:
            return True
        if logging.getLogger("angarium").isEnabledFor(logging.DEBUG):
            self._handle(_debug_line(record))
        trouble = None if _is_defect(record) else _trouble_of(library, record)
        if trouble is None:
            self._log_own_line((record.name, str(record.lineno)), _unknown(library, record))
        elif not self._quiet:
            fields = {"logger": library}
            self._log_own_line(
                (library, trouble.message),
                Line(library, logging.WARNING, "library", trouble.message, fields),
            )
        return False

    def _log_own_line(self, key: Key, line: Line) -> None:
        """Log a line, or count it if its kind was logged just now."""
        with self._lock:
            window = self._windows.get(key)
            if window is not None:
                window.repeats += 1
                return
            self._open(key, line)
        self._handle(line)

    def _open(self, key: Key, line: Line) -> None:
        """Start to count the repeats of a line."""
        self._windows[key] = _Window(line)
        try:
            self._schedule(PERIOD_S, lambda: self._end(key))
        except RuntimeError:
            # No thread can be started any more, because the program
            # ends. Then every line is logged.
            del self._windows[key]

    def _end(self, key: Key) -> None:
        """Log how often a line was repeated; count on if it was."""
        with self._lock:
            window = self._windows.pop(key)
            if window.repeats == 0:
                return
            self._open(key, window.line)
        line, counted = window.line, {"repeats": window.repeats, "within_s": PERIOD_S}
        self._handle(
            Line(line.name, line.levelno, line.action, line.msg, {**line.fields, **counted})
        )


def _on_a_timer(seconds: float, function: Callable[[], None]) -> None:
    """Call a function later, without keeping the program alive."""
    timer = threading.Timer(seconds, function)
    timer.name = "library-lines"
    timer.daemon = True
    timer.start()
    show_thread_name(timer)


def _trouble_of(library: str, record: logging.LogRecord) -> Trouble | None:
    """Return the kind of trouble of a record, if it is a known one."""
    text = str(record.msg)
    for trouble in TROUBLES[library]:
        for loggers, phrases in trouble.phrases.items():
            if record.name.startswith(loggers) and any(phrase in text for phrase in phrases):
                return trouble
    return None


def _is_defect(record: logging.LogRecord) -> bool:
    """Return whether no network or server explains a record's error."""
    if not record.exc_info or record.exc_info[1] is None:
        return False
    error = record.exc_info[1]
    made_by = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return not isinstance(error, OSError) and made_by.isdisjoint(TROUBLES)


def _unknown(library: str, record: logging.LogRecord) -> Line:
    """Return the line of an unknown kind, without its values."""
    fields = {"logger": record.name, "said": str(record.msg)[:_MAX_TEXT]}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and not _is_defect(record):
        fields["error_type"], error = type(error).__name__, None
    message = f"The client library {library} logged something of an unknown kind."
    return Line(library, record.levelno, "library", message, fields, error)


def _debug_line(record: logging.LogRecord) -> Line:
    """Return the DEBUG line with a library's own words.

    Bytes are left out, because they may be of a message.
    """
    arguments = record.args if isinstance(record.args, tuple) else ()
    shown = tuple(
        f"<{len(each)} bytes>" if isinstance(each, bytes) else each for each in arguments
    )
    try:
        text = str(record.msg) % shown if shown else record.getMessage()
    except (TypeError, ValueError):
        text = str(record.msg)
    return Line(record.name, logging.DEBUG, "library", text, {"logger": record.name})
