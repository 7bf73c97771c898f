"""What the garbage collector need not look at, and how often it looks."""

import gc

YOUNG = 20_000
"""So many objects more than at the last look bring the next one. Python's 700 are reached again and again by
requests that are merely under way, and each such look finds nothing: what they leave behind is freed by
counting references, and only cycles, which are few here, wait for the collector."""

GENERATIONS = 20
"""So many looks at young objects bring one at the middle-aged, and so many of those one at all."""


def settle() -> None:
    """Take what a start has made out of the garbage collector's sight, and let it look less often.

    Modules and connections stay until the process ends, and each full collection would look at all of them
    (docs/adr/0022-cost-of-a-send.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, GENERATIONS, GENERATIONS)
