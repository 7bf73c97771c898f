"""A thread that has made a large answer makes no other until the
server's thread has taken it.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from angarium.api.interface import Head, Refusal, Response
from angarium.api.request_headers import Headers
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.limits import LARGE_ANSWER, ServerLimits
from angarium.clock import SystemClock
from tests.fakes.application import StubApplication

PATIENCE = 30.0
HEAD = Head("GET", "/", "", Headers(()), "127.0.0.1", "0af7651916cd43dd8448eb211c80319c")


class Caller:
    """Keeps the answers."""

    def __init__(self) -> None:
        self.answers: list[Response] = []

    def reply(self, response: Response) -> None:
        self.answers.append(response)

    def close(self) -> None:
        """Nothing to close."""


def begun(dispatcher: Dispatcher, caller: Caller, path: str) -> None:
    admission = dispatcher.application.admit(HEAD._replace(path=path))
    assert not isinstance(admission, Refusal)
    assert dispatcher.run(admission, b"", caller) is None


def has_made(application: StubApplication, at_least: int) -> bool:
    return len(application.bodies) >= at_least


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "the condition never came to hold"
        time.sleep(0.001)


def test_a_thread_makes_no_other_answer_before_its_large_one_is_taken(closing: ExitStack) -> None:
    application, caller = StubApplication(), Caller()
    dispatcher = Dispatcher(application, ServerLimits(store_threads=2), SystemClock())
    closing.callback(dispatcher.close)
    dispatcher.start()
    size = LARGE_ANSWER + 1
    for _ in range(20):
        begun(dispatcher, caller, f"/store-large/{size}")
    made = 0
    while made < 20:
        until(partial(has_made, application, made + 1))
        # Two threads, each with one answer that is made and not taken.
        assert len(application.bodies) <= made + 2
        dispatcher.collect()
        made = len(caller.answers)
    assert [len(each.body) for each in caller.answers] == [size] * 20


def test_small_answers_wait_for_nobody(closing: ExitStack) -> None:
    application, caller = StubApplication(), Caller()
    dispatcher = Dispatcher(application, ServerLimits(store_threads=1), SystemClock())
    closing.callback(dispatcher.close)
    dispatcher.start()
    for _ in range(20):
        begun(dispatcher, caller, "/store-large/10")
    until(lambda: len(application.bodies) == 20)
    dispatcher.collect()


def test_closing_waits_for_no_answer_that_nobody_takes() -> None:
    application, caller = StubApplication(), Caller()
    dispatcher = Dispatcher(application, ServerLimits(store_threads=1), SystemClock())
    dispatcher.start()
    begun(dispatcher, caller, f"/store-large/{LARGE_ANSWER + 1}")
    until(lambda: len(application.bodies) == 1)
    dispatcher.close()
    assert not [
        each for each in threading.enumerate() if each.name == "store-0" and each.is_alive()
    ]
