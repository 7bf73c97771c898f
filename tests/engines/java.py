"""The Java that the servers run on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.engines.missing import Missing

VERSION = 17
"""Cassandra 5.0 runs on 11 and 17, Kafka 4 on 17 and later."""

QUICK_START = (
    "-Xms512m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
)
"""For tests: up soonest, and slower than it could be from then on. What the jars hold is not verified once
more for each start, which is a sixth of its CPU time (Cassandra: from 10.5 to 8.6 s)."""

LONG_RUN = ("-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
"""For measurements: the collector that both servers choose, and all of the compiler."""

ADVICE = "install Java 17 and Maven (apt install openjdk-17-jdk maven; brew install openjdk@17 maven)"


@cache
def java() -> Path:
    """Find Java 17: JAVA_HOME first, then the path, then where systems keep it.

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
    yield from sorted(Path("/Library/Java/JavaVirtualMachines").glob("*17*/Contents/Home/bin/java"))
    yield from (Path(prefix, "opt/openjdk@17/bin/java") for prefix in ("/opt/homebrew", "/usr/local"))


def _version(program: Path) -> int:
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0
