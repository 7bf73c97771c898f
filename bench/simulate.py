"""Simulate what two cores cannot show: `python -m bench.simulate
[--seed N]`.

First, conversations of very different size (Zipf) over a fixed number
of partitions: how much more than its share the busiest partition gets.
Second, rebalances among 100 workers, with the assignor that workers
use: how many partitions move, and for how long those stand still.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from angarium.domain.partitioning import murmur2
from bench.rebalance import WORKERS, rebalances
from bench.report import fill_in

PAGE = Path("docs/scale.md")
CONVERSATIONS = 1_000_000
PARTITIONS = (12, 120, 1_200)
EXPONENTS = (0.6, 0.8, 1.0)
SIGN = 0x7FFF_FFFF
"""What Kafka's clients leave of the hash before they divide it."""


def main() -> int:
    """Make both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=1, help="of everything that is drawn (default: 1)"
    )
    parser.add_argument(
        "--conversations", type=int, default=CONVERSATIONS, help=f"default: {CONVERSATIONS:,}"
    )
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE}")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    count: int = arguments.conversations
    found = {
        "skew": f"{count:,} conversations, seed {arguments.seed}:\n\n"
        + "\n".join(skew(rng, count)),
        "rebalance": f"{WORKERS} workers, seed {arguments.seed}:\n\n" + "\n".join(rebalances(rng)),
    }
    for name, text in found.items():
        print(text, end="\n\n")
        if arguments.write:
            fill_in(PAGE, name, text)
    return 0


def skew(rng: random.Random, conversations: int) -> Iterator[str]:
    """Tell how uneven partitions are when conversations are."""
    hashes = [
        murmur2(str(UUID(int=rng.getrandbits(128))).encode()) & SIGN for _ in range(conversations)
    ]
    yield (
        "| Zipf exponent | partitions | busiest conversation's share | busiest partition ÷ mean |"
    )
    yield "| ---: | ---: | ---: | ---: |"
    for exponent in EXPONENTS:
        weights = [rank**-exponent for rank in range(1, conversations + 1)]
        for partitions in PARTITIONS:
            loads = _loads(hashes, weights, partitions)
            busiest = max(loads.values()) * partitions / sum(weights)
            share = weights[0] / sum(weights)
            yield f"| {exponent} | {partitions:,} | {share:.3%} | {busiest:.2f} |"


def _loads(
    hashes: Sequence[int], weights: Sequence[float], partitions: int
) -> Mapping[int, float]:
    loads: dict[int, float] = dict.fromkeys(range(partitions), 0.0)
    for each, weight in zip(hashes, weights, strict=True):
        loads[each % partitions] += weight
    return loads


if __name__ == "__main__":
    sys.exit(main())
