"""A supervised process: a program that fails to start raises an error with the reason."""

import pytest

from infra.embedded.valkey import Valkey
from infra.errors import OperatorError
from infra.processes.supervised import MAX_START_ATTEMPTS, SupervisedProcess
from tests.e2e.running_instance import poll_until


def test_a_program_that_never_starts_fails_with_its_last_output(broker: Valkey) -> None:
    broker.role_config = "no-such-setting 1\n"
    ward = SupervisedProcess(broker, print)
    with pytest.raises(OperatorError, match=r"Broker does not start .*no-such-setting"):
        poll_until(ward.check)
    assert broker.log.read_text().count("no-such-setting") >= MAX_START_ATTEMPTS
