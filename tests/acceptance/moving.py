"""What two people see before their data move, and must see after."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import uuid4

from angarium.domain.message import Message
from angarium.services.transfer.export_file import ExportReader
from tests.acceptance.caller import Answer, Caller, conversation_id, user_id
from tests.acceptance.service import until
from tests.unit.services.transfer.sample import write

PAIR = conversation_id("alice", "bob")
PATH = f"/v1/conversations/{PAIR}/messages"
SENT_BEFORE = str(uuid4())

Row = Mapping[str, object]


@dataclass(frozen=True)
class Sight:
    """What one person sees.

    Attributes:
        history: The conversation of alice and bob.
        pages: A walk backwards, its cursors with the pages that they
            lead to.
        resumed: The same forwards.
        inbox: What waits.
        inbox_cursor: From the middle of the inbox on.
        conversations: The list, with last messages and pending counts.
        me: The user.
    """

    history: Sequence[Row]
    pages: Sequence[tuple[str, Sequence[Row]]]
    resumed: Sequence[tuple[str, Sequence[Row]]]
    inbox: Sequence[Row]
    inbox_cursor: tuple[str, Sequence[Row]]
    conversations: Sequence[Row]
    me: Mapping[str, object]


def talk(url: str) -> None:
    """Fill a service: texts, receipts, ids sent twice, three people."""
    with (
        closing(Caller(url).log_in("alice")) as alice,
        closing(Caller(url).log_in("bob")) as bob,
        closing(Caller(url).log_in("carol")) as carol,
    ):
        assert alice.open_conversation("bob") == PAIR
        other = carol.open_conversation("bob")
        for number in range(12):
            accept(alice.send(PAIR, f"alice {number} \u202e\u2028🎉"))
            accept(bob.send(PAIR, f"bob {number}"))
            accept(carol.send(other, f"carol {number}"))
        accept(alice.send(PAIR, "the first text", SENT_BEFORE))
        accept(alice.send(PAIR, "another text", SENT_BEFORE))
        until(lambda: len(alice.history(PAIR)) == 25, "all is stored")
        until(lambda: len(carol.history(other)) == 12, "all is stored")
        ids = [row["message_id"] for row in bob.history(PAIR) if row["recipient_id"] == me(bob)]
        accept(confirm(bob, ids[2:9]))
        until(lambda: states(bob).count("DELIVERED") == 7, "seven are delivered")


def accept(answer: Answer) -> None:
    """Require a 202."""
    assert answer.status == 202, answer


def me(caller: Caller) -> object:
    """Return the caller's own id."""
    return caller.call("GET", "/v1/users/me").body["user_id"]


def states(caller: Caller) -> list[object]:
    """Return the status of each message."""
    return [row["status"] for row in caller.history(PAIR)]


def confirm(caller: Caller, ids: Sequence[object]) -> Answer:
    """Confirm messages."""
    body = {"status": "DELIVERED", "message_ids": list(ids)}
    return caller.call("POST", f"/v1/conversations/{PAIR}/receipts", body)


def look(url: str, name: str, before: Sight | None = None) -> Sight:
    """Look at everything; follow the cursors of an earlier look.

    Args:
        url: Of the service.
        name: Who looks.
        before: Where the cursors come from; new ones without it.
    """
    with closing(Caller(url).log_in(name)) as caller:
        inbox = caller.call("GET", "/v1/inbox", limit=100).rows("messages")
        cursor = (
            before.inbox_cursor[0]
            if before
            else str(caller.call("GET", "/v1/inbox", limit=5).pagination["next_cursor"])
        )
        rest = caller.call("GET", "/v1/inbox", limit=100, cursor=cursor).rows("messages")
        return Sight(
            caller.history(PAIR),
            walk(caller, "next_cursor", [each for each, _ in before.pages] if before else []),
            walk(
                caller,
                "resume_cursor",
                [each for each, _ in before.resumed] if before else [],
            ),
            inbox,
            (cursor, rest),
            caller.call("GET", "/v1/conversations").rows("conversations"),
            caller.call("GET", "/v1/users/me").body,
        )


def walk(
    caller: Caller, name: str, cursors: Sequence[str]
) -> list[tuple[str, list[dict[str, object]]]]:
    """Follow cursors: given ones, or those that each page gives."""
    if cursors:
        return [
            (each, caller.call("GET", PATH, limit=4, cursor=each).rows("messages"))
            for each in cursors
        ]
    first = f"{PATH}?since_timestamp=0&limit=4" if name == "resume_cursor" else f"{PATH}?limit=4"
    answer = caller.call("GET", first)
    walked: list[tuple[str, list[dict[str, object]]]] = []
    while answer.rows("messages") and answer.pagination[name] is not None:
        cursor = str(answer.pagination[name])
        answer = caller.call("GET", PATH, limit=4, cursor=cursor)
        walked.append((cursor, answer.rows("messages")))
    assert len(walked) > 3
    return walked


def require_the_same(url: str, before: Mapping[str, Sight]) -> None:
    """Compare what everybody sees with what they saw."""
    for name, sight in before.items():
        assert look(url, name, sight) == sight


def require_life_goes_on(url: str, before: Mapping[str, Sight], *, turn: str) -> None:
    """Require that old ids, receipts and cursors work with new data."""
    history = before["alice"].history
    with (
        closing(Caller(url).log_in("alice")) as alice,
        closing(Caller(url).log_in("bob")) as bob,
    ):
        accept(alice.send(PAIR, "yet another text", SENT_BEFORE))
        waiting = [row for row in history if row["status"] != "DELIVERED"]
        mine = [row["message_id"] for row in waiting if row["recipient_id"] == user_id("bob")]
        accept(confirm(bob, mine[:1]))
        resume = before["alice"].resumed[-1][0]
        accept(alice.send(PAIR, f"new {turn}"))
        until(lambda: len(alice.history(PAIR)) == len(history) + 1, "the new one is stored")
        now = alice.history(PAIR)
        assert now[-1]["content"] == f"new {turn}"
        assert str(now[-1]["timestamp"]) > str(history[-1]["timestamp"])
        assert [row["content"] for row in now[:-1]] == [row["content"] for row in history]
        texts = [row["content"] for row in now if row["message_id"] == SENT_BEFORE]
        assert texts == ["the first text"]
        followed = alice.call("GET", PATH, cursor=resume).rows("messages")
        assert [row["content"] for row in followed] == [f"new {turn}"]
        until(lambda: delivered(bob, mine[0]), "the receipt counts")
        inbox = bob.call("GET", "/v1/inbox", limit=100).rows("messages")
        seen = [row["message_id"] for row in before["bob"].inbox]
        expected = [each for each in seen if each != mine[0]] + [now[-1]["message_id"]]
        assert [row["message_id"] for row in inbox] == expected


def delivered(caller: Caller, message_id: object) -> bool:
    """Return whether a message is DELIVERED."""
    return cast("str", caller.call("GET", f"{PATH}/{message_id}").body["status"]) == "DELIVERED"


def write_later(file: Path, later: Path) -> None:
    """Copy an export with every message a day later: to what was
    imported from it, the clocks have stepped back.
    """
    day_ms = 86_400_000
    with file.open("rb") as source:
        entries = list(ExportReader(source).entries())
    moved = [
        each._replace(
            position=each.position._replace(timestamp=each.position.timestamp + day_ms),
            delivered_at=None if each.delivered_at is None else each.delivered_at + day_ms,
        )
        if isinstance(each, Message)
        else each
        for each in entries
    ]
    later.write_bytes(write(moved))


def require_new_ones_last(url: str, imported: int, number: int) -> None:
    """Send one more message; it comes last, after earlier new ones."""
    with closing(Caller(url).log_in("alice")) as alice:
        accept(alice.send(PAIR, f"new {number}"))
        until(lambda: len(alice.history(PAIR)) == imported + number + 1, "it is stored")
        texts = [row["content"] for row in alice.history(PAIR)]
        assert texts[imported:] == [f"new {each}" for each in range(number + 1)]
