"""The log of closed connections: a response that its client did not wait for is no error of the server."""

import logging


def ignore_closed_connections() -> None:
    """Drop what uvicorn logs, with a traceback, when it writes to a connection that was just lost."""
    logger = logging.getLogger("uvicorn.error")
    if is_about_the_server not in logger.filters:
        logger.addFilter(is_about_the_server)


def is_about_the_server(record: logging.LogRecord) -> bool:
    """Whether to keep a record."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "the handler is closed" in str(error))
