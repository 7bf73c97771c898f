"""`python -m bench.export_share [PAIRS]`: what `angarium export` beside
`angarium serve` takes from those who send, in pairs of turns without
and with it.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contenders import embedded
from bench.load import Load, percentiles
from bench.population import Population, population
from bench.servers import Server
from bench.table import P95

PAIRS = 20
MESSAGES = 60_000
"""More than an export reads within one turn, at its share of a core."""

SENDERS = 8
TURN_S = 5.0
PACE_PER_SECOND = 200
START_S = 10.0
LOOK_S = 0.02


@contextmanager
def exporting(folder: Path) -> Iterator[None]:
    """Export for the length of a block, from when the first lines are
    written; what it has written is thrown away.
    """
    target = folder / "exports"
    target.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "angarium", "export", str(target / "all.jsonl")]
    with subprocess.Popen(command, env={"ANGARIUM_DATA": str(folder / "data")}) as process:
        try:
            _await_lines(target, process)
            yield
            if process.poll() is not None:
                raise RuntimeError("the export ended before the turn: it needs more messages")
        finally:
            process.kill()
    for file in target.iterdir():
        file.unlink()


def _await_lines(target: Path, process: subprocess.Popen[bytes]) -> None:
    stop = time.monotonic() + START_S
    while not any(file.stat().st_size for file in target.iterdir()):
        if process.poll() is not None or time.monotonic() > stop:
            raise RuntimeError(f"no export within {START_S:.0f} s")
        time.sleep(LOOK_S)


def turn(server: Server, people: Population) -> tuple[float, float]:
    """Measure sends a second flat out, then the p95 of a fixed pace in
    milliseconds.
    """
    with Load([server.address], people.sends(server.host), SENDERS) as load:
        flat = load.flat_out(TURN_S)
        paced = load.paced(TURN_S, PACE_PER_SECOND)
    if flat.refused or paced.refused:
        raise RuntimeError(f"{flat.refused + paced.refused} sends were refused")
    return len(flat.latencies) / flat.seconds, percentiles(paced.latencies)[P95.name]


def main(pairs: int) -> None:
    """Print every pair, then the medians of their ratios."""
    people = population()
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with embedded(folder, people) as server:
            with Load([server.address], people.sends(server.host), SENDERS) as load:
                load.exactly(MESSAGES)
            for _ in range(pairs):
                rate, p95 = turn(server, people)
                with exporting(folder):
                    rate_beside, p95_beside = turn(server, people)
                ratios.append((rate_beside / rate, p95_beside / p95))
                print(
                    f"{rate:,.0f} and {rate_beside:,.0f} sends/s, p95 {p95:.1f} and "
                    f"{p95_beside:.1f} ms",
                    flush=True,
                )
    for what, found in zip(("sends/s", "p95"), zip(*ratios, strict=True), strict=True):
        low, middle, high = statistics.quantiles(found)
        print(f"{what} beside an export: {middle:.2f} times (quartiles {low:.2f}, {high:.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
