"""Why a request to the service did not do what it should."""

_TOKEN_CODES = frozenset({"expired_token", "invalid_token", "missing_token"})


class RequestFailed(Exception):
    """A request to the server that did not do what it should.

    Every failure of a client is one of these; branch on `code`.

    Attributes:
        code: The API's stable name of the reason (docs/http.md), or one
            of the client's own: `server_unreachable`,
            `unexpected_response`. Empty where a response with an error
            status was no problem document.
        status: The response's HTTP status; None where there was none.
        detail: What is wrong, for a person.
        trace_id: Finds the request in the server's logs; empty where
            the server gave none.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds that the server asks to wait, None when it
            does not say.
        message_id: The id of a message that the log may have or not:
            sent again with it, it stays one message. Empty otherwise.
    """

    message_id = ""

    def __init__(
        self,
        line: str,
        *,
        code: str,
        status: int | None = None,
        detail: str,
        trace_id: str = "",
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Say in one line what failed, and keep its parts."""
        super().__init__(line)
        self.code = code
        self.status = status
        self.detail = detail
        self.trace_id = trace_id
        self.retryable = retryable
        self.retry_after = retry_after

    def concern(self, message_id: str) -> None:
        """Name the message that the request was to send.

        Args:
            message_id: Its id; a traceback shows it too.
        """
        self.message_id = message_id
        self.add_note(f"message_id {message_id}: send it with this id again, and it is there once")

    @property
    def is_about_the_token(self) -> bool:
        """Whether logging in again helps."""
        return self.status == 401 and self.code in _TOKEN_CODES


class ServerUnreachable(RequestFailed):
    """There was no response: the request may or may not have worked."""

    def __init__(self, url: str, reason: str) -> None:
        """Name the server and what the connection met."""
        super().__init__(
            f"cannot reach {url}: {reason}; is `angarium serve` (or `api`) running there?",
            code="server_unreachable",
            detail=reason,
            retryable=True,
        )
        self.reason = reason


class ApiProblem(RequestFailed):
    """The server refused."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        trace_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Build the line from the problem document's members."""
        trace = f" (trace id {trace_id})" if status >= 500 and trace_id else ""
        super().__init__(
            f"{detail} [{code or status}]{trace}",
            code=code,
            status=status,
            detail=detail,
            trace_id=trace_id,
            retryable=status in {408, 429} or (status >= 500 and status != 501),
            retry_after=retry_after,
        )


class UnexpectedResponse(RequestFailed):
    """Something answered that is no such server."""

    def __init__(self, url: str, what: str) -> None:
        """Say which part of the response is unexpected."""
        super().__init__(
            f"{url} does not answer like an Angarium server ({what}); check the address",
            code="unexpected_response",
            detail=what,
        )
