"""CRC-32C of whole batches at once, also without the optional package.

Byte by byte in Python it is two fifths of what a send costs
(docs/adr/0022). Python's integers shift and exclusive-or thousands of
bits in one go, and a CRC is linear: the first k bits of a message may
be taken away when what remains of them after k steps of the register
is added to the bits after them. So a message is folded to about half
its length, again and again, until a few bytes are left for the table.
"""

from collections.abc import Callable, Sequence

Checksum = Callable[[bytes | bytearray | memoryview], int]

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, reflected (RFC 3720, appendix B.4)."""

_ONES = 0xFFFF_FFFF

FOLDS: Sequence[tuple[int, int]] = (
    (67272, 0x00005C45),
    (41456, 0x08290441),
    (32376, 0x24480144),
    (22832, 0x92003022),
    (15184, 0x0C247021),
    (11456, 0x2342001E),
    (7336, 0x080408E4),
    (4856, 0x04050F14),
    (2768, 0x424113A0),
    (1672, 0x008462D8),
    (1432, 0x9446030E),
    (856, 0x812C0154),
    (624, 0x41C14A25),
    (384, 0x1C291D04),
    (240, 0x15BB4109),
    (144, 0x0F69022B),
    (72, 0xF43ED648),
)
"""Lengths in bits, each with what that many steps of the register make
of a single set bit. Among similar lengths the chosen one has the fewest
set bits in its second number: each costs a shift and an exclusive-or.
"""


def step(register: int, steps: int) -> int:
    """Return what the register holds after steps without input.

    Args:
        register: Its 32 bits.
        steps: How many bits are shifted out.

    Returns:
        The new content.
    """
    for _ in range(steps):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register


_TABLE = [step(byte, 8) for byte in range(256)]
_PLANS = [
    (2 * length, length, (1 << length) - 1, [bit for bit in range(32) if remainder >> bit & 1])
    for length, remainder in FOLDS
]


def fold(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC-32C of some bytes.

    Args:
        data: Any number of bytes.

    Returns:
        The checksum, 32 bits.
    """
    left = len(data) * 8
    # The lowest bit is the first; the register's 32 bits lie above the
    # last.
    bits = int.from_bytes(data, "little") ^ _ONES
    for least, length, mask, shifts in _PLANS:
        while left >= least:
            first = bits & mask
            bits >>= length
            for shift in shifts:
                bits ^= first << shift
            left -= length
    while left:
        bits = bits >> 8 ^ _TABLE[bits & 0xFF]
        left -= 8
    return bits ^ _ONES


def fastest() -> Checksum:
    """Return the fastest available checksum function.

    Returns:
        The optional package's function, written in C, if it is
        installed; else `fold`.
    """
    try:
        from crc32c import crc32c as in_c
    except ImportError:
        return fold
    return in_c


crc32c = fastest()
