"""kafka-python's producer and nothing else: as many records on their way as the crowd has connections."""

import os
import sys
import time
from itertools import cycle
from threading import Semaphore

import kafka

from bench.backlog import Value, events
from bench.library import take_turns

ON_THEIR_WAY = 64
CONVERSATIONS = 210
ANSWER_SECONDS = 10.0


class Appending:
    """Keeps a number of records on their way."""

    def __init__(self) -> None:
        self._topic = os.environ["ANGARIUM_TOPIC"]
        self._room = Semaphore(ON_THEIR_WAY)
        self._values = cycle(events(CONVERSATIONS, CONVERSATIONS))
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=os.environ["ANGARIUM_KAFKA"].split(","),
            acks="all",
            enable_idempotence=True,
            linger_ms=3,
            metrics_enabled=False,
        )

    def run(self, seconds: float) -> int:
        """Append for so long, and tell how many records were acknowledged."""
        end, count = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            self._append(next(self._values))
            count += 1
        for _ in range(ON_THEIR_WAY):
            self._wait()
        self._room.release(ON_THEIR_WAY)
        return count

    def _append(self, value: Value) -> None:
        self._wait()
        key, event = value
        headers = [("trace_id", key[:32]), ("schema", b"1")]
        sent = self._producer.send(self._topic, event, key, headers)
        sent.add_callback(lambda _: self._room.release())

    def _wait(self) -> None:
        if not self._room.acquire(timeout=ANSWER_SECONDS):
            raise TimeoutError(f"a record was not acknowledged within {ANSWER_SECONDS:g} s")


def main() -> int:
    """Append in the turns that are asked for."""
    take_turns(Appending().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
