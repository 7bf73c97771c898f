"""Client libraries alone, in a process of their own that is given one
turn after the other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench.contenders import Settings
from bench.table import Figures

LIBRARIES = {
    "bare_appends": "floor: kafka-python alone, 64 records on their way",
    "bare_pages": "floor: cassandra-driver alone, 16 pages on their way",
    "bare_trips": "floor: both client libraries alone, 20/s",
}
END_S = 30.0


@contextmanager
def library(module: str, settings: Settings) -> Iterator[Callable[[float], Figures]]:
    """Start `bench.peers.<module>`, and give what lets it work for so
    many seconds.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.peers.{module}"],
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield partial(_ask, process)
    finally:
        process.communicate(timeout=END_S)


def take_turns(work: Callable[[float], Figures]) -> None:
    """Work as long as each line of stdin says, and write down what came
    of it.
    """
    for line in sys.stdin:
        print(json.dumps(work(float(line))), flush=True)


def _ask(process: "subprocess.Popen[str]", seconds: float) -> Figures:
    asked, answered = process.stdin, process.stdout
    if asked is None or answered is None:
        raise TypeError("the process was started without pipes")
    asked.write(f"{seconds}\n")
    asked.flush()
    line = answered.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended")
    found: Figures = json.loads(line)
    return found
