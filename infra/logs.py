"""Logging: readable lines on a terminal, JSON lines in production; libraries log through it too."""

import logging
import sys
from typing import TYPE_CHECKING

from loguru import logger

from infra.terminal_text import escape

if TYPE_CHECKING:
    import loguru

__all__ = ["configure", "logger"]


def configure(level: str, environment: str) -> None:
    """Send all logging to stderr, without variable values in tracebacks: they may contain passwords and tokens."""
    logger.configure(patcher=_escape_message)
    logger.remove()
    logger.add(
        sys.stderr,
        level=level.upper(),
        serialize=environment == "production",
        format="{time:HH:mm:ss.SSS} {level: <7} {name}: {message}",
        backtrace=False,
        diagnose=False,
    )
    logging.basicConfig(handlers=[_InterceptHandler()], level=logging.WARNING, force=True)


def _escape_message(record: "loguru.Record") -> None:
    record["message"] = escape(record["message"])


class _InterceptHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} else "INFO"
        logger.opt(depth=6, exception=record.exc_info).log(level, record.getMessage())
