"""How little the process keeps of memory that is free, and how often the garbage collector looks."""

import ctypes
import gc

YOUNG = 20_000
"""So many objects more than at the last look bring the next one. Python's 700 are reached again and again by
requests that are merely under way, and each such look finds nothing: what they leave behind is freed by
counting references, and only cycles, which are few here, wait for the collector."""

GENERATIONS = 20
"""So many looks at young objects bring one at the middle-aged, and so many of those one at all."""


LARGE_BYTES = 32 * 1024
"""What is larger gets pages of its own, which go back to the system as
soon as it is freed: bodies, records and pages of the largest messages,
and nothing of the usual ones. glibc begins at 128 KiB and learns: after
the first password hash, which takes 16 MiB, everything smaller came out
of its heaps, and those kept 50 MB that nobody used (mallopt(3))."""

ARENAS = 2
"""Heaps of glibc's. Its own choice is eight for each core, each with its
own gaps; Python's threads take turns and need no more."""

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def return_free_memory() -> None:
    """Have the C library give freed memory back to the system; call it before any thread starts.

    Where the library is not glibc it does nothing: others have other
    habits and no `mallopt` (docs/adr/0007-bounds-and-overload.md).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(_M_ARENA_MAX, ARENAS)


def tune_garbage_collector() -> None:
    """Take what a start has made out of the garbage collector's sight, and let it look less often.

    Modules and connections stay until the process ends, and each full collection would look at all of them
    (docs/adr/0022-cost-of-a-send.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, GENERATIONS, GENERATIONS)
