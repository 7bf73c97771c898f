"""The Java that the servers run on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.engines.missing import Missing

VERSION = 17
"""Cassandra 5.0 runs on 11 and 17, Kafka 4 on 17 and later."""

# A setting of Linux; elsewhere, and where it is refused, the program
# runs all the same.
_WITH_TIMER_SLACK = ("sh", "-c", '{ echo "$0" >/proc/self/timerslack_ns; } 2>/dev/null; exec "$@"')


@dataclass(frozen=True, slots=True)
class Jvm:
    """How a server is run.

    Attributes:
        options: Java's own.
        timer_slack_ns: How much later than asked for the system may
            wake a thread, in nanoseconds; 0 leaves its default of
            50,000.
    """

    options: tuple[str, ...]
    timer_slack_ns: int = 0

    def command(self) -> list[str]:
        """Give the beginning of a command.

        Returns:
            Java with its options; the class path and the class come
            after it.

        Raises:
            Missing: There is no Java 17.
        """
        return [*within_timer_slack(self.timer_slack_ns), str(java()), *self.options]


def within_timer_slack(nanoseconds: int) -> tuple[str, ...]:
    """Give what goes before a command to let the system wake its
    threads later.

    Args:
        nanoseconds: How much later; 0 leaves it as it is.

    Returns:
        Nothing, or a command that becomes the one it is followed by.
    """
    return (*_WITH_TIMER_SLACK, str(nanoseconds)) if nanoseconds else ()


QUICK_START = Jvm(
    (
        "-Xms512m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-BytecodeVerificationRemote",
        "-Dcassandra.approximate_time_precision_ms=20",
    ),
    timer_slack_ns=200_000,
)
"""For tests: up soonest, and slower than it could be from then on. What
the jars hold is not verified once more for each start, which is a sixth
of its CPU time (Cassandra: from 10.5 to 8.6 s). For a while after each
request Cassandra's threads look for another one every 10,000 ns; to
wake them less often saves a quarter of what a request costs. A node
that does nothing wakes up every 2 ms to read its clock, which is most
of what it costs.
"""

LONG_RUN = Jvm(("-Xms1g", "-Xmx1g", "-XX:+UseG1GC"))
"""For measurements: the collector that both servers choose, and all of
the compiler.
"""

ADVICE = (
    "install Java 17 and Maven (apt install openjdk-17-jdk maven; brew install openjdk@17 maven)"
)


@cache
def java() -> Path:
    """Find Java 17: JAVA_HOME first, then the path, then where systems
    keep it.

    Returns:
        The program.

    Raises:
        Missing: There is none.
    """
    for candidate in _candidates():
        if candidate.is_file() and _version(candidate) == VERSION:
            return candidate
    raise Missing(f"no Java {VERSION}: {ADVICE}")


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)
    yield from sorted(Path("/usr/lib/jvm").glob("*17*/bin/java"))
    yield from sorted(
        Path("/Library/Java/JavaVirtualMachines").glob("*17*/Contents/Home/bin/java")
    )
    yield from (
        Path(prefix, "opt/openjdk@17/bin/java") for prefix in ("/opt/homebrew", "/usr/local")
    )


def _version(program: Path) -> int:
    try:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0
