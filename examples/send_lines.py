"""Sends the lines of a file, and waits until all of them are stored.

    . .venv/bin/activate
    echo alice-demo | python examples/send_lines.py alice bob lines.txt

The service must run (`make run`, which also installs the package into
.venv).

Kill it at any moment and run it again: the lines are there in their
order, each once, because each has an id that only depends on the file's
name, its place and its text.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from angarium import Client, RequestFailed

PATIENCE_S = 60.0


def send(client: Client, to: str, lines: Sequence[tuple[str, str]]) -> None:
    """Send each line; it is durable when this returns.

    Args:
        client: Logged in.
        to: The recipient.
        lines: Message ids and texts.
    """
    for message_id, text in lines:
        client.send(to, text, message_id)


def missing(client: Client, to: str, ids: set[str]) -> set[str]:
    """Find what is not stored yet.

    Args:
        client: Logged in.
        to: The recipient.
        ids: Of messages that were accepted.

    Returns:
        Those that cannot be read yet.
    """
    return ids - {message.message_id for message in client.history(to)}


def main() -> int:
    """Send, wait, report.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="who sends")
    parser.add_argument("to", help="the recipient's username")
    parser.add_argument("file", type=Path, help="its lines are the messages")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server's address")
    arguments = parser.parse_args()
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    texts = [line for line in arguments.file.read_text("utf-8").splitlines() if line.strip()]
    source = arguments.file.name
    lines = [
        (str(uuid5(NAMESPACE_URL, f"{source}:{number}:{text}")), text)
        for number, text in enumerate(texts)
    ]
    with Client(arguments.url) as client:
        client.login(arguments.name, password)
        send(client, arguments.to, lines)
        print(f"{len(lines)} accepted", flush=True)
        ids = {message_id for message_id, _ in lines}
        give_up_at = time.monotonic() + PATIENCE_S
        while missing(client, arguments.to, ids):
            if time.monotonic() > give_up_at:
                sys.exit("send_lines: not all of them are stored yet; they will be")
            time.sleep(0.2)
    print(f"{len(lines)} stored")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (RequestFailed, OSError, UnicodeDecodeError) as failure:
        sys.exit(f"send_lines: {failure}")
