"""Schemas over HTTP: of every event, as the log keeps it."""

import msgspec
import pytest

from api.system.event_schemas import event_schema
from domain import codec
from domain.task import TaskRenamed
from tests.api.contract import validator
from tests.api.problems import refused
from tests.domain.laws import GOLDEN
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")
ROOT = "http://test"


async def test_every_event_has_a_schema_without_a_token(house: Visitor) -> None:
    listed = (await house.client.get(f"{ROOT}/schemas/events")).json()["items"]
    assert [one["type"] for one in listed] == sorted(codec.all_event_types())
    for one in listed:
        answer = await house.client.get(ROOT + one["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == one["schema"]


async def test_an_event_that_there_is_not_has_none(house: Visitor) -> None:
    for name in ("TaskUpdated", "Event", "Unknown", "taskrenamed"):
        refused(await house.client.get(f"{ROOT}/schemas/events/{name}"), 404, "not_found")


async def test_all_that_was_ever_stored_under_a_name_of_today_fits_its_schema() -> None:
    checked = set[str]()
    for file in GOLDEN.glob("*.json"):
        stored = msgspec.json.decode(file.read_bytes())
        if event := codec.all_event_types().get(stored["type"]):
            assert validator(event_schema(event)).is_valid(stored), stored
            checked.add(stored["type"])
    assert checked == codec.all_event_types().keys()


async def test_a_changed_field_is_the_pair_of_what_was_and_what_is() -> None:
    checked = validator(event_schema(TaskRenamed))
    assert checked.is_valid({"type": "TaskRenamed", "title": ["Milk", "Oat milk"]})
    for title in ("Oat milk", ["Oat milk"], ["Milk", "Oat milk", "Bread"], [None, "Milk"]):
        assert not checked.is_valid({"type": "TaskRenamed", "title": title}), title
    assert not checked.is_valid({"type": "TaskMoved", "title": ["Milk", "Oat milk"]})
