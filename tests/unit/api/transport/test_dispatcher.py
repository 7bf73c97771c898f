"""Who is run, who makes room, who is late; and what becomes of a
request's memory once it has its answer.
"""

import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.interface import ExecutionMode, Head, Refusal, Response
from angarium.api.request_headers import Headers
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.limits import SLICE_S, ServerLimits
from angarium.logs.line import action_of, fields_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PATIENCE = 30.0


class Caller:
    """Keeps the answer."""

    def __init__(self) -> None:
        self.answers: list[Response] = []

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]

    @property
    def codes(self) -> list[str]:
        return [str(json.loads(answer.body)["code"]) for answer in self.answers]

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


class Desk:
    """A dispatcher that a test drives by itself; its lanes' threads run
    once they are told to.
    """

    def __init__(self, closing: ExitStack, **limits: float) -> None:
        self.application, self.clock = StubApplication(), ManualClock()
        self.application.gate.set()
        chosen = ServerLimits(**limits)  # type: ignore[arg-type]  # the whole numbers are whole
        self.dispatcher = Dispatcher(self.application, chosen, self.clock)
        closing.callback(self.dispatcher.close)

    def ask(
        self, path: str, user: str = "alice", client: str = "192.0.2.1", body: bytes = b""
    ) -> Caller:
        """Run a request whose answer comes at once or later."""
        fields = [("X-User", user), ("X-Forwarded-For", client)]
        admission = self.dispatcher.application.admit(
            Head("POST", path, "", Headers(fields), "127.0.0.1", TRACE)
        )
        assert not isinstance(admission, Refusal)
        caller = Caller()
        response = self.dispatcher.run(admission, body, caller)
        if response is not None:
            caller.reply(response)
        return caller

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and have those answered whose time is up."""
        self.clock.advance(seconds)
        self.sweep()

    def sweep(self) -> bool:
        """Answer for a slice; return whether more are late."""
        now = self.clock.monotonic()
        return self.dispatcher.sweep(now, lambda: self.clock.monotonic() >= now + SLICE_S)

    def until_answered(self, *callers: Caller) -> None:
        """Collect answers until all of these have theirs."""
        give_up = time.monotonic() + PATIENCE
        while not all(caller.answers for caller in callers):
            assert time.monotonic() < give_up, "somebody got no answer"
            self.dispatcher.collect()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_an_answered_request_leaves_nothing_to_the_garbage_collector(
    late: bool, closing: ExitStack
) -> None:
    desk = Desk(closing)
    caller = desk.ask("/await")
    future = desk.application.futures.pop()
    if late:
        desk.pass_by(desk.application.await_within + 1)
    future.set_result("here")
    desk.dispatcher.collect()
    assert caller.statuses == [503 if late else 202]
    left = weakref.ref(future)
    del future
    assert left() is None


@pytest.mark.parametrize(("slices", "after_each"), [(0.4, [3, 6]), (2, [1, 2, 3, 4, 5, 6])])
def test_requests_that_are_late_together_are_answered_for_a_slice_at_a_time(
    slices: float, after_each: list[int], closing: ExitStack
) -> None:
    desk = Desk(closing)
    callers = [desk.ask("/await") for _ in range(7)]
    desk.clock.advance(desk.application.await_within + 1)
    desk.application.refusing = lambda: desk.clock.advance(slices * SLICE_S)
    answered = []
    while desk.sweep():
        answered.append(sum(len(caller.answers) for caller in callers))
    assert answered == after_each
    assert [caller.statuses for caller in callers] == [[503]] * len(callers)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_a_request_of_a_lane_leaves_nothing_to_the_garbage_collector(
    late: bool, closing: ExitStack
) -> None:
    desk = Desk(closing)
    caller = desk.ask("/store")
    left = weakref.ref(caller)
    if late:
        desk.pass_by(3)
    else:
        desk.dispatcher.start()
        desk.until_answered(caller)
        # Closing lets the thread go that still knows what it ran last.
        desk.dispatcher.close()
    del caller
    assert left() is None


@pytest.mark.parametrize("path", ["/store", "/hash", "/health"])
def test_what_was_answered_late_is_never_run(path: str, closing: ExitStack) -> None:
    desk = Desk(closing)
    late = desk.ask(path, body=b"late")
    ran = len(desk.application.threads)
    desk.pass_by(11)
    assert late.statuses == [503]
    desk.dispatcher.start()
    desk.until_answered(desk.ask(path, body=b"next"))
    assert len(desk.application.remaining) == 1
    assert ran <= 1


def test_what_a_thread_leaves_to_the_event_loop_is_done_there(closing: ExitStack) -> None:
    desk = Desk(closing)
    caller = desk.ask("/store-resumed")
    desk.dispatcher.start()
    desk.until_answered(caller)
    assert caller.statuses == [202]
    assert desk.application.resumed == [threading.current_thread().name]


def test_what_a_thread_leaves_to_the_event_loop_is_not_done_once_it_was_answered(
    closing: ExitStack,
) -> None:
    desk = Desk(closing)
    late = desk.ask("/store-resumed")
    desk.dispatcher.start()
    until(lambda: desk.application.threads, "a thread to take it")
    desk.pass_by(11)
    assert late.statuses == [503]
    desk.until_answered(desk.ask("/store"))
    assert desk.application.resumed == []


@pytest.mark.parametrize("path", ["/store", "/hash", "/health"])
def test_what_is_late_but_not_answered_yet_is_never_run(path: str, closing: ExitStack) -> None:
    desk = Desk(closing)
    late = desk.ask(path)
    desk.clock.advance(11)
    desk.dispatcher.start()
    desk.until_answered(desk.ask(path))
    assert len(desk.application.remaining) == 1
    assert late.statuses == []
    desk.pass_by(0)
    assert late.statuses == [503]


def test_what_a_thread_took_as_it_was_answered_late_is_never_run(closing: ExitStack) -> None:
    desk = Desk(closing)
    late = desk.ask("/hash", body=b"late")
    queue = desk.dispatcher._pools[ExecutionMode.HASHING]._queue
    job = queue.take()
    assert job is not None
    desk.pass_by(11)
    assert late.statuses == [503]
    # The thread's look at the clock may have been before that.
    desk.clock = ManualClock()
    desk.dispatcher._clock = desk.clock
    job.run()
    queue.job_done(job)
    assert desk.application.remaining == []
    assert desk.application.abandoned == [b"late"]


def test_logins_are_not_in_hand_and_are_heard_when_nothing_else_is(closing: ExitStack) -> None:
    desk = Desk(closing, max_in_flight=1)
    desk.ask("/await")
    assert desk.ask("/echo").statuses == [503]
    login = desk.ask("/hash")
    assert desk.dispatcher.in_flight == 1
    desk.dispatcher.start()
    desk.until_answered(login)
    assert login.statuses == [200]


def test_so_many_logins_of_one_address_wait_and_one_more_is_refused_at_once(
    closing: ExitStack,
) -> None:
    desk = Desk(closing)
    waiting = [desk.ask("/hash", user=f"user {number}") for number in range(4)]
    one_more = desk.ask("/hash", user="somebody", body=b"one more")
    assert one_more.codes == ["overloaded"]
    assert desk.application.abandoned == [b"one more"]
    elsewhere = desk.ask("/hash", client="198.51.100.1")
    assert [caller.answers for caller in (*waiting, elsewhere)] == [[]] * 5


def test_addresses_of_one_ipv6_network_count_as_one_for_logins(closing: ExitStack) -> None:
    desk = Desk(closing)
    for number in range(4):
        desk.ask("/hash", client=f"2001:db8::{number:x}")
    assert desk.ask("/hash", client="2001:db8::ffff").codes == ["overloaded"]
    assert desk.ask("/hash", client="2001:db8:0:1::1").answers == []


def test_a_login_from_elsewhere_is_next_whoever_waits(closing: ExitStack) -> None:
    desk = Desk(closing)
    waiting = [desk.ask("/hash", body=b"%d" % number) for number in range(4)]
    desk.ask("/hash", body=b"elsewhere", client="198.51.100.1")
    desk.dispatcher.start()
    desk.until_answered(*waiting)
    order = desk.application.checked
    assert order.index(b"elsewhere") <= 1


def test_when_all_the_room_for_logins_is_taken_whoever_has_most_makes_some(
    closing: ExitStack,
) -> None:
    desk = Desk(closing, max_logins=8)
    for number in range(4):
        desk.ask("/hash", body=b"first %d" % number, client="192.0.2.1")
    newest = [
        desk.ask("/hash", body=b"second %d" % number, client="192.0.2.2") for number in range(4)
    ]
    elsewhere = desk.ask("/hash", client="198.51.100.1")
    desk.dispatcher.collect()
    assert elsewhere.answers == []
    assert len(desk.application.abandoned) == 1
    assert desk.application.abandoned[0] in (b"first 3", b"second 3")
    for number in range(2, 9):
        desk.ask("/hash", client=f"198.51.100.{number}")
    desk.dispatcher.collect()
    assert desk.ask("/hash", client="203.0.113.1").codes == ["overloaded"]
    assert newest[0].answers == []


def test_one_user_who_takes_all_room_leaves_the_others_some(closing: ExitStack) -> None:
    desk = Desk(closing)
    reads = [desk.ask("/store", user="mallory") for _ in range(1_300)]
    assert desk.ask("/store", user="alice").answers == []
    assert desk.ask("/await", user="bob").answers == []
    assert desk.ask("/echo", user="carol").statuses == [200]
    refused = [caller for caller in reads if caller.answers]
    assert len(refused) == 1_300 - 911
    assert {caller.codes[0] for caller in refused} == {"overloaded"}


def test_where_there_is_no_room_at_all_whoever_has_most_that_waits_makes_some(
    closing: ExitStack,
) -> None:
    desk = Desk(closing, max_in_flight=6)
    heavy = [desk.ask("/store", user="mallory") for _ in range(4)]
    light = [desk.ask("/store", user="bob") for _ in range(2)]
    alice = desk.ask("/store", user="alice")
    desk.dispatcher.collect()
    assert (alice.answers, [caller.codes for caller in heavy]) == (
        [],
        [[], [], [], ["overloaded"]],
    )
    assert desk.dispatcher.in_flight == 6
    assert desk.ask("/store", user="mallory").codes == ["overloaded"]
    assert [caller.answers for caller in light] == [[], []]


def test_one_user_does_not_take_every_thread(closing: ExitStack) -> None:
    desk = Desk(closing, store_threads=3, max_store_calls_per_user=2)
    desk.application.gate.clear()
    desk.dispatcher.start()
    for _ in range(8):
        desk.ask("/store", user="mallory")
    for _ in range(2):
        assert desk.application.entered.acquire(timeout=PATIENCE)
    desk.ask("/store", user="alice", body=b"alice")
    assert desk.application.entered.acquire(timeout=PATIENCE)
    assert desk.application.bodies[-1] == b"alice"
    desk.application.gate.set()


def test_of_the_requests_that_get_no_answer_in_time_one_is_told_in_a_while(
    closing: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(closing)
    for _ in range(3):
        callers = [desk.ask("/store"), desk.ask("/store")]
        desk.pass_by(5.0)
        assert [caller.statuses for caller in callers] == [[503], [503]]
    late = [record for record in caplog.records if action_of(record) == "late"]
    assert [fields_of(record).get("repeats") for record in late] == [None, 3]
