"""Why a request to the service did not do what it should."""

_TOKEN_CODES = frozenset({"expired_token", "invalid_token", "missing_token"})


class RequestFailed(Exception):
    """A request to the server that did not do what it should.

    Attributes:
        retryable: Whether the same request may succeed later.
        retry_after: Seconds that the server asks to wait, None when it
            does not say.
    """

    def __init__(self, line: str, retryable: bool, retry_after: float | None = None) -> None:
        """Say in one line what failed, and whether to retry."""
        super().__init__(line)
        self.retryable = retryable
        self.retry_after = retry_after


class ServerUnreachable(RequestFailed):
    """There was no response: the request may or may not have worked."""

    def __init__(self, url: str, reason: str) -> None:
        """Name the server and what the connection met."""
        super().__init__(
            f"cannot reach {url}: {reason}; is `angarium serve` running there?", retryable=True
        )
        self.reason = reason


class ApiProblem(RequestFailed):
    """The server refused.

    Attributes:
        http_status: The answer's status.
        code: The API's stable name of the reason, empty where the
            answer was no problem document.
        detail: The API's own words.
    """

    def __init__(
        self,
        http_status: int,
        code: str,
        detail: str,
        trace_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Build the line from the problem document's members."""
        trace = f" (trace id {trace_id})" if http_status >= 500 and trace_id else ""
        transient = http_status in {408, 429} or (http_status >= 500 and http_status != 501)
        super().__init__(
            f"{detail} [{code or http_status}]{trace}",
            retryable=transient,
            retry_after=retry_after,
        )
        self.http_status = http_status
        self.code = code
        self.detail = detail

    @property
    def is_about_the_token(self) -> bool:
        """Whether logging in again helps."""
        return self.http_status == 401 and self.code in _TOKEN_CODES


class LoginRefused(RequestFailed):
    """The server takes the kept login no longer."""

    def __init__(self, username: str, url: str, expired: bool) -> None:
        """Name the command that logs in again."""
        why = "has expired" if expired else "is no longer accepted"
        remedy = f"log in again with `angarium login {username}`"
        line = f"the login of {username} at {url} {why}: {remedy}"
        super().__init__(line, retryable=False)


class UnexpectedResponse(RequestFailed):
    """Something answered that is no such server."""

    def __init__(self, url: str, what: str) -> None:
        """Say which part of the response is unexpected."""
        super().__init__(
            f"{url} does not answer like an Angarium server ({what}); check the address",
            retryable=False,
        )
