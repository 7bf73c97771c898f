"""What an endpoint receives: the services and one request."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from angarium import logs
from angarium.api.fields import ValidationErrors, check_query
from angarium.api.interface import Admission
from angarium.services.authentication import Authentication
from angarium.services.conversations import Conversations
from angarium.services.delivery import Delivery
from angarium.services.health import Health
from angarium.services.history import History
from angarium.services.inbox import Inbox
from angarium.services.login import Login
from angarium.services.sending import Sending
from angarium.services.users import Users


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the endpoints call.

    Attributes:
        authentication: Checks tokens.
        login: Issues tokens.
        users: Finds users.
        conversations: Opens, finds and lists conversations.
        sending: Appends messages to the log.
        delivery: Appends receipts to the log.
        history: Reads a conversation's messages.
        inbox: Reads what a user has not confirmed.
        health: Checks the log and the store.
        repeats: Limits how often the line of one outage is written,
            by all of them together.
    """

    authentication: Authentication
    login: Login
    users: Users
    conversations: Conversations
    sending: Sending
    delivery: Delivery
    history: History
    inbox: Inbox
    health: Health
    repeats: logs.Repeats


class RequestContext:
    """One request, as its endpoint sees it.

    Attributes:
        services: The use cases.
        admission: The request's head, path parameters and caller.
        body: The whole body.
        may_block: Whether the endpoint may wait for the store.
        query: The query parameters that the path allows; None if any.
    """

    __slots__ = ("admission", "body", "may_block", "query", "services")

    def __init__(
        self,
        services: Services,
        admission: Admission,
        body: bytes,
        may_block: bool,
        query: Sequence[str] | None = None,
    ) -> None:
        """Bind the request to the services."""
        self.services = services
        self.admission = admission
        self.body = body
        self.may_block = may_block
        self.query = query

    @property
    def caller_id(self) -> UUID:
        """The caller's id.

        Returns:
            The id that the token proves.

        Raises:
            LookupError: The route has no token, a defect in the table
                of routes.
        """
        principal = self.admission.principal
        if principal is None:
            raise LookupError(f"{self.admission.template} is listed as a route without a token")
        return principal.user_id

    def validation_errors(self) -> ValidationErrors:
        """Collect errors, starting with those of the query.

        Returns:
            The query's unknown parameters.
        """
        errors = ValidationErrors()
        query = self.admission.head.query
        if query and self.query is not None:
            check_query(query, self.query, errors)
        return errors

    @property
    def trace_id(self) -> str:
        """The request's trace id: 32 hex digits in lower case."""
        return self.admission.head.trace_id
