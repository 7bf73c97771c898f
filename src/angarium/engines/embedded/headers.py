"""Record headers as text in a column."""

import json
from collections.abc import Mapping
from typing import cast


def write_headers(headers: Mapping[str, bytes | None]) -> str:
    """Put headers of any bytes into text.

    Args:
        headers: By name; None is a header without a value.

    Returns:
        ASCII: a JSON object; bytes that are no UTF-8 become lone surrogates (PEP 383).
    """
    return json.dumps(
        {
            name: None if value is None else value.decode("utf-8", "surrogateescape")
            for name, value in headers.items()
        }
    )


def read_headers(text: str | bytes) -> dict[str, bytes | None]:
    """Read headers back.

    Args:
        text: What `write_headers` gave.

    Returns:
        Equal headers.
    """
    document = cast("dict[str, str | None]", json.loads(text))
    return {
        name: None if value is None else value.encode("utf-8", "surrogateescape")
        for name, value in document.items()
    }
