"""Every port of one engine, connected."""

from collections.abc import Callable
from dataclasses import dataclass

from angarium.ports.conversations import ConversationStore
from angarium.ports.identity import TokenSigner
from angarium.ports.message_log import DeadLetterLog, LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageWriter
from angarium.ports.presence import PresenceStore
from angarium.ports.users import UserStore


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port of one engine, connected.

    Attributes:
        log: Takes records.
        consumer: Joins the workers' group; called again after a
            failure.
        dead_letters: Keeps what could not be applied.
        users: Who may log in.
        conversations: Who talks to whom.
        recorder: The router's half of the messages.
        reader: The API's half of the messages.
        presence: Who was seen lately.
        signer: Makes and checks tokens.
        calls_of_user: Requests of one user that use the store at a
            time.
        idle_hint: Called when the server has no request left to run;
            None where records do not wait for each other.
    """

    log: MessageLog
    consumer: Callable[[], LogConsumer]
    dead_letters: DeadLetterLog
    users: UserStore
    conversations: ConversationStore
    recorder: MessageWriter
    reader: MessageReader
    presence: PresenceStore
    signer: TokenSigner
    calls_of_user: int
    idle_hint: Callable[[], None] | None = None
