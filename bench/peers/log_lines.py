"""JSON log lines: one for each request and one for each message, as the
contender writes.
"""

import logging

import orjson


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "service": "api",
            "message": record.getMessage(),
            **getattr(record, "ids", {}),
        }
        return orjson.dumps(line).decode()


def configuration() -> dict[str, object]:
    """Configure uvicorn's loggers and the application's."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
    }
