"""A client that vanishes leaves no traceback in the log; an error of the server does."""

import logging

import pytest

from api.connections.closed_connection_log import ignore_closed_connections

CLOSED = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"


@pytest.mark.parametrize(("error", "is_logged"), [(RuntimeError(CLOSED), False), (RuntimeError("a mistake"), True)])
def test_only_errors_of_the_server_are_logged(
    error: Exception,
    is_logged: bool,  # noqa: FBT001 - a case of the table
    caplog: pytest.LogCaptureFixture,
) -> None:
    ignore_closed_connections()
    try:
        raise error
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    assert bool(caplog.records) is is_logged
