"""Formats log lines as JSON, for machines."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii as quoted
from math import isfinite
from uuid import UUID

from angarium.logs.line import action_of, fields_of, traceback_of


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object, in ASCII for any locale.

    Three lines are logged for each message. So the object is put
    together by hand, in a third of the time of `json.dumps`.
    """

    def __init__(self, service: str, instance: str) -> None:
        """Prepare what all lines of a process share.

        Args:
            service: `api`, `worker`, `serve` or `cli`.
            instance: The name of the process.
        """
        super().__init__()
        self._origin = f'"service":{quoted(service)},"instance":{quoted(instance)}'
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line.

        Args:
            record: A record of `Log`, or of any library.

        Returns:
            JSON without a line break.
        """
        fields = fields_of(record)
        traceback = traceback_of(record)
        if traceback is not None:
            fields = {**fields, "traceback": traceback}
        return self.line(
            record.created, record.levelname, action_of(record), record.getMessage(), fields
        )

    def line(
        self, created: float, level: str, action: str, message: str, fields: Mapping[str, object]
    ) -> str:
        """Format a line of its parts.

        Args:
            created: Seconds since the epoch.
            level: The level's name.
            action: What happened, stable, snake_case.
            message: For a person.
            fields: Ids and figures.

        Returns:
            JSON without a line break.
        """
        text = f'"action":{quoted(action)},"message":{quoted(message)}'
        for name, value in fields.items():
            text += _KEYS[name] + _WRITERS.get(type(value), _anything)(value)
        return f'{{"time":"{self._time(created)}","level":"{level}",{self._origin},{text}}}'

    def _time(self, created: float) -> str:
        """Return a time in ISO 8601, UTC; formats each second once."""
        milliseconds = int(created * 1000)
        second, rest = divmod(milliseconds, 1000)
        # One tuple, read once, because another thread may replace it
        # with a later second meanwhile.
        known, text = self._second
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return f"{text}.{rest:03d}Z"


class _Keys(dict[str, str]):
    """Field names in the form that begins a member of an object.

    There are as many as the program's lines have names.
    """

    def __missing__(self, name: str) -> str:
        """Quote a name when it is used for the first time."""
        self[name] = key = f",{quoted(name)}:"
        return key


_KEYS = _Keys()


def _anything(value: object) -> str:
    """Return the JSON of a value of a type that is rare in lines."""
    try:
        return json.dumps(value, allow_nan=False, default=str)
    except (TypeError, ValueError):
        return quoted(str(value))


def _number(value: float) -> str:
    """Return a number; as text if JSON has no word for it (NaN)."""
    return repr(value) if isfinite(value) else quoted(repr(value))


_WRITERS: dict[type, Callable[..., str]] = {
    str: quoted,
    int: int.__repr__,
    float: _number,
    UUID: lambda value: '"' + value.__str__() + '"',
}
