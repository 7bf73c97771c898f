"""An export with a little of everything."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from angarium.domain.conversation import Conversation
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.services.transfer.entries import Entry, Header
from angarium.services.transfer.export_file import ExportWriter

HASH = "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaA"
START = 1_700_000_000_000
TEXTS = ("hello", "hé\u202e\u2028🎉", '"\\\n\x7f\x1b', "x" * 10_240, "\x01" * 10_240)


def user(name: str, password_hash: str = HASH) -> User:
    """Return a user with their right id."""
    return User(user_id_for(name), name, password_hash, START)


def conversation(one: str, other: str) -> Conversation:
    """Return the conversation of two users."""
    first, second = sorted((user_id_for(one), user_id_for(other)))
    return Conversation(conversation_id_for(first, second), (first, second), START + 5)


def message(sender: str, recipient: str, number: int, text: str = "hello") -> Message:
    """Return a message, PENDING; its number is its offset."""
    pair = user_id_for(sender), user_id_for(recipient)
    conversation_id = conversation_id_for(*pair)
    return Message(
        uuid5(conversation_id, str(number)),
        conversation_id,
        *pair,
        text,
        MessagePosition(START + number // 2, number),
        Status.PENDING,
    )


def delivered(sent: Message, at: int) -> Message:
    """Return a message as it is after its receipt."""
    return sent._replace(status=Status.DELIVERED, delivered_at=at)


def entries() -> Sequence[Entry]:
    """Return what every line but the last holds, in order."""
    users = [user(name) for name in ("alice", "bob", "carol", "dave")]
    pairs = [("alice", "bob"), ("alice", "carol"), ("bob", "carol")]
    conversations = sorted((conversation(*pair) for pair in pairs), key=_id)
    messages = [
        *(message("alice", "bob", number, text) for number, text in enumerate(TEXTS)),
        message("bob", "alice", 10)._replace(status=Status.SENT),
        delivered(message("carol", "alice", 3), START + 99),
        message("alice", "carol", 4),
    ]
    messages.sort(key=lambda each: (each.conversation_id.bytes, each.position))
    return [Header(START, "0.1.0"), *users, *conversations, *messages]


def write(lines: Sequence[Entry]) -> bytes:
    """Return a whole export."""
    writer = ExportWriter()
    return b"".join([*map(writer.add, lines), writer.end()])


def _id(each: Conversation) -> UUID:
    return each.conversation_id
