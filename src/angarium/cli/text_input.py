"""Texts that come from outside: from stdin, arguments and prompts.

Python hands bytes that are no UTF-8 on as lone surrogates
(`surrogateescape`), so a fault can still be named.
"""

from typing import TextIO

from angarium.cli.errors import CommandError
from angarium.domain.message import MAX_CONTENT_BYTES

BYTE_ORDER_MARK = "\ufeff"

MAX_READ_BYTES = MAX_CONTENT_BYTES + len(BYTE_ORDER_MARK.encode()) + len(b"\r\n")
"""The longest message with what is dropped from it."""


def utf8_fault(text: str) -> str | None:
    """Find the first byte of a text that is no UTF-8.

    Args:
        text: From an argument, a stream or a prompt.

    Returns:
        What is wrong, None if nothing is. Positions are counted in
        bytes, from 0.
    """
    if text.isascii():
        return None
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Surrogates that stand for no byte.
        data = text.encode("utf-8", "surrogatepass")
    return _fault(data)


def read_text(stdin: TextIO) -> str:
    """Read a message from stdin, to its end.

    Args:
        stdin: A pipe, a file or a terminal.

    Returns:
        The text, without a byte order mark at its beginning and without
        one line end at its end.

    Raises:
        CommandError: It is longer than any message, or no UTF-8.
    """
    data = _read(stdin)
    if len(data) > MAX_READ_BYTES:
        raise CommandError(
            f"nothing was sent: The text has more than {MAX_CONTENT_BYTES:,} bytes of UTF-8; send "
            f"at most {MAX_CONTENT_BYTES:,}."
        )
    fault = _fault(data)
    if fault is not None:
        raise CommandError(f"nothing was sent: {fault}")
    text = data.decode().removeprefix(BYTE_ORDER_MARK)
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _read(stdin: TextIO) -> bytes:
    """Read a little more than the longest message, if there is more."""
    binary = getattr(stdin, "buffer", None)
    if binary is None:
        # A stream in memory.
        return stdin.read(MAX_READ_BYTES + 1).encode("utf-8", "surrogateescape")
    data = bytearray()
    while len(data) <= MAX_READ_BYTES:
        # A terminal gives a line at a time.
        piece: bytes = binary.read1(MAX_READ_BYTES + 1 - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)


def _fault(data: bytes) -> str | None:
    """Say which byte is no UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return describe_fault(error)
    return None


def describe_fault(error: UnicodeDecodeError) -> str:
    """Name the byte that a decoder stumbled over.

    Args:
        error: The decoder's.

    Returns:
        The byte and its position, counted from 0.
    """
    return f"not UTF-8 (byte 0x{error.object[error.start]:02x} at position {error.start})"
