"""One run: log everyone in, write concurrently, read back."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from angarium.cli.verify.checks import Reading
from angarium.cli.verify.conversation_writer import ConversationWriter
from angarium.cli.verify.findings import Finding, Kind, Observations
from angarium.cli.verify.ledger import ConversationRecord, Ledger
from angarium.cli.verify.people import HttpVerifyClient, Person
from angarium.cli.verify.report import Report
from angarium.cli.verify.round_robin import RoundRobinClient
from angarium.client.api_client import RetryHook


class RateLimiter:
    """Hands out message numbers at a fixed rate.

    Used by any thread.
    """

    def __init__(
        self,
        messages: int | None,
        seconds: float | None,
        rate: float,
        stopping: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the limits.

        Args:
            messages: The maximum, None for no limit.
            seconds: No number is handed out after this; None for ever.
            rate: Numbers a second.
            stopping: Set when nothing more is to begin.
            monotonic: Returns seconds, as `time.monotonic`.
        """
        self._messages = messages
        self._rate = rate
        self._stopping = stopping
        self._monotonic = monotonic
        self._started = monotonic()
        self._ends_at = float("inf") if seconds is None else self._started + seconds
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> int | None:
        """Wait for the next number.

        Returns:
            The number, from 0; None when it is enough.
        """
        with self._lock:
            number = self._taken
            due = self._started + number / self._rate
            if number == self._messages or max(due, self._monotonic()) >= self._ends_at:
                return None
            self._taken += 1
        if self._stopping.wait(max(0.0, due - self._monotonic())):
            return None
        return number


Progress = Callable[[str], None]

_TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is written.

    Attributes:
        messages: None for as many as there is time for.
        seconds: None for as long as it takes.
        rate: Messages a second, in all conversations together.
    """

    messages: int | None
    seconds: float | None
    rate: float


class Run:
    """Writes and reads back, once."""

    def __init__(
        self,
        urls: Sequence[str],
        people: Mapping[str, Person],
        ledger: Ledger,
        patience_s: float,
        progress: Progress,
        on_retry: RetryHook,
    ) -> None:
        """Name everything that it works with.

        Args:
            urls: The instances.
            people: Who takes part, by name.
            ledger: Records what is accepted.
            patience_s: Seconds for which a request is repeated and
                the reading waits.
            progress: Called now and then with a line to show.
            on_retry: Called when a login has to be repeated.
        """
        self._run = uuid4().hex[:8]
        self._urls = urls
        self._people = people
        self._ledger = ledger
        self._patience_s = patience_s
        self._progress = progress
        self._on_retry = on_retry
        self._stopping = threading.Event()
        self._writers: list[ConversationWriter] = []
        self._errors: list[Exception] = []
        self._clients: dict[tuple[str, str], HttpVerifyClient] = {}

    def log_in(self) -> None:
        """Log everybody in, through whichever instance answers.

        Raises:
            RequestFailed: A user cannot log in.
        """
        for person in self._people.values():
            self._log_in(person)

    def write(self, pairs: Sequence[tuple[str, str]], amount: Amount) -> float:
        """Write conversations concurrently.

        An interrupt ends the writing, not the run.

        Args:
            pairs: Sender and recipient of each conversation.
            amount: How much.

        Returns:
            Seconds that it took.

        Raises:
            OSError: The ledger cannot be written.
        """
        self._writers = [self._make_writer(*pair) for pair in pairs]
        started = time.monotonic()
        limiter = RateLimiter(amount.messages, amount.seconds, amount.rate, self._stopping)
        threads = [
            threading.Thread(
                target=self._write, args=(writer, limiter), name="verify", daemon=True
            )
            for writer in self._writers
        ]
        for thread in threads:
            thread.start()
        try:
            self._await(threads, started)
        except KeyboardInterrupt:
            self._stopping.set()
            self._await(threads, started)
        if self._errors:
            raise self._errors[0]
        return time.monotonic() - started

    def read(self, seconds: float) -> Report:
        """Read everything back through every instance.

        Args:
            seconds: How long the writing took.

        Returns:
            What came out.
        """
        findings: list[Finding] = []
        reading = Reading(self._patience_s)
        observations = {
            writer.record.conversation_id: writer.observations for writer in self._writers
        }
        records = list(self._ledger.records.values())
        for number, record in enumerate(records, 1):
            self._progress(
                f"reading back conversation {number} of {len(records)} through {len(self._urls)} "
                "instances"
            )
            clients = [self._client(url, record.sender) for url in self._urls]
            seen = observations.setdefault(record.conversation_id, Observations())
            findings += reading.compare(record, clients, seen)
        interrupted = self._stopping.is_set()
        for writer in self._writers:
            # A request that Ctrl-C interrupted has no response; that
            # is not a finding.
            findings += [
                each
                for each in writer.findings
                if not (interrupted and each.kind is Kind.UNANSWERED)
            ]
        for each in observations.values():
            findings += each.findings
        return Report(
            self._run,
            self._urls,
            len(records),
            seconds,
            sum(len(record.sent) for record in records),
            sum(len(record.accepted) for record in records),
            sum(len(record.confirmed) for record in records),
            sum(writer.retries for writer in self._writers),
            interrupted,
            findings,
        )

    def close(self) -> None:
        """End every connection."""
        self._stopping.set()
        for client in self._clients.values():
            client.close()

    def _log_in(self, person: Person) -> None:
        """Log a user in through the first instance that answers."""
        self._round_robin(person.username).until_done(
            lambda client: person.log_in(client.url), self._on_retry
        )

    def _make_writer(self, sender: str, recipient: str) -> ConversationWriter:
        """Make the writer of a conversation."""
        record = self._open_record(sender, recipient)
        round_robin = (self._round_robin(sender), self._round_robin(recipient))
        return ConversationWriter(record, self._run, self._ledger, *round_robin, random.Random())

    def _open_record(self, sender: str, recipient: str) -> ConversationRecord:
        """Open a conversation and record where it ends now."""
        # Either participant may open it; both are in it.
        round_robin = self._round_robin(sender)
        clients = {url: self._client(url, sender) for url in self._urls}
        here = round_robin.until_done(
            lambda client: clients[client.url].open_conversation(recipient)
        )
        newest = round_robin.until_done(lambda client: client.history(here, 1))
        return self._ledger.begin(here, sender, recipient, newest.resume_cursor)

    def _round_robin(self, name: str) -> RoundRobinClient:
        """Make a user's round-robin client for one thread."""
        clients = [self._client(url, name) for url in self._urls]
        return RoundRobinClient(clients, self._patience_s, time.monotonic, self._stopping.wait)

    def _client(self, url: str, name: str) -> HttpVerifyClient:
        """Return a user's client of an instance."""
        key = (url, name)
        if key not in self._clients:
            self._clients[key] = HttpVerifyClient(url, self._people[name])
        return self._clients[key]

    def _write(self, writer: ConversationWriter, limiter: RateLimiter) -> None:
        """Run a writer in its thread; an error stops all of them."""
        try:
            writer.write(limiter.take)
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self._errors.append(error)
            self._stopping.set()

    def _await(self, threads: Sequence[threading.Thread], started: float) -> None:
        """Wait for the writers and show the progress."""
        for thread in threads:
            while thread.is_alive():
                thread.join(_TICK_S)
                records = [writer.record for writer in self._writers]
                sent, accepted = (sum(map(len, each)) for each in _entries(records))
                retries = sum(writer.retries for writer in self._writers)
                self._progress(
                    f"writing: {sent} sent, {accepted} accepted, {retries} retries, "
                    f"{time.monotonic() - started:.0f} s"
                )


def _entries(
    records: Sequence[ConversationRecord],
) -> tuple[list[dict[str, str]], list[list[str]]]:
    """Return what was sent and what was accepted, to be counted."""
    return [record.sent for record in records], [record.accepted for record in records]
