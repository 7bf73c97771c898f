"""What a consumer group has committed, and who is in it."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, TypeVar

import kafka
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NoError,
    NotCoordinatorError,
)
from kafka.structs import TopicPartition

from angarium import backoff
from angarium.deadline import remaining
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import RECONNECT_MS, ClientFactory, KafkaConnectionSettings
from angarium.engines.kafka.consumer import from_commit, to_commit
from angarium.engines.kafka.errors import CLIENT_ERRORS, unavailable
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.topic_reader import CALL_S
from angarium.futures import fail_once, resolve_once
from angarium.ports.log_inspection import GroupMember
from angarium.ports.message_log import Position
from angarium.threads import NamedThread

_MOVED = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
"""The group's broker has changed, or is being found: asked again."""

_NO_GROUP = "Dead"
"""The state of a group that does not exist (Kafka's protocol)."""

Result = TypeVar("Result")


class GroupInspector:
    """Asks the brokers about a group; owned by one thread."""

    def __init__(self, connection: KafkaConnectionSettings, topic: str, group: str) -> None:
        """Connect at the first call.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that the group reads.
            group: The group's name.
        """
        self._connection = connection
        self._topic = topic
        self._group = group
        self._administrator: kafka.KafkaAdminClient | None = None

    def committed(self) -> Mapping[int, Position]:
        """Return what the group has committed; see `LogInspector`.

        Returns:
            By partition. An offset without a watermark is no position:
            a worker begins at the beginning then.

        Raises:
            LogUnavailable: Kafka does not answer in time.
        """
        found = self._ask(lambda client: client.list_group_offsets([self._group]))
        positions = {
            name.partition: from_commit(offset)
            for name, offset in found[self._group].items()
            if name.topic == self._topic and offset.offset >= 0
        }
        return {
            partition: position
            for partition, position in positions.items()
            if position is not None
        }

    def members(self) -> Sequence[GroupMember]:
        """Return who is in the group; see `LogInspector`.

        Returns:
            By instance, which is the consumer's client id; partitions
            only while no rebalance is under way.

        Raises:
            LogUnavailable: Kafka does not answer in time.
        """
        found = self._ask(self._describe)
        if found["group_state"] == _NO_GROUP:
            return ()
        return sorted(
            (
                GroupMember(member["client_id"], self._partitions(member["member_assignment"]))
                for member in found["members"]
            ),
            key=lambda member: (member.instance, member.partitions),
        )

    def commit(self, starts: Mapping[int, Position]) -> None:
        """Implements `GroupStart.commit`; watermarks are metadata."""
        if not starts:
            return
        offsets = {
            TopicPartition(self._topic, partition): to_commit(position)
            for partition, position in starts.items()
        }

        def alter(client: kafka.KafkaAdminClient) -> set[str]:
            """Return the names of refusals that stay."""
            errors = set(client.alter_group_offsets(self._group, offsets).values()) - {NoError}
            for error in errors.intersection(_MOVED):
                raise error()
            return {error.__name__ for error in errors}

        refused = self._ask(alter)
        if refused:
            raise LogUnavailable(
                f"group {self._group!r} does not take a position ({', '.join(sorted(refused))}); "
                "stop its workers"
            )

    def close(self) -> None:
        """Disconnect, within 1 s; safe to repeat."""
        client, self._administrator = self._administrator, None
        if client is not None:
            closing = NamedThread(target=client.close, name="kafka-close", daemon=True)
            closing.start()
            closing.join(1.0)

    def _ask(self, call: Callable[[kafka.KafkaAdminClient], Result]) -> Result:
        """Return an answer, also of a group that has just moved."""
        expires_at = time.monotonic() + remaining(CALL_S)

        def left() -> float:
            """Return the seconds that are left."""
            return expires_at - time.monotonic()

        try:
            return backoff.retry(
                lambda: self._ask_once(call, left()), _MOVED, left, lambda *_: self.close()
            )
        except CLIENT_ERRORS as error:
            self.close()
            raise unavailable(f"group {self._group!r} could not be read", error) from error

    def _ask_once(
        self, call: Callable[[kafka.KafkaAdminClient], Result], seconds: float
    ) -> Result:
        """Run one call on a thread: the library gives it no limit."""
        client = self._connect()
        answer: Future[Result] = Future()

        def run() -> None:
            """Answer with a result or an error, whatever it is."""
            try:
                resolve_once(answer, call(client))
            except BaseException as error:  # noqa: BLE001 - raised where the answer is awaited
                fail_once(answer, error)

        NamedThread(target=run, name="kafka-ask", daemon=True).start()
        try:
            return answer.result(max(0.0, seconds))
        except NotInTime as error:
            self.close()
            raise LogUnavailable("Kafka did not answer in time") from error

    def _connect(self) -> kafka.KafkaAdminClient:
        """Return the administration client; connect at first."""
        if self._administrator is None:
            factory = ClientFactory(NetworkClient)
            self._administrator = factory.connect(
                self._connection,
                lambda: kafka.KafkaAdminClient(
                    kafka_client=factory.make,
                    client_id="angarium-reader",
                    request_timeout_ms=round(CALL_S * 1000),
                    bootstrap_timeout_ms=1_500,
                    reconnect_backoff_max_ms=RECONNECT_MS,
                    **self._connection.options(),
                ),
            )
        return self._administrator

    def _describe(self, client: kafka.KafkaAdminClient) -> Mapping[str, Any]:
        """Return the group's description, in the library's terms."""
        described: Mapping[str, Any] = client.describe_groups([self._group])[self._group]
        if described["error"] is not None and described["group_state"] != _NO_GROUP:
            # The library gives the error as a text only.
            raise CoordinatorNotAvailableError(described["error"])
        return described

    def _partitions(self, assignment: object) -> tuple[int, ...]:
        """Return the topic's partitions in a member's assignment.

        It is empty bytes while a rebalance is under way.
        """
        if not isinstance(assignment, Mapping):
            return ()
        return tuple(
            sorted(
                partition
                for each in assignment["assigned_partitions"]
                if each["topic"] == self._topic
                for partition in each["partitions"]
            )
        )
