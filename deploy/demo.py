"""`python -m deploy.demo`: who accepted and who stored each message.

It sends messages through the load balancer.

The answer is read out of the service's own logs, where every line about
a message has its id.
"""

import argparse
import http.client
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import cast
from urllib.parse import urlsplit

from deploy.compose import Compose, ComposeError, Logged, awaited

PEOPLE = ("verify-1", "verify-2", "verify-3", "verify-4")
"""Not the demo users: their conversations are for people."""

PAIRS = (
    (PEOPLE[0], PEOPLE[1]),
    (PEOPLE[1], PEOPLE[2]),
    (PEOPLE[2], PEOPLE[3]),
    (PEOPLE[3], PEOPLE[0]),
    (PEOPLE[0], PEOPLE[2]),
    (PEOPLE[1], PEOPLE[3]),
)
ANSWER_S = 30.0
STORED_S = 60.0
HEADINGS = (
    "conversation",
    "message",
    "taken by",
    "stored by",
    "partition",
    "offset",
    "append to stored",
)


@dataclass(frozen=True)
class Sent:
    """A message that was accepted.

    Attributes:
        pair: Sender and recipient.
        message_id: The API's.
    """

    pair: tuple[str, str]
    message_id: str


class Door:
    """The load balancer's address, with a connection per request.

    So the requests look like those of as many clients.
    """

    def __init__(self, url: str) -> None:
        """Name the address.

        Args:
            url: `http://host:port`.
        """
        self._address = urlsplit(url).netloc

    def call(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> Mapping[str, object]:
        """Make one request.

        Args:
            method: HTTP's.
            path: With its query.
            body: Becomes JSON.
            token: Who asks.

        Returns:
            The answer's body.

        Raises:
            ComposeError: The request was refused, or nobody answered.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(self._address, timeout=ANSWER_S)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            document = cast("Mapping[str, object]", json.loads(answer.read()))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ComposeError(
                f"{self._address} gives no answer ({error}); is the service up?"
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise ComposeError(f"{method} {path}: {answer.status} {document.get('detail')}")
        return document


def send_round(door: Door, count: int) -> list[Sent]:
    """Send messages one by one, as users of its own.

    Args:
        door: Where to.
        count: How many in all.

    Returns:
        All of them.
    """
    tokens, ids, conversations = {}, {}, {}
    for name in PEOPLE:
        answer = door.call("POST", "/auth/token", {"username": name, "password": f"{name}-demo"})
        tokens[name], ids[name] = cast("str", answer["access_token"]), answer["user_id"]
    for pair in PAIRS:
        answer = door.call(
            "POST", "/v1/conversations", {"participant_ids": [ids[pair[1]]]}, tokens[pair[0]]
        )
        conversations[pair] = answer["conversation_id"]
    sent = []
    for number, pair in enumerate(islice(cycle(PAIRS), count), start=1):
        body = {
            "conversation_id": conversations[pair],
            "content": f"Message {number} of a demonstration",
        }
        answer = door.call("POST", "/v1/messages", body, tokens[pair[0]])
        sent.append(Sent(pair, str(answer["message_id"])))
    return sent


def traces(compose: Compose, sent: Sequence[Sent]) -> dict[str, dict[str, Logged]]:
    """Wait until the logs name who accepted and stored each message.

    Args:
        compose: Whose logs are read.
        sent: What is looked for.

    Returns:
        For each message id the lines `message_accepted` and
        `message_stored`.

    Raises:
        ComposeError: Some did not come.
    """
    found: dict[str, dict[str, Logged]] = {each.message_id: {} for each in sent}

    def complete() -> bool:
        for line in compose.logged("api", "worker"):
            lines = found.get(line.text("message_id"))
            if lines is not None and line.text("action") in {"message_accepted", "message_stored"}:
                lines[line.text("action")] = line
        return all(len(lines) == 2 for lines in found.values())

    if not awaited(complete, STORED_S):
        missing = sum(len(lines) < 2 for lines in found.values())
        raise ComposeError(
            f"{missing} of {len(sent)} messages are not in the logs after {STORED_S:g} s"
        )
    return found


def report(sent: Sequence[Sent], found: Mapping[str, Mapping[str, Logged]]) -> list[str]:
    """Show what happened.

    Args:
        sent: In this order.
        found: For each message id its two lines.

    Returns:
        A table, and who did how much.
    """
    rows = []
    for each in sent:
        accepted, stored = (
            found[each.message_id][name] for name in ("message_accepted", "message_stored")
        )
        rows.append(
            (
                " to ".join(each.pair),
                each.message_id,
                accepted.container,
                stored.container,
                stored.text("partition"),
                stored.text("offset"),
                f"{stored.text('duration_ms')} ms",
            )
        )
    return [
        *_table((HEADINGS, *rows)),
        "",
        _shares(row[2] for row in rows),
        _shares(row[3] for row in rows),
    ]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _shares(names: Iterable[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(Counter(names).items()))


def main() -> int:
    """Send, wait, show.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--url", help="of the balancer (default: the one that Compose runs)")
    parser.add_argument(
        "--messages", type=int, default=18, metavar="N", help="how many (default: 18)"
    )
    arguments = parser.parse_args()
    compose = Compose()
    try:
        url = arguments.url or f"http://{compose.run('port', 'haproxy', '8080').strip()}"
        sent = send_round(Door(url), arguments.messages)
        lines = report(sent, traces(compose, sent))
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
