"""A client of the HTTP contract, the same for every way to reach a
service.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast
from uuid import UUID

from angarium.api.request_headers import Headers
from tests.waiting import until

Fields = Sequence[tuple[str, str]]
JSON_TYPE = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        method: As it stands on the wire.
        target: The path, with the query.
        fields: Header fields, complete: nothing but `Host` is added.
        body: The bytes, None for none at all.
    """

    method: str
    target: str
    fields: Fields = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        request: What was asked.
        status: The HTTP status.
        headers: The header fields.
        body: The bytes.
    """

    request: Request
    status: int
    headers: Headers
    body: bytes

    def document(self) -> Mapping[str, object]:
        """Read the body as a JSON object."""
        read: object = json.loads(self.body)
        assert isinstance(read, dict)
        return cast("Mapping[str, object]", read)

    def at(self, *path: str) -> object:
        """Read a member of the body, however deep."""
        value: object = self.document()
        for name in path:
            assert isinstance(value, dict)
            value = value[name]
        return value

    def text(self, *path: str) -> str:
        """Read a member that is a string."""
        value = self.at(*path)
        assert isinstance(value, str)
        return value

    def rows(self, name: str) -> Sequence[Mapping[str, object]]:
        """Read a member that is an array of objects."""
        value = self.at(name)
        assert isinstance(value, list)
        return cast("Sequence[Mapping[str, object]]", value)

    def column(self, name: str, member: str) -> list[object]:
        """Read one member of every object of an array."""
        return [row[member] for row in self.rows(name)]


class Transport(Protocol):
    """Carries one request to a service and its answer back."""

    def __call__(self, request: Request) -> Answer: ...


Check = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who sends requests; every answer is checked against the
    service's own description.

    Attributes:
        transport: Carries them.
        check: Looks at every answer.
        fields: Sent with every request.
    """

    transport: Transport
    check: Check
    fields: Fields = ()

    def send(
        self, method: str, target: str, fields: Fields = (), body: bytes | None = None
    ) -> Answer:
        """Send anything; a body gets its length unless the fields say
        how it is framed.
        """
        every = [*self.fields, *fields]
        framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in every)
        if body is not None and not framed:
            every.append(("Content-Length", str(len(body))))
        answer = self.transport(Request(method, target, every, body))
        self.check(answer)
        return answer

    def get(self, target: str, fields: Fields = ()) -> Answer:
        return self.send("GET", target, fields)

    def post(self, target: str, document: object = None, fields: Fields = ()) -> Answer:
        """Send a JSON document, or no body at all."""
        if document is None:
            return self.send("POST", target, fields)
        return self.post_bytes(target, json.dumps(document).encode(), [JSON_TYPE, *fields])

    def post_bytes(self, target: str, body: bytes, fields: Fields = (JSON_TYPE,)) -> Answer:
        return self.send("POST", target, fields, body)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the service, logged in.

    Attributes:
        user_id: Their id.
        username: Their name.
        password: Their password.
        token: Good for an hour.
        client: Sends the token with every request.
    """

    user_id: UUID
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    client: Client


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of two people.

    Attributes:
        conversation_id: As the service shows it.
        one: Who opened it.
        other: The other participant.
    """

    conversation_id: str
    one: Person
    other: Person

    @property
    def path(self) -> str:
        return f"/v1/conversations/{self.conversation_id}"

    def send(self, content: str, by: Person | None = None, /, **members: object) -> Answer:
        """Send a message, from the one who opened the conversation
        unless said otherwise.
        """
        document = {"conversation_id": self.conversation_id, "content": content, **members}
        return (by or self.one).client.post("/v1/messages", document)

    def say(self, content: str, by: Person | None = None, /, **members: object) -> str:
        """Send a message, wait until it is stored, and give its id."""
        sent = self.send(content, by, **members)
        assert sent.status == 202, sent.body
        message_id = sent.text("message_id")
        until(lambda: self.message(message_id).status == 200, "storing the message")
        return message_id

    def message(self, message_id: str) -> Answer:
        """Read one message."""
        return self.one.client.get(f"{self.path}/messages/{message_id}")

    def history(self, query: str = "") -> Answer:
        """Read a page of the conversation."""
        return self.one.client.get(f"{self.path}/messages" + (f"?{query}" if query else ""))


def refused(answer: Answer) -> tuple[int, str]:
    """Check that an answer is a problem document, and give its status
    and code.
    """
    document = answer.document()
    assert answer.headers.get("content-type") == "application/problem+json"
    assert document["status"] == answer.status
    assert document["trace_id"] == answer.headers.get("x-trace-id")
    code = document["code"]
    assert isinstance(code, str)
    return answer.status, code


def wrong_fields(answer: Answer) -> list[object]:
    """Name the fields that a problem document lists."""
    refused(answer)
    return answer.column("errors", "field")
