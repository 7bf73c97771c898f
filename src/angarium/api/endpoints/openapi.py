"""GET /openapi.json."""

from functools import cache
from importlib.resources import files

from angarium.api.interface import Response
from angarium.api.request_context import RequestContext


def document(_: RequestContext) -> Response:
    """Return the OpenAPI 3.1 document of this API.

    Args:
        _: Not used.

    Returns:
        200 with the document.
    """
    return Response(200, _bytes())


@cache
def _bytes() -> bytes:
    """Read the document once, from the package."""
    return files("angarium.api.endpoints").joinpath("openapi.json").read_bytes()
