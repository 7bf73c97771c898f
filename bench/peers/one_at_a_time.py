"""The plain pipeline: for each record, one statement after the other; a
commit after each poll.
"""

import sys

from angarium.engines.cassandra.statements import Statement
from bench.peers.clients import consumer, session
from bench.peers.rows import index_row, message_row, note, read, tell


def main() -> int:
    """Store whatever comes, until SIGTERM."""
    connected, prepared = session()
    joined = consumer()
    print("ready", flush=True)
    while True:
        for records in joined.poll(timeout_ms=200).values():
            for record in records:
                message = read(record)
                ids = (message.conversation_id, [message.message_id])
                if connected.execute(prepared[Statement.FIND_IN_INDEX], ids):
                    continue
                connected.execute(prepared[Statement.ADD_MESSAGE], message_row(message))
                connected.execute(note(prepared, message))
                connected.execute(prepared[Statement.ADD_TO_INDEX], index_row(message))
                tell([message.timestamp])
            joined.commit()


if __name__ == "__main__":
    sys.exit(main())
