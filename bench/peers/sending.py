"""POST /v1/messages on FastAPI, over whatever log it is given."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

import orjson
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import AfterValidator, BaseModel, StringConstraints

from bench.peers.identity import Caller, members_for

MAX_CONTENT_BYTES = 10_240

Headers = list[tuple[str, str | bytes | None]]

logger = logging.getLogger("peer")


class Position(NamedTuple):
    """Where a record came to lie."""

    partition: int
    offset: int
    timestamp_ms: int


class LogUnavailable(Exception):
    """The log did not take a record."""


Append = Callable[[bytes, bytes, Headers], Awaitable[Position]]
Open = Callable[[], AbstractAsyncContextManager[Append]]
"""Connects a log for the life of the application."""


def _valid(content: str) -> str:
    if len(content.encode()) > MAX_CONTENT_BYTES or content.isspace() or "\0" in content:
        raise ValueError("not white space alone, no U+0000, 10,240 bytes at most")
    return content


class Outgoing(BaseModel):
    """The body."""

    conversation_id: UUID
    content: Annotated[str, StringConstraints(min_length=1), AfterValidator(_valid)]
    message_id: UUID | None = None
    sender_id: UUID | None = None
    recipient_id: UUID | None = None


def application(open_log: Open) -> FastAPI:
    """Make the application; its log is opened when it starts."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        async with open_log() as append:
            app.state.append = append
            yield

    app = FastAPI(lifespan=opened)
    app.post("/v1/messages", status_code=202)(send)
    app.get("/health/live")(live)
    return app


async def live() -> Response:
    """Answer."""
    return Response(b'{"status":"ok"}', media_type="application/json")


async def send(
    outgoing: Outgoing,
    user_id: Caller,
    request: Request,
    x_trace_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Accept a message once the log has it durably."""
    members = members_for(user_id, outgoing.conversation_id)
    (recipient_id,) = members - {user_id}
    if outgoing.sender_id is not None and outgoing.sender_id != user_id:
        raise HTTPException(403)
    if outgoing.recipient_id is not None and outgoing.recipient_id != recipient_id:
        raise HTTPException(400)
    conversation_id = str(outgoing.conversation_id)
    message_id = str(outgoing.message_id or uuid4())
    trace_id = x_trace_id or uuid4().hex
    event = {
        "event_id": uuid4(),
        "event_type": "NEW_MESSAGE",
        "conversation_id": conversation_id,
        "timestamp": round(datetime.now(UTC).timestamp() * 1000),
        "payload": {
            "message_id": message_id,
            "sender_id": user_id,
            "recipient_id": recipient_id,
            "content": outgoing.content,
        },
    }
    append: Append = request.app.state.append
    headers: Headers = [("trace_id", trace_id.encode()), ("schema", b"1")]
    try:
        position = await append(conversation_id.encode(), orjson.dumps(event), headers)
    except LogUnavailable as error:
        raise HTTPException(503, headers={"Retry-After": "1"}) from error
    ids = {
        "action": "message_accepted",
        "trace_id": trace_id,
        "conversation_id": conversation_id,
        "message_id": message_id,
        "user_id": user_id,
        "partition": position.partition,
        "offset": position.offset,
    }
    logger.info("The log has the event.", extra={"ids": ids})
    return _accepted(conversation_id, message_id, trace_id, position)


def _accepted(
    conversation_id: str, message_id: str, trace_id: str, position: Position
) -> Response:
    accepted_at = datetime.fromtimestamp(position.timestamp_ms / 1000, UTC)
    document = {
        "message_id": message_id,
        "conversation_id": conversation_id,
        "status": "ACCEPTED",
        "accepted_at": accepted_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "trace_id": trace_id,
    }
    return Response(
        orjson.dumps(document),
        202,
        {
            "Location": f"/v1/conversations/{conversation_id}/messages/{message_id}",
            "X-Trace-Id": trace_id,
        },
        "application/json",
    )
