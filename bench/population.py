"""Who talks in the benchmarks: users, their tokens and conversations,
and the requests that they send.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from uuid import UUID

from angarium.clock import SystemClock
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.user import Principal
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.engines.secrets.tokens import JwtSigner

SECRET = "a secret for measurements, nothing else"
USERS = 21
TEXT = "The post goes out at dawn; neither snow nor rain nor gloom of night stays it. "


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation, from the side of one who sends.

    Attributes:
        conversation_id: Which.
        members: Both participants.
        token: The sender's.
    """

    conversation_id: UUID
    members: tuple[UUID, UUID]
    token: str


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody.

    Attributes:
        names: Usernames.
        talks: Every pair's conversation.
    """

    names: Sequence[str]
    talks: Sequence[Talk]

    def users_file(self, path: Path) -> Path:
        """Write the file for ANGARIUM_USERS; one hash serves all."""
        password_hash = ScryptHasher().hash("benchmark")
        path.write_text(
            json.dumps([{"username": name, "password_hash": password_hash} for name in self.names])
        )
        return path

    def members_file(self, path: Path) -> Path:
        """Write who is in which conversation, for the peers."""
        path.write_text(
            json.dumps(
                {
                    str(talk.conversation_id): [str(one) for one in talk.members]
                    for talk in self.talks
                }
            )
        )
        return path

    def sends(self, host: str) -> list[bytes]:
        """Prepare one send a conversation, of about 260 bytes of
        JSON.
        """
        return [self._send(talk, host) for talk in self.talks]

    def _send(self, talk: Talk, host: str) -> bytes:
        body = json.dumps(
            {"conversation_id": str(talk.conversation_id), "content": TEXT * 2}
        ).encode()
        return request("POST", "/v1/messages", talk.token, host, body)

    def pages(self, host: str, limit: int) -> list[bytes]:
        """Prepare the newest page of every conversation, in the order
        of `sends`.
        """
        return [
            request(
                "GET",
                f"/v1/conversations/{talk.conversation_id}/messages?limit={limit}",
                talk.token,
                host,
            )
            for talk in self.talks
        ]

    def opens(self, host: str) -> list[bytes]:
        """Prepare the creation of every conversation."""
        return [
            request(
                "POST",
                "/v1/conversations",
                talk.token,
                host,
                json.dumps({"participant_ids": [str(one) for one in talk.members]}).encode(),
            )
            for talk in self.talks
        ]


def request(method: str, path: str, token: str, host: str, body: bytes = b"") -> bytes:
    """Write a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def population() -> Population:
    """Make up the population; the same every time but for the
    tokens.
    """
    names = [f"user{number:02d}" for number in range(USERS)]
    signer = JwtSigner(SECRET, "angarium", "angarium", 86_400)
    now = SystemClock().now_ms()
    tokens = {name: signer.issue(Principal(user_id_for(name), name), now) for name in names}
    talks = [
        Talk(
            conversation_id_for(user_id_for(one), user_id_for(other)),
            (user_id_for(one), user_id_for(other)),
            tokens[one],
        )
        for one, other in combinations(names, 2)
    ]
    return Population(names, talks)
