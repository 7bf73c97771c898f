"""Polls the conversation: new messages, statuses, receipts."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from angarium.cli.chat.connection_status import (
    IDLE_WAIT_S,
    ConnectionStatus,
    LoginStatus,
    RequestRetry,
    outage_waits,
)
from angarium.cli.chat.events import (
    ChatClient,
    HistoryLoaded,
    MessagesArrived,
    Post,
    ReceiptsAccepted,
    StatusRaised,
)
from angarium.client import RequestFailed
from angarium.client.bodies import MessageBody, PageBody
from angarium.client.follow import ACTIVE_POLL_S, IDLE_POLL_S, POLL_GROWTH

MAX_WATCHED = 1_000
"""Own messages whose status is polled; the oldest go first."""

DELIVERED = "DELIVERED"


class OwnMessages:
    """Watches the status of at most `MAX_WATCHED` own messages.

    Beyond that the oldest are no longer watched.
    """

    def __init__(self, max_watched: int = MAX_WATCHED) -> None:
        """Watch nothing yet."""
        self._max_watched = max_watched
        self._watched: dict[str, MessageBody] = {}

    def watch(self, message: MessageBody) -> None:
        """Start to watch a message, unless it is delivered already.

        Args:
            message: An own one.
        """
        if message.status == DELIVERED:
            return
        self._watched[message.message_id] = message
        while len(self._watched) > self._max_watched:
            self._watched.pop(next(iter(self._watched)))

    def oldest(self) -> datetime | None:
        """Find where reading statuses must start.

        Returns:
            The oldest watched message's time, None when none is
            watched.
        """
        return min((message.sent_at for message in self._watched.values()), default=None)

    def compare(self, messages: Iterable[MessageBody]) -> tuple[MessageBody, ...]:
        """Find what changed.

        Args:
            messages: As they are now.

        Returns:
            The watched ones with another status than before.
        """
        risen = []
        for message in messages:
            before = self._watched.get(message.message_id)
            if before is None or before.status == message.status:
                continue
            risen.append(message)
            if message.status == DELIVERED:
                del self._watched[message.message_id]
            else:
                self._watched[message.message_id] = message
        return tuple(risen)


PAGE = 100
SHOWN_AT_ENTRY = 20
"""Latest messages that a chat shows when it starts."""

MAX_AT_ENTRY = 2_000
"""Messages that a chat reads back for undelivered ones at its start."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Feed:
    """Polls the conversation.

    `step` is called by one thread, the other methods by any.
    """

    def __init__(
        self,
        client: ChatClient,
        own_id: str,
        connection: ConnectionStatus,
        login: LoginStatus,
        post: Post,
        waits: Callable[[], Iterator[float]] = outage_waits,
    ) -> None:
        """Begin before the first page, with no cursor."""
        self._client = client
        self._conversation_id = ""
        self._login = login
        self._own_id = own_id
        self._connection = connection
        self._post = post
        self._retry = RequestRetry("feed", connection, login, waits)
        self._interval = ACTIVE_POLL_S
        self._cursor: str | None = None
        self._is_behind = False
        self._own = OwnMessages()
        self._status_cursor: str | None = None
        self._lock = threading.Lock()
        self._shown: deque[str] = deque()

    def enter(self, conversation_id: str) -> None:
        """Name the conversation, before the first step.

        Args:
            conversation_id: The one to poll.
        """
        self._conversation_id = conversation_id

    def confirm_later(self, message_id: str) -> None:
        """Have a message confirmed that the person has seen.

        Args:
            message_id: Of a message to the caller.
        """
        with self._lock:
            self._shown.append(message_id)

    @property
    def has_receipts(self) -> bool:
        """Return whether receipts wait."""
        with self._lock:
            return bool(self._shown)

    def stay_awake(self) -> None:
        """Poll often: the person is doing something."""
        self._interval = ACTIVE_POLL_S

    def step(self) -> float:
        """Poll once.

        Returns:
            Seconds until the next poll.

        Raises:
            RequestFailed: Polling again would not help.
        """
        if self._login.is_needed:
            return IDLE_WAIT_S
        number = self._login.number
        try:
            happened = self._read_latest() if self._cursor is None else self._poll(self._cursor)
            happened = self._confirm() or happened
            happened = self._poll_statuses() or happened
        except RequestFailed as failure:
            wait = self._retry.wait_after(failure, number)
            if wait is None:
                raise
            return wait
        self._retry.record_success()
        self._interval = (
            ACTIVE_POLL_S if happened else min(IDLE_POLL_S, self._interval * POLL_GROWTH)
        )
        return 0.0 if self._is_behind else self._interval

    def _read_latest(self) -> bool:
        """Read the latest messages, and back while some wait."""
        page = self._history()
        resume = page.resume_cursor
        messages = list(page.messages)
        while page.next_cursor is not None and len(messages) < MAX_AT_ENTRY:
            if not any(self._is_waiting(message) for message in page.messages):
                break
            page = self._history(page.next_cursor)
            messages[:0] = page.messages
        waiting = (index for index, message in enumerate(messages) if self._is_waiting(message))
        start = min(next(waiting, len(messages)), max(0, len(messages) - SHOWN_AT_ENTRY))
        self._cursor = resume
        self._watch(messages)
        self._post(HistoryLoaded(tuple(messages[start:])))
        return True

    def _poll(self, cursor: str) -> bool:
        """Read what was stored after the cursor."""
        page = self._history(cursor)
        self._cursor = page.resume_cursor
        self._is_behind = page.next_cursor is not None
        if not page.messages:
            return False
        self._watch(page.messages)
        self._post(MessagesArrived(page.messages))
        return True

    def _confirm(self) -> bool:
        """Send receipts for up to a page of shown messages."""
        with self._lock:
            batch = list(self._shown)[:PAGE]
        if not batch:
            return False
        with self._connection.request("feed"):
            self._client.confirm(self._conversation_id, batch)
        with self._lock:
            for _ in batch:
                self._shown.popleft()
        self._post(ReceiptsAccepted())
        return True

    def _poll_statuses(self) -> bool:
        """Read own messages again, from the oldest watched."""
        oldest = self._own.oldest()
        if oldest is None:
            self._status_cursor = None
            return False
        since = (oldest - _EPOCH) // timedelta(milliseconds=1) - 1
        page = self._history(self._status_cursor, max(0, since))
        self._status_cursor = page.next_cursor
        risen = self._own.compare(page.messages)
        if risen:
            self._post(StatusRaised(risen))
        return bool(risen)

    def _history(self, cursor: str | None = None, since: int | None = None) -> PageBody:
        """Read a page of the conversation."""
        with self._connection.request("feed"):
            return self._client.history(self._conversation_id, PAGE, cursor, since)

    def _watch(self, messages: "list[MessageBody] | tuple[MessageBody, ...]") -> None:
        """Watch the own ones of these messages."""
        for message in messages:
            if message.sender_id == self._own_id:
                self._own.watch(message)

    def _is_waiting(self, message: MessageBody) -> bool:
        """Return whether a message still needs a receipt."""
        return message.sender_id != self._own_id and message.status != DELIVERED
