"""Both client libraries and nothing else: each message appended,
polled, stored and read again, at a pace.
"""

import json
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import Queue
from uuid import UUID

from angarium.engines.cassandra.statements import Statement
from bench.backlog import events
from bench.library import take_turns
from bench.load import percentiles
from bench.peers.clients import Appends, consumer, session
from bench.peers.rows import Incoming, both_rows, note, read
from bench.roundtrip import PAGE
from bench.table import Figures

PACE = 20.0
CONVERSATIONS = 210
MAX_COUNT = 1_000_000
AT_ONCE = 32
ANSWER_S = 30.0


class Trips:
    """One thread appends, one polls, and each message has one that
    stores and reads it.
    """

    def __init__(self) -> None:
        self._session, self._prepared = session()
        self._consumer = consumer()
        self._appends = Appends()
        self._values = events(MAX_COUNT, CONVERSATIONS)
        self._due: dict[UUID, float] = {}
        self._storing: Queue[Future[float]] = Queue()
        threading.Thread(target=self._poll, daemon=True).start()

    def run(self, seconds: float) -> Figures:
        """Send for so long, and wait until everything was read."""
        count = round(seconds * PACE)
        start = time.perf_counter()
        for number, (key, event) in enumerate(islice(self._values, count)):
            due = start + number / PACE
            time.sleep(max(0.0, due - time.perf_counter()))
            self._due[UUID(json.loads(event)["payload"]["message_id"])] = due
            self._appends.append((key, event))
        taken = [self._storing.get(timeout=ANSWER_S).result(ANSWER_S) for _ in range(count)]
        return percentiles(taken)

    def _poll(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while True:
                found = self._consumer.poll(timeout_ms=200)
                for record in (record for records in found.values() for record in records):
                    self._storing.put(pool.submit(self._store, read(record)))
                if found:
                    self._consumer.commit_async()

    def _store(self, message: Incoming) -> float:
        conversation, ask = message.conversation_id, self._session.execute
        ask(self._prepared[Statement.FIND_IN_INDEX], (conversation, [message.message_id]))
        ask(both_rows(self._prepared, [message]))
        ask(note(self._prepared, message))
        page = ask(self._prepared[Statement.NEWEST], (conversation, PAGE))
        if all(message.message_id not in row for row in page):
            raise LookupError(f"message {message.message_id} is not on its page")
        return time.perf_counter() - self._due.pop(message.message_id)


def main() -> int:
    """Send in the turns that are asked for."""
    take_turns(Trips().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
