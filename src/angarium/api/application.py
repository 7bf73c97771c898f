"""The routes put to work: what the server asks of the API."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from angarium import deadline, logs
from angarium.api.body_checks import check_shape
from angarium.api.client_address import ClientAddresses
from angarium.api.cors import CorsPolicy
from angarium.api.endpoints.health import readiness
from angarium.api.host_check import HostCheck
from angarium.api.interface import (
    Admission,
    Application,
    ExecutionMode,
    Head,
    Outcome,
    PasswordCheck,
    Refusal,
    Response,
)
from angarium.api.path_ids import path_ids
from angarium.api.problems import internal_error, problem, refusal, unavailable
from angarium.api.request_context import RequestContext
from angarium.api.request_context import Services as Services
from angarium.api.request_headers import bearer_token
from angarium.api.routes import TABLE, Resource, Route
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code, Refused, StoreUnavailable, Unavailable
from angarium.domain.ip_addresses import IPNetwork
from angarium.domain.user import Principal

STORE_SECONDS = 2.0
"""How long a request may wait for the store, retries included;
docs/http.md, Limits.
"""

UNMATCHED = "unmatched"
"""Stands for the route of a path where there is none."""

Made = TypeVar("Made")

_ALL_METHODS = "GET, HEAD, POST, OPTIONS"


class MessagingApplication(Application):
    """Answers requests with the services behind the routes."""

    def __init__(
        self,
        services: Services,
        trusted_proxies: Sequence[IPNetwork] = (),
        *,
        hosts: HostCheck | None = None,
        cors: CorsPolicy | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            services: The use cases.
            trusted_proxies: Whose `X-Forwarded-For` is believed.
            hosts: Refuses requests to other hosts; None takes any host.
            cors: Answers preflights of web pages; None allows none.
        """
        self._services = services
        self._addresses = ClientAddresses(trusted_proxies)
        self._hosts = hosts
        self._cors = cors

    def admit(self, head: Head) -> Admission | Refusal:
        """Decide from the head alone: host, path, method, token, the
        body's shape, in this order.

        Args:
            head: The request's head.

        Returns:
            Leave to send the body, or the answer.
        """
        template = UNMATCHED
        parameters: Mapping[str, str] = {}
        try:
            if self._hosts is not None:
                self._hosts.check(head.headers)
            matched = TABLE.match(head.path)
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
            return Admission(
                head, template, route.lane, route.body_rule, route, parameters, principal, client
            )
        except Refused as refused:
            return Refusal(refusal(refused, head.trace_id), template, parameters)
        except Exception as error:  # noqa: BLE001 - the last resort: logged in full, answered with 500
            return Refusal(internal_error(error, head.trace_id, path=template), template)

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Carry a request out; never raises.

        Args:
            admission: What `admit` gave.
            body: The whole body, at most 64 KiB.
            may_block: False on the server's thread.

        Returns:
            The answer, now or later; WouldBlock and PasswordCheck only
            when `may_block` is False.
        """
        return self._translated(admission, lambda: self._run(admission, body, may_block))

    def rested(self) -> None:
        """Let the log know that no request is at hand for the
        moment.
        """
        self._services.sending.rested()

    def report(self, at_once: bool) -> None:
        """Write the lines that sum up what repeats.

        Args:
            at_once: Whether there will be no later moment for them.
        """
        self._services.login.report(at_once)

    def late(self, admission: Admission) -> Response:
        """Answer a request that got no answer from its lane in time.

        Args:
            admission: What `admit` gave.

        Returns:
            503, `store_unavailable`, `overloaded` on the HASHING lane,
            the checks' state on the HEALTH lane.
        """
        trace_id = admission.head.trace_id
        if admission.lane is ExecutionMode.HEALTH:
            return readiness({})
        if admission.lane is ExecutionMode.HASHING:
            return problem(
                Code.OVERLOADED, "Too many logins are waiting; log in again later.", trace_id
            )
        error = StoreUnavailable("nothing came from the lane in time")
        return self._unavailable(error, admission)

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Make the answer for a fault that the server itself found.

        Args:
            code: What clients branch on, such as `malformed_request`.
            detail: What happened, and what to do next.
            trace_id: The request's trace id.

        Returns:
            The problem document with its status.
        """
        return problem(code, detail, trace_id)

    def _authenticate(self, head: Head) -> Principal:
        return self._services.authentication.authenticate(bearer_token(head.headers))

    def _without_route(self, head: Head, resource: Resource) -> Response:
        """Return the answer for a method that a path does not take; to
        OPTIONS what it takes.
        """
        allow = (("Allow", resource.allow),)
        if head.method != "OPTIONS":
            return problem(
                Code.METHOD_NOT_ALLOWED,
                f"{resource.template} does not take {head.method}; use one of {resource.allow}.",
                head.trace_id,
                headers=allow,
            )
        if self._cors is None:
            return Response(204, headers=allow)
        origins = head.headers.all("origin")
        return Response(204, headers=allow + self._cors.preflight_fields(origins, resource.allow))

    def _translated(self, admission: Admission, make: Callable[[], Made]) -> Made | Response:
        """Return the answer, also where making it raises."""
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
        """Return the answer where the log or the store is out."""
        return unavailable(
            error,
            self._services.repeats,
            admission.head.trace_id,
            path=admission.template,
            **_ids(admission),
        )

    def _run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        route = admission.endpoint
        if not isinstance(route, Route):
            raise TypeError("the admission was not made by this application")
        call = RequestContext(self._services, admission, body, may_block, route.query)
        if may_block:
            return _blocking(admission, lambda: route.endpoint(call))
        outcome = route.endpoint(call)
        if isinstance(outcome, PasswordCheck):
            return PasswordCheck(partial(self._checked, admission, outcome), outcome.abandon)
        return outcome

    def _checked(self, admission: Admission, check: PasswordCheck) -> Response:
        """Return the answer of a comparison, on a thread that may
        block.
        """
        return self._translated(admission, lambda: _blocking(admission, check.run))


def _blocking(admission: Admission, make: Callable[[], Made]) -> Made:
    """Return what may wait for the store, within the bound and with the
    request's ids in its lines.
    """
    with (
        deadline.within(STORE_SECONDS),
        logs.bound(trace_id=admission.head.trace_id, **_ids(admission)),
    ):
        return make()


def _ids(admission: Admission) -> dict[str, object]:
    ids: dict[str, object] = {**path_ids(admission.parameters)}
    if admission.principal is not None:
        ids["user_id"] = str(admission.principal.user_id)
    return ids


def _without_path(head: Head) -> Response:
    if head.method == "OPTIONS" and head.path == "*":
        return Response(204, headers=(("Allow", _ALL_METHODS),))
    return problem(
        Code.NOT_FOUND,
        f"Nothing is at {quote_for_error(head.path)}; GET /openapi.json lists every path.",
        head.trace_id,
    )
