"""Measure: `python -m bench [--only TEXT]`; contenders take turns, each figure is a median."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import contenders, measure, report
from bench.contenders import Contender
from bench.measure import Turn
from bench.population import Population, population

Start = Callable[[Path, Population], AbstractContextManager[Contender]]
Ask = Callable[[Contender, Population], Turn]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One table.

    Attributes:
        title: Its heading.
        contenders: Who takes turns.
        ask: What each turn asks.
    """

    title: str
    contenders: tuple[Start, ...]
    ask: Ask


ALONE: tuple[Start, ...] = (contenders.angarium_alone, partial(contenders.fastapi, durable=False))
DURABLE: tuple[Start, ...] = (contenders.angarium, partial(contenders.fastapi, durable=True))


def scenarios(seconds: float) -> list[Scenario]:
    """List everything that is measured."""
    crowd = partial(measure.flat_out, connections=64, seconds=seconds)
    return [
        Scenario("Server alone, flat out, 64 connections", ALONE, crowd),
        Scenario("Durable, flat out, 64 connections", DURABLE, crowd),
        *(
            Scenario(
                f"Durable, paced at {rate:,}/s",
                DURABLE,
                partial(measure.paced, connections=64, seconds=seconds, rate=float(rate)),
            )
            for rate in (500, 1_000)
        ),
    ]


def turn(start: Start, ask: Ask, people: Population) -> tuple[str, Turn]:
    """Start one contender in a fresh folder, warm it up, and measure it once."""
    with (
        tempfile.TemporaryDirectory(prefix="angarium-bench-") as folder,
        start(Path(folder), people) as contender,
    ):
        if contender.database is not None:
            measure.introduce(contender, people)
        measure.flat_out(contender, people, connections=16, seconds=1.0)
        return contender.name, ask(contender, people)


def main() -> int:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="turns of each contender (default: 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a turn (default: 5)")
    parser.add_argument("--only", default="", help="only scenarios with this text in their title")
    parser.add_argument("--output", type=Path, default=Path("bench/results/latest.json"))
    arguments = parser.parse_args()
    turns = arguments.turns
    people = population()
    results: dict[str, dict[str, list[Turn]]] = {}
    for scenario in scenarios(arguments.seconds):
        if arguments.only not in scenario.title:
            continue
        table = results.setdefault(scenario.title, {})
        for number in range(turns):
            for start in scenario.contenders:
                name, figures = turn(start, scenario.ask, people)
                table.setdefault(name, []).append(figures)
                print(
                    f"{scenario.title} · turn {number + 1} of {turns} · {name}: {figures.per_second:,.0f}/s",
                    file=sys.stderr,
                    flush=True,
                )
    print(report.tables(results))
    report.write(results, arguments.output)
    print(f"\nwritten to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
