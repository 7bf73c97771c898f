"""User stories 1 to 4, through the real program."""

from uuid import UUID, uuid4

from tests.acceptance.caller import Caller, conversation_id, user_id
from tests.acceptance.service import Service, until


def stored(caller: Caller, conversation: str, message_id: str) -> dict[str, object]:
    path = f"/v1/conversations/{conversation}/messages/{message_id}"
    until(lambda: caller.call("GET", path).status == 200, f"message {message_id} is stored")
    return caller.call("GET", path).body


def test_a_message_walks_from_one_user_to_the_other_and_is_confirmed(
    alice: Caller, bob: Caller
) -> None:
    conversation = alice.open_conversation("bob")
    assert conversation == conversation_id("alice", "bob") == bob.open_conversation("alice")

    accepted = alice.send(conversation, "Hello")
    assert accepted.status == 202
    message_id = accepted.text("message_id")
    assert UUID(message_id).version == 7
    assert (
        accepted.headers["location"] == f"/v1/conversations/{conversation}/messages/{message_id}"
    )

    message = stored(bob, conversation, message_id)
    assert message["content"] == "Hello"
    assert message["sender_id"] == user_id("alice")
    assert message["recipient_id"] == user_id("bob")
    assert message["status"] == "SENT", "bob has just proved who he is"
    assert message["timestamp"] == accepted.body["accepted_at"]

    confirmed = bob.call(
        "POST", f"/v1/conversations/{conversation}/messages/{message_id}/delivered"
    )
    assert confirmed.status == 202
    until(
        lambda: stored(alice, conversation, message_id)["status"] == "DELIVERED",
        "the sender sees DELIVERED",
    )


def test_a_message_to_someone_offline_waits_in_their_inbox(
    service: Service, alice: Caller
) -> None:
    conversation = alice.open_conversation("carol")
    message_id = alice.send(conversation, "are you there?").text("message_id")
    assert stored(alice, conversation, message_id)["status"] == "PENDING"

    carol = Caller(service.url).log_in("carol")
    inbox = carol.call("GET", "/v1/inbox").rows("messages")
    assert [message["message_id"] for message in inbox] == [message_id]
    receipt = carol.call(
        "POST",
        f"/v1/conversations/{conversation}/receipts",
        {"status": "DELIVERED", "message_ids": [message_id]},
    )
    assert (receipt.status, receipt.body["accepted"]) == (202, 1)
    until(lambda: carol.call("GET", "/v1/inbox").rows("messages") == [], "the inbox is empty")
    carol.close()


def test_a_retry_with_the_same_id_is_the_same_message(alice: Caller) -> None:
    conversation = alice.open_conversation("dave")
    message_id = str(uuid4())
    for text in ("once", "twice", "thrice"):
        assert alice.send(conversation, text, message_id).status == 202
    last = alice.send(conversation, "the end").text("message_id")
    stored(alice, conversation, last)
    assert [message["content"] for message in alice.history(conversation)] == ["once", "the end"]


def test_a_hundred_messages_in_a_row_are_read_in_that_order(service: Service) -> None:
    carol = Caller(service.url).log_in("carol")
    conversation = carol.open_conversation("dave")
    texts = [f"line {number} · строка · 行 · سطر · 🐎" for number in range(100)]
    answers = [carol.send(conversation, text) for text in texts]
    assert {answer.status for answer in answers} == {202}
    stored(carol, conversation, answers[-1].text("message_id"))
    assert [message["content"] for message in carol.history(conversation)] == texts
    carol.close()


def test_one_trace_id_leads_from_the_request_to_the_worker(
    service: Service, alice: Caller
) -> None:
    conversation = alice.open_conversation("bob")
    trace_id = uuid4().hex
    answer = alice.call(
        "POST",
        "/v1/messages",
        {"conversation_id": conversation, "content": "follow me"},
        headers={"X-Trace-Id": trace_id.upper()},
    )
    assert answer.headers["x-trace-id"] == answer.body["trace_id"] == trace_id

    def actions() -> set[object]:
        return {line["action"] for line in service.log_lines() if line.get("trace_id") == trace_id}

    until(
        lambda: actions() >= {"request", "message_accepted", "message_stored"}, "all three lines"
    )
    assert "follow me" not in service.log_path.read_text()
    assert "alice-demo" not in service.log_path.read_text()
    assert alice.token not in service.log_path.read_text()
