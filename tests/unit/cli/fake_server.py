"""The fake service behind HTTP, on a free port of this machine."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.unit.cli.fake_service import FakeService, conversation_of, id_of

PEOPLE = ("alice", "bob", "carol", "verify-1", "verify-2")


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of a path.

    Attributes:
        path: How the path begins.
        kind: `drop` without an effect, `swallow` the answer after the
            effect, or `answer` with what follows.
        status: Of the answer.
        body: Of the answer.
        headers: Of the answer.
    """

    path: str
    kind: str = "answer"
    status: int = 503
    body: str = '{"code":"log_unavailable","detail":"The log is away.","trace_id":"ab"}'
    headers: tuple[tuple[str, str], ...] = ()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing about connections that a fault cut."""


@dataclass
class FakeServer:
    service: FakeService = field(default_factory=FakeService)
    faults: deque[Fault] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(
        default_factory=lambda: {f"token-of-{name}": name for name in PEOPLE}
    )
    port: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        fake_server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                fake_server.serve(self)

            def do_POST(self) -> None:
                fake_server.serve(self)

            def setup(self) -> None:
                super().setup()
                fake_server._connections.append(self.connection)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._connections: list[object] = []
        self._server = _Quiet(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.cut()

    def cut(self) -> None:
        """End all connections, as a killed server does."""
        import socket

        for connection in self._connections:
            assert isinstance(connection, socket.socket)
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else {}
        self.requests.append(f"{handler.command} {handler.path}")
        fault = (
            self.faults[0]
            if self.faults and handler.path.startswith(self.faults[0].path)
            else None
        )
        if fault is not None:
            self.faults.popleft()
        if fault is not None and fault.kind == "drop":
            handler.close_connection = True
            return
        if fault is not None and fault.kind == "answer":
            _answer(handler, fault.status, fault.body, fault.headers)
            return
        status, document = self._route(handler, body)
        if fault is not None:
            handler.close_connection = True
            return
        _answer(handler, status, json.dumps(document))

    def _route(
        self, handler: BaseHTTPRequestHandler, body: dict[str, object]
    ) -> tuple[int, object]:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/auth/token":
            return self._token(body)
        name = self.tokens.get(
            (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        )
        if name is None:
            return 401, {"code": "invalid_token", "detail": "The token is not good."}
        if parts.path == "/v1/users":
            return self._user(query["username"])
        if parts.path.startswith("/v1/users/"):
            user_id = parts.path.rpartition("/")[2]
            return self._user(next((each for each in PEOPLE if id_of(each) == user_id), ""))
        if parts.path == "/v1/conversations":
            return self._open(name, body)
        if parts.path == "/v1/messages":
            return self._send(name, body)
        if parts.path == "/v1/inbox":
            return 200, self.service.inbox(id_of(name), int(query["limit"]), query.get("cursor"))
        return self._in_conversation(parts.path, query, body)

    def _in_conversation(
        self, path: str, query: dict[str, str], body: dict[str, object]
    ) -> tuple[int, object]:
        _, _, _, conversation, what, *message_id = path.split("/")
        if message_id:
            return self._message(conversation, *message_id)
        if what == "messages":
            since = query.get("since_timestamp")
            cursor, limit = query.get("cursor"), int(query["limit"])
            return 200, self.service.history(
                conversation, limit, cursor, None if since is None else int(since)
            )
        ids = body["message_ids"]
        assert isinstance(ids, list)
        self.service.deliver(ids)
        return 202, {"accepted": len(ids)}

    def _message(self, conversation: str, message_id: str) -> tuple[int, object]:
        for message in self.service.between(conversation):
            if message.message_id == message_id:
                return 200, message.body()
        return 404, {"code": "message_not_found", "detail": "There is no such message."}

    def _token(self, body: dict[str, object]) -> tuple[int, object]:
        name = body["username"]
        if name not in PEOPLE or body["password"] != f"{name}-demo":
            return 401, {"code": "invalid_credentials", "detail": "Wrong.", "trace_id": "ab"}
        token = {"access_token": f"token-of-{name}", "token_type": "Bearer", "expires_in": 3600}
        return 200, {**token, "user_id": id_of(str(name))}

    def _user(self, name: str) -> tuple[int, object]:
        if name not in PEOPLE:
            return 404, {"code": "user_not_found", "detail": f"There is no user {name!r}."}
        return 200, {
            "user_id": id_of(name),
            "username": name,
            "created_at": "2026-01-01T00:00:00.000Z",
        }

    def _open(self, name: str, body: dict[str, object]) -> tuple[int, object]:
        ids = body["participant_ids"]
        assert isinstance(ids, list)
        other = next(person for person in PEOPLE if id_of(person) == ids[0])
        return 200, {"conversation_id": conversation_of(name, other), "type": "private"}

    def _send(self, name: str, body: dict[str, object]) -> tuple[int, object]:
        conversation, message_id = str(body["conversation_id"]), str(body["message_id"])
        other = next(p for p in PEOPLE if p != name and conversation_of(name, p) == conversation)
        taken = self.service.take(
            id_of(name), id_of(other), conversation, str(body["content"]), message_id
        )
        return 202, {"message_id": taken, "conversation_id": conversation, "status": "ACCEPTED"}


def _answer(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: str,
    headers: tuple[tuple[str, str], ...] = (),
) -> None:
    data = body.encode()
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
