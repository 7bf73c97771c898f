"""Which web pages may call the API from a browser (CORS)."""

from collections.abc import Collection, Sequence

Fields = tuple[tuple[str, str], ...]

_EXPOSED = ("Access-Control-Expose-Headers", "X-Trace-Id, Location, Retry-After")
_VARY = (("Vary", "Origin"),)
"""On every response, so that no cache reuses one origin's response for
another.
"""

_PREFLIGHT = (
    (
        "Access-Control-Allow-Headers",
        "authorization, content-type, idempotency-key, traceparent, x-trace-id",
    ),
    # Ten minutes, which halves the round trips; Chromium caches at most
    # two hours.
    ("Access-Control-Max-Age", "600"),
)


class CorsPolicy:
    """Makes the header fields for the origins that are allowed.

    Never with credentials. Why only these, and why there is no
    wildcard: docs/adr/0023.
    """

    def __init__(self, origins: Collection[str]) -> None:
        """Prepare the fields of each origin once.

        Args:
            origins: As browsers write them, such as
                `https://chat.example.org`; one or more.
        """
        self._by_origin: dict[str, Fields] = {
            origin: (("Access-Control-Allow-Origin", origin), _EXPOSED, *_VARY)
            for origin in origins
        }

    def fields(self, origins: Sequence[str]) -> Fields:
        """Return the fields that belong on every response, errors too.

        Args:
            origins: Every value of the request's `Origin` field.

        Returns:
            `Vary` always; the permission only for an origin that is
            allowed.
        """
        return self._by_origin.get(origins[0], _VARY) if len(origins) == 1 else _VARY

    def preflight_fields(self, origins: Sequence[str], allow: str) -> Fields:
        """Return the additional fields of an answer to OPTIONS.

        Args:
            origins: Every value of the request's `Origin` field.
            allow: The methods of the path, as in `Allow`.

        Returns:
            What a page may send; empty for any other origin.
        """
        if len(origins) != 1 or origins[0] not in self._by_origin:
            return ()
        return (("Access-Control-Allow-Methods", allow), *_PREFLIGHT)
