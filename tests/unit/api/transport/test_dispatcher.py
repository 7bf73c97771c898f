"""What becomes of a request's memory once it has its answer."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.exchange import Head, Refusal, Response
from angarium.api.headers import Headers
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.limits import ServerLimits
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock

HEAD = Head("POST", "/await", "", Headers(()), "127.0.0.1", "0af7651916cd43dd8448eb211c80319c")


class Caller:
    """Keeps the answer."""

    def __init__(self) -> None:
        self.answers: list[Response] = []

    def reply(self, response: Response) -> None:
        self.answers.append(response)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def awaited(dispatcher: Dispatcher, caller: Caller) -> None:
    admission = dispatcher.admit(HEAD)
    assert not isinstance(admission, Refusal)
    assert dispatcher.run(admission, b"{}", caller) is None


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_an_answered_request_leaves_nothing_to_the_garbage_collector(late: bool, closing: ExitStack) -> None:
    application, clock, caller = StubApplication(), ManualClock(), Caller()
    dispatcher = Dispatcher(application, ServerLimits(), clock)
    closing.callback(dispatcher.close)
    awaited(dispatcher, caller)
    future = application.futures.pop()
    if late:
        clock.advance(application.await_within + 1)
        dispatcher.sweep(clock.monotonic())
    future.set_result("here")
    dispatcher.collect()
    assert [answer.status for answer in caller.answers] == [503 if late else 202]
    left = weakref.ref(future)
    del future
    assert left() is None
