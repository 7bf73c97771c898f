"""Measure: `python -m bench`; contenders take turns, each figure is a
median, `--write` fills in the page.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import aims, capacity, plot, report
from bench.parts import (
    accept,
    accept_parts,
    attack_memory,
    attack_others,
    connections,
    embedded,
    end_to_end,
    read,
    scaling,
    worker,
    worker_parts,
)
from bench.stage import Effort, Stage
from bench.table import Table

PAGE = Path("docs/performance.md")
SCALE = Path("docs/scale.md")
PICTURE = Path("docs/accept.svg")
OUTPUT = Path("bench/results/latest.json")
QUICK_OUTPUT = Path("bench/results/quick.json")

PARTS: Mapping[str, Callable[[Stage], Iterator[Table]]] = {
    "accept": accept.run,
    "accept_parts": accept_parts.run,
    "worker": worker.run,
    "worker_parts": worker_parts.run,
    "read": read.run,
    "end_to_end": end_to_end.run,
    "connections": connections.run,
    "scaling": scaling.run,
    "embedded": embedded.run,
    "attack_others": attack_others.run,
    "attack_memory": attack_memory.run,
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
    output = arguments.output or (QUICK_OUTPUT if quick else OUTPUT)
    failed: list[str] = []
    with Stage(effort) as stage:
        for name in arguments.only or PARTS:
            try:
                _measure(stage, name, output, arguments.write)
            except Exception:  # noqa: BLE001 - the other parts take half an hour: they go on
                traceback.print_exc()
                failed.append(name)
    everything = report.read(output)
    summary = aims.summary(everything)
    print(summary)
    print(f"\nwritten to {output}")
    if arguments.write and aims.NOT_MEASURED in summary:
        print(f"the aims in {PAGE}, and {SCALE}, stay as they are: a part was not measured")
    elif arguments.write:
        report.fill_in(PAGE, "aims", f"{report.spans(output)}\n\n{summary}")
        report.fill_in(SCALE, "capacity", capacity.markdown(everything))
        plot.draw(everything, PICTURE)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _measure(stage: Stage, name: str, output: Path, write: bool) -> None:
    stage.settle()
    found: list[Table] = []
    for table in PARTS[name](stage):
        found.append(table)
        print(report.markdown(table), end="\n\n", flush=True)
        report.write({name: found}, output)
    if failed := [f"{each} ({table.title})" for table in found for each in table.failed]:
        raise RuntimeError(f"failed in every turn: {', '.join(failed)}")
    if write:
        text = f"{report.conditions(stage.effort.turns)}\n\n{report.tables(found)}"
        report.fill_in(PAGE, name, text)


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
    parser.add_argument(
        "--output", type=Path, help=f"default: {OUTPUT}, with --quick {QUICK_OUTPUT}"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
