import threading

import pytest

from angarium.api.transport.fair_queue import MAX_OUTDATED, FairQueue, Job

PATIENCE = 30.0
MANY = 1_000


def job(flow: str, source: str = "") -> Job:
    return Job(lambda: None, flow, source or flow)


def queue(capacity: int = MANY, share: int = MANY, threads: int = MANY) -> FairQueue:
    return FairQueue(capacity, share, threads)


def put(fair: FairQueue, *flows: str, source: str = "") -> list[Job]:
    jobs = [job(flow, source) for flow in flows]
    for each in jobs:
        assert fair.put(each) is None
    return jobs


def taken(fair: FairQueue, count: int) -> list[Job]:
    """Take so many, one after the other: each is done before the next
    is taken.
    """
    found = []
    for _ in range(count):
        each = fair.take()
        assert each is not None
        fair.job_done(each)
        found.append(each)
    return found


def flows(jobs: list[Job]) -> str:
    return "".join(str(each.flow) for each in jobs)


def test_one_flow_keeps_its_order() -> None:
    fair = queue()
    jobs = put(fair, *"aaa")
    assert taken(fair, 3) == jobs


def test_flows_take_turns_however_much_each_queues() -> None:
    fair = queue()
    put(fair, *"aaaaabbc")
    assert [sorted(flows(taken(fair, count))) for count in (3, 2, 3)] == [
        list("abc"),
        list("ab"),
        list("aaa"),
    ]


def test_one_that_comes_late_comes_next_and_is_given_no_credit_for_its_rest() -> None:
    fair = queue()
    put(fair, *"aaaaaaaa")
    assert flows(taken(fair, 3)) == "aaa"
    put(fair, *"bbb")
    order = flows(taken(fair, 8))
    assert order[0] == "b"
    assert order[:3].count("a") == 1
    assert order[:5].count("a") == 2


def test_whoever_leaves_and_comes_again_is_no_worse_off() -> None:
    fair = queue()
    put(fair, *"aaaa")
    for _ in range(3):
        put(fair, "b")
        assert flows(taken(fair, 2)) in ("ba", "ab")


def test_of_equal_users_the_one_from_the_emptier_address_goes_first() -> None:
    fair = queue()
    put(fair, *"abcdef", source="crowded")
    (alone,) = put(fair, "z", source="elsewhere")
    assert alone in taken(fair, 2)


def test_one_user_from_many_addresses_has_one_share() -> None:
    fair = queue()
    for number in range(5):
        put(fair, "a", source=f"address {number}")
    put(fair, "b")
    assert flows(taken(fair, 6)) == "abaaaa"


def test_one_flow_runs_on_so_many_threads_and_the_others_on_the_rest() -> None:
    fair = queue(threads=2)
    put(fair, *"aaaab")
    running = [fair.take() for _ in range(3)]
    assert sorted(str(each.flow) for each in running if each) == ["a", "a", "b"]
    assert fair._pop() is None
    put(fair, "c")
    following = fair.take()
    assert following is not None
    assert following.flow == "c"
    first = next(each for each in running if each and each.flow == "a")
    fair.job_done(first)
    following = fair.take()
    assert following is not None
    assert following.flow == "a"


def test_two_takers_that_wait_get_both_jobs_of_one_flow() -> None:
    fair = queue()
    got: list[Job | None] = []
    together = threading.Barrier(3, timeout=PATIENCE)

    def take() -> None:
        got.append(fair.take())
        together.wait()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    jobs = put(fair, *"aa")
    together.wait()
    for thread in threads:
        thread.join(PATIENCE)
    assert set(got) == set(jobs)


def test_a_flow_has_no_more_than_its_share_waiting_or_running() -> None:
    fair = queue(share=2)
    put(fair, *"aa")
    refused = job("a")
    assert fair.put(refused) is refused
    running = fair.take()
    assert running is not None
    assert fair.put(refused) is refused
    fair.job_done(running)
    assert fair.put(refused) is None


def test_a_full_queue_takes_no_more_of_whoever_has_most() -> None:
    fair = queue(capacity=3)
    put(fair, *"aab")
    for flow in "ab":
        refused = job(flow)
        assert fair.put(refused) is refused


def test_in_a_full_queue_the_newest_of_whoever_has_most_makes_room() -> None:
    fair = queue(capacity=4)
    jobs = put(fair, *"aaab")
    assert fair.put(job("c")) is jobs[2]
    assert sorted(flows(taken(fair, 3))) == ["a", "b", "c"]


def test_whoever_has_most_can_be_asked_for_its_newest() -> None:
    fair = queue()
    jobs = put(fair, *"aaabb")
    assert fair.displace(3) is None
    assert fair.displace(2) is jobs[2]
    assert fair.displace(2) is None
    assert sorted(flows(taken(fair, 4))) == list("aabb")


def test_what_runs_makes_no_room() -> None:
    fair = queue(capacity=2)
    put(fair, *"aa")
    running = [fair.take(), fair.take()]
    assert all(running)
    refused = job("b")
    assert fair.put(refused) is refused


def test_what_was_removed_is_never_taken_and_leaves_room() -> None:
    fair = queue(capacity=2)
    first, second = put(fair, *"ab")
    assert fair.remove(first)
    assert not fair.remove(first)
    put(fair, "c")
    assert flows(taken(fair, 2)) == "bc"
    assert not fair.remove(second)


def test_a_flow_whose_first_job_was_removed_keeps_its_turn() -> None:
    fair = queue()
    first, second = put(fair, *"aa")
    assert fair.remove(first)
    assert taken(fair, 1) == [second]


def test_flows_that_come_and_go_while_every_thread_hangs_leave_nothing_behind() -> None:
    fair = queue()
    for number in range(1_000):
        (waiting,) = put(fair, f"flow {number}")
        assert fair.remove(waiting)
    assert len(fair._next) <= MAX_OUTDATED + 1
    assert (len(fair._flows), len(fair._sources), fair._size) == (0, 0, 0)


def test_a_closed_queue_gives_nothing_more() -> None:
    fair = queue()
    put(fair, "a")
    fair.close()
    assert fair.take() is None


@pytest.mark.parametrize("users", [1, 7])
def test_nothing_is_left_of_what_is_done(users: int) -> None:
    fair = queue(threads=1)
    for number in range(50):
        put(fair, f"user {number % users}")
    taken(fair, 50)
    assert (len(fair._flows), len(fair._sources), fair._size, len(fair._next)) == (0, 0, 0, 0)
