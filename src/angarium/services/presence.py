"""Who is online: noted at every request, looked up at every store.

Presence only affects a label: whether a message is stored as SENT or
PENDING (docs/adr/0010). So nothing waits long for it, and nothing fails
because of it.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from uuid import UUID

from angarium import futures, logs
from angarium.clock import Clock
from angarium.domain.errors import StoreUnavailable
from angarium.ports.presence import PresenceStore
from angarium.services.lru_cache import LruCache
from angarium.threads import NamedThread


class TimeoutWatcher:
    """Calls back after a fixed time; used by any thread.

    One thread serves all callbacks, and runs only while there are any.
    The time is the same for all, so the oldest is always due first.
    """

    def __init__(self, seconds: float) -> None:
        """Set the time.

        Args:
            seconds: After which a callback is called.
        """
        self._seconds = seconds
        self._pending: deque[tuple[float, Callable[[], object]]] = deque()
        self._lock = threading.Lock()
        self._running = False

    def watch(self, give_up: Callable[[], object]) -> None:
        """Call a function when the time is over.

        Args:
            give_up: Must not block or raise, and does nothing when it
                is no longer needed.
        """
        with self._lock:
            self._pending.append((time.monotonic() + self._seconds, give_up))
            if self._running or self._start_thread():
                return
            # Without a thread nothing would end the wait: it ends at
            # once.
            self._pending.clear()
        give_up()

    def _start_thread(self) -> bool:
        """Return False where the system starts no more threads."""
        thread = NamedThread(target=self._run, name="presence-wait", daemon=True)
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._running = True
        return self._running

    def _run(self) -> None:
        """Call back in the order in which the callbacks are due."""
        while (pending := self._next()) is not None:
            due, give_up = pending
            time.sleep(max(0.0, due - time.monotonic()))
            give_up()

    def _next(self) -> tuple[float, Callable[[], object]] | None:
        """Take the oldest callback; None ends the thread."""
        with self._lock:
            if self._pending:
                return self._pending.popleft()
            self._running = False
            return None


MAX_INTERVAL_S = 10.0
"""A user is noted at most once in this time, or in a third of a shorter
window, so that requests seldom write.
"""

ANSWER_S = 0.5
"""How long a batch of messages waits to learn who is online."""

MAX_USERS = 100_000
"""Users in each cache, so that memory has a bound."""

_log = logs.get("angarium.services")


class Presence:
    """Notes users as online; used by any thread, never blocks."""

    def __init__(self, store: PresenceStore, window_s: float, clock: Clock) -> None:
        """Choose how often a user is noted.

        Args:
            store: Where it is noted.
            window_s: Seconds for which a user counts as online.
            clock: The time that is noted.
        """
        self._store = store
        self._interval = min(MAX_INTERVAL_S, window_s / 3)
        self._clock = clock
        self._due: LruCache[UUID, float] = LruCache(MAX_USERS)
        # In an outage it fails for each user who sends a request.
        self._repeats = logs.Repeats(clock.monotonic)

    def note_online(self, user_id: UUID) -> "Future[None] | None":
        """Note that a user is online, unless that was noted lately.

        Args:
            user_id: The caller whose token or password was right.

        Returns:
            A future that is done once it is noted, or has failed (which
            is logged); None when there is nothing to note.
        """
        now = self._clock.monotonic()
        due = self._due.get(user_id)
        if due is not None and now < due:
            return None
        self._due.put(user_id, now + self._interval)
        try:
            noted = self._store.touch(user_id, self._clock.now_ms())
        except StoreUnavailable as error:
            self._log_untouched(user_id, error)
            return None
        context = copy_context()
        noted.add_done_callback(lambda future: context.run(self._log_outcome, user_id, future))
        return noted

    def _log_outcome(self, user_id: UUID, noted: "Future[None]") -> None:
        """Log a failure, on the store's thread."""
        error = noted.exception()
        if error is not None:
            self._log_untouched(user_id, error)

    def _log_untouched(self, user_id: UUID, error: BaseException) -> None:
        """Log that a user could not be noted; once per outage."""
        _log.limited_warning(
            self._repeats,
            "presence_not_noted",
            "A user could not be noted as online; it is tried again with a later request.",
            user_id=user_id,
            error_type=type(error).__name__,
            reason=str(error),
        )


class OnlineUsers:
    """Looks up which users are online, within a time limit.

    A user who cannot be looked up counts as offline.
    """

    def __init__(
        self,
        store: PresenceStore,
        window_s: float,
        clock: Clock,
        timeout_s: float = ANSWER_S,
    ) -> None:
        """Choose how long an answer may take.

        Args:
            store: Where users are noted.
            window_s: Seconds for which a user counts as online.
            clock: The time that the notes are compared with.
            timeout_s: Seconds that the store may take.
        """
        self._store = store
        self._window_ms = round(window_s * 1000)
        self._clock = clock
        self._timeouts = TimeoutWatcher(timeout_s)
        # By the monotonic clock: the other one may be set back.
        self._online_until: LruCache[UUID, float] = LruCache(MAX_USERS)
        self._offline_at: LruCache[UUID, float] = LruCache(MAX_USERS)
        # In an outage it fails for each batch of messages.
        self._repeats = logs.Repeats(clock.monotonic)

    def find_online(
        self, user_ids: Collection[UUID], taken_at: float | None = None
    ) -> "Future[frozenset[UUID]]":
        """Look users up, without blocking the caller.

        Who is online is remembered until the window has passed. Who is
        offline is remembered for messages that were sent before the
        look-up, and for no later one (docs/adr/0010).

        Args:
            user_ids: Recipients, usually of one batch of messages.
            taken_at: When the last of their messages was taken from the
                log, by the monotonic clock; None for now.

        Returns:
            A future of those who were seen within the window; it never
            fails, and is done within the time limit.
        """
        asked_at = self._clock.monotonic()
        known, unknown = self._split_by_cache(user_ids, taken_at)
        if not unknown:
            return futures.done(known)
        try:
            lookup = self._store.last_seen(unknown)
        except StoreUnavailable as error:
            self._log_offline(error)
            return futures.done(known)
        answer: Future[frozenset[UUID]] = Future()
        # A context runs one function at a time, and these two may run
        # at once.
        answering, giving_up = copy_context(), copy_context()
        asked = dict.fromkeys(unknown, asked_at)
        lookup.add_done_callback(
            lambda future: answering.run(self._answer, answer, known, asked, future)
        )
        if not answer.done():
            self._timeouts.watch(lambda: giving_up.run(self._give_up, answer, known))
        return answer

    def _split_by_cache(
        self, user_ids: Collection[UUID], taken_at: float | None
    ) -> tuple[frozenset[UUID], tuple[UUID, ...]]:
        """Return who is online for certain, and who is unknown."""
        now = self._clock.monotonic()
        known: set[UUID] = set()
        unknown: list[UUID] = []
        for user_id in dict.fromkeys(user_ids):
            until = self._online_until.get(user_id)
            if until is not None and now < until:
                known.add(user_id)
            elif not self._was_offline_since(user_id, taken_at):
                unknown.append(user_id)
        return frozenset(known), tuple(unknown)

    def _was_offline_since(self, user_id: UUID, taken_at: float | None) -> bool:
        """Say whether a user was looked up in vain after a moment."""
        offline_at = self._offline_at.get(user_id)
        return offline_at is not None and taken_at is not None and offline_at > taken_at

    def _answer(
        self,
        answer: "Future[frozenset[UUID]]",
        known: frozenset[UUID],
        asked: Mapping[UUID, float],
        lookup: "Future[Mapping[UUID, int]]",
    ) -> None:
        """Answer with what the store found; runs on its thread."""
        error = lookup.exception()
        if error is not None:
            self._log_offline(error)
            futures.resolve_once(answer, known)
            return
        now = self._clock.now_ms()
        online = set(known)
        for user_id, seen_at in lookup.result().items():
            # Another instance's clock may be ahead: nobody is online
            # for longer than a window from now.
            left_ms = min(seen_at, now) + self._window_ms - now
            if left_ms > 0:
                until = self._clock.monotonic() + left_ms / 1000
                self._online_until.put(user_id, until)
                online.add(user_id)
        for user_id, asked_at in asked.items():
            if user_id not in online:
                self._offline_at.put(user_id, asked_at)
        futures.resolve_once(answer, frozenset(online))

    def _give_up(self, answer: "Future[frozenset[UUID]]", known: frozenset[UUID]) -> None:
        """Answer without a store that takes too long."""
        if futures.resolve_once(answer, known):
            self._log_offline(TimeoutError("the store took too long"))

    def _log_offline(self, error: BaseException) -> None:
        """Log that some could not be looked up; once per outage."""
        _log.limited_warning(
            self._repeats,
            "presence_unknown",
            "Users could not be looked up and count as offline.",
            error_type=type(error).__name__,
            reason=str(error),
        )
