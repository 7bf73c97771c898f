"""A server for the command line's tests: the calls of docs/http.md over
a list, with failures on demand.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from angarium.client import bodies
from angarium.client.bodies import AcceptedMessage, PageBody
from angarium.client.errors import RequestFailed
from angarium.domain.identifiers import conversation_id_for, user_id_for

Result = TypeVar("Result")

START = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)


def id_of(name: str) -> str:
    return str(user_id_for(name))


def conversation_of(one: str, other: str) -> str:
    return str(conversation_id_for(user_id_for(one), user_id_for(other)))


@dataclass
class Stored:
    message_id: str
    conversation_id: str
    sender_id: str
    recipient_id: str
    content: str
    timestamp: datetime
    status: str

    def body(self) -> dict[str, object]:
        return {
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
            "sender_id": self.sender_id,
            "recipient_id": self.recipient_id,
            "content": self.content,
            "timestamp": self.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "status": self.status,
            "delivered_at": None,
        }


@dataclass
class FakeService:
    """Everything that the people of a test said; `storing` holds the
    worker back when False.
    """

    storing: bool = True
    online: bool = True
    messages: list[Stored] = field(default_factory=list)
    accepted: deque[Stored] = field(default_factory=deque)
    sent_ids: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)

    def say(self, sender: str, recipient: str, content: str, message_id: str = "") -> str:
        return self.take(
            id_of(sender),
            id_of(recipient),
            conversation_of(sender, recipient),
            content,
            message_id,
        )

    def take(
        self, sender: str, recipient: str, conversation: str, content: str, message_id: str = ""
    ) -> str:
        number = len(self.messages) + len(self.accepted)
        message_id = message_id or f"00000000-0000-4000-8000-{number:012}"
        if message_id not in {message.message_id for message in (*self.messages, *self.accepted)}:
            moment = START + timedelta(seconds=number)
            status = "SENT" if self.online else "PENDING"
            self.accepted.append(
                Stored(message_id, conversation, sender, recipient, content, moment, status)
            )
        self.sent_ids.append(message_id)
        if self.storing:
            self.store()
        return message_id

    def store(self) -> None:
        while self.accepted:
            self.messages.append(self.accepted.popleft())

    def deliver(self, message_ids: Sequence[str]) -> None:
        self.receipts += message_ids
        for message in self.messages:
            if message.message_id in message_ids:
                message.status = "DELIVERED"

    def between(self, conversation: str) -> list[Stored]:
        return [message for message in self.messages if message.conversation_id == conversation]

    def history(
        self, conversation: str, limit: int, cursor: str | None = None, since: int | None = None
    ) -> dict[str, object]:
        everything = self.between(conversation)
        if cursor is None and since is not None:
            moment = datetime.fromtimestamp(since / 1000, UTC)
            cursor = f"f{sum(message.timestamp <= moment for message in everything)}"
        way, place = (cursor[0], int(cursor[1:])) if cursor else ("b", len(everything))
        if way == "f":
            first, last = place, min(place + limit, len(everything))
            following = f"f{last}" if last < len(everything) else None
        else:
            first, last = max(0, place - limit), place
            following = f"b{first}" if first > 0 else None
        shown = everything[first:last]
        pagination = {
            "limit": limit,
            "count": len(shown),
            "order": "asc",
            "has_more": following is not None,
        }
        pagination |= {"next_cursor": following, "resume_cursor": f"f{last}"}
        return {
            "conversation_id": conversation,
            "messages": [message.body() for message in shown],
            "pagination": pagination,
        }

    def inbox(self, user_id: str, limit: int, cursor: str | None) -> dict[str, object]:
        # A cursor is a position: what was confirmed before it moves
        # nothing.
        waiting = [
            (index, m)
            for index, m in enumerate(self.messages)
            if m.recipient_id == user_id and m.status != "DELIVERED" and index >= int(cursor or 0)
        ]
        shown = [message for _, message in waiting[:limit]]
        following = str(waiting[limit][0]) if len(waiting) > limit else None
        return {
            "messages": [message.body() for message in shown],
            "pagination": {
                "limit": limit,
                "has_more": following is not None,
                "next_cursor": following,
            },
        }


class FakeClient:
    """Calls the fake service as one of its users; `before` and `after`
    can fail a call without or with its effect, and `during` is called
    while one waits for its answer.
    """

    def __init__(self, service: FakeService, name: str, other: str) -> None:
        self.service = service
        self._ids = id_of(name), id_of(other)
        self.before: deque[RequestFailed | None] = deque()
        self.after: deque[RequestFailed | None] = deque()
        self.calls: list[str] = []
        self.during: Callable[[], None] = lambda: None

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
        def call() -> AcceptedMessage:
            return AcceptedMessage(
                self.service.take(*self._ids, conversation_id, content, message_id), "{}"
            )

        return self._call("send", call)

    def history(
        self,
        conversation_id: str,
        limit: int,
        cursor: str | None = None,
        since_timestamp: int | None = None,
    ) -> PageBody:
        def call() -> PageBody:
            return bodies.page(
                json.dumps(self.service.history(conversation_id, limit, cursor, since_timestamp))
            )

        return self._call("history", call)

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        assert conversation_id
        self._call("confirm", lambda: self.service.deliver(message_ids))

    def _call(self, name: str, call: Callable[[], Result]) -> Result:
        self.calls.append(name)
        self.during()
        if self.before and (failure := self.before.popleft()):
            raise failure
        result = call()
        if self.after and (failure := self.after.popleft()):
            raise failure
        return result
