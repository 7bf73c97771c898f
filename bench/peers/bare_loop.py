"""The bare loop: poll, and the contender's statements with
execute_async, and nothing else.

No receipts, presence, watermarks, retries, dead letters, rebalances or
log lines a message: what Kafka's client and Cassandra's driver cost by
themselves.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import islice

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BoundStatement

from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.statements import Statement
from bench.peers.clients import consumer, session
from bench.peers.rows import Incoming, Prepared, both_rows, note, read, tell

AT_ONCE = 256
GROUP = 64


class Storing:
    """One group of a conversation's messages on its way, one statement
    after the other.
    """

    def __init__(self, connected: Session, prepared: Prepared, group: Sequence[Incoming]) -> None:
        self._session = connected
        self._statements = _statements(prepared, group)
        self.done = threading.Event()
        self.error: BaseException | None = None

    def start(self, _: object = None) -> None:
        """Ask the next statement; called with the answer of the one
        before.
        """
        statement = next(self._statements, None)
        if statement is None:
            self.done.set()
        else:
            self._session.execute_async(statement).add_callbacks(self.start, self._failed)

    def _failed(self, error: BaseException) -> None:
        self.error = error
        self.done.set()


def _statements(
    prepared: Prepared, group: Sequence[Incoming]
) -> Iterator[BoundStatement | BatchStatement]:
    ids = [message.message_id for message in group]
    yield prepared[Statement.FIND_IN_INDEX].bind((group[0].conversation_id, ids))
    for start in range(0, len(group), ROWS_PER_MUTATION):
        yield both_rows(prepared, group[start : start + ROWS_PER_MUTATION])
    yield note(prepared, group[-1])


def _groups(messages: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    by_conversation: dict[object, list[Incoming]] = {}
    for message in messages:
        by_conversation.setdefault(message.conversation_id, []).append(message)
    for conversation in by_conversation.values():
        for start in range(0, len(conversation), GROUP):
            yield conversation[start : start + GROUP]


def main() -> int:
    """Store whatever comes, until SIGTERM."""
    connected, prepared = session()
    joined = consumer()
    print("ready", flush=True)
    while True:
        found = joined.poll(timeout_ms=200)
        messages = [read(record) for records in found.values() for record in records]
        groups = _groups(messages)
        while some := list(islice(groups, AT_ONCE)):
            storing = [Storing(connected, prepared, group) for group in some]
            for each in storing:
                each.start()
            for each in storing:
                each.done.wait()
                if each.error is not None:
                    raise each.error
        if messages:
            tell([message.timestamp for message in messages])
            joined.commit()


if __name__ == "__main__":
    sys.exit(main())
