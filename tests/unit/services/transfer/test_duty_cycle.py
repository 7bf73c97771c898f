"""Work beside a service takes its share of a core, and no more."""

from angarium.services.transfer.duty_cycle import DutyCycle


def test_it_rests_in_proportion_to_its_work() -> None:
    used, rests = [0.0], list[float]()
    cycle = DutyCycle(lambda: used[0], rests.append, share=0.25)
    for work in (0.01, 0.02, 0.0):
        used[0] += work
        cycle.rest()
    assert [round(each, 6) for each in rests] == [0.03, 0.06, 0.0]


def test_alone_it_never_rests() -> None:
    rests = list[float]()
    cycle = DutyCycle(lambda: 5.0, rests.append, share=1)
    cycle.rest()
    assert rests == []
