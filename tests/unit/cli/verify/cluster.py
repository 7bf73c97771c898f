"""A service behind several instances that breaks its promises on
demand.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from angarium.cli.verify.findings import Observation
from angarium.client import bodies
from angarium.client.bodies import AcceptedMessage, LogPosition, PageBody
from angarium.client.errors import ServerUnreachable

CONVERSATION = "c"


@dataclass
class Cluster:
    """What is stored, and what each instance makes of it when it is
    read.
    """

    stored: list[Observation] = field(default_factory=list)
    distort: Callable[[str, list[Observation]], list[Observation]] = lambda _, seen: seen
    requests: int = 0
    failing: Callable[[int], bool] = lambda _: False
    half_done: bool = False
    down: set[str] = field(default_factory=set)
    receipts: bool = True

    def take(self, message_id: str, content: str) -> None:
        if message_id not in {each.message_id for each in self.stored}:
            moment = (
                f"2026-01-01T00:00:{len(self.stored) // 1000:02}.{len(self.stored) % 1000:03}Z"
            )
            self.stored.append(Observation(message_id, content, moment, "SENT", None))

    def confirm(self, message_ids: Sequence[str]) -> None:
        if self.receipts:
            self.stored = [
                replace(each, status="DELIVERED", delivered_at="2026-01-03T00:00:00.000Z")
                if each.message_id in message_ids
                else each
                for each in self.stored
            ]


@dataclass
class FakeVerifyClient:
    url: str
    cluster: Cluster

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
        cluster = self.cluster
        cluster.requests += 1
        fails = cluster.failing(cluster.requests)
        if not fails or cluster.half_done:
            cluster.take(message_id, content)
        self._fail_if(fails)
        return AcceptedMessage(message_id, "{}", LogPosition(3, cluster.requests))

    def history(self, conversation_id: str, limit: int, cursor: str | None = None) -> PageBody:
        self._fail_if(False)
        seen = self.cluster.distort(self.url, list(self.cluster.stored))
        start = int(cursor or 0)
        more = len(seen) > start + limit
        page = {
            "messages": [body(each) for each in seen[start : start + limit]],
            "pagination": {
                "next_cursor": str(start + limit) if more else None,
                "resume_cursor": "",
            },
        }
        return bodies.page(json.dumps(page))

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        self._fail_if(False)
        self.cluster.confirm(message_ids)

    def _fail_if(self, fails: bool) -> None:
        if fails or self.url in self.cluster.down:
            raise ServerUnreachable(self.url, "connection refused")


def body(seen: Observation) -> dict[str, object]:
    return {
        "message_id": seen.message_id,
        "conversation_id": CONVERSATION,
        "sender_id": "alice",
        "content": seen.content,
        "timestamp": seen.timestamp,
        "status": seen.status,
        "delivered_at": seen.delivered_at,
    }
