"""Liveness and readiness."""

from collections.abc import Mapping

from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.request_context import RequestContext
from angarium.services.health import CheckResult


def live(_: RequestContext) -> Response:
    """Answer that the process runs, without asking anything else.

    Args:
        _: Not used.

    Returns:
        200.
    """
    return Response(200, encode({"status": "ok"}), headers=_NO_STORE)


def ready(request: RequestContext) -> Response:
    """Check the log and the store.

    A load balancer asks each instance (docs/adr/0021).

    Args:
        request: Without parameters.

    Returns:
        200 if both answer, else 503; with the state and latency of
        each.
    """
    return readiness(request.services.health.report())


def readiness(checks: Mapping[str, CheckResult]) -> Response:
    """Return the response to what the checks found.

    Args:
        checks: By name; empty means that they did not finish in time.

    Returns:
        200 if all are in order, else 503.
    """
    ready = bool(checks) and all(check.ok for check in checks.values())
    document = {
        "status": _status(ready),
        "checks": {
            name: {"status": _status(check.ok), "latency_ms": round(check.latency_ms, 1)}
            for name, check in checks.items()
        },
    }
    return Response(200 if ready else 503, encode(document), headers=_NO_STORE)


_NO_STORE = (("Cache-Control", "no-store"),)


def _status(ok: bool) -> str:
    """Return the word for a check's result."""
    return "ok" if ok else "unavailable"
