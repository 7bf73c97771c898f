"""GET /v1/conversations/{id}/messages on FastAPI and Cassandra's
driver.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, cast
from uuid import UUID

import orjson
from cassandra.cluster import Session
from cassandra.query import PreparedStatement
from fastapi import FastAPI, Query, Request, Response

from angarium.engines.cassandra.cluster import CassandraAddress, build
from angarium.engines.cassandra.row_mapping import Row
from bench.peers.identity import Caller, members_for
from tests.engines.addresses import contact_points

_COLUMNS = (
    "message_id, sender_id, recipient_id, content, toUnixTimestamp(timestamp), seq, status, "
    "toUnixTimestamp(delivered_at)"
)
NEWEST = f"SELECT {_COLUMNS} FROM messages WHERE conversation_id = ? LIMIT ?"
OLDER = (
    f"SELECT {_COLUMNS} FROM messages "
    "WHERE conversation_id = ? AND (timestamp, seq) < (?, ?) LIMIT ?"
)


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[None]:
    """Connect and prepare."""
    address = CassandraAddress(
        contact_points(os.environ["ANGARIUM_CASSANDRA"]), os.environ["ANGARIUM_KEYSPACE"]
    )
    cluster = build(address)
    session = await asyncio.to_thread(cluster.connect, address.keyspace)
    app.state.session = session
    app.state.newest = session.prepare(NEWEST)
    app.state.older = session.prepare(OLDER)
    yield
    await asyncio.to_thread(cluster.shutdown)


app = FastAPI(lifespan=opened)


@app.get("/v1/conversations/{conversation_id}/messages")
async def history(
    conversation_id: UUID,
    user_id: Caller,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: str | None = None,
) -> Response:
    """Give a page, oldest first."""
    members_for(user_id, conversation_id)
    state = request.app.state
    if cursor is None:
        found = await _ask(state.session, state.newest, (conversation_id, limit + 1))
    else:
        timestamp, seq = map(int, base64.urlsafe_b64decode(cursor).split(b":"))
        found = await _ask(
            state.session, state.older, (conversation_id, timestamp, seq, limit + 1)
        )
    shown = found[:limit]
    more = len(found) > limit
    document = {
        "conversation_id": conversation_id,
        "messages": [_message(conversation_id, row) for row in reversed(shown)],
        "pagination": {
            "limit": limit,
            "count": len(shown),
            "order": "asc",
            "has_more": more,
            "next_cursor": _cursor(shown[-1]) if more else None,
            "resume_cursor": _cursor(shown[0]) if shown else None,
        },
    }
    return Response(orjson.dumps(document), media_type="application/json")


async def _ask(
    session: Session, statement: PreparedStatement, values: Sequence[object]
) -> Sequence[Row]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[Row]] = loop.create_future()
    session.execute_async(statement, values).add_callbacks(
        lambda rows: loop.call_soon_threadsafe(answer.set_result, rows or ()),
        lambda error: loop.call_soon_threadsafe(answer.set_exception, error),
    )
    return await answer


def _message(conversation_id: UUID, row: Row) -> dict[str, object]:
    message_id, sender_id, recipient_id, content, timestamp, _, status, delivered_at = row
    return {
        "message_id": message_id,
        "conversation_id": conversation_id,
        "sender_id": sender_id,
        "recipient_id": recipient_id,
        "content": content,
        "timestamp": _time(cast("int", timestamp)),
        "status": status,
        "delivered_at": None if delivered_at is None else _time(cast("int", delivered_at)),
    }


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cursor(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row[4]}:{row[5]}".encode()).decode()
