"""A client of the HTTP API, as plain as can be, so that tests do not
lean on the project's own one.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import urlencode, urlsplit
from uuid import NAMESPACE_URL, uuid5


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, object]
    headers: Mapping[str, str]

    def text(self, name: str) -> str:
        return cast("str", self.body[name])

    def rows(self, name: str) -> list[dict[str, object]]:
        return cast("list[dict[str, object]]", self.body[name])

    @property
    def pagination(self) -> dict[str, object]:
        return cast("dict[str, object]", self.body["pagination"])


def user_id(username: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"angarium:user:{username}"))


def conversation_id(one: str, other: str) -> str:
    first, second = sorted((user_id(one), user_id(other)))
    return str(uuid5(NAMESPACE_URL, f"angarium:conversation:{first}:{second}"))


class Caller:
    """One person at the API; keeps its connection while it lasts."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=timeout
        )
        self.token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> Answer:
        """Send one request; an OSError or HTTPException tells that no
        whole answer came.
        """
        target = (
            f"{path}?{urlencode({name: str(value) for name, value in query.items()})}"
            if query
            else path
        )
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, target, data, {**sent, **(headers or {})})
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return Answer(
            response.status,
            json.loads(raw) if raw else {},
            {name.lower(): value for name, value in response.getheaders()},
        )

    def log_in(self, username: str, password: str = "") -> Self:
        answer = self.call(
            "POST",
            "/auth/token",
            {"username": username, "password": password or f"{username}-demo"},
        )
        assert answer.status == 200, answer
        self.token = answer.text("access_token")
        return self

    def open_conversation(self, other: str) -> str:
        answer = self.call("POST", "/v1/conversations", {"participant_ids": [user_id(other)]})
        assert answer.status in {200, 201}, answer
        return answer.text("conversation_id")

    def send(self, conversation: str, content: str, message_id: str | None = None) -> Answer:
        return self.call(
            "POST",
            "/v1/messages",
            {"conversation_id": conversation, "content": content, "message_id": message_id},
        )

    def history(self, conversation: str) -> list[dict[str, object]]:
        """Walk everything from the beginning."""
        path = f"/v1/conversations/{conversation}/messages"
        rows: list[dict[str, object]] = []
        answer = self.call("GET", path, limit=100, since_timestamp=0)
        while True:
            assert answer.status == 200, answer
            rows += answer.rows("messages")
            cursor = answer.pagination["next_cursor"]
            if cursor is None:
                return rows
            answer = self.call("GET", path, limit=100, cursor=cursor)
