"""What kafka-python's fetcher gives out of batches that nobody should
have made.
"""

import struct
from collections.abc import Iterator, Sequence

import pytest
from kafka.errors import KafkaError

from angarium.engines.kafka.patches.fetcher import MAX_REFETCHES, TolerantFetcher
from angarium.engines.kafka.record_batches import UNKNOWN_TIME
from angarium.ports.message_log import Record
from tests.unit.engines.kafka.offline import offline_consumer
from tests.unit.engines.kafka.patches.fetching import (
    LZ4,
    TIME,
    Fetching,
    batch,
    damaged,
    marker,
    sealed,
    transactional,
    with_last_delta,
)
from tests.unit.services.log_lines import LogLines, captured


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as lines:
        yield lines


def behind(*batches: bytes) -> bytes:
    return b"".join(batches)


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records if record.problem is None]


def test_records_come_as_they_were_made() -> None:
    fetching = Fetching()
    data = behind(batch(0, b"a", b"b", headers=[("trace_id", b"t")]), batch(2, b"c"))
    (records,) = fetching.take((0, data)).values()
    assert records == [
        Record(0, 0, TIME, b"key", b"a", {"trace_id": b"t"}),
        Record(0, 1, TIME, b"key", b"b", {"trace_id": b"t"}),
        Record(0, 2, TIME, b"key", b"c", {}),
    ]
    assert fetching.position() == 3


def test_a_batch_in_a_codec_that_is_not_here_comes_as_one_record_and_stops_nobody() -> None:
    fetching = Fetching(2)
    foreign = batch(1, b"x", b"y", b"z", codec=LZ4)
    data = behind(batch(0, b"before"), foreign, batch(4, b"after"))
    found = fetching.take((0, data), (1, batch(0, b"elsewhere")))
    assert values(found[0]) == [b"before", b"after"]
    assert values(found[1]) == [b"elsewhere"]
    (record,) = [each for each in found[0] if each.problem]
    assert (record.offset, record.timestamp, record.key, record.value) == (3, TIME, None, foreign)
    assert record.problem is not None
    assert "offsets 1 to 3" in record.problem
    assert "lz4" in record.problem
    assert fetching.position() == 5


def test_a_batch_that_is_read_from_its_middle_names_what_was_asked_for() -> None:
    fetching = Fetching()
    fetching.take((0, batch(0, b"a", b"b")))
    (record,) = fetching.take((0, batch(0, b"a", b"b", b"c", b"d", codec=LZ4)))[0]
    assert record.problem is not None
    assert "offsets 2 to 3" in record.problem


def test_a_header_name_that_is_no_text_leaves_the_rest_of_the_batch_alone() -> None:
    fetching = Fetching()
    data = bytearray(batch(0, b"a", b"b", headers=[("hk", b"1"), ("trace_id", b"t")]))
    position = data.index(b"hk")
    data[position : position + 2] = b"\xff\xfe"
    odd, whole = fetching.take((0, sealed(data)))[0]
    assert odd == Record(
        0,
        0,
        TIME,
        b"key",
        b"a",
        {"\\xff\\xfe": b"1", "trace_id": b"t"},
        "the name of a header is not UTF-8",
    )
    assert (whole.value, whole.problem) == (b"b", None)
    assert fetching.position() == 2


def test_a_batch_whose_records_cannot_be_told_apart_comes_as_one_behind_those_that_can() -> None:
    fetching = Fetching()
    data = bytearray(batch(0, b"first", b"second", b"third"))
    data[data.index(b"second") - 1] = 0x7E
    found = fetching.take((0, behind(sealed(data), batch(3, b"after"))))[0]
    assert values(found) == [b"first", b"after"]
    (broken,) = [each for each in found if each.problem]
    assert (broken.offset, broken.value) == (2, sealed(data))
    assert broken.problem is not None
    assert "offsets 1 to 2" in broken.problem
    assert "second" not in broken.problem
    assert fetching.position() == 4


def test_an_answer_that_was_damaged_on_its_way_is_fetched_anew(lines: LogLines) -> None:
    fetching = Fetching(2)
    good = batch(1, b"b")
    found = fetching.take((0, behind(batch(0, b"a"), damaged(good))), (1, batch(0, b"elsewhere")))
    assert (values(found[0]), values(found[1])) == ([b"a"], [b"elsewhere"])
    assert fetching.position() == 1
    assert fetching.take((0, good))[0] == [Record(0, 1, TIME, b"key", b"b", {})]
    assert lines.of("batch_corrupt") == [{"partition": 0, "offset": 1, "attempt": 1}]


def test_a_batch_that_stays_damaged_comes_as_one_record_after_a_bounded_number_of_tries(
    lines: LogLines,
) -> None:
    fetching = Fetching()
    bad = damaged(batch(1, b"b", b"c"))
    asked = []

    def answer(position: int) -> bytes:
        asked.append(position)
        return behind(*[batch(0, b"a")][position:], *[bad] * (position < 3), batch(3, b"d"))

    found = fetching.read(4, answer)
    assert values(found) == [b"a", b"d"]
    (broken,) = [each for each in found if each.problem]
    assert (broken.offset, broken.timestamp, broken.value) == (2, UNKNOWN_TIME, bad)
    assert broken.problem is not None
    assert "offsets 1 to 2" in broken.problem
    assert asked == [0] + [1] * MAX_REFETCHES + [3]
    assert len(lines.of("batch_corrupt")) == MAX_REFETCHES


def test_a_damaged_account_of_a_batch_hides_no_record_behind_it() -> None:
    """The broker believes the batch's own account, and sends it again
    for offsets that are not its.
    """
    fetching = Fetching()
    bad = with_last_delta(batch(0, b"a", b"b"), 1_000)
    found = fetching.read(4, lambda _: behind(bad, batch(2, b"c", b"d")))
    assert values(found) == [b"c", b"d"]
    assert [each.offset for each in found if each.problem] == [0, 1]


@pytest.mark.parametrize("length", [-70, 0, 5, 1 << 30])
def test_a_batch_of_no_possible_length_is_passed_one_offset_after_the_other(length: int) -> None:
    fetching = Fetching()
    whole = bytearray(batch(0, b"a"))
    struct.pack_into(">i", whole, 8, length)
    found = fetching.read(2, lambda at: behind(*[bytes(whole)][at:], batch(1, b"b")))
    assert values(found) == [b"b"]
    assert [each.offset for each in found if each.problem] == [0]


def test_what_the_broker_cut_off_is_fetched_with_the_next_answer(lines: LogLines) -> None:
    fetching = Fetching()
    later = batch(1, b"b")
    assert values(fetching.take((0, behind(batch(0, b"a"), later[:-1])))[0]) == [b"a"]
    assert values(fetching.take((0, later))[0]) == [b"b"]
    assert not lines.of("batch_corrupt")


OTHER, THIRD = 7, 8


def test_what_another_producer_aborted_is_not_given_out_and_what_it_committed_is() -> None:
    fetching = Fetching()
    data = behind(
        transactional(batch(0, b"aborted"), OTHER),
        transactional(batch(1, b"of a third"), THIRD),
        batch(2, b"ours"),
        marker(3, OTHER, committed=False),
        transactional(batch(4, b"said again"), OTHER),
        marker(5, OTHER, committed=True),
        marker(6, THIRD, committed=True),
        transactional(batch(7, b"aborted too"), OTHER),
        marker(8, OTHER, committed=False),
    )
    found = fetching.take((0, data), aborted=[(OTHER, 0), (OTHER, 7)])[0]
    assert [(each.offset, each.value) for each in found] == [
        (1, b"of a third"),
        (2, b"ours"),
        (4, b"said again"),
    ]
    assert fetching.position() == 9


def test_an_answer_with_nothing_to_give_out_moves_on_and_stops_nobody(lines: LogLines) -> None:
    fetching = Fetching()
    data = behind(transactional(batch(0, b"a", b"b"), OTHER), marker(2, OTHER, committed=False))
    assert fetching.take((0, data), aborted=[(OTHER, 0)]) == {}
    assert fetching.position() == 3
    assert values(fetching.take((0, batch(3, b"behind")))[0]) == [b"behind"]
    assert lines.of("batch_corrupt") == []


def test_an_aborted_transaction_that_began_before_what_is_asked_for_stays_hidden() -> None:
    fetching = Fetching()
    fetching.take((0, batch(0, b"a", b"b")))
    data = behind(
        transactional(batch(2, b"rest"), OTHER), marker(3, OTHER, committed=False), batch(4, b"c")
    )
    assert values(fetching.take((0, data), aborted=[(OTHER, 1)])[0]) == [b"c"]


def test_the_librarys_own_fetcher_still_stops_at_such_a_batch() -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    fetching = Fetching(is_mended=False)
    with pytest.raises(KafkaError):
        fetching.take((0, batch(0, b"x", codec=LZ4)))
    assert fetching.position() == 0


def test_a_consumers_own_fetcher_is_the_mended_one() -> None:
    with offline_consumer() as consumer:
        TolerantFetcher.take_over(consumer)
        assert type(consumer._fetcher) is TolerantFetcher
