"""An answer that the description does not name fails the test that asked for it."""

import json
from typing import Any

import httpx
import pytest

from api.http.problems import PROBLEM_MEDIA_TYPE
from tests.api import contract

TASKS = "http://test/api/v1/projects/0193805a-8d00-7442-90e4-8437b6556980/tasks"
TRACE = {"trace-id": "0" * 32}
SAID = {"etag": '"1"', "taskledger-position": "7", "location": "/api/v1/tasks/1", **TRACE}
DONE = {"id": "0193805a-8d00-7442-90e4-8437b6556980", "version": 1, "position": 7}
NO = {"type": "/problems/id_taken", "title": "Taken.", "status": 409, "instance": "/", "trace_id": "0" * 32}


async def holds(method: str, address: str, status: int, body: Any, headers: dict[str, str]) -> None:
    answer = httpx.Response(status, headers=headers, content=json.dumps(body), request=httpx.Request(method, address))
    await contract.ours().holds(answer)


def sent(kind: str, headers: dict[str, str]) -> dict[str, str]:
    return {"content-type": kind, **headers}


async def test_what_is_described_may_be_answered() -> None:
    await holds("POST", TASKS, 201, DONE, sent("application/json", SAID))
    await holds("POST", TASKS, 409, {**NO, "code": "id_taken"}, sent(PROBLEM_MEDIA_TYPE, TRACE))


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (202, DONE, sent("application/json", SAID)),
        (201, {**DONE, "version": "1"}, sent("application/json", SAID)),
        (201, {**DONE, "id": "1"}, sent("application/json", SAID)),
        (201, DONE, sent("text/html", SAID)),
        (201, DONE, sent("application/json", TRACE)),
        (201, DONE, sent("application/json", {**SAID, "link": "<next>"})),
        (409, {**NO, "code": "email_taken"}, sent(PROBLEM_MEDIA_TYPE, TRACE)),
        (409, NO, sent(PROBLEM_MEDIA_TYPE, TRACE)),
        (428, {**NO, "code": "version_required"}, sent(PROBLEM_MEDIA_TYPE, TRACE)),
        (503, {**NO, "code": "too_busy"}, sent(PROBLEM_MEDIA_TYPE, TRACE)),
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
async def test_what_is_not_described_is_noticed(status: int, body: Any, headers: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        await holds("POST", TASKS, status, body, headers)
