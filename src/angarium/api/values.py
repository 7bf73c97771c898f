"""How a client's value appears in an error text."""

MAX_SHOWN = 64
"""Characters; an id has 36, and an answer must stay short."""


def quote_for_error(value: str) -> str:
    """Quote a value, cut to `MAX_SHOWN` characters.

    Args:
        value: What was sent; never a message's text, a password or a
            token.

    Returns:
        The value in quotes, with lone surrogates escaped, which UTF-8
        cannot encode.
    """
    if len(value) > MAX_SHOWN:
        value = value[: MAX_SHOWN - 1] + "…"
    return f'"{value.encode("utf-8", "backslashreplace").decode()}"'


def kind_of(value: object) -> str:
    """Return the name of a value's JSON type.

    Args:
        value: As the JSON parser returned it.

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
