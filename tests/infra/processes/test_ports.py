"""Ports: listeners in a row, all or none, and errors that name what the operator chose them by."""

import socket

import pytest

from infra.errors import OperatorError
from infra.processes import ports
from infra.processes.ports import LOOPBACK, METRICS


def numbers(listeners: list[socket.socket]) -> list[int]:
    return [listener.getsockname()[1] for listener in listeners]


def test_listeners_are_on_ports_in_a_row() -> None:
    with ports.open_consecutive_listeners(LOOPBACK, 0, 3) as listeners:
        first = numbers(listeners)[0]
        assert numbers(listeners) == [first, first + 1, first + 2]
    with ports.open_consecutive_listeners(LOOPBACK, first, 3) as listeners:
        assert numbers(listeners) == [first, first + 1, first + 2]
        for each in numbers(listeners):
            socket.create_connection((LOOPBACK, each)).close()


def test_a_taken_port_in_the_row_is_reported_and_the_others_are_released() -> None:
    with ports.open_consecutive_listeners(LOOPBACK, 0, 2) as listeners:
        first = numbers(listeners)[0]
        listeners[0].close()
        message = rf"Port {first + 1} on .* is taken: .*TASKLEDGER_METRICS_PORT"
        with (
            pytest.raises(OperatorError, match=message),
            ports.open_consecutive_listeners(LOOPBACK, first, 2, chosen_by=METRICS),
        ):
            pytest.fail("it is taken")
        with ports.open_listener(LOOPBACK, first):
            pass


def test_a_host_that_is_not_ours_is_reported_by_its_variable() -> None:
    with (
        pytest.raises(OperatorError, match=r"192\.0\.2\.7.*TASKLEDGER_METRICS_HOST"),
        ports.open_listener("192.0.2.7", 0, chosen_by=METRICS),
    ):
        pytest.fail("it is not ours")


def test_a_row_beyond_the_last_port_is_reported() -> None:
    with (
        pytest.raises(OperatorError, match="choose 65534 at most with TASKLEDGER_METRICS_PORT"),
        ports.open_consecutive_listeners(LOOPBACK, ports.MAX_PORT, 2, chosen_by=METRICS),
    ):
        pytest.fail("there are no two")
