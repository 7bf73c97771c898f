"""Which messages a worker says it has stored, and how long after their
append.
"""

import re
import time

from bench.servers import Server

PATIENCE_S = 180.0
LOOK_S = 0.01

_OURS = re.compile(rb'"action":"message_stored".*?"duration_ms":(\d+)')
_PEERS = re.compile(rb"(?m)^stored((?: -?\d+)+)$")


class Stored:
    """Follows a worker's output from where it is now."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.milliseconds: list[int] = []
        self._output = server.output.open("rb")
        self._output.seek(0, 2)
        self._rest = b""

    def await_count(self, count: int) -> float:
        """Wait until so many are stored; give the moment on the
        performance counter.
        """
        give_up = time.monotonic() + PATIENCE_S
        while self._look() < count:
            if self.server.has_ended():
                raise RuntimeError(f"{self.server.name} ended")
            if time.monotonic() > give_up:
                raise RuntimeError(
                    f"{self.server.name} stored {len(self.milliseconds)} of {count} messages"
                )
            time.sleep(LOOK_S)
        return time.perf_counter()

    def close(self) -> None:
        """Follow no longer."""
        self._output.close()

    def _look(self) -> int:
        came = self._rest + self._output.read()
        lines, end, self._rest = came.rpartition(b"\n")
        if end:
            for line in lines.split(b"\n"):
                self._read(line)
        return len(self.milliseconds)

    def _read(self, line: bytes) -> None:
        if found := _OURS.search(line):
            self.milliseconds.append(int(found[1]))
        elif found := _PEERS.match(line):
            self.milliseconds += map(int, found[1].split())
