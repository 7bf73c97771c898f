"""What becomes of the lines of kafka-python and cassandra-driver."""

import ast
import logging
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from cassandra.cluster import NoHostAvailable
from kafka.errors import KafkaConnectionError

from angarium.logs.libraries import PERIOD_S, TROUBLES, LibraryFilter
from angarium.logs.line import Line, fields_of, traceback_of


class Later:
    """Calls what was asked for when a test lets time pass."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        assert seconds == PERIOD_S
        self.calls.append(function)

    def let_pass(self) -> None:
        """Let ten seconds pass."""
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Library:
    """A library's logger in front of a filter, and the lines that come
    out behind it.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.later = Later()
        self.lines: list[Line] = []
        self.filter = LibraryFilter(self.lines.append, quiet, self.later)

    def says(
        self,
        logger: str,
        text: str,
        *values: object,
        level: int = logging.WARNING,
        error: Exception | None = None,
    ) -> bool:
        told = None if error is None else (type(error), error, error.__traceback__)
        record = logging.LogRecord(logger, level, "there.py", 7, text, values, told)
        return self.filter.filter(record)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def debug() -> None:
    logging.getLogger("angarium").setLevel("DEBUG")


LOST = ("kafka.net.transport", "%s: socket disconnected", "<transport>")
GONE = (
    "cassandra.pool",
    "Error attempting to reconnect to %s, scheduling retry in %s seconds: %s",
    "a",
    1.0,
    "b",
)


def test_a_lost_connection_is_one_line_that_says_what_happened(library: Library) -> None:
    assert library.says(*LOST, level=logging.ERROR) is False
    (line,) = library.lines
    assert (line.levelname, line.action, line.fields) == (
        "WARNING",
        "library",
        {"logger": "kafka"},
    )
    assert line.msg == "A connection to a Kafka broker was lost or failed; it is retried."


def test_repeats_are_told_as_a_number_every_ten_seconds_for_as_long_as_there_are_any(
    library: Library,
) -> None:
    for _ in range(200):
        library.says(*LOST)
        library.says(
            "kafka.net.manager",
            "Bootstrap connection to %s failed: %s (backoff %.2f secs)",
            "a",
            "b",
            1.0,
        )
    assert len(library.lines) == 1
    library.later.let_pass()
    assert library.lines[1].fields == {
        "logger": "kafka",
        "repeats": 399,
        "within_s": PERIOD_S,
    }
    library.says(*LOST)
    library.later.let_pass()
    assert [line.fields.get("repeats") for line in library.lines] == [None, 399, 1]
    library.later.let_pass()
    assert library.later.calls == []
    library.says(*LOST)
    assert [line.fields.get("repeats") for line in library.lines] == [None, 399, 1, None]


def test_each_kind_is_counted_by_itself(library: Library) -> None:
    for _ in range(3):
        library.says(*LOST)
        library.says(*GONE)
        library.says(
            "kafka.net.selector",
            "Task <Task 1> ran for 0.151s (>0.100s threshold). It is blocking",
        )
    assert len({line.msg for line in library.lines}) == len(library.lines) == 3


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError("reset"), KafkaConnectionError("gone"), NoHostAvailable("none", {})],
)
@pytest.mark.parametrize("text", ["%s: Error receiving network data", "never heard of %s"])
def test_nothing_that_a_network_or_a_server_brings_has_a_traceback(
    library: Library, error: Exception, text: str
) -> None:
    library.says("kafka.net.transport", text, "x", level=logging.ERROR, error=error)
    (line,) = library.lines
    assert traceback_of(line) is None


def test_an_error_of_the_program_inside_a_library_is_told_with_its_traceback(
    library: Library,
) -> None:
    for _ in range(3):
        library.says(
            "kafka.future",
            "Error processing callback",
            level=logging.ERROR,
            error=KeyError("there"),
        )
    (line,) = library.lines
    assert (line.levelname, fields_of(line)["error_type"]) == ("ERROR", "KeyError")
    assert traceback_of(line) == "KeyError: 'there'"


def test_what_is_not_known_comes_with_the_librarys_words_but_not_with_the_values(
    library: Library,
) -> None:
    library.says(
        "kafka.protocol.parser",
        "Unable to decode %d-byte buffer: %r",
        5,
        b"hello",
        level=logging.ERROR,
    )
    (line,) = library.lines
    assert line.levelname == "ERROR"
    assert line.fields == {
        "logger": "kafka.protocol.parser",
        "said": "Unable to decode %d-byte buffer: %r",
    }
    assert "hello" not in f"{line.msg}{line.fields}"


@pytest.mark.usefixtures("debug")
def test_the_librarys_own_text_is_a_debug_line_each_time_and_never_has_bytes(
    library: Library,
) -> None:
    library.says(*LOST)
    library.says(*LOST)
    library.says(
        "kafka.protocol.parser",
        "Unable to decode %d-byte buffer: %r",
        5,
        b"hello",
        level=logging.ERROR,
    )
    own = [line for line in library.lines if line.levelname == "DEBUG"]
    assert [line.getMessage() for line in own] == [
        "<transport>: socket disconnected",
        "<transport>: socket disconnected",
        "Unable to decode 5-byte buffer: '<5 bytes>'",
    ]
    assert {line.action for line in own} == {"library"}


def test_a_command_that_waits_for_its_servers_leaves_known_kinds_out() -> None:
    library = Library(quiet=True)
    library.says(*LOST)
    library.says(*GONE)
    assert library.lines == []
    library.says(
        "kafka.cluster",
        "Topic %s is not authorized for this client",
        "messages",
        level=logging.ERROR,
    )
    assert [line.fields.get("said") for line in library.lines] == [
        "Topic %s is not authorized for this client"
    ]


@pytest.mark.parametrize("name", ["angarium.kafka", "py.warnings", "kafkaesque"])
def test_lines_of_others_go_on_as_they_are(library: Library, name: str) -> None:
    assert library.says(name, "careful with %s", "this") is True
    assert library.filter.filter(Line("kafka", logging.WARNING, "ours", "m")) is True
    assert library.lines == []


def test_where_no_thread_can_be_started_every_line_is_told(library: Library) -> None:
    def refuse(_seconds: float, _function: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    library.filter = LibraryFilter(library.lines.append, False, refuse)
    library.says(*LOST)
    library.says(*LOST)
    assert len(library.lines) == 2


PACKAGES = {"kafka": "kafka-python", "cassandra": "cassandra-driver"}


def test_every_known_phrase_is_one_that_these_versions_of_the_libraries_say() -> None:
    for library, troubles in TROUBLES.items():
        said = list(texts_of(PACKAGES[library]))
        for trouble in troubles:
            for loggers, phrases in trouble.phrases.items():
                for phrase in phrases:
                    assert any(
                        module.startswith(loggers) and phrase in text for module, text in said
                    ), f"{loggers} says nothing like {phrase!r}"


def texts_of(package: str) -> Iterator[tuple[str, str]]:
    """Give each text in a package's source, and its module."""
    for file in distribution(package).files or ():
        if file.suffix == ".py" and file.parts[0] in TROUBLES:
            module = ".".join(file.with_suffix("").parts)
            for node in ast.walk(ast.parse(Path(str(file.locate())).read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield module, node.value
