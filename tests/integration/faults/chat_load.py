"""People who talk through all instances for as long as a block lasts,
and the ledger at its end.
"""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.ledger import Sender, discrepancies
from tests.acceptance.service import PATIENCE, until
from tests.integration.faults.cluster import Cluster
from tests.integration.faults.polling_reader import Away, PollingReader
from tests.integration.faults.verify_process import VerifyProcess

REST_S = 0.2
"""Between two messages of one person: faults take seconds, and the
ledger is read again and again.
"""

VERIFY_RATE = 15
"""Messages a second of `angarium verify`, as many as those of ours."""

LOSES_EVERY = 7
"""A kill seldom falls between the log and the answer; a lost answer
leaves the same behind.
"""


class ChatLoad:
    """`angarium verify` for the first one's conversations, a sender of
    ours for each other pair.

    Another client reads each conversation meanwhile; both ledgers are
    held against what is read at the end.
    """

    def __init__(self, cluster: Cluster, urls: Sequence[str] = ()) -> None:
        """Let them use these instances, all by default."""
        self.urls = list(urls or cluster.urls)
        self.verify = VerifyProcess(
            cluster.folder, self.urls, cluster.names, cluster.password, VERIFY_RATE
        )
        pairs = list(itertools.combinations(cluster.names, 2))
        self.senders = [
            Sender(
                self.urls[0],
                one,
                two,
                cluster.token(one),
                seed,
                self.urls[1:],
                REST_S,
                LOSES_EVERY,
            )
            for seed, (one, two) in enumerate(pairs)
            if one != cluster.names[0]
        ]
        self.readers = [
            PollingReader(self.urls, conversation_id(one, two), cluster.token(two))
            for one, two in pairs
        ]
        self._enough = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def accepted(self) -> int:
        return self.verify.accepted + sum(len(sender.accepted) for sender in self.senders)

    @property
    def retries(self) -> int:
        return sum(sender.retries for sender in self.senders)

    def start(self) -> None:
        """Let them talk, once all conversations are open, so that
        sending needs no store.
        """
        with Caller(self.urls[0]) as caller:
            for sender in self.senders:
                caller.token = sender.token
                caller.open_conversation(sender.recipient)
        self.verify.start()
        runs = [*(each.run for each in self.senders), *(each.run for each in self.readers)]
        self._threads = [threading.Thread(target=run, args=(self._enough.is_set,)) for run in runs]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def await_more(self, messages: int) -> None:
        goal = self.accepted + messages
        until(lambda: self.accepted >= goal, f"{messages} more messages are accepted")

    def complaints(self) -> list[str]:
        """Hold every 202 against what is read through every
        instance.
        """
        promises = self._promises()
        found: list[str] = []
        for reader in self.readers:
            accepted = promises.get(reader.conversation, [])
            for url in self.urls:
                with Caller(url) as caller:
                    caller.token = reader.token
                    _await_all(caller, accepted, reader)
                    found += discrepancies(accepted, reader.look(caller))
            found += reader.complaints
        return found

    def _promises(self) -> dict[str, list[tuple[str, str]]]:
        ours = {
            conversation_id(each.sender, each.recipient): each.accepted for each in self.senders
        }
        return {**ours, **self.verify.promises()}


def _await_all(caller: Caller, accepted: Sequence[tuple[str, str]], reader: PollingReader) -> None:
    """Wait until the log is worked off: the last message and every
    receipt is there.
    """
    last = accepted[-1][0] if accepted else ""

    def worked_off() -> bool:
        with suppress(Away):
            rows = {str(row["message_id"]): row for row in reader.look(caller)}
            return (not last or last in rows) and all(
                rows[each]["status"] == "DELIVERED" for each in reader.confirmed
            )
        return False

    until(worked_off, f"the last message of {reader.conversation} and all receipts are stored")


@contextmanager
def chat_load(cluster: Cluster, urls: Sequence[str] = ()) -> Iterator[ChatLoad]:
    """Let people talk while the block lasts; every 202 must be there
    once, in order, when it ends.
    """
    load = ChatLoad(cluster, urls)
    try:
        load.start()
        yield load
        load.stop()
        load.verify.stop()
    finally:
        load.stop()
        load.verify.kill()
    complaints = load.complaints()
    assert not complaints, (complaints, load.verify.report)
    assert load.verify.status == 0, load.verify.report
    assert load.verify.report["kept"] is True
    assert load.verify.report["confirmed"]


def snapshot(load: ChatLoad) -> dict[str, list[dict[str, object]]]:
    """Give everything that everybody can read."""
    with Caller(load.urls[0]) as caller:
        return {each.conversation: _history(caller, each) for each in load.readers}


def _history(caller: Caller, reader: PollingReader) -> list[dict[str, object]]:
    caller.token = reader.token
    return reader.look(caller)
