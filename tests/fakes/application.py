"""An application for tests of the server: a few paths, each with one
habit.
"""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from uuid import NAMESPACE_URL, UUID, uuid5

from angarium import deadline, logs
from angarium.api.interface import (
    MAX_BODY_BYTES,
    Admission,
    DeferredResponse,
    ExecutionMode,
    Head,
    Outcome,
    PasswordCheck,
    Refusal,
    Response,
    ResumeOnLoop,
    WouldBlock,
)
from angarium.domain.errors import Code
from angarium.domain.user import Principal

_log = logs.get("angarium.stub")

ALICE = Principal(UUID(int=1), "alice")
PATIENCE = 30.0

_STATUS: Mapping[Code, int] = {
    Code.MALFORMED_REQUEST: 400,
    Code.REQUEST_TIMEOUT: 408,
    Code.URI_TOO_LONG: 414,
    Code.EXPECTATION_FAILED: 417,
    Code.HEADERS_TOO_LARGE: 431,
    Code.NOT_IMPLEMENTED: 501,
    Code.BODY_TOO_LARGE: 413,
    Code.OVERLOADED: 503,
    Code.STORE_UNAVAILABLE: 503,
    Code.INTERNAL_ERROR: 500,
}
_MODES = {
    "store": ExecutionMode.STORE,
    "hash": ExecutionMode.HASHING,
    "health": ExecutionMode.HEALTH,
    "live": ExecutionMode.LIVENESS,
}


class StubApplication:
    """Answers by the path's first segment; keeps what it was asked.

    `/echo` gives the body back, `/large/N` N bytes, `/store-large/N` as
    well on the STORE lane. `/refused` is refused from its head,
    `/crash` fails there, `/broken` later. `/store`, `/hash` and
    `/health` wait on those lanes until the test opens the gate. `/live`
    is on the LIVENESS lane. `/held` holds the server's own thread until
    then. `/await` is answered when the test completes a future.
    `/moved` finds on the server's thread that it would block;
    `/moved-await` and `/store-await` come to a future on the STORE
    lane, `/store-resumed` goes on from there on the server's thread. An
    `X-User` names the user, else it is alice, and an `X-Forwarded-For`
    the client.
    """

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []
        self.abandoned: list[bytes] = []
        self.checked: list[bytes] = []
        self.resumed: list[str] = []
        self.futures: list[Future[object]] = []
        self.awaiting = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.threads: set[str] = set()
        self.remaining: list[float] = []
        self.extra_headers: tuple[tuple[str, str], ...] = ()
        self.await_within = 30.0
        self.refuses = True
        self.rests: list[int] = []
        self.reports: list[bool] = []
        self.rests_well = True
        self.refusing: Callable[[], object] = lambda: None

    def admit(self, head: Head) -> Admission | Refusal:
        self.heads.append(head)
        segment = head.path.split("/")[1] if head.path.startswith("/") else head.path
        if segment == "refused":
            return Refusal(Response(404, b'{"code":"not_found"}'), "/refused")
        if segment == "crash":
            raise RuntimeError("admit failed")
        if int(head.headers.get("content-length") or 0) > MAX_BODY_BYTES:
            refused = self.refuse(Code.BODY_TOO_LARGE, "too large", head.trace_id)
            return Refusal(refused, "/" + segment)
        mode = _MODES.get(segment.partition("-")[0], ExecutionMode.INLINE)
        name = head.headers.get("x-user")
        user = ALICE if name is None else Principal(uuid5(NAMESPACE_URL, name), name)
        client = head.headers.get("x-forwarded-for") or head.peer
        return Admission(head, "/" + segment, mode, segment, {}, user, client)

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        self.bodies.append(body)
        self.threads.add(threading.current_thread().name)
        _log.info("ran", "a request reached the stub")
        segment = str(admission.endpoint)
        if segment.startswith("moved") and not may_block:
            return WouldBlock()
        if segment == "broken":
            raise RuntimeError("run failed")
        if segment == "hash":
            return PasswordCheck(lambda: self._checked(body), lambda: self.abandoned.append(body))
        if segment in ("store", "health", "held"):
            self._wait()
        if segment.endswith("await"):
            return self._await()
        if segment.endswith("resumed"):
            return ResumeOnLoop(self._resume)
        if segment.endswith("large"):
            return Response(200, b"x" * int(admission.head.path.split("/")[2]), "text/plain")
        return Response(200, body or b"{}", headers=self.extra_headers)

    def _checked(self, body: bytes) -> Response:
        self.checked.append(body)
        self.threads.add(threading.current_thread().name)
        self._wait()
        return Response(200, body or b"{}")

    def _resume(self) -> Response:
        self.resumed.append(threading.current_thread().name)
        return Response(202)

    def _wait(self) -> None:
        self.remaining.append(deadline.remaining(PATIENCE))
        self.entered.release()
        self.gate.wait(PATIENCE)

    def idle_hint(self) -> None:
        self.rests.append(len(self.bodies))
        if not self.rests_well:
            raise RuntimeError("idle_hint failed")

    def report(self, at_once: bool) -> None:
        self.reports.append(at_once)

    def late(self, admission: Admission) -> Response:
        return self.refuse(Code.STORE_UNAVAILABLE, "late", admission.head.trace_id)

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        if not self.refuses:
            raise RuntimeError("refuse failed")
        self.refusing()
        body = json.dumps({"code": code, "detail": detail, "trace_id": trace_id}).encode()
        waiting = (("Retry-After", "1"),) if _STATUS[code] == 503 else ()
        return Response(_STATUS[code], body, "application/problem+json", waiting)

    def _await(self) -> DeferredResponse:
        future: Future[object] = Future()
        self.futures.append(future)
        self.awaiting.release()
        return DeferredResponse(
            future,
            lambda: Response(202, str(future.result()).encode()),
            lambda: self.refuse(Code.STORE_UNAVAILABLE, "the future was late", ""),
            self.await_within,
        )
