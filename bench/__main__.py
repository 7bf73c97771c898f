"""Measure: `python -m bench`; contenders take turns, each figure is a median, `--write` fills in the page."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import report
from bench.parts import accept, connections, embedded, end_to_end, read, scaling, worker
from bench.stage import Effort, Stage
from bench.table import Table

PAGE = Path("docs/performance.md")
OUTPUT = Path("bench/results/latest.json")

PARTS: Mapping[str, Callable[[Stage], Iterator[Table]]] = {
    "accept": accept.run,
    "worker": worker.run,
    "read": read.run,
    "end_to_end": end_to_end.run,
    "connections": connections.run,
    "scaling": scaling.run,
    "embedded": embedded.run,
}


def main() -> int:
    """Measure the chosen parts one after the other."""
    arguments = _arguments()
    quick: bool = arguments.quick
    effort = Effort(
        turns=arguments.turns or (1 if quick else 3),
        seconds=arguments.seconds or (1.0 if quick else 3.0),
        quick=quick,
    )
    results: dict[str, list[Table]] = {}
    with Stage(effort) as stage:
        for name in arguments.only or PARTS:
            results[name] = []
            for table in PARTS[name](stage):
                results[name].append(table)
                print(report.markdown(table), end="\n\n", flush=True)
            report.write({name: results[name]}, arguments.output)
            if arguments.write:
                text = f"{report.conditions(effort.turns)}\n\n{report.tables(results[name])}"
                report.fill_in(PAGE, name, text)
    print(f"written to {arguments.output}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="this part; may be given several times"
    )
    parser.add_argument("--turns", type=int, help="turns of each contender (default: 3)")
    parser.add_argument("--seconds", type=float, help="length of a turn (default: 3)")
    parser.add_argument(
        "--quick", action="store_true", help="one short turn each, without what takes minutes"
    )
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE}")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"default: {OUTPUT}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
