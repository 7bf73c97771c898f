"""Reaches an application without a server: what the server does with
it, on the caller's thread.
"""

from collections.abc import Sequence

from angarium import deadline, logs
from angarium.api.interface import (
    Application,
    DeferredResponse,
    ExecutionMode,
    Head,
    PasswordCheck,
    Refusal,
    Response,
    ResumeOnLoop,
    WouldBlock,
)
from angarium.api.request_headers import Headers
from angarium.api.transport.trace_id import trace_id_of
from tests.contract.http.client import Answer, Fields, Request

LANE_S = 2.0
PEER = "127.0.0.1"


class InProcess:
    """Hands requests to an application and waits for its answers, no
    longer than `patience` seconds.
    """

    def __init__(self, application: Application, patience: float = 30.0) -> None:
        self._application = application
        self._patience = patience

    def __call__(self, request: Request) -> Answer:
        head = self._head(request)
        admission = self._application.admit(head)
        if isinstance(admission, Refusal):
            return _answer(request, head, admission.response)
        body = request.body or b""
        with logs.bound(trace_id=head.trace_id):
            outcome = self._application.run(
                admission, body, admission.mode is not ExecutionMode.INLINE
            )
            if isinstance(outcome, WouldBlock):
                with deadline.within(LANE_S):
                    outcome = self._application.run(admission, body, True)
            if isinstance(outcome, ResumeOnLoop):
                outcome = outcome.run()
            assert not isinstance(outcome, (WouldBlock, PasswordCheck))
            if isinstance(outcome, DeferredResponse):
                outcome = _awaited(outcome, self._patience)
        return _answer(request, head, outcome)

    def _head(self, request: Request) -> Head:
        path, _, query = request.target.partition("?")
        values: dict[str, list[str]] = {"host": ["angarium"]}
        for name, value in request.fields:
            values.setdefault(name.lower(), []).append(value)
        headers = Headers.from_lists(values)
        return Head(request.method, path, query, headers, PEER, trace_id_of(values))


def _awaited(awaiting: DeferredResponse, patience: float) -> Response:
    try:
        awaiting.future.exception(min(awaiting.timeout_s, patience))
    except TimeoutError:
        return awaiting.late()
    return awaiting.render()


def _answer(request: Request, head: Head, response: Response) -> Answer:
    content: Sequence[tuple[str, str]] = (
        [("Content-Type", response.content_type)] if response.body else []
    )
    fields: Fields = [
        *content,
        ("Content-Length", str(len(response.body))),
        ("X-Trace-Id", head.trace_id),
        *response.headers,
    ]
    body = b"" if request.method == "HEAD" else response.body
    return Answer(request, response.status, Headers(fields), body)
