"""Messages as JSON, put together by hand: a page has a hundred, and an encoder takes three times as long."""

from json.encoder import encode_basestring as quoted

from angarium.api.timestamps import rfc3339
from angarium.domain.identifiers import text_of
from angarium.domain.message import Message


def message_text(message: Message) -> str:
    """Write a message.

    Args:
        message: What to show.

    Returns:
        A JSON object.
    """
    delivered_at = "null" if message.delivered_at is None else f'"{rfc3339(message.delivered_at)}"'
    return (
        f'{{"message_id":"{message.message_id}","conversation_id":"{text_of(message.conversation_id)}",'
        f'"sender_id":"{text_of(message.sender_id)}","recipient_id":"{text_of(message.recipient_id)}",'
        f'"content":{quoted(message.content)},"timestamp":"{rfc3339(message.position.timestamp)}",'
        f'"status":"{message.status.value}","delivered_at":{delivered_at}}}'
    )
