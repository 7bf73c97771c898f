"""`angarium verify` believes nobody: what is broken in the store is
found, and told by the exit status.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from cassandra.cluster import Session

from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from tests.acceptance.service import until
from tests.engines.addresses import contact_points
from tests.integration.faults.cluster import Cluster
from tests.integration.faults.verify_process import VerifyProcess

pytestmark = pytest.mark.engines

ROUND = 60
PATIENCE_S = 5.0
STATEMENT_S = 30.0

ROW = "conversation_id = %s AND timestamp = %s AND seq = %s AND message_id = %s"
LATER = "USING TIMESTAMP 4000000000000000"
"""Wins against everything that a worker writes."""


def test_what_is_lost_doubled_reordered_altered_or_fallen_in_cassandra_is_found(
    service: Cluster,
) -> None:
    service.api()
    service.worker()
    verify = VerifyProcess(
        service.folder, service.urls, service.names[:2], service.password, 60, PATIENCE_S
    )
    try:
        verify.start()
        until(lambda: verify.confirmed > 0, "a delivery is confirmed")
        # It looks again after 20 messages, so that it has seen the
        # status before it falls.
        seen = verify.accepted + ROUND
        until(lambda: verify.accepted > seen, "everything confirmed is looked at")
        confirmed = next(line for line in verify.entries() if line["entry"] == "confirmed")
        (delivered, *_) = map(UUID, confirmed["message_ids"])  # type: ignore[call-overload]
        with store(service) as broken:
            broken.break_promises(UUID(str(confirmed["conversation_id"])), delivered)
        verify.stop()
    finally:
        verify.kill()
    assert verify.status == 1
    assert verify.report["kept"] is False
    for kind in ("lost", "doubled", "reordered", "altered", "fallen", "undelivered"):
        assert verify.report[kind], f"{kind}: {verify.report}"


class Store:
    """Cassandra as somebody sees it who writes past the service."""

    def __init__(self, session: Session, keyspace: str) -> None:
        self._session = session
        self._messages = f"{keyspace}.messages"

    def break_promises(self, conversation_id: UUID, delivered: UUID) -> None:
        """Do to six messages what must never be done to any; the
        delivered one falls.
        """
        columns = "timestamp, seq, message_id, sender_id, recipient_id, content, status"
        rows = self._ask(
            f"SELECT {columns} FROM {self._messages} WHERE conversation_id = %s", conversation_id
        )
        fallen = next(row for row in rows if row[2] == delivered)
        lost, doubled, moved, altered = [row for row in rows[-ROUND // 2 :] if row is not fallen][
            :4
        ]
        self._ask(f"DELETE FROM {self._messages} {LATER} WHERE {ROW}", conversation_id, *lost[:3])
        self._insert(conversation_id, (*doubled[:2], uuid4(), *doubled[3:]))
        self._ask(f"DELETE FROM {self._messages} {LATER} WHERE {ROW}", conversation_id, *moved[:3])
        self._insert(conversation_id, (*rows[-1][:2], *moved[2:]))
        self._set("content = 'another text'", conversation_id, *altered[:3])
        self._set("status = 'PENDING', delivered_at = null", conversation_id, *fallen[:3])

    def _insert(self, conversation_id: UUID, row: tuple[object, ...]) -> None:
        columns = (
            "conversation_id, timestamp, seq, message_id, sender_id, recipient_id, content, status"
        )
        positions = ", ".join(["%s"] * 8)
        self._ask(
            f"INSERT INTO {self._messages} ({columns}) VALUES ({positions}) {LATER}",
            conversation_id,
            *row,
        )

    def _set(self, change: str, *key: object) -> None:
        self._ask(f"UPDATE {self._messages} {LATER} SET {change} WHERE {ROW}", *key)

    def _ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return list(self._session.execute(query, values, timeout=STATEMENT_S))


@contextmanager
def store(service: Cluster) -> Iterator[Store]:
    """Open the keyspace of a cluster."""
    keyspace = service.settings["ANGARIUM_KEYSPACE"]
    address = CassandraAddress(contact_points(service.settings["ANGARIUM_CASSANDRA"]), keyspace)
    cluster = clusters.build(address)
    try:
        yield Store(cluster.connect(), address.quoted_keyspace)
    finally:
        cluster.shutdown()
