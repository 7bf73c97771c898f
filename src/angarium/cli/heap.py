"""What the garbage collector need not look at."""

import gc


def settle() -> None:
    """Take what a start has made, modules and connections, out of the garbage collector's sight.

    It stays until the process ends, and each full collection would look at all of it. What collections of
    later things cost remains (docs/adr/0022-cost-of-a-send.md).
    """
    gc.collect()
    gc.freeze()
