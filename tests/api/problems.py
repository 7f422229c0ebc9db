"""Assertions on problem documents."""

from typing import Any

import httpx

PROBLEM_MEMBERS = {"type", "title", "status", "code", "trace_id", "instance"}
LEAK_MARKERS = ("Traceback", 'File "', "site-packages", "psycopg", "msgspec.")


def assert_problem(response: httpx.Response, status: int, code: str = "") -> dict[str, Any]:
    """The problem document, after asserting its required members and that it leaks nothing."""
    request = f"{response.request.method} {str(response.request.url)[:200]}"
    assert response.status_code == status, f"{request}: {response.status_code} {response.text[:400]}"
    assert response.headers["content-type"] == "application/problem+json", request
    problem: dict[str, Any] = response.json()
    assert problem.keys() >= PROBLEM_MEMBERS, problem
    assert problem["status"] == status
    assert problem["trace_id"] == response.headers["trace-id"]
    assert len(problem["trace_id"]) == 32
    assert problem["instance"] == response.request.url.path
    assert problem["type"] == f"/problems/{problem['code']}"
    assert all(isinstance(problem[name], str) and problem[name] for name in PROBLEM_MEMBERS - {"status"})
    assert not any(leak in response.text for leak in LEAK_MARKERS), response.text
    assert code in {"", problem["code"]}, problem
    return problem
