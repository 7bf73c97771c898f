"""The few ways in which a request or a record can fail."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable, machine-readable names of all problems.

    The order is that of docs/http.md: of several wrong fields the first
    one's code is answered (docs/adr/0024).
    """

    MALFORMED_REQUEST = "malformed_request"
    REQUEST_TIMEOUT = "request_timeout"
    URI_TOO_LONG = "uri_too_long"
    EXPECTATION_FAILED = "expectation_failed"
    HEADERS_TOO_LARGE = "headers_too_large"
    NOT_IMPLEMENTED = "not_implemented"
    MISDIRECTED_REQUEST = "misdirected_request"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MISSING_TOKEN = "missing_token"  # noqa: S105 - the name of a code
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - the name of a code
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a code
    LENGTH_REQUIRED = "length_required"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    MALFORMED_JSON = "malformed_json"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    MISSING_PARAMETER = "missing_parameter"
    UNKNOWN_PARAMETER = "unknown_parameter"
    INVALID_CREDENTIALS = "invalid_credentials"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    USER_NOT_FOUND = "user_not_found"
    INVALID_USER_ID = "invalid_user_id"
    INVALID_PARTICIPANTS = "invalid_participants"
    INVALID_CONVERSATION_ID = "invalid_conversation_id"
    CONVERSATION_NOT_FOUND = "conversation_not_found"
    SENDER_MISMATCH = "sender_mismatch"
    RECIPIENT_MISMATCH = "recipient_mismatch"
    EMPTY_CONTENT = "empty_content"
    CONTENT_TOO_LARGE = "content_too_large"
    INVALID_CONTENT = "invalid_content"
    INVALID_MESSAGE_ID = "invalid_message_id"
    INVALID_LIMIT = "invalid_limit"
    INVALID_ORDER = "invalid_order"
    INVALID_TIMESTAMP = "invalid_timestamp"
    INVALID_CURSOR = "invalid_cursor"
    MESSAGE_NOT_FOUND = "message_not_found"
    INVALID_STATUS = "invalid_status"
    NOT_RECIPIENT = "not_recipient"
    LOG_UNAVAILABLE = "log_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    OVERLOADED = "overloaded"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request.

    Attributes:
        code: What clients branch on.
        detail: What happened, which value, and what to do next, for a
            person.
        field: The name of the offending field or parameter, None when
            it is not about one.
    """

    code: Code
    detail: str
    field: str | None = None


class Refused(Exception):
    """A request that cannot be executed as it is.

    The caller can correct it, or repeat it later.

    Attributes:
        problems: One problem or more, in the order of the codes.
        retry_after: Seconds after which the same request may succeed,
            None when it never will.
    """

    def __init__(self, *problems: Problem, retry_after: int | None = None) -> None:
        """Take the problems; the first one's detail is the text.

        Args:
            *problems: One or more, in the order of the codes.
            retry_after: Seconds, None when a retry is useless.
        """
        super().__init__(problems[0].detail)
        self.problems = problems
        self.retry_after = retry_after

    @classmethod
    def because(
        cls, code: Code, detail: str, *, field: str | None = None, retry_after: int | None = None
    ) -> "Refused":
        """Refuse for a single reason.

        Args:
            code: What clients branch on.
            detail: What happened, which value, and what to do next.
            field: The offending field, when it is about one.
            retry_after: Seconds after which a retry may succeed.

        Returns:
            The exception to raise.
        """
        return cls(Problem(code, detail, field), retry_after=retry_after)


class Unavailable(Exception):
    """A dependency does not answer; the same call may succeed later."""


class LogUnavailable(Unavailable):
    """The log did not accept or return records in time.

    What was being appended may or may not be there.
    """


class WrongTopic(LogUnavailable):
    """The log's topic is not the one that the settings describe.

    No time mends it: who repeats calls in an outage gives up at once.
    """


class RecordTooLarge(LogUnavailable):
    """The log accepts no record of this size until it is configured to.

    This one is not there.
    """


class StoreUnavailable(Unavailable):
    """The store did not answer in time.

    What was being written may or may not be there.
    """


class UndecodableEvent(Exception):
    """A record whose bytes are no event that this version knows."""


class SetupError(Exception):
    """The service cannot start with this configuration.

    The message says which value is wrong, and what to do next.
    """
