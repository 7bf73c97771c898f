"""What an endpoint works with and gives back."""

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
    """The use cases behind the endpoints.

    Attributes:
        authentication: Checks tokens.
        login: Gives tokens.
        users: Finds users.
        conversations: Opens, finds and lists conversations.
        sending: Puts messages into the log.
        delivery: Puts receipts into the log.
        history: Reads a conversation's messages.
        inbox: Reads what a user has not confirmed.
        health: Checks the log and the store.
        repeats: Knows when an outage was last told, by whichever of
            these.
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
    """One request on its way through an endpoint.

    Attributes:
        services: The use cases.
        admission: The request's head, path parameters and caller.
        body: The whole body.
        may_block: Whether the store may be waited for.
        query: The query parameters that the path knows; None where any
            is taken.
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
        self.services = services
        self.admission = admission
        self.body = body
        self.may_block = may_block
        self.query = query

    @property
    def caller_id(self) -> UUID:
        """Name the caller.

        Returns:
            The id that the token proves.

        Raises:
            LookupError: The route wants no token; a fault in the table
                of routes.
        """
        principal = self.admission.principal
        if principal is None:
            raise LookupError(f"{self.admission.template} is listed as a route without a token")
        return principal.user_id

    def faults(self) -> ValidationErrors:
        """Begin to collect what is wrong with the request.

        Returns:
            The query's unknown parameters, to which the endpoint adds
            what it finds itself.
        """
        faults = ValidationErrors()
        query = self.admission.head.query
        if query and self.query is not None:
            check_query(query, self.query, faults)
        return faults

    @property
    def trace_id(self) -> str:
        """Give the request's trace id.

        Returns:
            32 hex digits in lower case.
        """
        return self.admission.head.trace_id
