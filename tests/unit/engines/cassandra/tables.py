"""What message writer and inbox ask of Cassandra, answered from
memory: cells with the times of their writes.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.futures import done

Values = Sequence[object]
Key = tuple[object, ...]

WITH_TEXTS = frozenset(each for each in Statement if "textAsBlob(content)" in each.value)

_ADDED = ("message_id", "sender_id", "recipient_id", "content", "status")


class Table:
    """Rows of cells; of each cell the value with the latest time
    stands, of one time the greater value.
    """

    def __init__(self) -> None:
        self._rows: dict[Key, dict[str, tuple[int, object]]] = {}
        self.keys: list[Key] = []

    def write(self, key: Key, time: object, cells: dict[str, object]) -> None:
        if key not in self._rows:
            insort(self.keys, key)
        row = self._rows.setdefault(key, {})
        for name, value in cells.items():
            candidate = (cast("int", time), value)
            row[name] = max(row.get(name, candidate), candidate)

    def get(self, key: Key, *names: str) -> Row | None:
        row = self._rows.get(key)
        return None if row is None else tuple(row.get(name, (0, None))[1] for name in names)

    def between(self, after: Key, until: Key, limit: int) -> list[Key]:
        """Give keys in order, the first ones behind a place."""
        start = bisect_right(self.keys, after)
        return self.keys[start : min(start + limit, bisect_right(self.keys, until))]

    def before(self, until: Key, limit: int) -> list[Key]:
        """Give keys from the last one before a place back."""
        end = bisect_left(self.keys, until)
        return self.keys[max(0, end - limit) : end][::-1]

    def forget(self, name: str) -> None:
        """Lose a column."""
        for row in self._rows.values():
            row.pop(name, None)

    def contents(self) -> dict[Key, dict[str, object]]:
        """Give what readers may see, without the times of its
        writes.
        """
        return {
            key: {name: value for name, (_, value) in row.items()}
            for key, row in self._rows.items()
        }


class Tables:
    """Stands for a session; knows what was asked."""

    def __init__(self) -> None:
        self.asked: list[Statement] = []
        self.batches: list[Sequence[Request]] = []
        self.positions: list[tuple[int, int, UUID]] = []
        self.noted: list[Values] = []
        self.answered: list[Rows] = []
        self.inboxes = Table()
        self._messages = Table()
        self._index = Table()
        self._answers: dict[Statement, Callable[..., Rows]] = {
            Statement.FIND_IN_INDEX: self._find,
            Statement.STATES_AT: self._states_at,
            Statement.NEWER_UNTIL: lambda *values: [
                self._message(key) for key in self._slice(*values)
            ],
            Statement.STATES_NEWER_UNTIL: lambda *values: [
                self._state(key) for key in self._slice(*values)
            ],
            Statement.STATES_NEWER: self._states_newer,
            Statement.NEWEST: lambda *values: self._older(values[0], 2**63, 0, values[1]),
            Statement.STATES_NEWEST: self._states_newest,
            Statement.OLDER: self._older,
            Statement.NEWER: self._newer,
            Statement.MESSAGES_AT: self._messages_at,
            Statement.INBOX: self._inbox,
            Statement.INBOX_OF: self._inbox,
            Statement.ADD_MESSAGE: self._add_message,
            Statement.ADD_TO_INDEX: self._add_to_index,
            Statement.MARK_DELIVERED: self._mark_delivered,
            Statement.NOTE_NEWEST: lambda *values: self._note("newest", *values),
            Statement.NOTE_DELIVERED: lambda *values: self._note("delivered", *values),
            Statement.NOTE_RANGES: self.note_ranges,
        }

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def contents(self) -> list[dict[Key, dict[str, object]]]:
        """Give all that readers may see."""
        return [table.contents() for table in (self._messages, self._index, self.inboxes)]

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        assert statement not in WITH_TEXTS, "texts are asked for where there is room for them"
        return self._submit(statement, parameters)

    def _submit(self, statement: Statement, parameters: Values) -> "Future[Rows]":
        self.asked.append(statement)
        if statement is Statement.NOTE_RANGES:
            self.noted.append(parameters)
        rows = self._answers[statement](*parameters)
        self.answered.append(rows)
        return done(rows)

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        self.batches.append(writes)
        for statement in dict.fromkeys(statement for statement, _ in writes):
            self.asked.append(statement)
        for statement, values in writes:
            self._answers[statement](*values)
        return done(())

    @contextmanager
    def reading_texts(
        self, requests: Sequence[Request], count: int
    ) -> "Iterator[list[Future[Rows]]]":
        answers = [self._submit(*question) for question in requests]
        assert sum(len(answer.result()) for answer in answers) <= count
        yield answers

    def execute(self, statement: Statement, parameters: Values = ()) -> Rows:
        return self.submit(statement, parameters).result()

    def wait(self, future: "Future[Rows]") -> Rows:
        return future.result()

    def note_ranges(
        self, user_id: UUID, conversation_id: UUID, stretches: object, time: int
    ) -> Rows:
        self.inboxes.write((user_id, conversation_id), time, {"stretches": stretches})
        return ()

    def _find(self, conversation_id: UUID, ids: Sequence[UUID]) -> Rows:
        found = [
            (each, self._index.get((conversation_id, each), "at", "seq", "sender")) for each in ids
        ]
        return [(each, *row) for each, row in found if row is not None]

    def _states_at(
        self, conversation_id: UUID, positions: Sequence[tuple[int, int, UUID]]
    ) -> Rows:
        self.positions += positions
        return [self._state((conversation_id, timestamp, seq)) for timestamp, seq, _ in positions]

    def _states_newer(self, conversation_id: UUID, timestamp: int, seq: int, limit: int) -> Rows:
        return [
            self._state(key)
            for key in self._slice(conversation_id, timestamp, seq, 2**63, 0, limit)
        ]

    def _states_newest(self, conversation_id: UUID, limit: int) -> Rows:
        found = self._messages.before((conversation_id, 2**63, 0), limit)
        return [self._state(key) for key in found if key[0] == conversation_id]

    def _older(self, conversation_id: UUID, timestamp: int, seq: int, limit: int) -> Rows:
        found = self._messages.before((conversation_id, timestamp, seq), limit)
        return [self._message(key) for key in found if key[0] == conversation_id]

    def _newer(self, conversation_id: UUID, timestamp: int, seq: int, limit: int) -> Rows:
        return [
            self._message(key)
            for key in self._slice(conversation_id, timestamp, seq, 2**63, 0, limit)
        ]

    def _messages_at(
        self, conversation_id: UUID, positions: Sequence[tuple[int, int, UUID]]
    ) -> Rows:
        self.positions += positions
        return [
            self._message((conversation_id, timestamp, seq)) for timestamp, seq, _ in positions
        ]

    def _slice(
        self,
        conversation_id: UUID,
        timestamp: int,
        seq: int,
        until: int,
        until_seq: int,
        limit: int,
    ) -> list[Key]:
        after, last = (conversation_id, timestamp, seq), (conversation_id, until, until_seq)
        return self._messages.between(after, last, limit)

    def _message(self, key: Key) -> Row:
        conversation_id, timestamp, seq = cast("tuple[UUID, int, int]", key)
        found = self._messages.get(key, *_ADDED, "delivered_at")
        message_id, sender, recipient, content, status, delivered_at = cast(
            "tuple[UUID, UUID, UUID, str, str, int | None]", found
        )
        ids = (conversation_id.bytes, sender.bytes, recipient.bytes)
        return (message_id, *ids, content.encode(), timestamp, seq, status, delivered_at)

    def _state(self, key: Key) -> Row:
        message_id, recipient, status = cast(
            "Row", self._messages.get(key, "message_id", "recipient_id", "status")
        )
        return (message_id, recipient, *key[1:], status, 1, 1, None)

    def _inbox(self, user_id: UUID, wanted: Sequence[UUID] | None = None) -> Rows:
        names = [
            f"{mark}_{part}" for mark in ("newest", "delivered") for part in ("timestamp", "seq")
        ]
        return [
            (key[1], *cast("Row", self.inboxes.get(key, *names, "stretches")))
            for key in self.inboxes.keys
            if key[0] == user_id and (wanted is None or key[1] in wanted)
        ]

    def _add_message(
        self, conversation_id: UUID, timestamp: int, seq: int, *values: object
    ) -> Rows:
        *cells, time = values
        self._messages.write(
            (conversation_id, timestamp, seq), time, dict(zip(_ADDED, cells, strict=True))
        )
        return ()

    def _add_to_index(self, conversation_id: UUID, message_id: UUID, *values: object) -> Rows:
        timestamp, seq, sender, time = values
        cells = {"at": timestamp, "seq": seq, "sender": sender}
        self._index.write((conversation_id, message_id), time, cells)
        return ()

    def _mark_delivered(
        self, time: int, at: int, conversation_id: UUID, timestamp: int, seq: int, _: UUID
    ) -> Rows:
        cells = {"status": "DELIVERED", "delivered_at": at}
        self._messages.write((conversation_id, timestamp, seq), time, cells)
        return ()

    def _note(
        self, mark: str, user_id: UUID, conversation_id: UUID, at: int, seq: int, time: int
    ) -> Rows:
        self.inboxes.write(
            (user_id, conversation_id), time, {f"{mark}_timestamp": at, f"{mark}_seq": seq}
        )
        return ()


class SlowSession:
    """Asks the tables and keeps the answers to itself."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def as_session(self) -> CassandraSession:
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        self._tables.submit(statement, parameters)
        return Future()
