"""Problems over HTTP: the `type` of each is the address of what it means."""

import pytest

from api.system import problem_pages
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")
ROOT = "http://test"


async def test_the_type_of_a_problem_says_what_it_means_and_what_to_do(house: Visitor) -> None:
    met = refused(await house.ask("PATCH", f"/tasks/{await house.task()}", json={"title": "Bread"}), 428)
    told = (await house.client.get(ROOT + met["type"])).json()
    assert told["title"] == met["title"]
    assert told["statuses"] == [428]
    assert "If-Match" in told["what_to_do"][0]


async def test_every_code_is_listed_with_something_to_do(house: Visitor) -> None:
    listed = (await house.client.get(f"{ROOT}/problems")).json()["items"]
    assert {one["code"] for one in listed} >= {"not_found", "invalid_json", "method_not_allowed", "too_busy"}
    for one in listed:
        assert one == (await house.client.get(ROOT + one["type"])).json()
        assert all(one["what_to_do"])
        assert len(one["what_to_do"]) == len(one["statuses"])


async def test_a_lost_race_has_two_statuses(house: Visitor) -> None:
    assert problem_pages.problem_types()["version_conflict"].statuses == [409, 412]


async def test_a_code_that_there_is_not_means_nothing(house: Visitor) -> None:
    refused(await house.client.get(f"{ROOT}/problems/no_milk"), 404, "not_found")
