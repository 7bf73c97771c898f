"""Turns of contenders, and what is made of them."""

from collections.abc import Callable

from bench.aims import Aim, Figure
from bench.table import RATE, Column, Figures, Table, interleave

MISSING = Column("not there")


def counting(order: list[str], name: str, figures: list[float]) -> Callable[[], Figures]:
    """Return a contender that reaches one figure after the other; a
    negative one stands for a turn that fails.
    """
    left = iter(figures)

    def ask() -> Figures:
        order.append(name)
        figure = next(left)
        if figure < 0:
            raise RuntimeError("too slow")
        return {RATE.name: figure}

    return ask


def run(**figures: list[float]) -> tuple[Table, list[str], list[str]]:
    """Let contenders take turns; return the table, their order, and
    what was said.
    """
    order: list[str] = []
    said: list[str] = []
    asks = {name: counting(order, name, reached) for name, reached in figures.items()}
    table = interleave(
        Table("Rate", (RATE,)), len(next(iter(figures.values()))), asks, said.append
    )
    return table, order, said


def test_each_round_begins_with_another_contender() -> None:
    table, order, _ = run(a=[1, 2, 3], b=[4, 5, 6])
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert list(table.turns) == ["a", "b"], "rows keep their order"
    assert [table.median(name, RATE) for name in "ab"] == [2, 5]


def test_a_turn_that_fails_is_told_and_the_others_count() -> None:
    table, _, said = run(a=[1, -1, 3], b=[2, 2, 2])
    assert table.median("a", RATE) == 2
    assert [line for line in said if "failed" in line] == [
        "Rate · 2/3 · a: failed: RuntimeError('too slow')"
    ]


def test_who_failed_in_every_turn_is_named() -> None:
    table, _, _ = run(a=[1, -1], b=[-1, -1], c=[-1, 2])
    assert table.failed == ["b"]


def test_a_ratio_is_of_neighbours_in_time() -> None:
    table, _, _ = run(a=[1, -1, 30], b=[2, 2, 10])
    assert table.ratios("a", RATE, "b", RATE) == [0.5, 3]
    assert table.ratios("a", RATE, "nobody", RATE) == []
    assert table.ratios("a", MISSING, "b", RATE) == []


def test_an_aim_shows_the_ratios_between_the_fastest_and_the_slowest_turn() -> None:
    table, _, _ = run(a=[1, 4, 30], b=[2, 2, 10])
    ours, theirs = Figure("Rate", "a", RATE), Figure("Rate", "b", RATE)
    aim = Aim("a ≥ 2 b", ours, theirs, least=2)
    assert aim.row({"Rate": table}) == "| a ≥ 2 b | 2.00 times (0.50 to 3.00) | yes |"
    assert Aim("a ≥ 5", ours, least=5).row({"Rate": table}) == "| a ≥ 5 | 4.00 | **no** |"


def test_an_aim_of_a_part_that_was_left_out_is_not_measured() -> None:
    table, _, _ = run(a=[1])
    other = Figure("Rate", "nobody", RATE)
    assert Aim("x", Figure("Rate", "a", RATE), other).row({"Rate": table}).endswith("measured | |")
    assert Aim("x", other).row({}) == "| x | not measured | |"
