"""Each problem code's status, title, meaning and advice."""

from collections.abc import Mapping
from dataclasses import dataclass

from angarium.domain.errors import Code


@dataclass(frozen=True, slots=True)
class Kind:
    """What all problems of one code have in common.

    Attributes:
        status: The HTTP status, when it is the only problem.
        title: The same for every occurrence, for a person.
        meaning: What has happened, for the page about problems.
        advice: What a client can do about it.
    """

    status: int
    title: str
    meaning: str
    advice: str


KINDS: Mapping[Code, Kind] = {
    Code.MALFORMED_REQUEST: Kind(
        400,
        "The request is not well-formed HTTP",
        "The bytes on the connection break the rules of HTTP, or can be read in two ways.",
        "Use an HTTP library, and send each header field once. The connection was closed.",
    ),
    Code.REQUEST_TIMEOUT: Kind(
        408,
        "The request did not arrive in time",
        "The whole request must arrive within `ANGARIUM_REQUEST_TIMEOUT` seconds.",
        "Send it again. A message sent again with the same `message_id` stays one message.",
    ),
    Code.URI_TOO_LONG: Kind(
        414,
        "The target is too long",
        "The first line of a request may have at most 8 KiB.",
        "Shorten the path or the query.",
    ),
    Code.EXPECTATION_FAILED: Kind(
        417,
        "The expectation cannot be met",
        "The only `Expect` field that is supported is `100-continue`.",
        "Leave the field out.",
    ),
    Code.HEADERS_TOO_LARGE: Kind(
        431,
        "The header fields are too large",
        "A request may have at most 100 header fields, of at most 16 KiB together.",
        "Send fewer or shorter ones; cookies are never needed.",
    ),
    Code.NOT_IMPLEMENTED: Kind(
        501,
        "The method is unknown",
        "HTTP does not define the request's method.",
        "Use a method that the path allows; OPTIONS lists them.",
    ),
    Code.MISDIRECTED_REQUEST: Kind(
        421,
        "The request was sent to another host",
        "While demo users can log in, the service answers only to `localhost`, loopback "
        "addresses, the address that it is bound to, and the hosts of `ANGARIUM_CORS_ORIGINS`.",
        "Use one of these in the URL, or have the origin added to `ANGARIUM_CORS_ORIGINS`.",
    ),
    Code.NOT_FOUND: Kind(
        404,
        "Nothing is at this path",
        "No path of this API matches. A path with a slash at its end is another path.",
        "Look the path up in `GET /openapi.json`.",
    ),
    Code.METHOD_NOT_ALLOWED: Kind(
        405,
        "The path does not allow this method",
        "The path exists, but not with this method.",
        "Use a method listed in the `Allow` field.",
    ),
    Code.MISSING_TOKEN: Kind(
        401,
        "A bearer token is needed",
        "The request has no `Authorization: Bearer …` field.",
        "Get a token from `POST /auth/token` and send it with every request.",
    ),
    Code.INVALID_TOKEN: Kind(
        401,
        "The token is not valid",
        "The token was damaged, made by another service, or signed with another secret.",
        "Log in again with `POST /auth/token`.",
    ),
    Code.EXPIRED_TOKEN: Kind(
        401,
        "The token has expired",
        "A token is valid for `expires_in` seconds after it was issued.",
        "Log in again with `POST /auth/token`.",
    ),
    Code.LENGTH_REQUIRED: Kind(
        411,
        "The body's length is needed",
        "A request with a body must say how long the body is.",
        "Send a `Content-Length` field, or a chunked body.",
    ),
    Code.BODY_TOO_LARGE: Kind(
        413,
        "The body is too large",
        "The limit is 65,536 bytes.",
        "Send less at once.",
    ),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(
        415,
        "The body's media type is not supported",
        "Bodies are JSON in UTF-8, without a content encoding. Only `POST /auth/token` takes a "
        "form.",
        "Send `Content-Type: application/json`.",
    ),
    Code.MALFORMED_JSON: Kind(
        400,
        "The body cannot be read",
        "The body is not a JSON object in UTF-8, has a key twice, or is nested too deeply.",
        "Correct the body at the place that `detail` names.",
    ),
    Code.MISSING_FIELD: Kind(
        400,
        "A field is missing",
        "A required field of the body is missing or null.",
        "Send the field that `detail` names.",
    ),
    Code.INVALID_FIELD: Kind(
        400,
        "A field has a wrong type or value",
        "A field has a value of another JSON type, or one that is not allowed.",
        "Send what `detail` asks for.",
    ),
    Code.MISSING_PARAMETER: Kind(
        400,
        "A query parameter is missing",
        "The path needs a query parameter that was not sent.",
        "Add the parameter that `detail` names.",
    ),
    Code.UNKNOWN_PARAMETER: Kind(
        400,
        "A query parameter is unknown",
        "The path does not know a parameter of the query; a misspelled one would change nothing.",
        "Send only parameters that `detail` names.",
    ),
    Code.INVALID_CREDENTIALS: Kind(
        401,
        "The username or the password is wrong",
        "There is no such user, or the password is another one. The answer does not say which.",
        "Check both. Usernames are compared exactly.",
    ),
    Code.UNSUPPORTED_GRANT_TYPE: Kind(
        400,
        "The grant type is not supported",
        "The only grant type is `password`.",
        "Send `grant_type=password`, or leave it out.",
    ),
    Code.TOO_MANY_ATTEMPTS: Kind(
        429,
        "Too many failed logins",
        "Too many logins from this address have failed. For a while, the right password is "
        "refused too.",
        "Wait for `Retry-After` seconds.",
    ),
    Code.USER_NOT_FOUND: Kind(
        404,
        "There is no such user",
        "There is no user with this name or id.",
        "Check the name with `GET /v1/users?username=…`; it is compared exactly.",
    ),
    Code.INVALID_USER_ID: Kind(
        400,
        "The user's id is not a UUID",
        "The id of a user is a UUID with its hyphens.",
        "Send the `user_id` that `GET /v1/users?username=…` returned.",
    ),
    Code.INVALID_PARTICIPANTS: Kind(
        400,
        "The participants are not two users, one of them the caller",
        "A conversation has exactly two participants, and the caller is one of them.",
        "Send the id of the other user, with or without your own.",
    ),
    Code.INVALID_CONVERSATION_ID: Kind(
        400,
        "The conversation's id is not a UUID",
        "The id of a conversation is a UUID with its hyphens.",
        "Send the `conversation_id` that `POST /v1/conversations` returned.",
    ),
    Code.CONVERSATION_NOT_FOUND: Kind(
        404,
        "The caller has no such conversation",
        "There is no such conversation, or you are not in it. The answer does not say which.",
        "Open it with `POST /v1/conversations`.",
    ),
    Code.SENDER_MISMATCH: Kind(
        403,
        "The sender is not the caller",
        "`sender_id` is not the user to whom the token belongs.",
        "Leave `sender_id` out, or log in as that user.",
    ),
    Code.RECIPIENT_MISMATCH: Kind(
        400,
        "The recipient is not the other participant",
        "`recipient_id` is not the other participant of the conversation.",
        "Leave `recipient_id` out, or send in the right conversation.",
    ),
    Code.EMPTY_CONTENT: Kind(
        400,
        "The text is empty",
        "A message needs a text that is not only white space.",
        "Send a text.",
    ),
    Code.CONTENT_TOO_LARGE: Kind(
        413,
        "The text is too large",
        "The text is larger than 10,240 bytes of UTF-8, or than what the log of this service is "
        "set up for.",
        "Shorten it, or send it as several messages.",
    ),
    Code.INVALID_CONTENT: Kind(
        400,
        "The text has a character that is not allowed",
        "A text must not contain U+0000 or a lone surrogate.",
        "Remove the character.",
    ),
    Code.INVALID_MESSAGE_ID: Kind(
        400,
        "The message's id is not valid",
        "`message_id` is not a UUID, or differs from the `Idempotency-Key`, or the key is not 1 "
        "to 255 printable ASCII characters.",
        "Send one id, a new UUID for each new message, and the same one with each retry.",
    ),
    Code.INVALID_LIMIT: Kind(
        400,
        "The limit is out of range",
        "`limit` is an integer from 1 to 100.",
        "Send a number in this range, or leave it out for 50.",
    ),
    Code.INVALID_ORDER: Kind(
        400,
        "The order is unknown",
        "`order` is `asc` or `desc`.",
        "Send one of the two, or leave it out for `asc`.",
    ),
    Code.INVALID_TIMESTAMP: Kind(
        400,
        "The timestamp cannot be read",
        "`since_timestamp` is RFC 3339, or an integer of milliseconds since the epoch.",
        "Send for example `2025-11-17T12:00:00Z` or `1763380800000`; multiply seconds by 1,000.",
    ),
    Code.INVALID_CURSOR: Kind(
        400,
        "The cursor is not valid here",
        "The cursor was changed, or belongs to another list.",
        "Send a cursor that a page of the same list returned, or start without one.",
    ),
    Code.MESSAGE_NOT_FOUND: Kind(
        404,
        "The conversation has no such message",
        "There is no such message in this conversation, or it is not stored yet.",
        "If it was accepted just now, ask again in a moment.",
    ),
    Code.INVALID_STATUS: Kind(
        400,
        "The status cannot be set",
        "The only status that a client can report is `DELIVERED`.",
        "Send `DELIVERED`.",
    ),
    Code.NOT_RECIPIENT: Kind(
        403,
        "The caller is not the recipient",
        "Only the recipient of a message can confirm its delivery.",
        "Confirm only messages that were sent to you.",
    ),
    Code.LOG_UNAVAILABLE: Kind(
        503,
        "The log does not answer",
        "The log did not confirm the record in time, so it may be there or not.",
        "Send the same request again after `Retry-After` seconds, a message with the "
        "`message_id` of this answer: it stays one message.",
    ),
    Code.STORE_UNAVAILABLE: Kind(
        503,
        "The store does not answer",
        "The store did not answer in time. What the request was to record may be there or not.",
        "Send the same request again after `Retry-After` seconds; that is safe.",
    ),
    Code.OVERLOADED: Kind(
        503,
        "Too many concurrent requests",
        "The service has more concurrent requests, logins or connections than it can serve now.",
        "Send the same request again after `Retry-After` seconds, and slow down.",
    ),
    Code.INTERNAL_ERROR: Kind(
        500,
        "The service failed",
        "A defect of the service. Its log has the details under the `trace_id`.",
        "Report the `trace_id` to the operator.",
    ),
}
"""In the order of the codes. The page at `/problems` is made from it
(docs/adr/0024), and docs/http-problems.md has the same words.
"""
