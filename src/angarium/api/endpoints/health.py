"""Whether the process lives, and whether it can do its work."""

from collections.abc import Mapping

from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.request_context import RequestContext
from angarium.services.health import CheckResult


def live(_: RequestContext) -> Response:
    """Tell that the process runs.

    Args:
        _: Not looked at.

    Returns:
        200.
    """
    return Response(200, encode({"status": "ok"}), headers=_NO_STORE)


def ready(call: RequestContext) -> Response:
    """Tell whether the log and the store answer.

    Args:
        call: Without parameters.

    Returns:
        200 when both do, 503 otherwise, with the state and latency of
        each.
    """
    return readiness(call.services.health.report())


def readiness(checks: Mapping[str, CheckResult]) -> Response:
    """Show what the checks found.

    Args:
        checks: By what was checked; none at all means that they did not
            come to an end.

    Returns:
        200 when all are in order, 503 otherwise.
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
    return "ok" if ok else "unavailable"
