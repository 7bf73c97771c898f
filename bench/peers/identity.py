"""Who calls, and who is in which conversation: both from memory most of
the time, as in the contender.
"""

import json
import os
import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, Header, HTTPException

_SECRET = os.environ["ANGARIUM_JWT_SECRET"]
_tokens: dict[str, tuple[UUID, int]] = {}

MEMBERS: dict[UUID, frozenset[UUID]] = {
    UUID(conversation): frozenset(map(UUID, members))
    for conversation, members in json.loads(
        Path(os.environ["BENCH_CONVERSATIONS"]).read_text()
    ).items()
}


async def caller(authorization: Annotated[str, Header()]) -> UUID:
    """Verify a token once, and remember it until it expires."""
    known = _tokens.get(authorization)
    if known is not None and known[1] > time.time():
        return known[0]
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    try:
        claims = jwt.decode(
            token, _SECRET, algorithms=["HS256"], audience="angarium", issuer="angarium"
        )
    except jwt.PyJWTError as error:
        raise HTTPException(
            401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
        ) from error
    user_id = UUID(claims["sub"])
    _tokens[authorization] = (user_id, claims["exp"])
    return user_id


Caller = Annotated[UUID, Depends(caller)]


def members_for(user_id: UUID, conversation_id: UUID) -> frozenset[UUID]:
    """Give a conversation's members to one of them."""
    members = MEMBERS.get(conversation_id, frozenset())
    if user_id not in members:
        raise HTTPException(404)
    return members
