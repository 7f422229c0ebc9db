"""Event schemas: every stored event matches its schema."""

import msgspec
import pytest

from api.openapi.event_schema import event_schema
from domain import codec
from domain.task import TaskRenamed
from tests.api.openapi_contract import validator
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.domain.event_laws import GOLDEN

pytestmark = pytest.mark.asyncio(loop_scope="package")
ROOT = "http://test"


async def test_every_event_has_a_schema_without_a_token(shared_user: ApiUser) -> None:
    listed = (await shared_user.client.get(f"{ROOT}/schemas/events")).json()["items"]
    assert [one["type"] for one in listed] == sorted(codec.all_event_types())
    for one in listed:
        answer = await shared_user.client.get(ROOT + one["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == one["schema"]


async def test_an_unknown_event_has_no_schema(shared_user: ApiUser) -> None:
    for name in ("TaskUpdated", "Event", "Unknown", "taskrenamed"):
        assert_problem(await shared_user.client.get(f"{ROOT}/schemas/events/{name}"), 404, "not_found")


async def test_every_golden_event_of_a_current_type_fits_its_schema() -> None:
    checked = set[str]()
    for file in GOLDEN.glob("*.json"):
        stored = msgspec.json.decode(file.read_bytes())
        if event := codec.all_event_types().get(stored["type"]):
            assert validator(event_schema(event)).is_valid(stored), stored
            checked.add(stored["type"])
    assert checked == codec.all_event_types().keys()


async def test_a_changed_field_is_a_pair_of_old_and_new() -> None:
    checked = validator(event_schema(TaskRenamed))
    assert checked.is_valid({"type": "TaskRenamed", "title": ["Milk", "Oat milk"]})
    for title in ("Oat milk", ["Oat milk"], ["Milk", "Oat milk", "Bread"], [None, "Milk"]):
        assert not checked.is_valid({"type": "TaskRenamed", "title": title}), title
    assert not checked.is_valid({"type": "TaskMoved", "title": ["Milk", "Oat milk"]})
