"""The supervisor: a stop ends every process of its programs."""

from infra.embedded.postgres import Postgres
from infra.embedded.valkey import Valkey
from infra.processes.pids import processes_in
from tests.infra.embedded.supervision import supervised


def test_no_server_process_remains_after_a_stop(postgres: Postgres, broker: Valkey) -> None:
    with supervised(broker, postgres):
        assert processes_in(broker.folder, "valkey-server")
        assert processes_in(postgres.folder, "postgres")
    assert not processes_in(broker.folder, "valkey-server")
    assert not processes_in(postgres.folder, "postgres")
