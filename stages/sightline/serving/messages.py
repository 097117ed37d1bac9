"""What the service says while it runs: text for people, or JSON for programs, with the id of the request."""

import json
import logging
from contextvars import ContextVar
from copy import deepcopy
from datetime import UTC, datetime

from uvicorn.config import LOGGING_CONFIG

REQUEST = ContextVar("REQUEST", default="-")  # the id of the one that is being answered
FURTHER = ("endpoint", "status", "ms", "arm")


class JsonFormatter(logging.Formatter):
    """Makes one JSON object a message; a traceback is a text in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, message and request, with whatever else is known."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request": REQUEST.get(),
        }
        told |= {name: getattr(record, name) for name in FURTHER if hasattr(record, name)}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def logging_config(messages: str) -> dict:
    """Return uvicorn's configuration of logging for messages as `text` or `json`."""
    config = deepcopy(LOGGING_CONFIG)
    if messages == "json":
        config["formatters"]["default"] = {"()": JsonFormatter}
    return config
