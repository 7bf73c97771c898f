"""A bot: answers every message to it once, and confirms it.

    . .venv/bin/activate
    echo bob-demo | python examples/echo_bot.py bob

The service must run (`make run`, which also installs the package into
.venv).

It works through its inbox, so it also answers what was written while it
was away. Kill it at any moment and start it again: no message is left
without an answer, and none gets two.
"""

import argparse
import sys
import time
from getpass import getpass
from uuid import UUID, uuid5

from angarium import Client, Message, RequestFailed

PAUSE_S = 1.0


def answer(bot: Client, message: Message) -> None:
    """Answer a message, then confirm it.

    The answer's id is made from the message's. If the bot dies between
    the two steps, the message is still in the inbox, and the answer is
    sent again with the same id: the service has it once.

    Args:
        bot: Logged in.
        message: One of its inbox.
    """
    answer_id = uuid5(UUID(message.message_id), "answer")
    bot.send(message.sender, f"You wrote: {message.text}"[:2_000], answer_id)
    bot.confirm(message)
    print(f"answered {message.sender}", flush=True)


def main() -> None:
    """Answer until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="the bot's username")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server's address")
    arguments = parser.parse_args()
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with Client(arguments.url) as bot:
        bot.login(arguments.name, password)
        print("waiting for messages", flush=True)
        while True:
            try:
                for message in bot.inbox():
                    answer(bot, message)
            except RequestFailed as failure:
                if failure.code == "expired_token":
                    bot.login(arguments.name, password)
                elif not failure.retryable:
                    raise
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except RequestFailed as failure:
        sys.exit(f"echo_bot: {failure}")
