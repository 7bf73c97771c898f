"""What is in the log twice, or should not be in it at all, changes nothing for anybody."""

from tests.acceptance.caller import Caller
from tests.integration.faults.cluster import PARTITIONS, Cluster, logged
from tests.integration.faults.crowd import snapshot, talking
from tests.integration.faults.topic import await_dead_letters, await_worked_off, put_into_all_partitions

ROUND = 60


def test_a_poisoned_record_is_put_away_and_what_comes_after_it_is_stored(service: Cluster) -> None:
    service.api()
    service.worker()
    with talking(service) as crowd:
        crowd.await_more(ROUND)
        put_into_all_partitions(service, b"{no event")
        crowd.await_more(ROUND)
        letters = await_dead_letters(service, PARTITIONS)
    assert [letter["source_topic"].decode() for letter in letters] == [service.topic] * PARTITIONS
    assert {int(letter["source_partition"]) for letter in letters} == set(range(PARTITIONS))
    assert all(letter["reason"] for letter in letters)
    assert len(logged(service.workers[0], "dead_lettered")) == PARTITIONS


def test_a_replay_of_the_whole_topic_into_a_filled_store_changes_nothing(service: Cluster) -> None:
    service.api()
    first = service.worker()
    with talking(service) as crowd:
        crowd.await_more(3 * ROUND)
    assert first.terminate() == 0
    before = snapshot(crowd)
    another = f"{service.settings['ANGARIUM_GROUP']}-again"
    again = service.worker(ANGARIUM_GROUP=another)
    await_worked_off(service, another)
    assert snapshot(crowd) == before
    assert {row["status"] for rows in before.values() for row in rows} > {"DELIVERED"}
    assert logged(again, "message_stored") == []
    with Caller(service.urls[0]) as caller:
        assert caller.call("GET", "/health/ready").status == 200
    assert crowd.complaints() == []
