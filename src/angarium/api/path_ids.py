"""The ids in a request's path, for log lines."""

from collections.abc import Mapping

from angarium.domain.identifiers import parse_uuid


def path_ids(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the ids in a path that are valid UUIDs.

    Args:
        parameters: The path's, percent-decoded.

    Returns:
        The UUIDs among them in lower case, by their names; any other
        text is left out, so that nothing a client invents reaches a
        log line. `user_id` is left out too: in a log line it is the
        caller's.
    """
    return {
        name: text.lower()
        for name, text in parameters.items()
        if name != "user_id" and parse_uuid(text) is not None
    }
