"""Puts the folding checksum in the place of kafka-python's own.

Fault: without the optional package `crc32c` the library computes the
checksum of every batch byte by byte in Python, which is two fifths of
what a send costs (docs/adr/0022).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_checksum.py`, where
the library has to call what is put in its place.
The public way: the package, which the extra `fast` brings; it cannot be
asked of everybody, since it is no runtime dependency.
Measured: a batch of 605 bytes takes 10 us instead of 76; an accepted
message 1,260,000 instructions instead of 2,180,000, and with the
package 1,181,000 (docs/performance.md).
Mended upstream: delete this file, its test, and the call of `install`
in `engines/kafka/connection.py`.
"""

from kafka.record import default_records, util

from angarium.engines.kafka.crc32c import fold


def install() -> None:
    """Make kafka-python use our checksum; safe to repeat.

    Where the package in C is installed, the library keeps using that.
    """
    if util.crc32c_c is None:
        default_records.calc_crc32c = fold
