"""What many senders were promised, and what readers find of it."""

import http.client
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import uuid4

from tests.acceptance.caller import Caller

STATUS_RANK = {"PENDING": 0, "SENT": 1, "DELIVERED": 2}


@dataclass
class Sender:
    """Sends numbered messages one after the other in one conversation,
    each until it has its 202.

    With several addresses every request goes to the next one. `rest` is
    the seconds after each 202. Every so many-th 202 counts as lost on
    its way, so that its message is sent again.
    """

    url: str
    sender: str
    recipient: str
    token: str
    seed: int = 0
    others: Sequence[str] = ()
    rest: float = 0.0
    loses_every: int = 0
    accepted: list[tuple[str, str]] = field(default_factory=list)
    retries: int = 0

    def run(self, enough: Callable[[], bool]) -> None:
        with ExitStack() as stack:
            self._run(
                [stack.enter_context(Caller(url)) for url in (self.url, *self.others)], enough
            )

    def _run(self, callers: Sequence[Caller], enough: Callable[[], bool]) -> None:
        pause = threading.Event()
        jitter = random.Random(self.seed)
        turns = itertools.cycle(callers)
        for caller in callers:
            caller.token = self.token
        conversation = ""
        number = len(self.accepted)
        message_id = str(uuid4())
        answers = 0
        while not enough():
            caller = next(turns)
            try:
                conversation = conversation or caller.open_conversation(self.recipient)
                text = f"{self.sender} {number}"
                answer = caller.send(conversation, text, message_id)
            except (OSError, http.client.HTTPException, AssertionError):
                self.retries += 1
                pause.wait(jitter.uniform(0.02, 0.1))
                continue
            if answer.status == 202:
                answers += 1
                if self.loses_every and answers % self.loses_every == 0:
                    continue
                self.accepted.append((message_id, text))
                number += 1
                message_id = str(uuid4())
                pause.wait(self.rest)
            else:
                assert answer.status == 503, answer
                self.retries += 1
                pause.wait(jitter.uniform(0.02, 0.1))


def discrepancies(
    accepted: Sequence[tuple[str, str]], history: Sequence[dict[str, object]]
) -> list[str]:
    """Hold one sender's promises against what a reader sees: nothing
    lost, doubled or out of order.
    """
    found = [(str(message["message_id"]), str(message["content"])) for message in history]
    times = Counter(message_id for message_id, _ in found)
    promised = {message_id for message_id, _ in accepted}
    complaints = [f"lost: {text}" for message_id, text in accepted if message_id not in times]
    complaints += [f"doubled: {message_id}" for message_id, count in times.items() if count > 1]
    kept_order = [pair for pair in found if pair[0] in promised]
    if kept_order != list(accepted) and not complaints:
        complaints.append("out of order")
    positions = [str(message["timestamp"]) for message in history]
    if positions != sorted(positions):
        complaints.append("timestamps fall")
    return complaints
