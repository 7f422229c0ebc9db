"""Invalid requests: each gets a problem that names the error, and nothing is written."""

import gzip
import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4, uuid5

import jwt
import pytest
import pytest_asyncio

from api.http.access_tokens import key_id
from api.http.body import MAX_BODY_BYTES
from api.ledger import BASE_PATH
from commands.task import EditTask
from commands.validation import MAX_ERRORS, MAX_QUOTED_CHARACTERS
from infra.settings import Settings
from scripts.openapi import OPENAPI_FILE
from tests.api.paginated_lists import LIST_PATHS
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = {"Content-Type": "application/json"}
Headers = dict[str, Any]


def case(name: str, *values: object) -> Any:
    return pytest.param(*values, id=name)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def task_id(shared_user: ApiUser) -> str:
    """A task at version 1."""
    return await shared_user.create_task("Milk")


@pytest_asyncio.fixture(loop_scope="package")
async def assert_nothing_written(shared_user: ApiUser, task_id: str) -> AsyncIterator[None]:
    async def head() -> str:
        return (await shared_user.request("GET", f"/tasks/{task_id}/history")).headers["taskledger-position"]

    before = await head()
    yield
    assert await head() == before


TITLED = b'{"title": "x"}'
NESTING_DEPTH = 100_000
INVALID_BODIES = [
    case("empty", b"", JSON, 400, "invalid_body"),
    case("only white space", b" \n ", JSON, 400, "invalid_json"),
    case("null", b"null", JSON, 400, "invalid_body"),
    case("an array for an object", b'[{"title": "x"}]', JSON, 400, "invalid_body"),
    case("text for an object", b'"title"', JSON, 400, "invalid_body"),
    case("truncated", b'{"title": "x', JSON, 400, "invalid_json"),
    case("trailing garbage", b'{"title": "x"}}', JSON, 400, "invalid_json"),
    case("two documents", TITLED * 2, JSON, 400, "invalid_json"),
    case("a trailing comma", b'{"title": "x",}', JSON, 400, "invalid_json"),
    case("a comment", b'{"title": "x"} // why', JSON, 400, "invalid_json"),
    case("single quotes", b"{'title': 'x'}", JSON, 400, "invalid_json"),
    case("a byte order mark", b"\xef\xbb\xbf" + TITLED, JSON, 400, "invalid_json"),
    case("UTF-16", '{"title": "x"}'.encode("utf-16"), JSON, 400, "invalid_json"),
    case("invalid UTF-8", b'{"title": "\xff\xfe"}', JSON, 400, "invalid_json"),
    case("overlong UTF-8", b'{"title": "\xc0\xaf"}', JSON, 400, "invalid_json"),
    case("no content type", TITLED, {}, 415, "unsupported_media_type"),
    case("text/plain", TITLED, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    case("a form", b"title=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    case("multipart", TITLED, {"Content-Type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
    case("merge-patch for a create", TITLED, {"Content-Type": "application/merge-patch+json"}, 415, ""),
    case("a content type of garbage", TITLED, {"Content-Type": b";;=\xe4"}, 415, "unsupported_media_type"),
    case("gzip", gzip.compress(TITLED), {**JSON, "Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
    case("gzip unannounced", gzip.compress(TITLED), JSON, 400, "invalid_json"),
    case("over the limit", b" " * (MAX_BODY_BYTES + 1), JSON, 413, ""),
    case("a length that is no number", TITLED, {**JSON, "Content-Length": "many"}, 400, ""),
    case("a length with a gap", TITLED, {**JSON, "Content-Length": "1_4"}, 400, ""),
    case("a length with a sign", TITLED, {**JSON, "Content-Length": "+14"}, 400, ""),
    case("depth as a whole", b"[" * NESTING_DEPTH, JSON, 400, ""),
    case("depth of objects", b'{"title":' * NESTING_DEPTH, JSON, 400, ""),
    case("depth as a value", b'{"title": ' + b"[" * NESTING_DEPTH + b"]" * NESTING_DEPTH + b"}", JSON, 400, ""),
    case("depth in an unknown field", b'{"x": ' + b"[" * NESTING_DEPTH + b"]" * NESTING_DEPTH + b"}", JSON, 400, ""),
    case("200,000 keys", b"{%s}" % b",".join(b'"%x":1' % key for key in range(200_000)), JSON, 413, ""),
    case("60,000 keys", b"{%s}" % b",".join(b'"%x":1' % key for key in range(60_000)), JSON, 400, ""),
    case("NaN", b'{"title": NaN}', JSON, 400, "invalid_json"),
    case("infinity", b'{"title": "x", "expected_version": Infinity}', JSON, 400, "invalid_json"),
    case("1e400", b'{"title": "x", "expected_version": 1e400}', JSON, 400, ""),
    case("a version of 0.1", b'{"title": "x", "expected_version": 0.1}', JSON, 400, "invalid_body"),
    case("a version of 1e-9", b'{"title": "x", "expected_version": 1e-9}', JSON, 400, "invalid_body"),
    case(
        "a version of 1.0000000000000000001",
        b'{"title": "x", "expected_version": 1.0000000000000000001}',
        JSON,
        400,
        "",
    ),
    case("a version of 1e19", b'{"title": "x", "expected_version": 1e19}', JSON, 400, "invalid_body"),
    case("a version of 1e999999999", b'{"title": "x", "expected_version": 1e999999999}', JSON, 400, "invalid_body"),
    case(
        "a key twice, beside 0.0", b'{"title": "x", "title": "x", "expected_version": 0.0}', JSON, 400, "duplicate_key"
    ),
    case("a long number", b'{"title": "x", "expected_version": %s}' % (b"9" * 10_000), JSON, 400, ""),
    case("a lone surrogate", rb'{"title": "\ud800"}', JSON, 400, "invalid_json"),
    case("a lone surrogate in UTF-8", b'{"title": "\xed\xa0\x80"}', JSON, 400, "invalid_json"),
    case("a key twice", b'{"title": "x", "title": "x"}', JSON, 400, "duplicate_key"),
    case("a key twice, once escaped", rb'{"title": "x", "\u0074itle": "y"}', JSON, 400, "duplicate_key"),
    case("a key twice, with spaces", b'{"title": "x", "title" : "y"}', JSON, 400, "duplicate_key"),
    case("an unescaped line end", b'{"title": "a\nb"}', JSON, 400, ""),
]


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(("content", "headers", "status", "code"), INVALID_BODIES)
async def test_a_body_that_is_no_json_object_is_refused(
    shared_user: ApiUser, content: bytes, headers: Headers, status: int, code: str
) -> None:
    path = f"/projects/{shared_user.project}/tasks"
    assert_problem(await shared_user.request("POST", path, content=content, headers=headers), status, code)


@pytest.mark.usefixtures("assert_nothing_written")
async def test_a_body_over_the_limit_is_refused_without_a_length_too(shared_user: ApiUser) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * (MAX_BODY_BYTES // 32)

    answer = await shared_user.request("POST", f"/projects/{shared_user.project}/tasks", content=chunks(), headers=JSON)
    assert "content-length" not in answer.request.headers
    assert_problem(answer, 413)


async def test_bodies_of_authentication_are_limited_to_16_kib(shared_user: ApiUser) -> None:
    paths = json.loads(OPENAPI_FILE.read_bytes())["paths"]
    posts = [
        path.removeprefix(BASE_PATH)
        for path, operations in paths.items()
        if "/auth/" in path and "requestBody" in operations.get("post", {})
    ]
    assert len(posts) >= 4
    for path in posts:
        answer = await shared_user.request(
            "POST", path.removeprefix(BASE_PATH), content=b" " * (16 * 1024 + 1), headers=JSON
        )
        assert_problem(answer, 413)


UNUSED_ID = "01a1fdb9-ff86-71a3-b8d1-8de7b10a6519"
INVALID_TASKS: list[Any] = [
    case("no title", {}, "#/title"),
    case("null for a title", {"title": None}, "#/title"),
    case("true for a title", {"title": True}, "#/title"),
    case("a number for a title", {"title": 1}, "#/title"),
    case("an empty title", {"title": ""}, "#/title"),
    case("only spaces", {"title": "   "}, "#/title"),
    case("only space of another kind", {"title": "\u00a0\u2003"}, "#/title"),
    case("nothing to see", {"title": "\u200b\u200d"}, "#/title"),
    case("NUL", {"title": "a\0b"}, "#/title"),
    case("a control character", {"title": "a\x07b"}, "#/title"),
    case("ANSI", {"title": "\x1b[31mred\x1b[0m"}, "#/title"),
    case("C1 control", {"title": "a\x9bb"}, "#/title"),
    case("two lines", {"title": "a\nb"}, "#/title"),
    case("a last line end", {"title": "a\n"}, "#/title"),
    case("text turned round", {"title": "a\u202eb"}, "#/title"),
    *(
        case(f"a direction control U+{ord(control):04X}", {"title": f"a{control}b"}, "#/title")
        for control in "\u061c\u200e\u200f\u202a\u2066\u2067\u2068\u2069"
    ),
    case("tags that spell in secret", {"title": "a\U000e0068\U000e0069"}, "#/title"),
    case("a language tag", {"title": "a\U000e0001"}, "#/title"),
    case("a flag of tags without an end", {"title": "\U0001f3f4\U000e0067\U000e0062"}, "#/title"),
    case("an end of tags without tags", {"title": "\U0001f3f4\U000e007f"}, "#/title"),
    *(
        case(f"nothing but U+{ord(blank):04X}", {"title": blank}, "#/title")
        for blank in "\xad\u034f\u115f\u1160\u17b4\u180b\u180e\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0"
        "\U0001d173\U000e0100"
    ),
    case("several kinds of blank", {"title": "\u3164 \u2800\u200d\ufe0f"}, "#/title"),
    case("a label of blanks", {"title": "x", "labels": ["\u3164"]}, ""),
    case("max and one", {"title": "x" * 501}, "#/title"),
    case("a title of nearly 1 MB", {"title": "x" * (MAX_BODY_BYTES - 100)}, "#/title"),
    case("NUL in a description", {"title": "x", "description": "a\0"}, "#/description"),
    case("ANSI in a description", {"title": "x", "description": "\x1b]0;x\x07"}, "#/description"),
    case("a description of max and one", {"title": "x", "description": "x" * 50_001}, "#/description"),
    case("an unknown priority", {"title": "x", "priority": "soon"}, "#/priority"),
    case("a priority in another case", {"title": "x", "priority": "High"}, "#/priority"),
    case("a number for a priority", {"title": "x", "priority": 1}, "#/priority"),
    case("year 0", {"title": "x", "due": "0000-01-01"}, "#/due"),
    case("30 February", {"title": "x", "due": "2026-02-30"}, "#/due"),
    case("month 13", {"title": "x", "due": "2026-13-01"}, "#/due"),
    case("no zone", {"title": "x", "due": "2026-12-01T10:00:00"}, "#/due"),
    case("hour 25", {"title": "x", "due": "2026-12-01T25:00:00Z"}, "#/due"),
    case("an offset of 99 hours", {"title": "x", "due": "2026-12-01T10:00:00+99:00"}, "#/due"),
    case("before the calendar in UTC", {"title": "x", "due": "0001-01-01T00:00:00+14:00"}, "#/due"),
    case("after the calendar in UTC", {"title": "x", "due": "9999-12-31T23:59:59-12:00"}, "#/due"),
    case("tomorrow", {"title": "x", "due": "tomorrow"}, "#/due"),
    case("seconds since 1970", {"title": "x", "due": 1_790_000_000}, "#/due"),
    case("an empty due", {"title": "x", "due": ""}, "#/due"),
    case("digits of another script", {"title": "x", "due": "\N{FULLWIDTH DIGIT TWO}026-12-01"}, "#/due"),
    case("51 labels", {"title": "x", "labels": [f"l{number}" for number in range(51)]}, "#/labels"),
    case("an empty label", {"title": "x", "labels": [""]}, ""),
    case("a label that is no text", {"title": "x", "labels": [1]}, ""),
    case("text for labels", {"title": "x", "labels": "red"}, "#/labels"),
    case("null for labels", {"title": "x", "labels": None}, "#/labels"),
    case("51 assignees", {"title": "x", "assignees": [str(uuid4()) for _ in range(51)]}, "#/assignees"),
    case("an assignee that is no id", {"title": "x", "assignees": ["ann"]}, ""),
    case("an id for assignees", {"title": "x", "assignees": str(uuid4())}, "#/assignees"),
    case("an id of version 4", {"title": "x", "id": str(uuid4())}, "#/id"),
    case("an id of version 5", {"title": "x", "id": str(uuid5(uuid4(), "x"))}, "#/id"),
    case("the nil id", {"title": "x", "id": "00000000-0000-0000-0000-000000000000"}, "#/id"),
    case("an id that is no UUID", {"title": "x", "id": "1"}, "#/id"),
    case("a number for an id", {"title": "x", "id": 7}, "#/id"),
    case("a negative version", {"title": "x", "expected_version": -1}, "#/expected_version"),
    case("a float version", {"title": "x", "expected_version": 0.5}, "#/expected_version"),
    case("true for a version", {"title": "x", "expected_version": True}, "#/expected_version"),
    case("text for a version", {"title": "x", "expected_version": "0"}, "#/expected_version"),
    case("a version past int8", {"title": "x", "expected_version": 2**63}, "#/expected_version"),
    case("a version past 2^64", {"title": "x", "expected_version": 2**64}, "#/expected_version"),
    *(
        case(f"an unknown field {field}", {"title": "x", field: value}, f"#/{field}")
        for field, value in {
            "owner_id": UNUSED_ID,
            "role": "owner",
            "version": 7,
            "workspace_id": UNUSED_ID,
            "number": 1,
            "key": "KIT-1",
            "status": "done",
            "at": "2020-01-01T00:00:00Z",
            "actor": {"id": UNUSED_ID},
            "Title": "x",
            "__class__": "x",
            "": "x",
        }.items()
    ),
]


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(("body", "pointer"), INVALID_TASKS)
async def test_an_invalid_field_is_refused_with_its_pointer(
    shared_user: ApiUser, body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(
        await shared_user.request("POST", f"/projects/{shared_user.project}/tasks", json=body), 400, "invalid_body"
    )
    assert pointer in {"", problem["errors"][0]["pointer"]}, problem
    assert_speaks_of_fields(problem)


PYTHON_WORDS = re.compile(
    r"\b(str|int|float|bool|null|None|array|dict|tuple|UUID4|datetime|Expected|Object|regex|length|enum|month must|"
    r"is out of range|Invalid|got|codec|Traceback|\w+Error)\b|[`$]|\brange\(|\.\.[0-9]"
)


def assert_speaks_of_fields(problem: dict[str, Any]) -> None:
    """Every error has a pointer, a code of its own and a sentence; none is in the words of Python or its libraries."""
    assert problem["errors"], problem
    for error in problem["errors"]:
        assert error.keys() == {"pointer", "code", "detail"}
        assert error["pointer"][0] in "#?"
        assert error["code"] != problem["code"]
        assert error["detail"].endswith(".")
    said = [problem["detail"], *(error["detail"] for error in problem["errors"])]
    assert not [text for text in said if PYTHON_WORDS.search(text.replace("cannot be null", "").replace("a UUID", ""))]


SEVERAL_ERRORS = {
    "title": ("", "too_short", '"title" cannot be empty.'),
    "priority": ("soon", "not_one_of", '"priority" must be one of none, low, medium, high, urgent.'),
    "due": ("2026-02-30", "invalid_value", '"due" must be a day in the calendar.'),
    "labels": ("shop", "wrong_type", '"labels" must be a list.'),
    "expected_version": (-1, "too_small", '"expected_version" must be at least 0.'),
}


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize("place", ["create", "edit", "atomic", "independent"])
async def test_all_errors_of_a_body_are_reported_at_once(shared_user: ApiUser, task_id: str, place: str) -> None:
    body = {name: value for name, (value, _, _) in SEVERAL_ERRORS.items()} | {"dueDate": "2026-12-01"}
    edit = {"type": "EditTask", "id": task_id, "data": body}
    if place == "create":
        answer = await shared_user.request("POST", f"/projects/{shared_user.project}/tasks", json=body)
    elif place == "edit":
        answer = await shared_user.request("PATCH", f"/tasks/{task_id}", json=body)
    else:
        answer = await shared_user.request("POST", "/commands", json={"mode": place, "commands": [edit]})
    problem = answer.json()["results"][0]["problem"] if place == "independent" else answer.json()
    assert (problem["status"], problem["code"]) == (400, "invalid_body")
    prefix = "#" if place in {"create", "edit"} else "#/commands/0/data"
    assert {error["pointer"].removeprefix(prefix): error["code"] for error in problem["errors"]} == {
        **{f"/{name}": code for name, (_, code, _) in SEVERAL_ERRORS.items()},
        "/dueDate": "unknown_field",
    }
    assert_speaks_of_fields(problem)
    if place == "edit":
        details = {error["pointer"]: error["detail"] for error in problem["errors"]}
        for name, (_, _, detail) in SEVERAL_ERRORS.items():
            assert details[f"#/{name}"] == detail
        assert "did you mean due?" in details["#/dueDate"]
        assert f"Known here are {', '.join(EditTask.__struct_fields__)}." in details["#/dueDate"]


@pytest.mark.usefixtures("assert_nothing_written")
async def test_an_atomic_batch_reports_the_errors_of_all_its_commands(shared_user: ApiUser, task_id: str) -> None:
    commands = [
        {"type": "EditTask", "id": task_id, "data": {"title": ""}},
        {"type": "CompleteTask", "id": task_id, "data": {}},
        {"type": "CreateTasks", "data": {"title": "x"}},
        {"type": "CreateTask", "data": {"titel": "x"}},
        {"type": "CompleteTask", "data": {}},
    ]
    answer = await shared_user.request("POST", "/commands", json={"commands": commands})
    problem = assert_problem(answer, 400, "invalid_body")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("#/commands/0/data/title", "too_short"),
        ("#/commands/2/type", "unknown_command"),
        ("#/commands/3/data/project_id", "missing"),
        ("#/commands/3/data/title", "missing"),
        ("#/commands/3/data/titel", "unknown_field"),
        ("#/commands/4/id", "missing"),
    ]
    assert "did you mean CreateTask?" in problem["detail"]


CHECKED_LATER: list[Any] = [
    case(
        "an account",
        "PATCH",
        "/auth/me",
        {"name": "Z", "zone": "Mars/X", "language": "?", "email": "a@b_c.de"},
        {"#/email": "invalid_value", "#/language": "invalid_format", "#/zone": "invalid_value"},
    ),
    case("a zone", "PATCH", "/auth/me", {"zone": "Mars/X"}, {"#/zone": "invalid_value"}),
    case(
        "a registration",
        "POST",
        "/auth/register",
        {"email": "a@b_c.de", "name": "", "password": "x"},
        {"#/email": "invalid_value", "#/name": "too_short", "#/password": "too_short"},
    ),
    case(
        "an invitation",
        "POST",
        "/workspaces/{workspace}/invitations",
        {"email": "a@b_c.de", "role": "king"},
        {"#/email": "invalid_value", "#/role": "not_one_of"},
    ),
    case(
        "a search",
        "POST",
        "/tasks/search",
        {"filter": "(", "limit": 0, "expand": "x"},
        {"#/filter": "filter_syntax", "#/limit": "too_small", "#/expand": "invalid_value"},
    ),
    case("an expansion", "POST", "/tasks/search", {"expand": "x"}, {"#/expand": "invalid_value"}),
    case(
        "a filter to save",
        "POST",
        "/filters",
        {"name": "", "filter": "nope:1"},
        {"#/name": "too_short", "#/filter": "unknown_field"},
    ),
    case(
        "a batch of an unknown mode",
        "POST",
        "/commands",
        {
            "mode": "x",
            "commands": [
                {"type": "Bogus", "data": {}},
                {"type": "CreateTask", "data": {"title": 1}},
                {"type": "SaveFilter", "data": {"name": "x", "filter": "("}},
                {"type": 1, "data": 1},
            ],
        },
        {
            "#/commands/0/type": "unknown_command",
            "#/commands/1/data/project_id": "missing",
            "#/commands/1/data/title": "wrong_type",
            "#/commands/2/data/filter": "filter_syntax",
            "#/commands/3/type": "wrong_type",
            "#/commands/3/data": "wrong_type",
            "#/mode": "not_one_of",
        },
    ),
    case(
        "a batch with a wrong filter and more",
        "POST",
        "/commands",
        {
            "commands": [
                {"type": "SaveFilter", "data": {"name": "x", "filter": "("}},
                {"type": "RenameTask", "data": {"title": ""}},
            ]
        },
        {
            "#/commands/0/data/filter": "filter_syntax",
            "#/commands/1/id": "missing",
            "#/commands/1/data/title": "too_short",
        },
    ),
]


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(("method", "path", "body", "errors"), CHECKED_LATER)
async def test_what_no_type_can_tell_is_reported_with_the_rest(
    shared_user: ApiUser, method: str, path: str, body: Any, errors: dict[str, str]
) -> None:
    answer = await shared_user.request(method, path.format(workspace=shared_user.workspace), json=body)
    problem = assert_problem(answer, 400, "invalid_body")
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == errors
    assert_speaks_of_fields(problem)


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("/tasks/search", {"filter": "("}, "filter_syntax", "#/filter"),
        ("/tasks/search", {"filter": "x:1"}, "unknown_field", "#/filter"),
        ("/tasks/search", {"sort": "relevance"}, "sort_needs_text", "#/sort"),
        ("/tasks/search", {"cursor": "x"}, "bad_cursor", "#/cursor"),
        ("/filters", {"name": "x", "filter": "due:yesteryear"}, "filter_value", "#/filter"),
        (
            "/commands",
            {"commands": [{"type": "SaveFilter", "data": {"name": "x", "filter": "("}}]},
            "filter_syntax",
            "#/commands/0/data/filter",
        ),
        (
            "/commands",
            {"commands": [{"type": "RenameTask", "id": "?", "data": {"title": "x"}}]},
            "invalid_id",
            "#/commands/0/id",
        ),
    ],
)
async def test_a_refused_value_of_a_body_has_its_pointer(
    shared_user: ApiUser, path: str, body: Any, code: str, pointer: str
) -> None:
    problem = assert_problem(await shared_user.request("POST", path, json=body), 400, code)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]
    assert problem["errors"][0]["detail"] == problem["detail"]


async def test_an_edited_filter_that_is_none_has_its_pointer(shared_user: ApiUser) -> None:
    saved = (await shared_user.post("/filters", name="x", filter="milk"))["id"]
    answer = await shared_user.request("PATCH", f"/filters/{saved}", json={"filter": "(", "expected_version": 1})
    assert assert_problem(answer, 400, "filter_syntax")["errors"][0]["pointer"] == "#/filter"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b'{"title": "x", "": 1}', '"" is unknown: known here are '),
        (b'{"title": "x", "dueDate": 1}', '"dueDate" is unknown: did you mean due?'),
        (b'{"title": "x", "a/b~": 1}', '"a/b~" is unknown: known here are '),
        (b'{"title": "x", "labels": ["a", 1]}', '"labels/1" must be text.'),
        (b"[]", "The body must be an object."),
        (rb'{"title": "\ud83d"}', "\\ud83d is half of a surrogate pair, which is no character."),
        (rb'{"title": "\ude00 x"}', "\\ude00 is half of a surrogate pair, which is no character."),
        (rb'{"\ud83d\ud83d\ude00": 1}', "\\ud83d is half of a surrogate pair, which is no character."),
    ],
)
async def test_an_error_quotes_what_was_sent(shared_user: ApiUser, content: bytes, detail: str) -> None:
    path = f"/projects/{shared_user.project}/tasks"
    problem = assert_problem(await shared_user.request("POST", path, content=content, headers=JSON), 400)
    assert problem["detail"].startswith(detail)
    assert all(one["detail"].startswith(detail) for one in problem.get("errors", []))


async def test_a_negative_number_in_a_query_is_too_small(shared_user: ApiUser) -> None:
    problem = assert_problem(await shared_user.request("GET", "/tasks?limit=-1"), 400, "invalid_parameter")
    assert problem["errors"] == [{"pointer": "?limit", "code": "too_small", "detail": '"limit" must be at least 1.'}]


async def test_errors_in_nested_members_have_their_own_pointers(shared_user: ApiUser) -> None:
    columns = [{"name": "To do"}, {"name": "a\nb", "limit": 3}]
    body = {"columns": columns, "move": {"doing": "", "x": 1}, "keep": "yes"}
    answer = await shared_user.request("PUT", f"/projects/{shared_user.project}/columns", json=body)
    problem = assert_problem(answer, 400, "invalid_body")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("#/columns/1/name", "invalid_format"),
        ("#/columns/1/limit", "unknown_field"),
        ("#/move/doing", "too_short"),
        ("#/move/x", "wrong_type"),
        ("#/keep", "wrong_type"),
    ]
    assert_speaks_of_fields(problem)


async def test_errors_in_nested_members_say_what_is_needed(shared_user: ApiUser) -> None:
    body = {"columns": [{"name": 1, "done": "yes", "wip_limit": "3"}], "keep": 1}
    answer = await shared_user.request("PUT", f"/projects/{shared_user.project}/columns", json=body)
    problem = assert_problem(answer, 400, "invalid_body")
    assert [error["detail"] for error in problem["errors"]] == [
        '"columns/0/name" must be text.',
        '"columns/0/wip_limit" must be a whole number.',
        '"columns/0/done" must be true or false.',
        '"keep" must be true or false.',
    ]


async def test_a_flood_of_errors_is_reported_in_part(shared_user: ApiUser) -> None:
    body = {"title": "x", **{f"f{number}" + "x" * 500: 1 for number in range(1_000)}}
    problem = assert_problem(
        await shared_user.request("POST", f"/projects/{shared_user.project}/tasks", json=body), 400, "invalid_body"
    )
    assert len(problem["errors"]) == MAX_ERRORS
    assert max(len(error["pointer"]) for error in problem["errors"]) <= MAX_QUOTED_CHARACTERS + 2


@pytest.mark.usefixtures("assert_nothing_written")
async def test_a_body_that_contradicts_the_path_is_refused(shared_user: ApiUser) -> None:
    project = {"name": "Garden", "key": "GAR", "workspace_id": UNUSED_ID}
    answers = [
        await shared_user.request(
            "POST", f"/projects/{shared_user.project}/tasks", json={"title": "x", "project_id": UNUSED_ID}
        ),
        await shared_user.request("POST", f"/workspaces/{shared_user.workspace}/projects", json=project),
    ]
    pointers = [assert_problem(answer, 400, "places_differ")["errors"][0]["pointer"] for answer in answers]
    assert pointers == ["#/project_id", "#/workspace_id"]


INVALID_EDITS: list[Any] = [
    case("null for a title", {"title": None}),
    case("only spaces", {"title": " "}),
    case("30 February", {"due": "2027-02-30"}),
    case("no zone", {"due": "2026-12-01T10:00"}),
    case("null for a column", {"column": None}),
    case("a status that is none", {"status": "doing"}),
    case("text for labels", {"labels": "shop"}),
    case("51 assignees", {"assignees": [str(uuid4()) for _ in range(51)]}),
    case("an id", {"id": UNUSED_ID}),
    case("a JSON patch", [{"op": "replace", "path": "/title", "value": "x"}]),
]


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize("body", INVALID_EDITS)
async def test_a_wrong_edit_is_refused(shared_user: ApiUser, task_id: str, body: Any) -> None:
    answer = await shared_user.request("PATCH", f"/tasks/{task_id}", json=body, headers={"If-Match": '"1"'})
    assert_problem(answer, 400, "invalid_body")


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(
    "fields",
    [
        case("a small key", {"key": "kit"}),
        case("a key of one letter", {"key": "K"}),
        case("a key of 11", {"key": "K" * 11}),
        case("a key that starts with a digit", {"key": "1K"}),
        case("a key with a dash", {"key": "K-T"}),
        case("a key in another script", {"key": "КИТ"}),
        case("a key with a line end", {"key": "KT\n"}),
        case("no key", {}),
        case("null for a key", {"key": None}),
        case("a name of spaces", {"key": "KT", "name": " "}),
        case("a name of max and one", {"key": "KT", "name": "x" * 101}),
        case("a role", {"key": "KT", "role": "owner"}),
    ],
)
async def test_a_wrong_project_is_refused(shared_user: ApiUser, fields: dict[str, Any]) -> None:
    body = {"name": "Garden", **fields}
    assert_problem(
        await shared_user.request("POST", f"/workspaces/{shared_user.workspace}/projects", json=body),
        400,
        "invalid_body",
    )


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(
    "fields",
    [
        case("no at sign", {"email": "ann"}),
        case("two at signs", {"email": "a@b@c"}),
        case("a space", {"email": "a b@example.com"}),
        case("a header of its own", {"email": "a@example.com\r\nBcc: b@example.com"}),
        case("a display name", {"email": "Ann <a@example.com>"}),
        case("two addresses", {"email": "a@example.com,b@example.com"}),
        case("NUL in an address", {"email": "a\0@example.com"}),
        case("an address of 255", {"email": "a@" + "b." * 126 + "b"}),
        case("null for an address", {"email": None}),
        case("a short password", {"password": "1234567"}),
        case("a password of 15,000", {"password": "x" * 15_000}),
        case("null for a password", {"password": None}),
        case("a name of spaces", {"name": "  "}),
        case("a role", {"role": "admin"}),
        case("an administrator", {"is_admin": True}),
        case("an id", {"id": UNUSED_ID}),
        case("a field of the command", {"only_first": False}),
        case("a number for an invitation", {"invitation": 1}),
    ],
)
async def test_a_wrong_registration_is_refused(shared_user: ApiUser, fields: dict[str, Any]) -> None:
    body = {"email": "new@example.com", "name": "New", "password": PASSWORD, **fields}
    assert_problem(await shared_user.client.post("/auth/register", json=body), 400, "invalid_body")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        case("no refresh token", "refresh", {}),
        case("null for a refresh token", "refresh", {"refresh_token": None}),
        case("a number for a refresh token", "refresh", {"refresh_token": 1}),
        case("a refresh token of 5,000", "refresh", {"refresh_token": "x" * 5_000}),
        case("a refresh token and more", "refresh", {"refresh_token": "x", "user": UNUSED_ID}),
        case("no new password", "password", {"current_password": PASSWORD}),
        case("a short new password", "password", {"current_password": PASSWORD, "new_password": "1234567"}),
        case("a new password of 15,000", "password", {"current_password": PASSWORD, "new_password": "x" * 15_000}),
        case("null for a new password", "password", {"current_password": PASSWORD, "new_password": None}),
        case(
            "another's password",
            "password",
            {"current_password": PASSWORD, "new_password": PASSWORD, "user": UNUSED_ID},
        ),
        case("a token without a name", "tokens", {"scopes": ["read"]}),
        case("a token name of spaces", "tokens", {"name": " ", "scopes": ["read"]}),
        case("ANSI in a token's name", "tokens", {"name": "\x1b[31mred", "scopes": ["read"]}),
        case("a token without scopes", "tokens", {"name": "x"}),
        case("a token of no scope", "tokens", {"name": "x", "scopes": []}),
        case("text for scopes", "tokens", {"name": "x", "scopes": "read"}),
        case("an unknown scope", "tokens", {"name": "x", "scopes": ["root"]}),
        case("a kind of its own", "tokens", {"name": "x", "scopes": ["read"], "kind": "rule"}),
        case("an id of a token's", "tokens", {"name": "x", "scopes": ["read"], "id": UNUSED_ID}),
        case("a token of another's", "tokens", {"name": "x", "scopes": ["read"], "on_behalf_of": UNUSED_ID}),
        case("no zone", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-12-01T10:00:00"}),
        case("a date alone", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-12-01"}),
        case("30 February", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-02-30T10:00:00Z"}),
        case(
            "after the calendar", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "9999-12-31T23:59:59-12:00"}
        ),
        case("seconds since 1970", "tokens", {"name": "x", "scopes": ["read"], "expires_at": 4_790_000_000}),
    ],
)
async def test_an_invalid_account_command_is_refused(shared_user: ApiUser, path: str, body: dict[str, Any]) -> None:
    assert_problem(await shared_user.request("POST", f"/auth/{path}", json=body), 400, "invalid_body")


@pytest.mark.parametrize(
    "title",
    [
        case("SQL", "Robert'); drop table log.events; --"),
        case("SQL placeholders", "100% of %s, %(id)s, $1 and {0}"),
        case("markup", "<script>alert('x')</script> &amp; \"quoted\""),
        case("a formula", "=cmd|' /C calc'!A0"),
        case("a path", r"..\..\etc/passwd"),
        case("emoji and accents", "Crème brûlée 👩‍👩‍👧 \u0301"),
        case("other scripts", "молоко 牛乳 حليب"),
        case("Hebrew with points and a number", "שָׁלוֹם עולם 12"),
        case("Persian with a zero-width non-joiner", "می\u200cشد"),
        case("old Hangul with a filler", "\u115f\u1161"),
        case("a name with an ideographic variant", "葛\U000e0100城"),
        case("Braille", "\u2813\u2800\u280a"),
        case("families, skin and hearts", "👩\u200d❤\ufe0f\u200d👨 👋🏽 👨\u200d👩\u200d👧"),
        case("flags", "🇩🇪 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f 🏳\ufe0f\u200d🌈"),
        case("a flag alone", "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"),
        case("a black flag", "🏴 🏴"),
        case("a line that may be broken", "Donau\xaddampf"),
        case("JSON in JSON", '{"title": null}'),
        case("max of one byte each", "x" * 500),
        case("max of four bytes each", "🥛" * 500),
        case("one character", "x"),
    ],
)
async def test_a_title_is_stored_unchanged(shared_user: ApiUser, title: str) -> None:
    task = await shared_user.create_task(title, description=title)
    shown = await shared_user.get(f"/tasks/{task}")
    assert (shown["title"], shown["description"]) == (title, title)
    created = (await shared_user.get(f"/tasks/{task}/history"))["items"][0]
    assert created["changes"]["title"] == [None, title]


INVALID_QUERIES = [
    case("a limit of -1", "limit=-1", "invalid_parameter"),
    case("a limit of 0", "limit=0", "invalid_parameter"),
    case("a limit of 201", "limit=201", "invalid_parameter"),
    case("a limit of 10^20", f"limit={10**20}", "invalid_parameter"),
    case("a limit of 10^5000", f"limit=1{'0' * 5000}", "invalid_parameter"),
    case("a limit of 1.5", "limit=1.5", "invalid_parameter"),
    case("a limit of 1.0", "limit=1.0", "invalid_parameter"),
    case("a limit of 1e1", "limit=1e1", "invalid_parameter"),
    case("a limit with a sign", "limit=%2B5", "invalid_parameter"),
    case("an empty limit", "limit=", "invalid_parameter"),
    case("a limit without a value", "limit", "invalid_parameter"),
    case("a limit of text", "limit=many", "invalid_parameter"),
    case("a limit of digits of another script", "limit=%EF%BC%95", "invalid_parameter"),
    case("a limit with a gap", "limit=1_0", "invalid_parameter"),
    case("a limit of NUL", "limit=%00", "invalid_parameter"),
    case("a limit twice", "limit=5&limit=6", "repeated_parameter"),
    case("the same limit twice", "limit=5&limit=5", "repeated_parameter"),
    case("a list of limits", "limit[]=5", "unknown_parameter"),
    case("an unknown parameter", "order=title", "unknown_parameter"),
    case("a parameter in another case", "Limit=5", "unknown_parameter"),
    case("a parameter of the code", "ledger=x", "unknown_parameter"),
    case("the path as a parameter", "project=x", "unknown_parameter"),
    case("an unknown parameter without a value", "dry_run_", "unknown_parameter"),
    case("a parameter of invalid UTF-8", "%FF=1", "unknown_parameter"),
    case("1,000 parameters", "&".join(f"p{number}=1" for number in range(1_000)), "unknown_parameter"),
    case("a negative position", "min_position=-1", "invalid_parameter"),
    case("a position past int8", f"min_position={2**63}", "invalid_parameter"),
    case("a position of text", "min_position=last", "invalid_parameter"),
    case("a position of 1.0", "min_position=1.0", "invalid_parameter"),
    case("a position of 1e0", "min_position=1e0", "invalid_parameter"),
    case("a position of -0", "min_position=-0", "invalid_parameter"),
    case("an empty position", "min_position=", "invalid_parameter"),
    case("a position that is null", "min_position=null", "invalid_parameter"),
    case("a cursor of garbage", "cursor=garbage", "bad_cursor"),
    case("an empty cursor", "cursor=", "bad_cursor"),
    case("a cursor of invalid UTF-8", "cursor=%FF%FE", "bad_cursor"),
    case("a cursor of NUL", "cursor=%00", "bad_cursor"),
    case("a cursor of one letter", "cursor=A", "bad_cursor"),
    case("a cursor that is SQL", "cursor=1%27%20or%201%3D1", "bad_cursor"),
    case("a long cursor", "cursor=" + "A" * 1_001, "invalid_parameter"),
]


@pytest.mark.parametrize(("query", "code"), INVALID_QUERIES)
async def test_a_wrong_parameter_is_refused(shared_user: ApiUser, query: str, code: str) -> None:
    problem = assert_problem(
        await shared_user.request("GET", f"/projects/{shared_user.project}/tasks?{query}"), 400, code
    )
    assert code == "bad_cursor" or PYTHON_WORDS.search(problem["detail"]) is None, problem


async def test_all_errors_of_a_query_are_reported_at_once(shared_user: ApiUser, task_id: str) -> None:
    query = "limit=500&sort=name&order=title&min_position=x&count=exact&count=all"
    problem = assert_problem(await shared_user.request("GET", f"/tasks?{query}"), 400, "invalid_parameter")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("?limit", "too_large"),
        ("?sort", "not_one_of"),
        ("?order", "unknown_parameter"),
        ("?min_position", "wrong_type"),
        ("?count", "repeated_parameter"),
    ]
    assert '"limit" can be at most 200.' in [error["detail"] for error in problem["errors"]]
    both = await shared_user.request("POST", f"/tasks/{task_id}/complete?dry_run=1&on_conflict=win")
    problem = assert_problem(both, 400, "invalid_parameter")
    assert [error["pointer"] for error in problem["errors"]] == ["?dry_run", "?on_conflict"]


@pytest.mark.parametrize(
    ("path", "query", "code", "errors"),
    [
        (
            "/workspaces/{}/activity",
            "since=yesterday&until=2026-12-01&type=TaskLost",
            "invalid_parameter",
            {"?since": "invalid_value", "?until": "invalid_value", "?type": "invalid_value"},
        ),
        (
            "/workspaces/{}/activity",
            "actor=me&since=2026-12-01T10:00:60Z&limit=0&cursor=garbage",
            "invalid_parameter",
            {"?actor": "wrong_type", "?since": "invalid_value", "?limit": "too_small", "?cursor": "bad_cursor"},
        ),
        (
            "/tasks",
            "fields=id,shape&expand=owner&filter=shape:round&cursor=garbage",
            "invalid_parameter",
            {
                "?fields": "invalid_value",
                "?expand": "invalid_value",
                "?filter": "unknown_field",
                "?cursor": "bad_cursor",
            },
        ),
        (
            "/tasks",
            "filter=((&cursor=garbage",
            "filter_syntax",
            {"?filter": "filter_syntax", "?cursor": "bad_cursor"},
        ),
        (
            "/tasks",
            "cursor=garbage&filter=priority:soon",
            "filter_value",
            {"?cursor": "bad_cursor", "?filter": "filter_value"},
        ),
        (
            "/workspaces",
            "state=gone&cursor=garbage",
            "invalid_parameter",
            {"?state": "not_one_of", "?cursor": "bad_cursor"},
        ),
    ],
)
async def test_parameters_of_all_kinds_are_reported_at_once(
    shared_user: ApiUser, path: str, query: str, code: str, errors: dict[str, str]
) -> None:
    answer = await shared_user.request("GET", f"{path.format(shared_user.workspace)}?{query}")
    problem = assert_problem(answer, 400, code)
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == errors
    assert list(errors) == [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"].endswith(".") for error in problem["errors"])


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(
    ("method", "path", "body", "pointers"),
    [
        ("PATCH", "/auth/me", {"zone": "Mars/Olympus", "email": "ann@a_b.example"}, ["#/email", "#/zone"]),
        ("PATCH", "/auth/me", {"zone": "localtime", "name": ""}, ["#/name", "#/zone"]),
        (
            "POST",
            "/auth/register",
            {"email": "ann@a_b.example", "name": "", "password": "x"},
            ["#/email", "#/name", "#/password"],
        ),
        ("POST", "/workspaces/{}/invitations", {"email": "ann@a_b.example", "role": "king"}, ["#/email", "#/role"]),
        (
            "POST",
            "/tasks/search",
            {"filter": "((", "fields": "shape", "expand": "owner", "limit": 0},
            ["#/filter", "#/limit", "#/fields", "#/expand"],
        ),
        ("POST", "/filters", {"name": "", "filter": "shape:round"}, ["#/name", "#/filter"]),
    ],
)
async def test_what_a_schema_cannot_tell_is_reported_with_the_rest(
    shared_user: ApiUser, method: str, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    answer = await shared_user.request(method, path.format(shared_user.workspace), json=body)
    problem = assert_problem(answer, 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert_speaks_of_fields(problem)


INVALID_PAGE_QUERIES = [one for one in INVALID_QUERIES if "position" not in str(one.id)]


@pytest.mark.parametrize("path", LIST_PATHS.values())
@pytest.mark.parametrize(("query", "code"), INVALID_PAGE_QUERIES)
async def test_every_list_refuses_invalid_parameters(shared_user: ApiUser, path: str, query: str, code: str) -> None:
    assert_problem(await shared_user.request("GET", f"{path.format(shared_user.workspace)}?{query}"), 400, code)


@pytest.mark.usefixtures("assert_nothing_written")
async def test_a_command_refuses_parameters_that_it_does_not_know(shared_user: ApiUser, task_id: str) -> None:
    assert_problem(await shared_user.request("POST", f"/tasks/{task_id}/complete?force=true"), 400, "unknown_parameter")


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize("version", ["1.0", "1e0", "10e-1"])
async def test_a_version_in_if_match_is_written_in_digits_alone(
    shared_user: ApiUser, task_id: str, version: str
) -> None:
    headers = {"If-Match": f'"{version}"'}
    answer = await shared_user.request("PATCH", f"/tasks/{task_id}", json={"title": "x"}, headers=headers)
    assert_problem(answer, 400, "invalid_if_match")


@pytest.mark.parametrize("archived", ["1", "TRUE", "yes", ""])
async def test_a_switch_is_true_or_false(shared_user: ApiUser, archived: str) -> None:
    path = f"/workspaces/{shared_user.workspace}/projects?archived={archived}"
    assert_problem(await shared_user.request("GET", path), 400, "invalid_parameter")


INVALID_PATHS = [
    case("a word", "/tasks/milk", 400),
    case("a UUID with a letter too many", f"/tasks/{UNUSED_ID}0", 400),
    case("a UUID with a letter too few", f"/tasks/{UNUSED_ID[:-1]}", 400),
    case("a UUID of other letters", f"/tasks/{UNUSED_ID[:-1]}g", 400),
    case("a UUID in braces", f"/tasks/{{{UNUSED_ID}}}", 400),
    case("a URN", f"/tasks/urn:uuid:{UNUSED_ID}", 400),
    case("a key without a number", "/tasks/KIT-", 400),
    case("a key with number 0", "/tasks/KIT-0", 400),
    case("a key past int4", "/tasks/KIT-99999999999", 400),
    case("a key with a line end", "/tasks/KIT-1%0A", 400),
    case("a key that nothing has", "/tasks/KIT-999999999", 404),
    case("NUL", "/tasks/%00", 400),
    case("a UUID and NUL", f"/tasks/{UNUSED_ID}%00", 400),
    case("invalid UTF-8", "/tasks/%FF%FE", 400),
    case("a parent folder", "/tasks/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
    case("a parent folder as an id", "/tasks/%2e%2e", 400),
    case("backslashes", r"/tasks/..\..\etc", 400),
    case("SQL", "/tasks/1'%20or%20'1'='1", 400),
    case("a very long address", "/tasks/" + "a" * 60_000, 400),
    case("a very deep address", "/tasks" + "/a" * 10_000, 404),
    case("no such collection", "/nothing", 404),
    case("a word for a project", "/projects/kitchen", 404),
    case("a word for a workspace", "/workspaces/home", 400),
    case("a word for a list", "/projects/kitchen/tasks", 404),
    case("a word for projects", "/workspaces/home/projects", 400),
    case("a word for a history", "/tasks/milk/history", 400),
]


@pytest.mark.parametrize(("path", "status"), INVALID_PATHS)
async def test_an_unknown_path_is_a_problem(shared_user: ApiUser, path: str, status: int) -> None:
    shared_user.fold()
    assert_problem(await shared_user.request("GET", path), status)


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/v2/tasks", "/.env", "/health/dead", "/%00"])
async def test_an_address_outside_the_base_path_is_a_problem_too(shared_user: ApiUser, path: str) -> None:
    assert_problem(await shared_user.client.get(f"http://test{path}"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("BREW", "/api/v1/workspaces"),
        ("PROPFIND", "/api/v1/workspaces"),
        ("TRACE", "/api/v1/workspaces"),
        ("PUT", "/api/v1/workspaces"),
        ("DELETE", "/api/v1/workspaces"),
        ("GET", f"/api/v1/tasks/{UNUSED_ID}/complete"),
        ("POST", f"/api/v1/tasks/{UNUSED_ID}"),
        ("post", "/health/live"),
        ("DELETE", "/health/ready"),
        ("POST", "/openapi.json"),
        ("GET", "/api/v1/auth/login"),
    ],
)
async def test_an_unsupported_method_is_405_with_allow(shared_user: ApiUser, method: str, path: str) -> None:
    answer = await shared_user.request(method, f"http://test{path}")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
    assert method not in answer.headers["allow"].split(", ")


@pytest.mark.usefixtures("assert_nothing_written")
@pytest.mark.parametrize(
    "tag",
    [
        case("text", "x"),
        case("empty", ""),
        case("empty in quotes", '""'),
        case("any in quotes", '"*"'),
        case("any, and a version", '*, "1"'),
        case("two", '"1", "2"'),
        case("weak", 'W/"1"'),
        case("negative", '"-1"'),
        case("a float", '"1.0"'),
        case("past int8", f'"{2**63}"'),
        case("a hash that is none", '"1-xyz"'),
        case("an open quote", '"1'),
        case("digits of another script", "\u0661".encode()),
        case("a long one", '"' + "1" * 60_000 + '"'),
    ],
)
async def test_an_if_match_without_a_version_is_refused(shared_user: ApiUser, task_id: str, tag: str | bytes) -> None:
    answer = await shared_user.request("PATCH", f"/tasks/{task_id}", json={"title": "Bread"}, headers={"If-Match": tag})
    assert_problem(answer, 400, "invalid_if_match")


@pytest.mark.usefixtures("assert_nothing_written")
async def test_two_if_match_lines_are_refused(shared_user: ApiUser, task_id: str) -> None:
    lines = [*shared_user.headers.items(), ("If-Match", '"1"'), ("If-Match", '"2"')]
    assert_problem(
        await shared_user.client.patch(f"/tasks/{task_id}", json={"title": "Bread"}, headers=lines),
        400,
        "invalid_if_match",
    )


@pytest.mark.parametrize(
    "headers",
    [
        case("a prefer of garbage", {"Prefer": "wait=soon, respond-async; ="}),
        case("an endless wait", {"Prefer": "wait=99999999999"}),
        case("an if-none-match of garbage", {"If-None-Match": '",,W/'}),
        case("a traceparent of garbage", {"traceparent": "00-zz-zz-01"}),
        case("a long header", {"X-Long": "x" * 60_000}),
        case("a foreign host", {"Host": "evil.example"}),
        case("a spoofed address", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example"}),
        case("an accept of something else", {"Accept": "text/html"}),
        case("an accept of garbage", {"Accept": ";;q=x"}),
        case("a body on a query", {"Content-Type": "text/plain", "Content-Length": "0"}),
    ],
)
async def test_irrelevant_headers_are_ignored(shared_user: ApiUser, headers: Headers) -> None:
    answer = await shared_user.request("GET", "/workspaces?min_position=0", headers=headers)
    assert answer.status_code == 200, answer.text
    assert "evil.example" not in str(answer.headers)


class Claims:
    """The claims of a valid token, and ways to invalidate them."""

    def __init__(self, user: str) -> None:
        now = datetime.now(UTC)
        self.good: dict[str, Any] = {
            "exp": now + timedelta(hours=1),
            "iat": now,
            "iss": "taskledger",
            "aud": "taskledger",
            "sub": user,
            "jti": UNUSED_ID,
            "typ": "access",
            "sid": UNUSED_ID,
        }

    def with_changes(self, *absent: str, **other: Any) -> dict[str, Any]:
        return {name: value for name, value in {**self.good, **other}.items() if name not in absent}


LONG_AGO = datetime.now(UTC) - timedelta(hours=2)
FORGED_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"iat": LONG_AGO, "exp": LONG_AGO + timedelta(hours=1)},
    "from the future": {"iat": datetime.now(UTC) + timedelta(hours=1)},
    "not valid yet": {"nbf": datetime.now(UTC) + timedelta(hours=1)},
    "of another audience": {"aud": "elsewhere"},
    "of another issuer": {"iss": "elsewhere"},
    "of no audience": {"aud": []},
    "a refresh token": {"typ": "refresh"},
    "of a type that is not a string": {"typ": 1},
    "with an empty subject": {"sub": ""},
    "of a name": {"sub": "ann"},
    "of a number": {"sub": 1},
    "of an invalid session": {"sid": "home"},
    "of a session that is not a string": {"sid": 1},
    "valid for longer than any that we sign": {"exp": datetime.now(UTC) + timedelta(hours=2)},
    "that expires at a word": {"exp": "tomorrow"},
    "that expires after the last date": {"exp": 10**18},
}


@pytest.mark.parametrize("name", FORGED_CLAIMS)
async def test_a_token_with_a_wrong_claim_is_refused(shared_user: ApiUser, settings: Settings, name: str) -> None:
    token = _sign(Claims(shared_user.id).with_changes(**FORGED_CLAIMS[name]), settings.jwt_key)
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"])
async def test_a_token_without_a_claim_is_refused(shared_user: ApiUser, settings: Settings, claim: str) -> None:
    token = _sign(Claims(shared_user.id).with_changes(claim), settings.jwt_key)
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


async def test_a_token_with_all_claims_is_accepted(shared_user: ApiUser, settings: Settings) -> None:
    token = _sign(Claims(shared_user.id).with_changes(), settings.jwt_key)
    answer = await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("key", ["x" * 32, ""])
async def test_a_token_signed_by_another_key_is_refused(shared_user: ApiUser, settings: Settings, key: str) -> None:
    unsigned = jwt.encode(Claims(shared_user.id).with_changes(), "", "none", {"kid": key_id(settings.jwt_key)})
    token = _sign(Claims(shared_user.id).with_changes(), key, key_id(settings.jwt_key)) if key else unsigned
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


async def test_a_token_signed_by_another_algorithm_is_refused(shared_user: ApiUser, settings: Settings) -> None:
    token = jwt.encode(
        Claims(shared_user.id).with_changes(), settings.jwt_key * 2, "HS512", {"kid": key_id(settings.jwt_key)}
    )
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("kid", ["", "another", None, 1, "../../dev/null", "' or 1=1 --"])
async def test_a_token_naming_another_key_is_refused(shared_user: ApiUser, settings: Settings, kid: Any) -> None:
    token = _sign(Claims(shared_user.id).with_changes(), settings.jwt_key, kid)
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize(
    "authorization",
    [
        case("none", None),
        case("empty", ""),
        case("Basic", "Basic YW5uOmFubg=="),
        case("Bearer alone", "Bearer"),
        case("Bearer and nothing", "Bearer "),
        case("garbage", "Bearer garbage"),
        case("three parts of garbage", "Bearer a.b.c"),
        case("bytes", b"Bearer \xff\xfe"),
        case("a long one", "Bearer " + "a" * 60_000),
        case("null", "Bearer null"),
        case("an unknown personal token", "Bearer tlp_" + "A" * 43),
        case("the beginning of a personal token", "Bearer tlp_"),
        case("a personal token of NUL", b"Bearer tlp_\x01\xff"),
        case("an unknown refresh token", "Bearer tlr_" + "A" * 43),
    ],
)
async def test_a_request_without_a_valid_token_is_refused(shared_user: ApiUser, authorization: Any) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    _assert_unauthorized(await shared_user.client.get("/workspaces", headers=headers))


async def test_a_token_in_the_url_is_refused(shared_user: ApiUser) -> None:
    token = shared_user.headers["Authorization"].removeprefix("Bearer ")
    answer = await shared_user.client.get(f"/workspaces?access_token={token}")
    _assert_unauthorized(answer)
    assert token not in answer.text


async def test_an_invalid_request_reveals_nothing_to_a_non_member(shared_user: ApiUser) -> None:
    answers = [
        await shared_user.client.get("/tasks/milk?nonsense=1"),
        await shared_user.client.post(f"/projects/{shared_user.project}/tasks", content=b"{"),
        await shared_user.client.get(f"/tasks/{UNUSED_ID}"),
    ]
    for answer in answers:
        _assert_unauthorized(answer)


def _assert_unauthorized(answer: Any) -> None:
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


OWN_KEY_ID: Any = object()


def _sign(claims: dict[str, Any], key: str, kid: Any = OWN_KEY_ID) -> str:
    """Sign without PyJWT's own checks, which would reject a wrong claim."""
    times = {name: int(value.timestamp()) for name, value in claims.items() if isinstance(value, datetime)}
    headers = json.dumps({"typ": "JWT", "alg": "HS256", "kid": key_id(key) if kid is OWN_KEY_ID else kid})
    parts = [_base64(headers.encode()), _base64(json.dumps({**claims, **times}, default=str).encode())]
    signature = hmac.digest(key.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, _base64(signature)]).decode()


def _base64(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")


async def test_a_patch_of_nothing_is_answered_alike_everywhere(ann: ApiUser) -> None:
    task = await ann.create_task()
    paths = {
        "/tasks/{task}": f"/tasks/{task}",
        "/comments/{comment}": f"/comments/{(await ann.post(f'/tasks/{task}/comments', text='Yes'))['id']}",
        "/time/{entry}": f"/time/{(await ann.post(f'/tasks/{task}/time', minutes=90))['id']}",
        "/projects/{project}": f"/projects/{ann.project}",
        "/workspaces/{workspace}": f"/workspaces/{ann.workspace}",
        "/filters/{saved_filter}": f"/filters/{(await ann.post('/filters', name='x', filter=''))['id']}",
        "/auth/me": "/auth/me",
    }
    described = json.loads(OPENAPI_FILE.read_bytes())["paths"]
    assert {f"{BASE_PATH}{path}" for path in paths} == {path for path in described if "patch" in described[path]}
    for path in paths.values():
        answer = await ann.request("PATCH", path, json={}, headers={"If-Match": '"1"'} if path != "/auth/me" else {})
        assert answer.status_code == 200, answer.text
        assert answer.json().get("version", 1) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/auth/me"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/verification"),
        ("DELETE", f"/auth/sessions/{UNUSED_ID}"),
        ("DELETE", f"/auth/tokens/{UNUSED_ID}"),
    ],
)
async def test_a_command_without_a_body_ignores_none(ann: ApiUser, method: str, path: str) -> None:
    problem = assert_problem(await ann.request(method, path, json={"reason": "x"}), 400, "invalid_body")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("#/reason", "unknown_field")]
    assert_problem(await ann.request(method, path, content=b"reason=x"), 415, "unsupported_media_type")
    assert (await ann.request("GET", "/auth/me")).status_code == 200
    ann.fold()
    assert (await ann.request(method, path, json={})).status_code in {200, 204, 404, 422}


NO_COMMANDS = {"/tasks/search", "/projections/{name}/rebuild"}
"""A question, and a long job."""


async def test_every_command_can_be_tried_but_those_below_auth() -> None:
    """As the README says."""
    document = json.loads(OPENAPI_FILE.read_bytes())
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"post", "put", "patch", "delete"}:
            route = path.removeprefix(BASE_PATH)
            taken = any(one.get("$ref", "").endswith("dry_run") for one in operations[method].get("parameters", []))
            named = any(one.get("name") == "dry_run" for one in operations[method].get("parameters", []))
            is_wanted = (method, route) == ("delete", "/auth/me") or not route.startswith("/auth/")
            assert (taken or named) == (is_wanted and route not in NO_COMMANDS), (method, path)
