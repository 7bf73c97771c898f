"""The main thread reads only what can be sent, and ends when it
should.
"""

import io
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from angarium.cli.chat.chat_session import ChatSession
from angarium.cli.chat.connection_status import ConnectionStatus, LoginStatus
from angarium.cli.chat.events import ChatFailed, Connected, Event, OwnLine, ServerSilent
from angarium.cli.chat.feed import Feed
from angarium.cli.chat.mailbox import Loop, Mailbox, RepeatingThread, Signals, WakeupPipe
from angarium.cli.chat.plain import PlainScreen
from angarium.cli.chat.sender import Outbox
from angarium.cli.console import Console
from tests.fakes.clock import ManualClock
from tests.unit.cli.fake_service import FakeClient, FakeService, conversation_of, id_of
from tests.waiting import until


@dataclass
class Reading:
    """An input that ends the loop as soon as it is read."""

    mailbox: Mailbox
    descriptor: int
    reads: int = 0
    discarded: int = 0

    def read(self, _: ChatSession) -> None:
        os.read(self.descriptor, 100)
        self.reads += 1
        self.mailbox.post(ChatFailed(ValueError("the end")))

    def discard(self) -> None:
        self.discarded += 1


@dataclass
class Scene:
    wakeup: WakeupPipe = field(default_factory=WakeupPipe)
    outbox: Outbox = field(default_factory=lambda: Outbox(most=1))

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.wakeup)
        self.near, self.far = os.pipe()
        self.err = io.StringIO()
        console = Console(io.StringIO(), io.StringIO(), self.err, {})
        post = self.mailbox.post
        client = FakeClient(FakeService(), "alice", "bob")
        feed = Feed(
            client, id_of("alice"), ConnectionStatus(post, "http://x"), LoginStatus(post), post
        )
        screen = PlainScreen(console, {}, id_of("alice"))
        self.chat = ChatSession(screen, self.outbox, feed, id_of("alice"), ManualClock(), 1.0)
        self.source = Reading(self.mailbox, self.near)
        self.idle = [
            RepeatingThread("idle", lambda: 60.0, lambda _: None, lambda: None) for _ in range(2)
        ]
        self.connected: list[Connected] = []
        self.silences: list[ServerSilent] = []
        self.loop = Loop(
            self.chat,
            self.source,
            self.near,
            self.wakeup,
            self.mailbox,
            self.idle[0],
            self.idle[1],
            self.connected.append,
            lambda: self.silences.pop() if self.silences else None,
        )

    def connect(self) -> None:
        self.mailbox.post(Connected(conversation_of("alice", "bob"), id_of("bob")))

    def run(self) -> Signals:
        signals = Signals()
        self.loop.run(signals, lambda: None)
        return signals

    def close(self) -> None:
        for each in self.idle:
            each.stop()
        os.close(self.near)
        os.close(self.far)
        self.wakeup.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_what_is_typed_is_read(scene: Scene) -> None:
    scene.connect()
    os.write(scene.far, b"hello\n")
    scene.run()
    assert scene.source.reads == 1


def test_what_was_typed_before_the_connection_is_discarded(scene: Scene) -> None:
    os.write(scene.far, b"ls\n")
    scene.mailbox.post(ChatFailed(ValueError("the end")))
    scene.run()
    assert (scene.source.reads, scene.source.discarded, scene.connected) == (0, 0, [])
    scene.chat.failure = None
    scene.connect()
    scene.run()
    assert (scene.source.reads, scene.source.discarded, len(scene.connected)) == (1, 1, 1)


def test_nothing_is_read_while_the_outbox_is_full(scene: Scene) -> None:
    scene.connect()
    scene.outbox.put(OwnLine.of("waits"))
    os.write(scene.far, b"hello\n")
    scene.mailbox.post(ChatFailed(ValueError("the end")))
    scene.run()
    assert scene.source.reads == 0
    assert isinstance(scene.chat.failure, ValueError)


def test_a_signal_ends_the_loop(scene: Scene) -> None:
    signals = Signals()
    before = signal.getsignal(signal.SIGTERM)
    with signals.catch(scene.wakeup.wake, terminal=False):
        os.kill(os.getpid(), signal.SIGTERM)
        scene.loop.run(signals, lambda: None)
    assert signals.ended_by == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_alarm_that_rings_too_often_or_too_late_does_no_harm() -> None:
    wakeup = WakeupPipe()
    for _ in range(100_000):
        wakeup.wake()
    wakeup.drain()
    wakeup.close()
    wakeup.wake()


def test_a_silent_server_is_noticed_without_any_event(scene: Scene) -> None:
    scene.silences.append(ServerSilent("http://x"))
    signals = Signals()
    loop = threading.Thread(target=scene.loop.run, args=(signals, lambda: None))
    loop.start()
    until(lambda: "no answer from http://x yet, still trying" in scene.err.getvalue(), "a word")
    signals.ended_by = signal.SIGINT
    scene.wakeup.wake()
    loop.join()


def test_a_mailbox_that_nobody_reads_any_more_keeps_nobody_waiting(scene: Scene) -> None:
    scene.mailbox.close()
    for _ in range(2_000):
        scene.mailbox.post(ChatFailed(ValueError("late")))
    assert list(scene.mailbox.take()) == []


def test_a_step_that_raises_is_told_and_ends_the_rounds() -> None:
    told: list[Exception] = []
    finished: list[bool] = []

    def step() -> float:
        raise ZeroDivisionError

    rounds = RepeatingThread("test", step, told.append, lambda: finished.append(True))
    rounds.start()
    rounds.join(30.0)
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert finished == [True]


def test_a_nudge_ends_a_long_wait_and_stopping_ends_everything() -> None:
    steps: list[Event | None] = []

    def step() -> float:
        steps.append(None)
        return 3_600.0

    rounds = RepeatingThread("test", step, lambda _: None, lambda: None)
    rounds.start()
    until(lambda: len(steps) == 1, "the first step")
    rounds.nudge()
    until(lambda: len(steps) == 2, "the second step")
    rounds.stop()
    rounds.join(30.0)
    assert len(steps) == 2
