import json
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from angarium.api.message_bodies import message_text
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.page_size import message_bytes
from angarium.services.cursors import MAX_TIMESTAMP

MESSAGE = Message(
    UUID("01a206a1-7225-7b75-ad68-4f4794487c07"),
    UUID("c7518860-2f64-568c-b9cb-22bae8967a16"),
    UUID("192c527f-5ebf-55d2-9f80-d633b5dea4a9"),
    UUID("f89fa609-fb71-5288-a2e5-d4b745d8c0ae"),
    "Hello",
    MessagePosition(1_763_899_413_541, 7),
    Status.PENDING,
)


def test_a_message_is_shown_with_all_that_the_contract_names() -> None:
    assert json.loads(message_text(MESSAGE)) == {
        "message_id": "01a206a1-7225-7b75-ad68-4f4794487c07",
        "conversation_id": "c7518860-2f64-568c-b9cb-22bae8967a16",
        "sender_id": "192c527f-5ebf-55d2-9f80-d633b5dea4a9",
        "recipient_id": "f89fa609-fb71-5288-a2e5-d4b745d8c0ae",
        "content": "Hello",
        "timestamp": "2025-11-23T12:03:33.541Z",
        "status": "PENDING",
        "delivered_at": None,
    }


def test_a_delivered_message_says_when() -> None:
    delivered = replace(MESSAGE, status=Status.DELIVERED, delivered_at=1_763_899_414_000)
    shown = json.loads(message_text(delivered))
    assert (shown["status"], shown["delivered_at"]) == ("DELIVERED", "2025-11-23T12:03:34.000Z")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was_sent(content: str) -> None:
    written = message_text(replace(MESSAGE, content=content)).encode()
    assert json.loads(written)["content"] == content


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.one_of(TEXTS, st.text('\x01\n"\\😀é', max_size=50)))
def test_no_message_takes_more_bytes_than_a_page_reckons_with(content: str) -> None:
    message = replace(
        MESSAGE,
        content=content,
        position=MessagePosition(MAX_TIMESTAMP, 2**63 - 1),
        status=Status.DELIVERED,
        delivered_at=MAX_TIMESTAMP,
    )
    taken = len(message_text(message).encode())
    assert taken <= message_bytes(message) <= taken + 100
