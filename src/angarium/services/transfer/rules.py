"""What is true of every export, whoever wrote it.

The same rules hold for an export that is written and for a file that is
imported: no export writes a file that an import refuses.
"""

from angarium.domain.content import content_problem
from angarium.domain.conversation import Conversation
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import BEGINNING, Message, Status
from angarium.domain.user import User, is_username
from angarium.services.cursors import MAX_TIMESTAMP
from angarium.services.transfer.entries import Counts, Entry, Header, InvalidLine
from angarium.services.transfer.sorted_ids import SortedIds

MAX_HASH_CHARACTERS = 1024
"""More than the longest PHC string that a hasher accepts."""

_KINDS: tuple[type[Entry], ...] = (Header, User, Conversation, Message)
"""In the order of the file."""


class ExportRules:
    """Takes entries in the order of the file, and checks each.

    Users are sorted by name, conversations by id, messages by
    conversation and position: equal data make equal lines on every
    engine. The memory is 16 bytes for each conversation, and about 120
    for each user and for each message of one conversation.
    """

    def __init__(self) -> None:
        """Expect the first line."""
        self.counts = Counts()
        self.conversations = SortedIds()
        self._kind: type[Entry] | None = None
        self._username = ""
        self._users: set[bytes] = set()
        self._message: Message | None = None
        self._position = BEGINNING
        self._ids: set[bytes] = set()

    def check(self, entry: Entry) -> None:
        """Check the next entry.

        Args:
            entry: What the next line holds.

        Raises:
            InvalidLine: It cannot be there; the text says why.
        """
        self._check_order(type(entry))
        if isinstance(entry, Message):
            self._check_message(entry)
        elif isinstance(entry, Conversation):
            self._check_conversation(entry)
        elif isinstance(entry, User):
            self._check_user(entry)

    def check_end(self) -> None:
        """Check that the file may end here.

        Raises:
            InvalidLine: It has not even a first line.
        """
        if self._kind is None:
            raise InvalidLine("the first line is missing")

    def _check_order(self, kind: type[Entry]) -> None:
        """Check that a kind of line may follow the one before."""
        if self._kind is None:
            if kind is not Header:
                raise InvalidLine("it is not the first line of an export")
        elif kind is Header:
            raise InvalidLine("it is the first line of an export, but others precede it")
        elif _KINDS.index(kind) < _KINDS.index(self._kind):
            raise InvalidLine(
                f"a {_name(kind)} follows a {_name(self._kind)}: users come first, then "
                "conversations, then messages"
            )
        self._kind = kind

    def _check_user(self, user: User) -> None:
        """Check a user's line."""
        if not is_username(user.username):
            raise InvalidLine("its username is not valid")
        if user.user_id != user_id_for(user.username):
            raise InvalidLine("its user_id is not the one that is made from its username")
        if not _is_hash(user.password_hash):
            raise InvalidLine("its password_hash is not a hash")
        _check_moment(user.created_at, "created_at")
        if user.username <= self._username:
            raise InvalidLine("users are not sorted by name, each once")
        self._username = user.username
        self._users.add(user.user_id.bytes)
        self.counts = Counts(self.counts.users + 1)

    def _check_conversation(self, conversation: Conversation) -> None:
        """Check a conversation's line."""
        first, second = conversation.participant_ids
        if first.bytes >= second.bytes:
            raise InvalidLine("its participant_ids are not two ids in ascending order")
        if conversation.conversation_id != conversation_id_for(first, second):
            raise InvalidLine("its conversation_id is not the one that is made from the two users")
        if first.bytes not in self._users or second.bytes not in self._users:
            raise InvalidLine("one of its participants has no line")
        _check_moment(conversation.created_at, "created_at")
        last = self.conversations.last()
        if last is not None and conversation.conversation_id.bytes <= last.bytes:
            raise InvalidLine("conversations are not sorted by id, each once")
        self.conversations.append(conversation.conversation_id)
        self.counts = Counts(self.counts.users, self.counts.conversations + 1)

    def _check_message(self, message: Message) -> None:
        """Check a message's line."""
        self._check_conversation_of(message)
        problem = content_problem(message.content)
        if problem is not None:
            raise InvalidLine(f"its content breaks the rules of a text: {problem.code}")
        if (message.delivered_at is None) == (message.status is Status.DELIVERED):
            raise InvalidLine("it has a delivered_at exactly if its status is DELIVERED")
        _check_moment(message.position.timestamp, "timestamp")
        if message.delivered_at is not None:
            _check_moment(message.delivered_at, "delivered_at")
        if message.position.offset < 0 or message.position <= self._position:
            raise InvalidLine("its position is not after that of the message before")
        if message.message_id.bytes in self._ids:
            raise InvalidLine("an earlier message of the conversation has its message_id")
        self._position = message.position
        self._ids.add(message.message_id.bytes)
        self._message = message
        counts = self.counts
        self.counts = Counts(counts.users, counts.conversations, counts.messages + 1)

    def _check_conversation_of(self, message: Message) -> None:
        """Check whose message it is, and that it may come now."""
        before = self._message
        conversation_id = message.conversation_id
        if before is None or before.conversation_id != conversation_id:
            if before is not None and conversation_id.bytes < before.conversation_id.bytes:
                raise InvalidLine("messages are not sorted by conversation_id")
            if conversation_id not in self.conversations:
                raise InvalidLine("its conversation has no line")
            self._position = BEGINNING
            self._ids = set()
        elif _same_pair(before, message):
            return
        if conversation_id_for(message.sender_id, message.recipient_id) != conversation_id:
            raise InvalidLine("its sender and recipient are not the participants")


def _same_pair(before: Message, message: Message) -> bool:
    """Return whether two messages have the same two users."""
    pair = (message.sender_id, message.recipient_id)
    return pair in (
        (before.sender_id, before.recipient_id),
        (before.recipient_id, before.sender_id),
    )


def _is_hash(text: str) -> bool:
    """Return whether a text may be kept as a hash.

    `!` is that of a user whose password is not hashed yet.
    """
    return 0 < len(text) <= MAX_HASH_CHARACTERS and text.isascii() and text.isprintable()


def _check_moment(ms: int, name: str) -> None:
    """Check a moment: one more millisecond must fit after it."""
    if not 0 <= ms < MAX_TIMESTAMP:
        raise InvalidLine(f"its {name} is not between 1970 and the end of the year 9999")


def _name(kind: type[Entry]) -> str:
    """Return what a kind of line is called in an error."""
    return {Header: "first line", User: "user", Conversation: "conversation"}.get(kind, "message")
