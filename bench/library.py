"""A client library alone, in a process of its own that is given one turn after the other."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench.contenders import Settings
from bench.table import CPU, RATE, Figures

LIBRARIES = {
    "bare_appends": "floor: kafka-python alone, 64 records on their way",
    "bare_pages": "floor: cassandra-driver alone, 16 pages on their way",
}
END_SECONDS = 30.0


@contextmanager
def library(module: str, settings: Settings) -> Iterator[Callable[[float], Figures]]:
    """Start `bench.peers.<module>`, and give what lets it work for so many seconds."""
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
        process.communicate(timeout=END_SECONDS)


def take_turns(work: Callable[[float], int]) -> None:
    """Work as long as each line of stdin says, and write down what came of it."""
    for line in sys.stdin:
        cpu, start = time.process_time(), time.perf_counter()
        count = work(float(line))
        found = {
            RATE.name: count / (time.perf_counter() - start),
            CPU.name: (time.process_time() - cpu) * 1000 / count,
        }
        print(json.dumps(found), flush=True)


def _ask(process: "subprocess.Popen[str]", seconds: float) -> Figures:
    asked, answered = process.stdin, process.stdout
    if asked is None or answered is None:
        raise TypeError("the process was started without pipes")
    asked.write(f"{seconds}\n")
    asked.flush()
    found: Figures = json.loads(answered.readline())
    return found
