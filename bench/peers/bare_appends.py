"""kafka-python's producer and nothing else: as many records on their way as the crowd has connections."""

import os
import sys
from itertools import cycle

import kafka

from bench.backlog import events
from bench.library import take_turns
from bench.table import Figures
from bench.window import Window

ON_THEIR_WAY = 64
CONVERSATIONS = 210


class Appending:
    """Keeps a number of records on their way."""

    def __init__(self) -> None:
        self._topic = os.environ["ANGARIUM_TOPIC"]
        self._window = Window(ON_THEIR_WAY)
        self._values = cycle(events(CONVERSATIONS, CONVERSATIONS))
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=os.environ["ANGARIUM_KAFKA"].split(","),
            acks="all",
            enable_idempotence=True,
            linger_ms=3,
            metrics_enabled=False,
        )

    def run(self, seconds: float) -> Figures:
        """Append for so long."""
        return self._window.run(seconds, self._append)

    def _append(self) -> None:
        key, event = next(self._values)
        headers = [("trace_id", key[:32]), ("schema", b"1")]
        sent = self._producer.send(self._topic, event, key, headers)
        sent.add_callback(self._window.came)
        sent.add_errback(self._window.failed)


def main() -> int:
    """Append in the turns that are asked for."""
    take_turns(Appending().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
