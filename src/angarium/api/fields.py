"""Reading fields and parameters so that everything that is wrong is
told at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast
from urllib.parse import unquote
from uuid import UUID

from angarium.api.values import kind_of, quote_for_error
from angarium.domain.errors import Code, Problem, Refused
from angarium.domain.identifiers import parse_uuid, recurring_uuid

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
NIL = UUID(int=0)
_EXAMPLE = "01890a5d-ac96-774b-bcce-b302099a8057"
MAX_UNKNOWN = 8
"""Unknown parameters that are told apart; a query of 8 KiB has room for
thousands.
"""
_PATH_CODES = {
    "user_id": Code.INVALID_USER_ID,
    "conversation_id": Code.INVALID_CONVERSATION_ID,
    "message_id": Code.INVALID_MESSAGE_ID,
}
_ORDER = {code: place for place, code in enumerate(Code)}


class ValidationErrors:
    """Collects what is wrong with a request."""

    __slots__ = ("_problems",)

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, code: Code, detail: str, field: str) -> None:
        """Note a problem.

        Args:
            code: What clients branch on.
            detail: What happened, which value, and what to do next.
            field: The field's or parameter's name, as the client sent
                it.
        """
        self._problems.append(Problem(code, detail, field))

    def take(self, *problems: Problem) -> None:
        """Note what another check found.

        Args:
            *problems: With the names of their fields.
        """
        self._problems.extend(problems)

    @property
    def found(self) -> bool:
        """Tell whether anything was noted.

        Returns:
            True when `check` would refuse the request.
        """
        return bool(self._problems)

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
    """The members of a body's object; null reads as missing, unknown
    members are ignored.
    """

    __slots__ = ("_faults", "_members")

    def __init__(self, members: Mapping[str, object], faults: ValidationErrors) -> None:
        self._members = members
        self._faults = faults

    def text(
        self, name: str, alias: str | None = None, *, required: bool = False, is_id: bool = False
    ) -> FieldValue | None:
        """Read a string.

        Args:
            name: The member's name.
            alias: Another name for it.
            required: Whether it must be there.
            is_id: Whether two names may have one id in different case.

        Returns:
            The string; None when it is missing or was noted as a fault.
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
            self._faults.add(
                Code.INVALID_FIELD, f"`{used}` is {kind_of(value)}; send a string.", used
            )
            return None
        return FieldValue(used, value)

    def texts(self, name: str) -> Sequence[str] | None:
        """Read an array of strings that must be there.

        Args:
            name: The member's name.

        Returns:
            The strings; None when they were noted as a fault.
        """
        value = self._members.get(name)
        if value is None:
            self._missing(name)
            return None
        if not isinstance(value, list):
            self._faults.add(
                Code.INVALID_FIELD,
                f"`{name}` is {kind_of(value)}; send an array of strings.",
                name,
            )
            return None
        items = cast("list[object]", value)
        for place, item in enumerate(items):
            if not isinstance(item, str):
                self._faults.add(
                    Code.INVALID_FIELD,
                    f"`{name}[{place}]` is {kind_of(item)}; send a string.",
                    name,
                )
                return None
        return cast("list[str]", items)

    def _missing(self, name: str) -> None:
        self._faults.add(Code.MISSING_FIELD, f"`{name}` is missing; send it.", name)

    def _of_two_names(
        self, name: str, value: object, alias: str, is_id: bool
    ) -> tuple[str, object]:
        other = self._members[alias]
        if other is None:
            return name, value
        if value is not None and not _is_same(value, other, is_id):
            self._faults.add(
                Code.INVALID_FIELD,
                f"`{name}` and `{alias}` are two names of one field and have two values; send one "
                "of them.",
                alias,
            )
            return name, value
        return (alias, other) if value is None else (name, value)


def _is_same(one: object, other: object, are_ids: bool) -> bool:
    if type(one) is not type(other):
        return False
    if one == other or not (are_ids and isinstance(one, str) and isinstance(other, str)):
        return one == other
    parsed = parse_uuid(one)
    return parsed is not None and parsed == parse_uuid(other)


def check_query(query: str, known: Sequence[str], faults: ValidationErrors) -> None:
    """Note every parameter that a path does not know: a misspelled one
    would change nothing.

    Args:
        query: The query, still percent-encoded.
        known: The names that the path knows.
        faults: Takes note of the first eight others.
    """
    unknown = [name for name in _parse_query(query) if name not in known]
    allowed = f"send only {' or '.join(known)}" if known else "this path takes none"
    for name in unknown[:MAX_UNKNOWN]:
        detail = f"{quote_for_error(name)} is no query parameter of this path; {allowed}."
        faults.add(Code.UNKNOWN_PARAMETER, detail, quote_for_error(name)[1:-1])


class QueryFields:
    """The parameters of a query; `check_query` deals with unknown
    ones.
    """

    __slots__ = ("_faults", "_parameters")

    def __init__(self, query: str, faults: ValidationErrors) -> None:
        self._faults = faults
        self._parameters = _parse_query(query)

    def get(self, name: str, code: Code) -> str | None:
        """Read a parameter.

        Args:
            name: The parameter's name.
            code: The code when it is there twice.

        Returns:
            The value; None when it is missing or was noted as a fault.
        """
        values = self._parameters.get(name, ())
        if len(values) > 1:
            self._faults.add(
                code, f"`{name}` is in the query {len(values)} times; send it once.", name
            )
            return None
        return values[0] if values else None

    def has(self, name: str) -> bool:
        """Tell whether a parameter was sent.

        Args:
            name: The parameter's name.

        Returns:
            True when it was, whatever its value.
        """
        return name in self._parameters

    def cursor(self, read: Callable[[str], object]) -> str | None:
        """Read where a page begins.

        Args:
            read: Raises Refused for a cursor that does not belong to
                the list.

        Returns:
            The cursor; None when it is missing or was noted as a fault.
        """
        text = self.get("cursor", Code.INVALID_CURSOR)
        if text is None:
            return None
        try:
            read(text)
        except Refused as refused:
            self._faults.take(*refused.problems)
            return None
        return text

    def limit(self) -> int:
        """Read how many items a page may have.

        Returns:
            1 to 100, 50 when it is missing or was noted as a fault.
        """
        text = self.get("limit", Code.INVALID_LIMIT)
        if text is None:
            return DEFAULT_LIMIT
        if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT:
            return int(text)
        self._faults.add(
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
            # A `+` stays one: it stands in the offset of a timestamp,
            # and no parameter has a space.
            name, _, value = pair.partition("=")
            parameters.setdefault(unquote(name), []).append(unquote(value))
    return parameters


def identifier(text: str, code: Code, field: str, faults: ValidationErrors) -> UUID:
    """Read a UUID.

    Args:
        text: What was sent.
        code: The code when it is none.
        field: The name under which it was sent.
        faults: Takes note of the problem.

    Returns:
        The id; the nil UUID stands in for one that was noted as a
        fault.
    """
    parsed = recurring_uuid(text)
    if parsed is not None:
        return parsed
    faults.add(
        code, f"`{field}` is {quote_for_error(text)}, no UUID; send one such as {_EXAMPLE}.", field
    )
    return NIL


def identifiers(
    texts: Sequence[str], code: Code, field: str, faults: ValidationErrors
) -> list[UUID]:
    """Read UUIDs.

    Args:
        texts: What was sent.
        code: The code when one of them is none.
        field: The name under which they were sent.
        faults: Takes note of the first that is no UUID.

    Returns:
        The ids before the first that is none.
    """
    ids = []
    for text in texts:
        parsed = parse_uuid(text)
        if parsed is None:
            identifier(text, code, field, faults)
            break
        ids.append(parsed)
    return ids


def path_identifier(parameters: Mapping[str, str], name: str, faults: ValidationErrors) -> UUID:
    """Read a UUID from the path.

    Args:
        parameters: The path's.
        name: `conversation_id`, `message_id` or `user_id`.
        faults: Takes note of the problem.

    Returns:
        The id; the nil UUID stands in for one that was noted as a
        fault.
    """
    return identifier(parameters[name], _PATH_CODES[name], name, faults)
