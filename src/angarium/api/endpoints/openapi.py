"""GET /openapi.json."""

from functools import cache
from importlib.resources import files

from angarium.api.interface import Response
from angarium.api.request_context import RequestContext


def document(_: RequestContext) -> Response:
    """Give the description of this API (OpenAPI 3.1).

    Args:
        _: Not looked at.

    Returns:
        200 with the document.
    """
    return Response(200, _bytes())


@cache
def _bytes() -> bytes:
    return files("angarium.api.endpoints").joinpath("openapi.json").read_bytes()
