"""Record headers as text in a column."""

import json
from collections.abc import Mapping
from typing import cast


def write_headers(headers: Mapping[str, bytes]) -> str:
    """Put headers of any bytes into text.

    Args:
        headers: By name.

    Returns:
        ASCII: a JSON object; bytes that are no UTF-8 become lone surrogates (PEP 383).
    """
    return json.dumps({name: value.decode("utf-8", "surrogateescape") for name, value in headers.items()})


def read_headers(text: str | bytes) -> dict[str, bytes]:
    """Read headers back.

    Args:
        text: What `write_headers` gave.

    Returns:
        Equal headers.
    """
    document = cast("dict[str, str]", json.loads(text))
    return {name: value.encode("utf-8", "surrogateescape") for name, value in document.items()}
