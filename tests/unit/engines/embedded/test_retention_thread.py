"""The thread of retention: how often it looks, and what it says."""

import sqlite3
import threading
from collections.abc import Sequence

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded import retention as retention_module
from angarium.engines.embedded.retention import LogRetention
from tests.unit.engines.embedded.retention_harness import RETENTION_S, Sut


class Turns(threading.Event):
    """Lets `run` look so many times."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= timeout == retention_module.INTERVAL_S
        return self.left < 0


@pytest.mark.parametrize(("retention_s", "pause_s"), [(1, 1.0), (5, 5.0), (604_800, 5.0)])
def test_it_looks_often_enough_for_a_short_retention(
    sut: Sut, retention_s: int, pause_s: float
) -> None:
    class Pauses(threading.Event):
        seen: float | None = None

        def wait(self, timeout: float | None = None) -> bool:
            self.seen = timeout
            return True

    pauses = Pauses()
    LogRetention(sut.database, "router", retention_s, sut.clock).run(pauses)
    assert pauses.seen == pause_s


def test_on_a_full_disk_it_says_so_once_and_goes_on(
    sut: Sut, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter([LogUnavailable("full"), LogUnavailable("full"), None, LogUnavailable("again")])

    def turn(_: threading.Event) -> int:
        if (error := next(turns)) is not None:
            raise error
        return 0

    monkeypatch.setattr(sut.retention, "remove_expired", turn)
    with caplog.at_level("INFO"):
        sut.retention.run(Turns(4))
    assert [record.__dict__.get("action") for record in caplog.records] == [
        "retention_failed",
        "retention_recovered",
        "retention_failed",
    ]


def test_a_group_that_holds_old_records_is_named_once(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    former = sut.group("former")
    sut.append(1)
    former.apply_all()
    sut.append(1)
    sut.append(1, partition=1)
    sut.group().apply_all()
    sut.retention.run(Turns(1))
    assert caplog.records == []
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(3))
    (line,) = caplog.records
    assert line.__dict__["action"] == "retention_held"
    assert line.__dict__["fields"] == {"groups": "former"}
    former.apply_all()
    sut.retention.run(Turns(1))
    assert (sut.offsets(0), sut.offsets(1)) == ([], [])
    assert len(caplog.records) == 1


def test_a_group_that_began_after_a_removal_is_named_too(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    ours = sut.group()
    sut.append(1, partition=1)
    ours.apply_all()
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 1
    later = sut.group("later")
    sut.append(1)
    later.apply_all()
    sut.append(1, partition=1)
    ours.apply_all()
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(1))
    assert (sut.offsets(0), sut.offsets(1)) == ([], [1])
    assert [line.__dict__["fields"] for line in caplog.records] == [{"groups": "later"}]


def test_nobody_holds_what_our_own_group_has_not_applied(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    sut.append(1)
    former, ours = sut.group("former"), sut.group()
    former.apply_all()
    ours.apply_all()
    sut.append(1)
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(2))
    assert caplog.records == []


def test_a_removal_that_finds_no_space_changes_nothing(sut: Sut) -> None:
    sut.append(3)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)

    def refuse(connection: sqlite3.Connection, items: Sequence[bool]) -> Sequence[None]:
        for each in items:
            connection.set_authorizer(
                (lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else 0)
                if each
                else None
            )
        return [None] * len(items)

    refusals = sut.database.register(refuse)
    refusals.wait(True)
    with pytest.raises(LogUnavailable):
        sut.retention.remove_expired()
    assert (sut.offsets(), sut.starts()) == ([0, 1, 2], {})
    refusals.wait(False)
    assert sut.retention.remove_expired() == 3
