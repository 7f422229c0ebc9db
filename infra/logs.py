"""Logging: readable lines on a terminal, JSON lines in production; libraries log through it too."""

import json
import logging
import sys
from datetime import UTC
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from infra.terminal_text import escape

if TYPE_CHECKING:
    import loguru

__all__ = ["configure", "logger"]


def configure(level: str, environment: str) -> None:
    """Send all logging to stderr, without variable values in tracebacks: they may contain passwords and tokens."""
    logger.configure(patcher=_escape_message)
    logger.remove()
    if environment == "production":
        sink = JsonLines(sys.stderr)
        logger.add(sink, level=level.upper(), format=_exception_alone, backtrace=False, diagnose=False)
    else:
        text_format = "{time:HH:mm:ss.SSS} {level: <7} {name}: {message}"
        logger.add(sys.stderr, level=level.upper(), format=text_format, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_InterceptHandler()], level=logging.WARNING, force=True)


class JsonLines:
    """Writes each record as a small JSON object in ASCII, on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, message: "loguru.Message") -> None:
        record = message.record
        members = {
            "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "logger": record["name"],
            "message": record["message"],
        }
        if record["exception"]:
            members["exception"] = str(message).strip()
        self._stream.write(json.dumps(members) + "\n")
        self._stream.flush()


def _exception_alone(_: "loguru.Record") -> str:
    """The format of what `JsonLines` takes no member of the record for."""
    return "{exception}"


def _escape_message(record: "loguru.Record") -> None:
    record["message"] = escape(record["message"])


class _InterceptHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} else "INFO"
        named = logger.patch(lambda own: own.update({"name": record.name}))
        named.opt(depth=6, exception=record.exc_info).log(level, record.getMessage())
