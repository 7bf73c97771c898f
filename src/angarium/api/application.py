"""The HTTP application: finds routes, runs them, renders errors."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from angarium import deadline, logs
from angarium.api.body_checks import check_shape
from angarium.api.client_address import ClientAddresses
from angarium.api.cors import CorsPolicy
from angarium.api.endpoints.health import readiness
from angarium.api.endpoints.page import PageSettings
from angarium.api.host_check import HostCheck
from angarium.api.interface import (
    UNMATCHED,
    Admission,
    Application,
    ExecutionMode,
    Head,
    Outcome,
    PasswordCheck,
    Refusal,
    Response,
    ResumeOnLoop,
)
from angarium.api.path_ids import path_ids
from angarium.api.problems import internal_error, problem, refusal, unavailable
from angarium.api.request_context import RequestContext
from angarium.api.request_context import Services as Services
from angarium.api.request_headers import bearer_token
from angarium.api.routes import ROUTES, TABLE, Resource, Route, RoutingTable, page_routes
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code, Refused, StoreUnavailable, Unavailable
from angarium.domain.ip_addresses import IPNetwork
from angarium.domain.user import Principal

STORE_TIMEOUT_S = 2.0
"""Time that a request may spend on the store, retries included
(docs/http.md, Limits; docs/adr/0007).
"""

Made = TypeVar("Made")

_ALL_METHODS = "GET, HEAD, POST, OPTIONS"


class MessagingApplication(Application):
    """Answers requests with the services, by the table of routes."""

    def __init__(
        self,
        services: Services,
        trusted_proxies: Sequence[IPNetwork] = (),
        *,
        hosts: HostCheck | None = None,
        cors: CorsPolicy | None = None,
        page: PageSettings | None = None,
    ) -> None:
        """Take the services and the checks of hosts and origins.

        Args:
            services: The use cases.
            trusted_proxies: Proxies whose `X-Forwarded-For` is
                trusted.
            hosts: Refuses requests to other hosts; None takes any host.
            cors: Answers preflights of web pages; None allows none.
            page: What the page for people is told; None has no page.
        """
        self._services = services
        self._addresses = ClientAddresses(trusted_proxies)
        self._hosts = hosts
        self._cors = cors
        self._table = TABLE if page is None else RoutingTable([*ROUTES, *page_routes(page)])

    def admit(self, head: Head) -> Admission | Refusal:
        """Implements `Application.admit` with the table of routes."""
        template = UNMATCHED
        parameters: Mapping[str, str] = {}
        try:
            if self._hosts is not None:
                self._hosts.check(head.headers)
            matched = self._table.match(head.path)
            if matched is None:
                return Refusal(_without_path(head), template)
            resource, parameters = matched
            template = resource.template
            route = resource.routes.get(head.method)
            if route is None:
                return Refusal(self._without_route(head, resource), template, parameters)
            principal = self._authenticate(head) if route.wants_token else None
            check_shape(route.body_rule, head.headers)
            client = self._addresses.of(head.peer, head.headers.all("x-forwarded-for"))
            return Admission(head, template, route.mode, route, parameters, principal, client)
        except Refused as refused:
            return Refusal(refusal(refused, head.trace_id), template, parameters)
        except Exception as error:  # noqa: BLE001 - the last resort: logged in full, answered with 500
            return Refusal(internal_error(error, head.trace_id, path=template), template)

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Implements `Application.run`, with 2 s for the store."""
        return self._translate_errors(admission, lambda: self._run(admission, body, may_block))

    def report(self, at_once: bool) -> None:
        """Implements `Application.report` with the refused logins."""
        self._services.login.report(at_once)

    def late(self, admission: Admission) -> Response:
        """Implements `Application.late`."""
        trace_id = admission.head.trace_id
        if admission.mode is ExecutionMode.HEALTH:
            return readiness({})
        if admission.mode is ExecutionMode.HASHING:
            return problem(
                Code.OVERLOADED, "Too many logins are waiting; log in again later.", trace_id
            )
        error = StoreUnavailable("the request's thread did not finish in time")
        return self._unavailable(error, admission)

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Implements `Application.refuse`."""
        return problem(code, detail, trace_id)

    def _authenticate(self, head: Head) -> Principal:
        """Return the user whom the bearer token names, or raise."""
        return self._services.authentication.authenticate(bearer_token(head.headers))

    def _without_route(self, head: Head, resource: Resource) -> Response:
        """Answer a method that the path does not allow, and OPTIONS."""
        allow = (("Allow", resource.allow),)
        if head.method != "OPTIONS":
            return problem(
                Code.METHOD_NOT_ALLOWED,
                f"{resource.template} does not allow {head.method}; use one of {resource.allow}.",
                head.trace_id,
                headers=allow,
            )
        if self._cors is None:
            return Response(204, headers=allow)
        origins = head.headers.all("origin")
        return Response(204, headers=allow + self._cors.preflight_fields(origins, resource.allow))

    def _translate_errors(self, admission: Admission, make: Callable[[], Made]) -> Made | Response:
        """Return what `make` returns, or the response to its error."""
        trace_id = admission.head.trace_id
        try:
            return make()
        except Refused as refused:
            return refusal(refused, trace_id)
        except Unavailable as error:
            return self._unavailable(error, admission)
        except Exception as error:  # noqa: BLE001 - the last resort: logged in full, answered with 500
            return internal_error(error, trace_id, path=admission.template, **_ids(admission))

    def _unavailable(self, error: Unavailable, admission: Admission) -> Response:
        """Return the 503 where the log or the store does not answer."""
        return unavailable(
            error,
            self._services.repeats,
            admission.head.trace_id,
            path=admission.template,
            **_ids(admission),
        )

    def _run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Call the endpoint, with a deadline where it may block."""
        route = admission.endpoint
        if not isinstance(route, Route):
            raise TypeError("the admission was not made by this application")
        request = RequestContext(self._services, admission, body, may_block, route.query)
        if may_block:
            outcome = _blocking(admission, lambda: route.endpoint(request))
        else:
            outcome = route.endpoint(request)
        if isinstance(outcome, ResumeOnLoop):
            return ResumeOnLoop(partial(self._translate_errors, admission, outcome.run))
        if isinstance(outcome, PasswordCheck):
            return PasswordCheck(partial(self._finish_login, admission, outcome), outcome.abandon)
        return outcome

    def _finish_login(self, admission: Admission, check: PasswordCheck) -> Response:
        """Finish a login on a thread that may block."""
        return self._translate_errors(admission, lambda: _blocking(admission, check.run))


def _blocking(admission: Admission, make: Callable[[], Made]) -> Made:
    """Run what may wait for the store, with a deadline and log ids."""
    with (
        deadline.within(STORE_TIMEOUT_S),
        logs.bound(trace_id=admission.head.trace_id, **_ids(admission)),
    ):
        return make()


def _ids(admission: Admission) -> dict[str, object]:
    """Return the ids of a request for its log lines."""
    ids: dict[str, object] = {**path_ids(admission.parameters)}
    if admission.principal is not None:
        ids["user_id"] = str(admission.principal.user_id)
    return ids


def _without_path(head: Head) -> Response:
    """Return 404 for an unknown path, and the answer to `OPTIONS *`."""
    if head.method == "OPTIONS" and head.path == "*":
        return Response(204, headers=(("Allow", _ALL_METHODS),))
    return problem(
        Code.NOT_FOUND,
        f"Nothing is at {quote_for_error(head.path)}; GET /openapi.json lists every path.",
        head.trace_id,
    )
