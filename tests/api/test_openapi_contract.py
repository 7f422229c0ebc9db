"""The OpenAPI contract check: a response that the document does not describe fails its test."""

import json
from typing import Any

import httpx
import pytest

from api.http.problem_document import PROBLEM_MEDIA_TYPE
from tests.api import openapi_contract

TASKS = "http://test/api/v1/projects/0193805a-8d00-7442-90e4-8437b6556980/tasks"
TRACE = {"trace-id": "0" * 32}
VALID_HEADERS = {"etag": '"1"', "taskledger-position": "7", "location": "/api/v1/tasks/1", **TRACE}
VALID_BODY = {"id": "0193805a-8d00-7442-90e4-8437b6556980", "version": 1, "position": 7}
VALID_PROBLEM = {"type": "/problems/id_taken", "title": "Taken.", "status": 409, "instance": "/", "trace_id": "0" * 32}


async def check_response(method: str, address: str, status: int, body: Any, headers: dict[str, str]) -> None:
    answer = httpx.Response(status, headers=headers, content=json.dumps(body), request=httpx.Request(method, address))
    await openapi_contract.app_contract().check(answer)


def with_content_type(kind: str, headers: dict[str, str]) -> dict[str, str]:
    return {"content-type": kind, **headers}


async def test_a_described_response_passes() -> None:
    await check_response("POST", TASKS, 201, VALID_BODY, with_content_type("application/json", VALID_HEADERS))
    await check_response(
        "POST", TASKS, 409, {**VALID_PROBLEM, "code": "id_taken"}, with_content_type(PROBLEM_MEDIA_TYPE, TRACE)
    )


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (202, VALID_BODY, with_content_type("application/json", VALID_HEADERS)),
        (201, {**VALID_BODY, "version": "1"}, with_content_type("application/json", VALID_HEADERS)),
        (201, {**VALID_BODY, "id": "1"}, with_content_type("application/json", VALID_HEADERS)),
        (201, VALID_BODY, with_content_type("text/html", VALID_HEADERS)),
        (201, VALID_BODY, with_content_type("application/json", TRACE)),
        (201, VALID_BODY, with_content_type("application/json", {**VALID_HEADERS, "link": "<next>"})),
        (409, {**VALID_PROBLEM, "code": "email_taken"}, with_content_type(PROBLEM_MEDIA_TYPE, TRACE)),
        (409, VALID_PROBLEM, with_content_type(PROBLEM_MEDIA_TYPE, TRACE)),
        (428, {**VALID_PROBLEM, "code": "version_required"}, with_content_type(PROBLEM_MEDIA_TYPE, TRACE)),
        (503, {**VALID_PROBLEM, "code": "too_busy"}, with_content_type(PROBLEM_MEDIA_TYPE, TRACE)),
    ],
    ids=[
        "a status",
        "the type of a field",
        "the form of a field",
        "a media type",
        "headers that are missing",
        "a header that is not described",
        "another's problem",
        "a problem without a code",
        "a problem that cannot happen here",
        "busy, and not until when",
    ],
)
async def test_an_undescribed_response_fails(status: int, body: Any, headers: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        await check_response("POST", TASKS, status, body, headers)
