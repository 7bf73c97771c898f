"""A request's header fields."""

from collections.abc import Sequence

from angarium.domain.errors import Code, Refused


class Headers:
    """Header fields by name, in any case, with all their values."""

    __slots__ = ("_values",)

    def __init__(
        self, fields: Sequence[tuple[str, str]] = (), values: dict[str, list[str]] | None = None
    ) -> None:
        """Group fields by name.

        Args:
            fields: Names, in any case, and values.
            values: Fields that are grouped already, by the name in
                lower case; not copied.
        """
        self._values: dict[str, list[str]] = {} if values is None else values
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    @classmethod
    def from_lists(cls, values: dict[str, list[str]]) -> "Headers":
        """Use values that are grouped by name already.

        Args:
            values: By the field's name in lower case; not copied.

        Returns:
            The fields.
        """
        return cls(values=values)

    def get(self, name: str) -> str | None:
        """Return the first value of a field.

        Args:
            name: The field's name in lower case.

        Returns:
            The value without white space around it, None when the field
            was not sent.
        """
        values = self._values.get(name)
        return values[0] if values else None

    def all(self, name: str) -> Sequence[str]:
        """Return every value of a field.

        Args:
            name: The field's name in lower case.

        Returns:
            The values in the order in which they were sent.
        """
        return self._values.get(name, ())


_SCHEME = "bearer"


def bearer_token(headers: Headers) -> str:
    """Return the token of the `Authorization` field.

    Args:
        headers: The request's.

    Returns:
        The token as it was sent, not verified.

    Raises:
        Refused: `missing_token` when there is none, or another scheme;
            `invalid_token` when the field is empty after `Bearer`, or
            sent twice.
    """
    values = headers.all("authorization")
    if len(values) > 1:
        raise Refused.because(
            Code.INVALID_TOKEN, f"The request has {len(values)} Authorization fields; send one."
        )
    value = values[0] if values else ""
    if value[:6].lower() != _SCHEME or value[6:7] not in ("", " ", "\t"):
        raise Refused.because(
            Code.MISSING_TOKEN,
            "The request has no bearer token; get one from POST /auth/token and send it as "
            "`Authorization: Bearer …`.",
        )
    token = value[7:].strip(" \t")
    if not token:
        raise Refused.because(
            Code.INVALID_TOKEN,
            "The token after `Bearer` is missing; get one from POST /auth/token.",
        )
    return token
