"""The rules for a message's text."""

from angarium.domain.errors import Code, Problem
from angarium.domain.message import MAX_CONTENT_BYTES


def content_problem(content: str, field: str = "content") -> Problem | None:
    """Say what is wrong with a text, if anything.

    Args:
        content: The text as it was sent; it is never trimmed or
            normalised.
        field: The name under which the client sent it.

    Returns:
        None for a text that can be sent: 1 to 10,240 bytes of UTF-8,
        not only white space, without U+0000 and lone surrogates.
    """
    if not content or content.isspace():
        return Problem(
            Code.EMPTY_CONTENT,
            "The text is empty or only white space; send at least one character.",
            field,
        )
    # Size comes before form; a lone surrogate counts as the three bytes
    # it would take.
    size = len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_CONTENT_BYTES:
        return Problem(
            Code.CONTENT_TOO_LARGE,
            f"The text has {size:,} bytes of UTF-8; send at most {MAX_CONTENT_BYTES:,}.",
            field,
        )
    if "\x00" in content:
        return Problem(
            Code.INVALID_CONTENT,
            f"The character at index {content.index(chr(0))} is U+0000, which cannot be stored; "
            "remove it.",
            field,
        )
    try:
        content.encode()
    except UnicodeEncodeError as error:
        return Problem(
            Code.INVALID_CONTENT,
            f"The character at index {error.start} is a lone surrogate, which UTF-8 cannot carry; "
            "remove it.",
            field,
        )
    return None
