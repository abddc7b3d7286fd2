"""Structured logs: one JSON object a line, with the request id, without secrets, query strings or personal data."""

import contextvars
import json
import logging
import logging.config
from datetime import UTC, datetime

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

# What a record carries of its own; everything else was given as ``extra`` and is logged as a field.
_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_UNLOGGED = {"request", "response", "server_time", "status_code_text", "data"}


_ENCODER = json.JSONEncoder(ensure_ascii=False)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        for name, value in vars(record).items():
            if name not in _OWN and name not in _UNLOGGED:
                line[name] = value if isinstance(value, (int, float, str, bool, type(None))) else str(value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line)


def configure(*, level: str, json_lines: bool) -> None:
    """Everything to stderr. psycopg logs a line for every aborted pipeline, which is our normal refusal: quietened."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {"()": "predictu.logs.JsonFormatter"},
                "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "json" if json_lines else "plain"},
            },
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "psycopg": {"level": "ERROR"},
                "django.request": {"level": "ERROR"},
                "fontTools": {"level": "WARNING"},
                "weasyprint": {"level": "ERROR"},
            },
        }
    )
