"""A recipient who looks again and again, confirms some of it, and
remembers everything seen.
"""

import http.client
import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from tests.acceptance.caller import Answer, Caller
from tests.acceptance.ledger import STATUS_RANK

PAUSE_S = 1.0
"""Between two looks: each walks the whole history."""


class Away(Exception):
    """No whole answer came, or a 503."""


@dataclass
class PollingReader:
    """Reads one conversation through every instance in turn."""

    urls: Sequence[str]
    conversation: str
    token: str
    seen: list[str] = field(default_factory=list)
    rank: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def run(self, enough: Callable[[], bool]) -> None:
        pause = threading.Event()
        with ExitStack() as stack:
            callers = [stack.enter_context(Caller(url)) for url in self.urls]
            for caller in callers:
                caller.token = self.token
            turns = itertools.cycle(callers)
            while not enough():
                with suppress(Away):
                    self.look(next(turns))
                    self._confirm(next(turns))
                pause.wait(PAUSE_S)

    def look(self, caller: Caller) -> list[dict[str, object]]:
        """Walk the whole history once, and hold it against everything
        that was seen before.
        """
        path = f"/v1/conversations/{self.conversation}/messages"
        page = answered(caller, "GET", path, limit=100, since_timestamp=0)
        rows = page.rows("messages")
        while page.pagination["next_cursor"] is not None:
            page = answered(caller, "GET", path, limit=100, cursor=page.pagination["next_cursor"])
            rows += page.rows("messages")
        self._compare(rows)
        return rows

    def _compare(self, rows: Sequence[dict[str, object]]) -> None:
        found = [str(row["message_id"]) for row in rows]
        if found[: len(self.seen)] != self.seen:
            self.complaints.append(f"not a continuation: {self.seen} then {found}")
        self.seen = found
        for row in rows:
            message_id, rank = str(row["message_id"]), STATUS_RANK[str(row["status"])]
            if rank < self.rank.get(message_id, 0):
                self.complaints.append(f"status fell: {row}")
            self.rank[message_id] = rank

    def _confirm(self, caller: Caller) -> None:
        # Every third is left as it is, so that all statuses occur.
        ids = [
            each
            for number, each in enumerate(self.seen)
            if number % 3 and each not in self.confirmed
        ]
        if ids:
            body = {"status": "DELIVERED", "message_ids": ids[:100]}
            answered(caller, "POST", f"/v1/conversations/{self.conversation}/receipts", body)
            self.confirmed.update(ids[:100])


def answered(
    caller: Caller, method: str, path: str, body: object = None, **query: object
) -> Answer:
    """Ask; anything but a success and a 503 is a fault of the
    service.
    """
    try:
        answer = caller.call(method, path, body, None, **query)
    except (OSError, http.client.HTTPException) as error:
        raise Away from error
    if answer.status == 503:
        raise Away
    assert answer.status in {200, 202}, answer
    return answer
