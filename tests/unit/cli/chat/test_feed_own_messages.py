"""Own messages that the other one's client has not confirmed yet."""

import json
from collections.abc import Iterable

from angarium.cli.chat.feed import OwnMessages
from angarium.client import bodies
from angarium.client.bodies import MessageBody
from tests.unit.cli.fake_service import FakeService


def messages(*statuses: str) -> Iterable[MessageBody]:
    service = FakeService()
    for status in statuses:
        service.say("alice", "bob", status)
        service.messages[-1].status = status
    return [bodies.message(json.loads(json.dumps(stored.body()))) for stored in service.messages]


def test_only_the_newest_are_watched() -> None:
    own = OwnMessages(max_watched=2)
    for message in messages("SENT", "SENT", "SENT"):
        own.watch(message)
    risen = own.compare(messages("DELIVERED", "DELIVERED", "DELIVERED"))
    assert [message.message_id[-1] for message in risen] == ["1", "2"]
    assert own.oldest() is None


def test_a_change_is_told_once() -> None:
    own = OwnMessages()
    (pending,) = messages("PENDING")
    own.watch(pending)
    assert own.oldest() == pending.sent_at
    assert [message.status for message in own.compare(messages("SENT"))] == ["SENT"]
    assert own.compare(messages("SENT")) == ()
    assert [message.status for message in own.compare(messages("DELIVERED"))] == ["DELIVERED"]
    assert own.compare(messages("DELIVERED")) == ()


def test_what_is_delivered_is_not_watched() -> None:
    own = OwnMessages()
    for message in messages("DELIVERED"):
        own.watch(message)
    assert own.oldest() is None
