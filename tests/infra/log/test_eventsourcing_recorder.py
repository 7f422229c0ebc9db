"""The recorder test cases that the `eventsourcing` library publishes, run against our log."""

from collections.abc import Iterator
from typing import Any

import pytest
from eventsourcing import persistence as contract
from eventsourcing.tests import persistence as published

from infra.database.pool import create_pool
from infra.log.event_log import EventLog
from infra.settings import Settings


@pytest.fixture
def _event_log(request: pytest.FixtureRequest, settings: Settings) -> Iterator[None]:
    log = EventLog(settings.database_url, create_pool(settings.database_url))
    request.cls.log = log
    yield
    log.datastore.close()


@pytest.mark.usefixtures("_event_log")
class TestApplicationRecorder(published.ApplicationRecorderTestCase[Any]):
    log: contract.ApplicationRecorder

    def create_recorder(self) -> contract.ApplicationRecorder:
        return self.log

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


@pytest.mark.usefixtures("_event_log")
class TestPositionsDoNotInterleave(published.NonInterleavingNotificationIDsBaseCase):
    insert_num = 1_000
    log: contract.ApplicationRecorder

    def create_recorder(self) -> contract.ApplicationRecorder:
        return self.log
