"""What the client libraries say, told in lines of our own, each kind
once in ten seconds.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from angarium.logs.line import Line
from angarium.threads import show_thread_name

PERIOD_SECONDS = 10.0
"""So often a line tells how many times a library repeated itself."""

_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble that outages, rebalances and busy machines
    bring.

    Attributes:
        says: The line of our own.
        told: Where a library tells of it: the beginning of a logger's
            name, and phrases of which one is in the text before values
            are put into it.
    """

    says: str
    told: Mapping[str, tuple[str, ...]]


TROUBLES: Mapping[str, tuple[Trouble, ...]] = {
    "kafka": (
        Trouble(
            "A client's thread waited for the processor; the machine is busy.",
            {"kafka.net.selector": (" ran for ",)},
        ),
        Trouble(
            "A connection to a Kafka broker was lost or could not be made; it is tried again.",
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
            "The coordinator of the consumer group did not answer, or the group goes on without "
            "this member.",
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
            "Kafka did not take a batch of records at once; it is sent again, or its senders are "
            "told.",
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
            "Kafka did not tell at once what a partition has; it is asked again.",
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
            },
        ),
    ),
    "cassandra": (
        Trouble(
            "A connection to a Cassandra node was lost or could not be made; it is tried again.",
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
            "A Cassandra node answered a request with an error; the request is repeated, or told "
            "as failed.",
            {"cassandra.cluster": ("Host %s error",)},
        ),
        Trouble(
            "A Cassandra node warned of a request; with ANGARIUM_LOG_LEVEL=DEBUG its words are "
            "shown.",
            {"cassandra.protocol": ("Server warning",)},
        ),
    ),
}
"""The kinds by library. What is in none of them is told with the
library's own words, without the values.
"""

Key = tuple[str, ...]
Schedule = Callable[[float, Callable[[], None]], None]


@dataclass(slots=True)
class _Window:
    """What is counted since a line was written."""

    line: Line
    repeats: int = 0


class LibraryFilter(logging.Filter):
    """Stands in front of a handler, which gets lines of our own in the
    place of the libraries'.

    The first of a kind is told at once, further ones are counted, and
    their number is told every ten seconds for as long as there are any.
    What the libraries say themselves is a DEBUG line each.

    Lines may come from any thread, and while one is being told.
    """

    def __init__(
        self,
        handle: Callable[[Line], object],
        quiet: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        """Begin with nothing told.

        Args:
            handle: Takes the lines.
            quiet: Whether kinds that are known are left out: a command
                that waits for its servers says at the end what it
                found.
            schedule: Calls a function after so many seconds, on another
                thread.
        """
        super().__init__()
        self._handle = handle
        self._quiet = quiet
        self._schedule = schedule or _on_a_timer
        self._lock = threading.RLock()
        self._windows: dict[Key, _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell of a library's record.

        Args:
            record: Any.

        Returns:
            True for what is not of these libraries, which goes on as it
            is.
        """
        library = record.name.partition(".")[0]
        if isinstance(record, Line) or library not in TROUBLES:
            return True
        if logging.getLogger("angarium").isEnabledFor(logging.DEBUG):
            self._handle(_own_words(record))
        trouble = None if _is_defect(record) else _trouble_of(library, record)
        if trouble is None:
            self._log_own_line((record.name, str(record.lineno)), _unknown(library, record))
        elif not self._quiet:
            fields = {"logger": library}
            self._log_own_line(
                (library, trouble.says),
                Line(library, logging.WARNING, "library", trouble.says, fields),
            )
        return False

    def _log_own_line(self, key: Key, line: Line) -> None:
        """Write a line, or count it where its like was written a moment
        ago.
        """
        with self._lock:
            window = self._windows.get(key)
            if window is not None:
                window.repeats += 1
                return
            self._open(key, line)
        self._handle(line)

    def _open(self, key: Key, line: Line) -> None:
        """Begin to count."""
        self._windows[key] = _Window(line)
        try:
            self._schedule(PERIOD_SECONDS, lambda: self._end(key))
        except RuntimeError:
            # No thread can be started any more: the program ends, and
            # every line is written.
            del self._windows[key]

    def _end(self, key: Key) -> None:
        """Tell what was counted, and go on counting if there was
        anything.
        """
        with self._lock:
            window = self._windows.pop(key)
            if window.repeats == 0:
                return
            self._open(key, window.line)
        line, told = window.line, {"repeats": window.repeats, "within_s": PERIOD_SECONDS}
        self._handle(Line(line.name, line.levelno, line.action, line.msg, {**line.fields, **told}))


def _on_a_timer(seconds: float, function: Callable[[], None]) -> None:
    """Call a function later, on a thread that does not keep the program
    alive.
    """
    timer = threading.Timer(seconds, function)
    timer.name = "library-lines"
    timer.daemon = True
    timer.start()
    show_thread_name(timer)


def _trouble_of(library: str, record: logging.LogRecord) -> Trouble | None:
    """Return the kind of trouble that a record tells of, if it is a
    known one.
    """
    text = str(record.msg)
    for trouble in TROUBLES[library]:
        for loggers, phrases in trouble.told.items():
            if record.name.startswith(loggers) and any(phrase in text for phrase in phrases):
                return trouble
    return None


def _is_defect(record: logging.LogRecord) -> bool:
    """Return whether a record has an error that neither a network nor a
    server brings about.
    """
    if not record.exc_info or record.exc_info[1] is None:
        return False
    error = record.exc_info[1]
    made_by = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return not isinstance(error, OSError) and made_by.isdisjoint(TROUBLES)


def _unknown(library: str, record: logging.LogRecord) -> Line:
    """Return the line for what is not known here: the library's words
    without the values put into them.
    """
    fields = {"logger": record.name, "said": str(record.msg)[:_MAX_TEXT]}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and not _is_defect(record):
        fields["error_type"], error = type(error).__name__, None
    says = f"The client library {library} tells of something that is not known here."
    return Line(library, record.levelno, "library", says, fields, error)


def _own_words(record: logging.LogRecord) -> Line:
    """Return the DEBUG line with what a library says; bytes, which may
    be of a message, are left out.
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
