from pathlib import Path

import pytest

from angarium.cli.errors import CommandError
from angarium.cli.verify.checks import judge
from angarium.cli.verify.ledger import MAX_LINE_BYTES, UNKNOWN, Ledger
from angarium.client.bodies import LogPosition
from angarium.client.errors import ServerUnreachable
from tests.unit.cli.verify.cluster import CONVERSATION, Cluster
from tests.unit.cli.verify.test_checks import Verified


def filled(path: Path) -> Ledger:
    ledger = Ledger(path)
    ledger.begin(CONVERSATION, "alice", "bob", "start")
    for message_id in ("1", "2", "3"):
        ledger.write_sent(CONVERSATION, message_id, f"text {message_id}")
    ledger.write_accepted(CONVERSATION, "2", LogPosition(6, 41))
    ledger.write_accepted(CONVERSATION, "1")
    ledger.write_confirmed(CONVERSATION, ["2"])
    return ledger


def test_another_run_finds_everything_that_a_killed_one_noted(tmp_path: Path) -> None:
    # Never closed: an entry is with the operating system once its call
    # has returned.
    first = filled(tmp_path / "ledger")
    second = Ledger(tmp_path / "ledger")
    assert second.records == first.records
    record = second.records[CONVERSATION]
    assert record.accepted == ["2", "1"]
    assert (record.partition, list(record.offsets)) == (6, [41, UNKNOWN])
    assert list(record.sent) == ["1", "2", "3"]
    assert record.confirmed == {"2"}
    first.close()
    second.close()


def test_a_lost_message_is_found_with_its_position_in_the_log() -> None:
    ledger = Ledger()
    ledger.begin(CONVERSATION, "alice", "bob", "start")
    for message_id, position in (("1", LogPosition(6, 41)), ("2", None)):
        ledger.write_sent(CONVERSATION, message_id, f"text {message_id}")
        ledger.write_accepted(CONVERSATION, message_id, position)
    found = judge(ledger.records[CONVERSATION], {"http://a": []})
    assert [each.text for each in found] == [
        f"1 of {CONVERSATION} (partition 6, offset 41), at http://a",
        f"2 of {CONVERSATION}, at http://a",
    ]


def test_the_first_cursor_of_a_conversation_stands(tmp_path: Path) -> None:
    filled(tmp_path / "ledger").close()
    ledger = Ledger(tmp_path / "ledger")
    record = ledger.begin(CONVERSATION, "bob", "alice", "later")
    ledger.close()
    assert (record.cursor, record.sender) == ("start", "bob")


def test_a_line_that_was_cut_off_is_dropped_and_the_next_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    filled(path).close()
    with path.open("a") as file:
        file.write('{"entry": "sent", "conv')
    ledger = Ledger(path)
    ledger.write_accepted(CONVERSATION, "3")
    ledger.close()
    again = Ledger(path)
    again.close()
    assert again.records[CONVERSATION].accepted == ["2", "1", "3"]


def test_a_ledger_that_is_only_read_keeps_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    filled(path).close()
    with path.open("a") as file:
        file.write('{"entry": "sent", "conv')
    before = path.read_bytes()
    ledger = Ledger(path, writes=False)
    assert ledger.records[CONVERSATION].accepted == ["2", "1"]
    ledger.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n",
        b"[]\n",
        b'{"entry": "sent"}\n',
        b'{"entry":"x","conversation_id":"c"}\n',
        b"first line\nprecious last line",
        b"only-line-secret",
        b"x\n\xff\xff\nab",
        b"a\r\nb\r\nc",
        b'{"entry": "' + b"x" * MAX_LINE_BYTES + b"\n",
    ],
)
def test_a_file_that_is_no_ledger_is_refused_and_stays(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_bytes(data)
    with pytest.raises(CommandError, match="is not a ledger"):
        Ledger(path)
    assert path.read_bytes() == data


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a regular file"):
        Ledger(Path("/dev/zero"))
    with pytest.raises(CommandError, match="not a regular file"):
        Ledger(tmp_path)


def test_a_message_is_noted_before_it_goes_out_and_accepted_after() -> None:
    noted: list[tuple[int, int]] = []
    cluster = Cluster()
    verified = Verified(cluster)

    def failing(number: int) -> bool:
        noted.append((len(verified.record.sent), len(verified.record.accepted)))
        if number == 2:
            raise ServerUnreachable("http://one", "cut off")
        return False

    cluster.failing = failing
    verified.write(3)
    assert noted == [(1, 0), (2, 1), (2, 1), (3, 2)]
