"""How a value that a client sent is shown back in an error."""

MAX_SHOWN = 64


def quote_for_error(value: str) -> str:
    """Show a value without letting it fill the answer.

    Args:
        value: What was sent; never a text of a message, a password or a
            token.

    Returns:
        The value in quotes, at most 64 characters of it, with anything
        that UTF-8 cannot carry escaped.
    """
    if len(value) > MAX_SHOWN:
        value = value[: MAX_SHOWN - 1] + "…"
    return f'"{value.encode("utf-8", "backslashreplace").decode()}"'


def kind_of(value: object) -> str:
    """Name the JSON type of a value.

    Args:
        value: As the JSON reader gave it.

    Returns:
        Such as `a number`.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"
