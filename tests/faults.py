"""A layer around any port that makes chosen calls fail, hang, or take
effect and then fail.

    faults = Faults(StoreUnavailable)
    messages = faults.around(MemoryMessages())
    faults.fail("record", times=3)  # three failures, then it works
    faults.fail_after_effect("record")  # done, but it seems to fail
    held = faults.hang("record")  # until `held.release()`
    faults.outage()  # every call fails until `faults.heal()`
    faults.at_random(seed=7, before=0.2, after=0.2)

A fault of a method that gives a future shows in the future; of any
other method, as a raised error.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from inspect import signature
from random import Random
from typing import TypeVar, cast

from angarium.deadline import remaining

Port = TypeVar("Port")

HANG_S = 60.0
"""A call that nobody releases fails after this time, so that a faulty
test ends.
"""


class Kind(Enum):
    """What goes wrong with a call."""

    FAIL_AT_ONCE = auto()
    FAIL = auto()
    FAIL_AFTER_EFFECT = auto()
    HANG = auto()
    HANG_AFTER_EFFECT = auto()


class Held:
    """Calls that hang until they are released."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._over = False
        self._error: Exception | None = None
        self._waiting = 0
        self._at_end: list[Callable[[], None]] = []

    def wait_until_reached(self, calls: int = 1, timeout: float = 30.0) -> None:
        """Wait until so many calls hang."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting >= calls, timeout):
                raise AssertionError(f"{self._waiting} calls hang after {timeout} s, not {calls}")

    def release(self) -> None:
        """Let the calls go on, and later ones through."""
        self._end(None)

    def fail(self, error: Exception) -> None:
        """End the calls, and later ones, with an error."""
        self._end(error)

    def block(self, seconds: float) -> bool:
        """Hang in the caller's thread; False when the time was up
        first.
        """
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            in_time = self._changed.wait_for(lambda: self._over, seconds)
            if self._error is not None:
                raise self._error
            return in_time

    def postpone(self, go_on: Callable[[], None], end: Callable[[Exception], None]) -> None:
        """Hang without a thread: one of the two is called when it is
        over.
        """

        def decide() -> None:
            if self._error is None:
                go_on()
            else:
                end(self._error)

        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            if not self._over:
                self._at_end.append(decide)
                return
        decide()

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            if self._over:
                return
            self._over, self._error = True, error
            self._changed.notify_all()
            decisions, self._at_end = self._at_end, []
        for decide in decisions:
            decide()


@dataclass
class _Rule:
    kind: Kind
    method: str | None
    times: float
    skip: int
    when: Callable[..., bool] | None
    error: Exception | None
    obeys_deadline: bool = True
    held: Held = field(default_factory=Held)

    def wants(self, method: str, args: Sequence[object], kwargs: dict[str, object]) -> bool:
        """Tell whether this call is to go wrong, and count it."""
        if self.method not in (None, method) or self.times <= 0:
            return False
        if self.when is not None and not self.when(*args, **kwargs):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Faults:
    """The script of what goes wrong with one port, or with several that
    fail together.
    """

    def __init__(self, error: Callable[[str], Exception]) -> None:
        self.injected: Counter[tuple[str, Kind]] = Counter()
        self.calls: Counter[str] = Counter()
        self._make_error = error
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._random: _Chance | None = None

    def around(self, port: Port) -> Port:
        """Give an object that behaves like the port except where the
        script says otherwise.
        """
        return cast("Port", _Faulty(port, self))

    def fail(
        self,
        method: str,
        times: float = 1,
        *,
        skip: int = 0,
        when: Callable[..., bool] | None = None,
        error: Exception | None = None,
        at_once: bool = False,
    ) -> None:
        """Make calls fail without effect; `at_once` raises where a
        future would hold the error.
        """
        kind = Kind.FAIL_AT_ONCE if at_once else Kind.FAIL
        self._add(_Rule(kind, method, times, skip, when, error))

    def fail_after_effect(
        self,
        method: str,
        times: float = 1,
        *,
        skip: int = 0,
        when: Callable[..., bool] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Make calls take effect and then fail, as when only the answer
        is lost.
        """
        self._add(_Rule(Kind.FAIL_AFTER_EFFECT, method, times, skip, when, error))

    def hang(
        self,
        method: str,
        times: float = 1,
        *,
        skip: int = 0,
        when: Callable[..., bool] | None = None,
        after_effect: bool = False,
        obeys_deadline: bool = True,
    ) -> Held:
        """Make calls hang until released.

        A method that blocks gives up when the deadline in force is
        over, as the ports promise, unless `obeys_deadline` is False. A
        future stays open.
        """
        kind = Kind.HANG_AFTER_EFFECT if after_effect else Kind.HANG
        rule = _Rule(kind, method, times, skip, when, None, obeys_deadline)
        self._add(rule)
        return rule.held

    def outage(self) -> None:
        """Make every call of every method fail until `heal`."""
        self._add(_Rule(Kind.FAIL, None, float("inf"), 0, None, None))

    def at_random(
        self,
        seed: int,
        before: float = 0.1,
        after: float = 0.1,
        methods: Sequence[str] | None = None,
    ) -> None:
        """Make calls fail by chance, without effect or after it, the
        same for the same seed and calls.
        """
        with self._lock:
            self._random = _Chance(Random(seed), before, after, methods)

    def heal(self) -> None:
        """End the script, the chance and the outage, and let everything
        go on that hangs.
        """
        with self._lock:
            rules, self._rules = self._rules, []
            self._random = None
        for rule in rules:
            rule.held.release()

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _rule_for(
        self, method: str, args: Sequence[object], kwargs: dict[str, object]
    ) -> _Rule | None:
        with self._lock:
            self.calls[method] += 1
            rule = next((each for each in self._rules if each.wants(method, args, kwargs)), None)
            if rule is None and self._random is not None:
                rule = self._random.draw(method)
            if rule is not None:
                self.injected[method, rule.kind] += 1
            return rule

    def _run(
        self, name: str, method: Callable[..., object], *args: object, **kwargs: object
    ) -> object:
        rule = self._rule_for(name, args, kwargs)
        if rule is None:
            return method(*args, **kwargs)
        error = rule.error or self._make_error(f"injected: {name}, {rule.kind.name.lower()}")
        if rule.kind is Kind.FAIL_AT_ONCE:
            raise error
        call = partial(method, *args, **kwargs)
        if _gives_future(method):
            return _run_asynchronously(rule, cast("Callable[[], Future[object]]", call), error)
        return _run_blocking(rule, call, error)


@dataclass
class _Chance:
    random: Random
    before: float
    after: float
    methods: Sequence[str] | None

    def draw(self, method: str) -> _Rule | None:
        """Decide about one call."""
        if self.methods is not None and method not in self.methods:
            return None
        drawn = self.random.random()
        if drawn < self.before:
            return _Rule(Kind.FAIL, method, 1, 0, None, None)
        if drawn < self.before + self.after:
            return _Rule(Kind.FAIL_AFTER_EFFECT, method, 1, 0, None, None)
        return None


class _Faulty:
    def __init__(self, port: object, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._port, name)
        if name.startswith("_") or not callable(found):
            return found
        return partial(self._faults._run, name, found)


def _gives_future(method: Callable[..., object]) -> bool:
    return "Future[" in str(signature(method).return_annotation)


def _run_blocking(rule: _Rule, call: Callable[[], object], error: Exception) -> object:
    if rule.kind is Kind.FAIL:
        raise error
    if rule.kind is Kind.FAIL_AFTER_EFFECT:
        call()
        raise error
    seconds = remaining(HANG_S) if rule.obeys_deadline else HANG_S
    result = call() if rule.kind is Kind.HANG_AFTER_EFFECT else None
    if not rule.held.block(seconds):
        raise error
    return result if rule.kind is Kind.HANG_AFTER_EFFECT else call()


def _run_asynchronously(
    rule: _Rule, call: Callable[[], "Future[object]"], error: Exception
) -> "Future[object]":
    outer: Future[object] = Future()
    if rule.kind is Kind.FAIL:
        outer.set_exception(error)
    elif rule.kind is Kind.FAIL_AFTER_EFFECT:
        call().add_done_callback(lambda _: _end(outer, error))
    elif rule.kind is Kind.HANG:
        rule.held.postpone(lambda: _follow(outer, call), lambda why: _end(outer, why))
    else:
        inner = call()
        rule.held.postpone(lambda: _follow(outer, lambda: inner), lambda why: _end(outer, why))
    return outer


def _follow(outer: "Future[object]", call: Callable[[], "Future[object]"]) -> None:
    def copy(inner: "Future[object]") -> None:
        if outer.cancelled():
            return
        error = inner.exception()
        if error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    try:
        inner = call()
    except Exception as error:  # noqa: BLE001 - whoever waits for the future must learn it
        outer.set_exception(error)
        return
    inner.add_done_callback(copy)


def _end(outer: "Future[object]", error: Exception) -> None:
    if not outer.cancelled():
        outer.set_exception(error)
