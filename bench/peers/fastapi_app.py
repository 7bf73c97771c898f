"""The send call on FastAPI and uvicorn, written as its users would write it for speed.

The token is verified once and then cached, membership is in memory, the body is validated by pydantic,
and the log is SQLite with group commit from one writer thread, durable before the answer (or none at all,
for the servers alone). Like the contender it writes an access line and a `message_accepted` line for each.

    PEER_SECRET=… PEER_DATABASE=file-or-empty PEER_CONVERSATIONS=file uvicorn bench.peers.fastapi_app:app
"""

import asyncio
import json
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field

SECRET = os.environ["PEER_SECRET"]
DATABASE = os.environ.get("PEER_DATABASE", "")
MEMBERS: dict[str, list[str]] = json.loads(Path(os.environ["PEER_CONVERSATIONS"]).read_text())

logger = logging.getLogger("peer")
tokens: dict[str, tuple[str, int]] = {}


class Outgoing(BaseModel):
    conversation_id: UUID
    content: str = Field(min_length=1, max_length=10_240)
    message_id: UUID | None = None


class Accepted(BaseModel):
    message_id: UUID
    conversation_id: UUID
    status: str
    accepted_at: str
    trace_id: str


class GroupCommitLog:
    """One thread writes everything that queued up while the last commit ran."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[tuple[bytes, bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def append(self, key: bytes, value: bytes) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put((key, value, future))
        return future

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS log (offset INTEGER PRIMARY KEY, at INTEGER, key BLOB, value BLOB)"
        )
        while True:
            jobs = [self._jobs.get()]
            while len(jobs) < 512 and not self._jobs.empty():
                jobs.append(self._jobs.get())
            connection.execute("BEGIN")
            now = time.time_ns()
            connection.executemany(
                "INSERT INTO log (at, key, value) VALUES (?, ?, ?)",
                [(now, key, value) for key, value, _ in jobs],
            )
            connection.execute("COMMIT")
            jobs[0][2].get_loop().call_soon_threadsafe(_done, [future for _, _, future in jobs])


def _done(futures: "list[asyncio.Future[None]]") -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


log: GroupCommitLog | None = None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    global log
    log = GroupCommitLog(DATABASE) if DATABASE else None
    yield


app = FastAPI(lifespan=lifespan)


async def caller(authorization: Annotated[str, Header()]) -> str:
    token = authorization.removeprefix("Bearer ")
    known = tokens.get(token)
    if known is not None and known[1] > time.time():
        return known[0]
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="angarium", issuer="angarium")
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    tokens[token] = (claims["sub"], claims["exp"])
    return str(claims["sub"])


@app.post("/v1/messages", status_code=202)
async def send(outgoing: Outgoing, user_id: Annotated[str, Depends(caller)], response: Response) -> Accepted:
    conversation_id = str(outgoing.conversation_id)
    members = MEMBERS.get(conversation_id, [])
    if user_id not in members:
        raise HTTPException(404)
    message_id = outgoing.message_id or uuid4()
    trace_id = uuid4().hex
    event = {
        "event_id": str(uuid4()),
        "event_type": "NEW_MESSAGE",
        "conversation_id": conversation_id,
        "timestamp": time.time_ns() // 1_000_000,
        "payload": {
            "message_id": str(message_id),
            "sender_id": user_id,
            "recipient_id": next(member for member in members if member != user_id),
            "content": outgoing.content,
        },
    }
    if log is not None:
        await log.append(conversation_id.encode(), json.dumps(event).encode())
    logger.info("message_accepted %s %s %s", trace_id, conversation_id, message_id)
    response.headers["Location"] = f"/v1/conversations/{conversation_id}/messages/{message_id}"
    response.headers["X-Trace-Id"] = trace_id
    return Accepted(
        message_id=message_id,
        conversation_id=outgoing.conversation_id,
        status="ACCEPTED",
        accepted_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        trace_id=trace_id,
    )
