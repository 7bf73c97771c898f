"""Rebalances of a large group, with the assignor that workers use and a
model of the time that they take.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import ConsumerProtocolSubscription

WORKERS = 100
PARTITIONS = (120, 1_200)
TOPIC = "messages"

HEARTBEAT_S = 1.0
POLL_S = 0.2
SESSION_S = 10.0
"""As the workers have them (`engines/kafka/group_client.py`,
`router/pace.py`).
"""

Holdings = Mapping[str, frozenset[int]]
"""Who holds which partitions."""


@dataclass(frozen=True, slots=True)
class _Member:
    member_id: str
    metadata: ConsumerProtocolSubscription


class _Topic:
    """As much of the cluster's metadata as an assignor asks for."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {TOPIC}

    def partitions_for_topic(self, _: str) -> set[int]:
        return self._partitions


def rebalances(rng: random.Random) -> Iterator[str]:
    """Tell of a worker that joins, one that leaves, and one that
    dies.
    """
    yield (
        "| event | partitions | moved | rounds | longest pause of a moved one, s | pause of the "
        "others |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    names = [f"worker-{number:03}" for number in range(WORKERS)]
    for partitions in PARTITIONS:
        settled = _settled(partitions, names, {})[-1]
        fewer = _settled(partitions, names[:-1], {})[-1]
        left = {name: held for name, held in settled.items() if name != names[0]}
        events = {
            "one joins": (fewer, _settled(partitions, names, fewer), 0.0),
            "one leaves": (settled, _settled(partitions, names[1:], left), 0.0),
            "one dies": (settled, _settled(partitions, names[1:], left), SESSION_S),
        }
        for event, (before, rounds, noticed_after) in events.items():
            moved = sum(
                len(held - before.get(name, frozenset())) for name, held in rounds[-1].items()
            )
            pause = noticed_after + _round_seconds(rng, WORKERS)
            yield f"| {event} | {partitions:,} | {moved} | {len(rounds)} | {pause:.1f} | 0 |"


def _round_seconds(rng: random.Random, workers: int) -> float:
    """Give the time until the last member has heard of a round by its
    heartbeat, and polls.
    """
    return max(rng.uniform(0, HEARTBEAT_S) + rng.uniform(0, POLL_S) for _ in range(workers))


def _settled(partitions: int, names: Sequence[str], held: Holdings) -> list[Holdings]:
    """Let members join again and again until nobody's partitions
    change; gives the holdings of each round.
    """
    rounds: list[Holdings] = []
    while True:
        after = _assigned(partitions, names, held)
        rounds.append(after)
        if sum(map(len, after.values())) == partitions:
            return rounds
        held = after


def _assigned(partitions: int, names: Sequence[str], held: Holdings) -> Holdings:
    members = [_Member(name, _subscription(held.get(name, frozenset()))) for name in names]
    assigned = CooperativeStickyAssignor().assign(_Topic(partitions), members)
    return {
        name: frozenset(
            partition for _, found in assignment.assigned_partitions for partition in found
        )
        for name, assignment in assigned.items()
    }


def _subscription(held: frozenset[int]) -> ConsumerProtocolSubscription:
    owned = []
    if held:
        owned = [ConsumerProtocolSubscription.TopicPartition(topic=TOPIC, partitions=sorted(held))]
    return ConsumerProtocolSubscription(
        version=1, topics=[TOPIC], user_data=b"", owned_partitions=owned
    )
