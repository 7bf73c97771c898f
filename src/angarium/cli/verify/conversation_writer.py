"""Writes one conversation, and reads it back meanwhile."""

import random
from collections.abc import Callable
from uuid import uuid4

from angarium.cli.verify.findings import Finding, Kind, Observation, Observations
from angarium.cli.verify.ledger import ConversationRecord, Ledger
from angarium.cli.verify.round_robin import RoundRobinClient, VerifyClient
from angarium.client import RequestFailed
from angarium.client.bodies import PageBody

ROUND = 20
"""Messages between two readings."""

PAGE = 100
MAX_RECEIPTS = 100

CONFIRMED_SHARE = 0.5
"""Of the messages that were seen to be stored while the run lasts."""


class ConversationWriter:
    """Writes, reads and confirms one conversation.

    Used by one thread.

    Attributes:
        observations: What it saw.
        findings: What the writing itself found wrong.
    """

    def __init__(
        self,
        record: ConversationRecord,
        run: str,
        ledger: Ledger,
        sender: RoundRobinClient,
        recipient: RoundRobinClient,
        chance: random.Random,
    ) -> None:
        """Name everything that it works with.

        Args:
            record: The conversation's entries.
            run: Part of every text, so that no other run writes the
                same.
            ledger: Records what is sent and accepted.
            sender: Who writes.
            recipient: Who confirms.
            chance: Draws which messages are confirmed, and which page
                is looked at again.
        """
        self.observations = Observations()
        self.findings: list[Finding] = []
        self.record = record
        self._run = run
        self._ledger = ledger
        self._sender = sender
        self._recipient = recipient
        self._chance = chance
        self._cursors = [record.cursor]
        self._seen: set[str] = set()
        self._chosen: list[str] = []

    @property
    def retries(self) -> int:
        """Requests that had to be made again."""
        return self._sender.retries

    def write(self, take: Callable[[], int | None]) -> None:
        """Write until it is enough.

        Args:
            take: Gives the next message's number, None when it is
                enough.
        """
        written = 0
        while (number := take()) is not None:
            if not self._write_one(number):
                return
            written += 1
            if written % ROUND == 0:
                self.look()
        self.look()

    def look(self) -> None:
        """Read two pages and confirm some of the messages.

        An instance that does not answer now is skipped: reads are not
        guaranteed while something is down.
        """
        try:
            page = self._page(self._cursors[-1])
            if page.next_cursor is not None:
                self._cursors.append(page.next_cursor)
            if len(self._cursors) > 1:
                self._page(self._chance.choice(self._cursors[:-1]))
        except RequestFailed as failure:
            self._note(failure, Kind.UNREAD)
        try:
            self._confirm()
        except RequestFailed as failure:
            # It was seen stored: an instance that does not know it
            # returns other messages.
            self._note(failure, Kind.DISAGREEING)

    def _write_one(self, number: int) -> bool:
        """Send until accepted; tell whether it was."""
        conversation_id, message_id = self.record.conversation_id, str(uuid4())
        content = f"angarium verify {self._run} {number}"
        self._ledger.write_sent(conversation_id, message_id, content)
        try:
            accepted = self._sender.until_done(
                lambda client: client.send(conversation_id, content, message_id)
            )
        except RequestFailed as failure:
            self.findings.append(Finding(Kind.UNANSWERED, f"{message_id}: {failure}"))
            return False
        self._ledger.write_accepted(conversation_id, message_id, accepted.position)
        return True

    def _note(self, failure: RequestFailed, kind: Kind) -> None:
        """Report a failure, unless a retry may succeed."""
        if not failure.retryable:
            self.findings.append(Finding(kind, f"{self.record.conversation_id}: {failure}"))

    def _page(self, cursor: str) -> PageBody:
        """Read a page through the next instance, and note it."""
        urls: list[str] = []

        def read(client: VerifyClient) -> PageBody:
            """Read, and remember through which instance."""
            urls.append(client.url)
            return client.history(self.record.conversation_id, PAGE, cursor)

        page = self._sender.once(read)
        for message in page.messages:
            self.observations.note(Observation.of(message), urls[-1])
            self._choose(message.message_id)
        return page

    def _choose(self, message_id: str) -> None:
        """Decide once per message whether to confirm it."""
        if message_id in self._seen or message_id not in self.record.sent:
            return
        self._seen.add(message_id)
        if self._chance.random() < CONFIRMED_SHARE:
            self._chosen.append(message_id)

    def _confirm(self) -> None:
        """Confirm a batch of the chosen messages."""
        ids = self._chosen[:MAX_RECEIPTS]
        if ids:
            self._recipient.once(lambda client: client.confirm(self.record.conversation_id, ids))
            self._ledger.write_confirmed(self.record.conversation_id, ids)
            del self._chosen[: len(ids)]
