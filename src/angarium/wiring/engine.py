"""An engine: implementations of all ports (docs/adr/0004)."""

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
    """The implementation of every port, connected.

    Attributes:
        log: Appends records.
        consumer: Makes a consumer in the workers' group; called again
            after a failure.
        dead_letters: Keeps records that the worker could not process.
        users: Names and password hashes.
        conversations: Participants, and each user's list.
        message_writer: Stores messages, for the worker.
        reader: Reads messages, for the API.
        presence: When each user was last online.
        signer: Makes and checks tokens.
        instance: The name of this process, which records of its API
            have and by which its worker is known in the group.
        max_store_calls_per_user: Maximum concurrent calls of one user.
        crowded_switch_s: Seconds that a busy thread keeps the
            interpreter lock while many requests need the store; None
            where a store call mostly waits for the network.
        idle_hint: Called when the server has no request left to run;
            None where records do not wait for each other.
    """

    log: MessageLog
    consumer: Callable[[], LogConsumer]
    dead_letters: DeadLetterLog
    users: UserStore
    conversations: ConversationStore
    message_writer: MessageWriter
    reader: MessageReader
    presence: PresenceStore
    signer: TokenSigner
    instance: str
    max_store_calls_per_user: int
    crowded_switch_s: float | None = None
    idle_hint: Callable[[], None] | None = None
