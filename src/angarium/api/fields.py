"""Reading fields and parameters, collecting every error."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast
from urllib.parse import unquote
from uuid import UUID

from angarium.api.values import kind_of, quote_for_error
from angarium.domain.errors import Code, Problem, Refused
from angarium.domain.identifiers import parse_uuid, recurring_uuid

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
"""Items of a page, both from docs/http.md, Pages."""

NIL = UUID(int=0)
"""Takes the place of an id that was noted as an error."""
_EXAMPLE = "01890a5d-ac96-774b-bcce-b302099a8057"
MAX_UNKNOWN = 8
"""Unknown parameters that are reported one by one; a query of 8 KiB has
room for thousands.
"""
_PATH_CODES = {
    "user_id": Code.INVALID_USER_ID,
    "conversation_id": Code.INVALID_CONVERSATION_ID,
    "message_id": Code.INVALID_MESSAGE_ID,
}
_ORDER = {code: place for place, code in enumerate(Code)}


class ValidationErrors:
    """Collects what is wrong with a request, to report it together."""

    __slots__ = ("_problems",)

    def __init__(self) -> None:
        """Start without any error."""
        self._problems: list[Problem] = []

    def add(self, code: Code, detail: str, field: str) -> None:
        """Note one problem.

        Args:
            code: The problem's code.
            detail: What is wrong, which value, what is allowed.
            field: The field's or parameter's name, as the client sent
                it.
        """
        self._problems.append(Problem(code, detail, field))

    def extend(self, *problems: Problem) -> None:
        """Note problems that another check found.

        Args:
            *problems: With the names of their fields.
        """
        self._problems.extend(problems)

    @property
    def count(self) -> int:
        """How many problems were noted."""
        return len(self._problems)

    def check(self) -> None:
        """Refuse the request if anything was noted.

        Raises:
            Refused: With every problem, in the order of the codes in
                docs/http.md.
        """
        if self._problems:
            raise Refused(*sorted(self._problems, key=lambda problem: _ORDER[problem.code]))


class FieldValue(NamedTuple):
    """A field that was sent.

    Attributes:
        name: The name that the client used.
        value: The value, of the right type.
    """

    name: str
    value: str


class BodyFields:
    """The members of a body's object.

    Null means missing; unknown members are ignored.
    """

    __slots__ = ("_errors", "_members")

    def __init__(self, members: Mapping[str, object], errors: ValidationErrors) -> None:
        """Read `members`, and note what is wrong in the errors."""
        self._members = members
        self._errors = errors

    def text(
        self, name: str, alias: str | None = None, *, required: bool = False, is_id: bool = False
    ) -> FieldValue | None:
        """Read a string.

        Args:
            name: The member's name.
            alias: Another name for it.
            required: Whether it must be there.
            is_id: Whether the value and its alias are compared as ids,
                in upper or lower case.

        Returns:
            The string; None if it is missing or was noted as an error.
        """
        value = self._members.get(name)
        used = name
        if alias is not None and alias in self._members:
            used, value = self._of_two_names(name, value, alias, is_id)
        if value is None:
            if required:
                self._missing(name)
            return None
        if not isinstance(value, str):
            self._errors.add(
                Code.INVALID_FIELD, f"`{used}` is {kind_of(value)}; send a string.", used
            )
            return None
        return FieldValue(used, value)

    def texts(self, name: str) -> Sequence[str] | None:
        """Read an array of strings that must be there.

        Args:
            name: The member's name.

        Returns:
            The strings; None when they were noted as an error.
        """
        value = self._members.get(name)
        if value is None:
            self._missing(name)
            return None
        if not isinstance(value, list):
            self._errors.add(
                Code.INVALID_FIELD,
                f"`{name}` is {kind_of(value)}; send an array of strings.",
                name,
            )
            return None
        items = cast("list[object]", value)
        for place, item in enumerate(items):
            if not isinstance(item, str):
                self._errors.add(
                    Code.INVALID_FIELD,
                    f"`{name}[{place}]` is {kind_of(item)}; send a string.",
                    name,
                )
                return None
        return cast("list[str]", items)

    def _missing(self, name: str) -> None:
        """Note that a required field is not there."""
        self._errors.add(Code.MISSING_FIELD, f"The field `{name}` is required.", name)

    def _of_two_names(
        self, name: str, value: object, alias: str, is_id: bool
    ) -> tuple[str, object]:
        """Return the name used and its value; note a conflict."""
        other = self._members[alias]
        if other is None:
            return name, value
        if value is not None and not _is_same(value, other, is_id):
            self._errors.add(
                Code.INVALID_FIELD,
                f"`{name}` and `{alias}` are two names of one field and have two values; send one "
                "of them.",
                alias,
            )
            return name, value
        return (alias, other) if value is None else (name, value)


def _is_same(one: object, other: object, are_ids: bool) -> bool:
    """Return whether two values agree, ids in upper or lower case."""
    if type(one) is not type(other):
        return False
    if one == other or not (are_ids and isinstance(one, str) and isinstance(other, str)):
        return one == other
    parsed = parse_uuid(one)
    return parsed is not None and parsed == parse_uuid(other)


def check_query(query: str, known: Sequence[str], errors: ValidationErrors) -> None:
    """Note every parameter that a path does not know.

    A misspelled one would be ignored in silence.

    Args:
        query: The query, still percent-encoded.
        known: The names that the path knows.
        errors: Collects the first eight others; the last of them tells
            of the rest.
    """
    unknown = [name for name in _parse_query(query) if name not in known]
    allowed = f"send only {' or '.join(known)}" if known else "this path takes none"
    for name in unknown[:MAX_UNKNOWN]:
        detail = f"{quote_for_error(name)} is not a query parameter of this path; {allowed}."
        if len(unknown) > MAX_UNKNOWN and name == unknown[MAX_UNKNOWN - 1]:
            detail += f" {len(unknown) - MAX_UNKNOWN} more are not listed."
        errors.add(Code.UNKNOWN_PARAMETER, detail, quote_for_error(name)[1:-1])


class QueryFields:
    """The parameters of a query; `check_query` finds unknown ones."""

    __slots__ = ("_errors", "_parameters")

    def __init__(self, query: str, errors: ValidationErrors) -> None:
        """Decode the query, and note what is wrong in the errors."""
        self._errors = errors
        self._parameters = _parse_query(query)

    def get(self, name: str, code: Code) -> str | None:
        """Read a parameter.

        Args:
            name: The parameter's name.
            code: The code when it is there twice.

        Returns:
            The value; None when it is missing or was noted as an error.
        """
        values = self._parameters.get(name, ())
        if len(values) > 1:
            self._errors.add(
                code, f"`{name}` is in the query {len(values)} times; send it once.", name
            )
            return None
        return values[0] if values else None

    def has(self, name: str) -> bool:
        """Return whether a parameter was sent, with any value."""
        return name in self._parameters

    def cursor(self, read: Callable[[str], object]) -> str | None:
        """Read where a page begins.

        Args:
            read: Raises Refused for a cursor that does not belong to
                the list.

        Returns:
            The cursor; None if it is missing or was noted as an error.
        """
        text = self.get("cursor", Code.INVALID_CURSOR)
        if text is None:
            return None
        try:
            read(text)
        except Refused as refused:
            self._errors.extend(*refused.problems)
            return None
        return text

    def limit(self) -> int:
        """Read how many items a page may have.

        Returns:
            1 to 100, 50 when it is missing or was noted as an error.
        """
        text = self.get("limit", Code.INVALID_LIMIT)
        if text is None:
            return DEFAULT_LIMIT
        digits = text.lstrip("0")
        if digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits) <= MAX_LIMIT:
            return int(digits)
        self._errors.add(
            Code.INVALID_LIMIT,
            f"`limit` is {quote_for_error(text)}; send an integer from 1 to {MAX_LIMIT}.",
            "limit",
        )
        return DEFAULT_LIMIT


def _parse_query(query: str) -> dict[str, list[str]]:
    """Return the values of each parameter, decoded."""
    parameters: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if pair:
            # A `+` is not read as a space: timestamps have one in their
            # offset, and no parameter has a space.
            name, _, value = pair.partition("=")
            parameters.setdefault(unquote(name), []).append(unquote(value))
    return parameters


def identifier(text: str, code: Code, field: str, errors: ValidationErrors) -> UUID:
    """Read a UUID.

    Args:
        text: What was sent.
        code: The code for a text that is not a UUID.
        field: The name under which it was sent.
        errors: Collects the problem.

    Returns:
        The id; the nil UUID stands in for one that was noted as an
        error.
    """
    parsed = recurring_uuid(text)
    if parsed is not None:
        return parsed
    errors.add(
        code,
        f"`{field}` is {quote_for_error(text)}, which is not a UUID; send one such as {_EXAMPLE}.",
        field,
    )
    return NIL


def identifiers(
    texts: Sequence[str], code: Code, field: str, errors: ValidationErrors
) -> list[UUID]:
    """Read a list of UUIDs, up to the first invalid one.

    Args:
        texts: What was sent.
        code: The code for a text that is not a UUID.
        field: The name under which they were sent.
        errors: Collects the first that is not a UUID.

    Returns:
        The ids before the first text that is not a UUID.
    """
    ids = []
    for text in texts:
        parsed = parse_uuid(text)
        if parsed is None:
            identifier(text, code, field, errors)
            break
        ids.append(parsed)
    return ids


def path_identifier(parameters: Mapping[str, str], name: str, errors: ValidationErrors) -> UUID:
    """Read a UUID from the path.

    Args:
        parameters: The path's.
        name: `conversation_id`, `message_id` or `user_id`.
        errors: Collects the problem.

    Returns:
        The id; the nil UUID stands in for one that was noted as an
        error.
    """
    return identifier(parameters[name], _PATH_CODES[name], name, errors)
