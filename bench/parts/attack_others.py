"""What a light user notices while others ask `angarium serve` for all
they can get.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial

from bench.elsewhere import Tell, flooding
from bench.load import percentiles
from bench.stage import Stage
from bench.table import P50, P95, REFUSED, Column, Figures, Table, interleave
from tests.acceptance.caller import Caller
from tests.acceptance.service import running
from tests.attacks import Flood, half_requests, login, page

ATTACKERS_REFUSED = Column("attackers' refused", ",.0f")
ATTACKERS_SERVED = Column("attackers' served", ",.0f")
PAUSE_S = 0.03
LOGIN_PAUSE_S = 0.3
LONG_MESSAGES = 100

Attack = Callable[[ExitStack, str, Caller], "Tell | None"]


def run(stage: Stage) -> Iterator[Table]:
    """Start a fresh instance for each attack; one user sends and reads
    in turns, one request at a time.
    """
    if sys.platform != "linux":
        stage.say("only Linux has all of 127.0.0.0/8 at once: left out")
        return
    asks: dict[str, Callable[[], Figures]] = {
        name: partial(_suffer, stage, attack) for name, attack in ATTACKS.items()
    }
    title = "A light user's sends and reads under attack, `angarium serve`"
    columns = (P50, P95, REFUSED, ATTACKERS_SERVED, ATTACKERS_REFUSED)
    yield interleave(Table(title, columns), stage.effort.turns, asks, stage.say)


def _suffer(stage: Stage, attack: Attack) -> Figures:
    with running(stage.folder()) as service, ExitStack() as attacking:
        alice = attacking.enter_context(Caller(service.url)).log_in("alice")
        carol = attacking.enter_context(Caller(service.url)).log_in("carol")
        conversation = alice.open_conversation("bob")
        tell = attack(attacking, service.url, carol)
        seconds, refused = _use(alice, conversation, stage.effort.seconds)
        statuses = Counter[int]() if tell is None else tell()
        return {
            **percentiles(seconds),
            REFUSED.name: refused,
            ATTACKERS_SERVED.name: statuses[200] + statuses[401],
            ATTACKERS_REFUSED.name: statuses[429] + statuses[503],
        }


def _use(alice: Caller, conversation: str, length: float) -> tuple[list[float], int]:
    found: list[float] = []
    refused = 0
    end = time.monotonic() + length
    while time.monotonic() < end:
        for number in range(2):
            began = time.monotonic()
            answer = (
                alice.call("GET", "/v1/users/me") if number else alice.send(conversation, "hello")
            )
            found.append(time.monotonic() - began)
            refused += answer.status not in (200, 202)
        time.sleep(PAUSE_S)
    return found, refused


def _nobody(_: ExitStack, __: str, ___: Caller) -> None:
    return None


def _log_in(addresses: int, attacking: ExitStack, url: str, _: Caller) -> Tell:
    make = partial(Flood, url, 1_200, _wrong_login, addresses, LOGIN_PAUSE_S)
    return attacking.enter_context(flooding(make))


def _wrong_login(number: int) -> bytes:
    return login(f"nobody-{number}", "wrong")


def _read(connections: int, attacking: ExitStack, url: str, carol: Caller) -> Tell:
    long_one = carol.open_conversation("dave")
    for _ in range(LONG_MESSAGES):
        carol.send(long_one, "x" * 1_500)
    request = partial(_page, page(long_one, carol.token))
    return attacking.enter_context(flooding(partial(Flood, url, connections, request)))


def _page(request: bytes, _: int) -> bytes:
    return request


def _hold(connections: int, attacking: ExitStack, url: str, _: Caller) -> None:
    attacking.enter_context(half_requests(url, connections))


ATTACKS: Mapping[str, Attack] = {
    "nobody": _nobody,
    "1,200 connections log in wrongly, from one address": partial(_log_in, 1),
    "the same, from 24 addresses": partial(_log_in, 24),
    "one user reads 200 pages at once": partial(_read, 200),
    "one user reads 1,300 pages at once": partial(_read, 1_300),
    "1,500 half-sent requests": partial(_hold, 1_500),
}
