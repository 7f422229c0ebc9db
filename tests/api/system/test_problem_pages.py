"""Problem pages: the `type` of a problem is the address of its explanation."""

import re
from pathlib import Path

import pytest

from api.http.problems import PARAMETER_REFUSALS
from api.openapi import error_cases
from api.system import problem_pages
from commands.validation import _LENGTH_BOUNDS, _NUMBER_BOUNDS
from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")
ROOT = "http://test"
CODE_IN_A_CALL = re.compile(r'FieldError\((?:[^()"]|"[^"]*/[^"]*"|f"[^"]*")+?, "([a-z_]+)"')
BOUNDS = (*_LENGTH_BOUNDS, *_NUMBER_BOUNDS)


async def test_a_problem_type_links_to_its_explanation(shared_user: ApiUser) -> None:
    met = assert_problem(
        await shared_user.request("PATCH", f"/tasks/{await shared_user.create_task()}", json={"title": "Bread"}), 428
    )
    page = (await shared_user.client.get(ROOT + met["type"])).json()
    assert page["title"] == met["title"]
    assert page["statuses"] == [428]
    assert "If-Match" in page["what_to_do"][0]


async def test_every_code_is_listed_with_advice(shared_user: ApiUser) -> None:
    listed = (await shared_user.client.get(f"{ROOT}/problems")).json()["items"]
    assert {one["code"] for one in listed} >= {"not_found", "invalid_json", "method_not_allowed", "too_busy"}
    for one in listed:
        assert one == (await shared_user.client.get(ROOT + one["type"])).json()
        assert all(one["what_to_do"])
        assert len(one["what_to_do"]) == len(one["statuses"])


async def test_every_code_within_errors_is_listed_with_its_meaning(shared_user: ApiUser) -> None:
    used = set(CODE_IN_A_CALL.findall(sources())) | {bound.code for bound in BOUNDS}
    used |= {refusal.code() for refusal in PARAMETER_REFUSALS} | {"invalid_value"}  # or another one, by the error
    listed = {one["code"]: one["errors"] for one in (await shared_user.client.get(f"{ROOT}/problems")).json()["items"]}
    errors = [*listed["invalid_body"], *listed["invalid_parameter"]]
    assert len(used) > 15
    assert {error["code"] for error in errors} == used
    assert all(error["meaning"].endswith(".") for error in errors)
    assert listed["filter_syntax"] == listed["unknown_parameter"] == listed["invalid_parameter"]
    assert listed["id_taken"] == []


def sources() -> str:
    return "".join(path.read_text() for folder in ("api", "commands") for path in Path(folder).rglob("*.py"))


async def test_a_lost_race_has_two_statuses(shared_user: ApiUser) -> None:
    assert problem_pages.problem_types()["version_conflict"].statuses == [409, 412]


async def test_an_unknown_code_is_not_found(shared_user: ApiUser) -> None:
    assert_problem(await shared_user.client.get(f"{ROOT}/problems/no_milk"), 404, "not_found")


async def test_every_code_has_one_title() -> None:
    titles = {(one.code, one.title) for one in error_cases.all_error_cases()}
    assert len(titles) == len(problem_pages.problem_types())


async def test_what_has_no_route_has_the_title_of_what_is_not_there(shared_user: ApiUser) -> None:
    absent = assert_problem(await shared_user.request("GET", f"/tasks/{new_id()}"), 404, "not_found")
    for path in ("/nope", f"{ROOT}/nope", f"{ROOT}/problems/nope"):
        assert assert_problem(await shared_user.client.get(path), 404, "not_found")["title"] == absent["title"]
