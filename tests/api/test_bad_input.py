"""Bad input: whatever is sent, the answer is a problem that says what is wrong, and nothing is written."""

import gzip
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4, uuid5

import jwt
import pytest
import pytest_asyncio

from api.app import MAX_BODY_BYTES
from api.http.authentication import key_id
from infra.settings import Settings
from tests.api.paging import PATHS
from tests.api.problems import refused
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = {"Content-Type": "application/json"}
Headers = dict[str, Any]


def row(name: str, *values: object) -> Any:
    return pytest.param(*values, id=name)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def milk(house: Visitor) -> str:
    """A task at version 1."""
    return await house.task("Milk")


@pytest_asyncio.fixture(loop_scope="package")
async def nothing_is_written(house: Visitor, milk: str) -> AsyncIterator[None]:
    async def head() -> str:
        return (await house.ask("GET", f"/tasks/{milk}/history")).headers["taskledger-position"]

    before = await head()
    yield
    assert await head() == before


TITLED = b'{"title": "x"}'
DEEP = 100_000
BODIES = [
    row("empty", b"", JSON, 400, "invalid_body"),
    row("only white space", b" \n ", JSON, 400, "invalid_json"),
    row("null", b"null", JSON, 400, "invalid_body"),
    row("an array for an object", b'[{"title": "x"}]', JSON, 400, "invalid_body"),
    row("text for an object", b'"title"', JSON, 400, "invalid_body"),
    row("truncated", b'{"title": "x', JSON, 400, "invalid_json"),
    row("trailing garbage", b'{"title": "x"}}', JSON, 400, "invalid_json"),
    row("two documents", TITLED * 2, JSON, 400, "invalid_json"),
    row("a trailing comma", b'{"title": "x",}', JSON, 400, "invalid_json"),
    row("a comment", b'{"title": "x"} // why', JSON, 400, "invalid_json"),
    row("single quotes", b"{'title': 'x'}", JSON, 400, "invalid_json"),
    row("a byte order mark", b"\xef\xbb\xbf" + TITLED, JSON, 400, "invalid_json"),
    row("UTF-16", '{"title": "x"}'.encode("utf-16"), JSON, 400, "invalid_json"),
    row("invalid UTF-8", b'{"title": "\xff\xfe"}', JSON, 400, "invalid_json"),
    row("overlong UTF-8", b'{"title": "\xc0\xaf"}', JSON, 400, "invalid_json"),
    row("no content type", TITLED, {}, 415, "unsupported_media_type"),
    row("text/plain", TITLED, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    row("a form", b"title=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    row("multipart", TITLED, {"Content-Type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
    row("merge-patch for a create", TITLED, {"Content-Type": "application/merge-patch+json"}, 415, ""),
    row("a content type of garbage", TITLED, {"Content-Type": b";;=\xe4"}, 415, "unsupported_media_type"),
    row("gzip", gzip.compress(TITLED), {**JSON, "Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
    row("gzip unannounced", gzip.compress(TITLED), JSON, 400, "invalid_json"),
    row("over the limit", b" " * (MAX_BODY_BYTES + 1), JSON, 413, ""),
    row("a length that is no number", TITLED, {**JSON, "Content-Length": "many"}, 400, ""),
    row("depth as a whole", b"[" * DEEP, JSON, 400, ""),
    row("depth of objects", b'{"title":' * DEEP, JSON, 400, ""),
    row("depth as a value", b'{"title": ' + b"[" * DEEP + b"]" * DEEP + b"}", JSON, 400, ""),
    row("depth in an unknown field", b'{"x": ' + b"[" * DEEP + b"]" * DEEP + b"}", JSON, 400, ""),
    row("200,000 keys", b"{%s}" % b",".join(b'"%x":1' % key for key in range(200_000)), JSON, 413, ""),
    row("60,000 keys", b"{%s}" % b",".join(b'"%x":1' % key for key in range(60_000)), JSON, 400, ""),
    row("NaN", b'{"title": NaN}', JSON, 400, "invalid_json"),
    row("infinity", b'{"title": "x", "expected_version": Infinity}', JSON, 400, "invalid_json"),
    row("1e400", b'{"title": "x", "expected_version": 1e400}', JSON, 400, ""),
    row("a long number", b'{"title": "x", "expected_version": %s}' % (b"9" * 10_000), JSON, 400, ""),
    row("a lone surrogate", rb'{"title": "\ud800"}', JSON, 400, "invalid_json"),
    row("a lone surrogate in UTF-8", b'{"title": "\xed\xa0\x80"}', JSON, 400, "invalid_json"),
    row("an unescaped line end", b'{"title": "a\nb"}', JSON, 400, ""),
]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(("content", "headers", "status", "code"), BODIES)
async def test_a_body_that_is_no_json_object_is_refused(
    house: Visitor, content: bytes, headers: Headers, status: int, code: str
) -> None:
    path = f"/projects/{house.project}/tasks"
    refused(await house.ask("POST", path, content=content, headers=headers), status, code)


@pytest.mark.usefixtures("nothing_is_written")
async def test_a_body_over_the_limit_is_refused_without_a_length_too(house: Visitor) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * (MAX_BODY_BYTES // 32)

    answer = await house.ask("POST", f"/projects/{house.project}/tasks", content=chunks(), headers=JSON)
    assert "content-length" not in answer.request.headers
    refused(answer, 413)


NEW = "01a1fdb9-ff86-71a3-b8d1-8de7b10a6519"
VALUES: list[Any] = [
    row("no title", {}, "#"),
    row("null for a title", {"title": None}, "#/title"),
    row("true for a title", {"title": True}, "#/title"),
    row("a number for a title", {"title": 1}, "#/title"),
    row("an empty title", {"title": ""}, "#/title"),
    row("only spaces", {"title": "   "}, "#/title"),
    row("only space of another kind", {"title": "\u00a0\u2003"}, "#/title"),
    row("nothing to see", {"title": "\u200b\u200d"}, "#/title"),
    row("NUL", {"title": "a\0b"}, "#/title"),
    row("a control character", {"title": "a\x07b"}, "#/title"),
    row("ANSI", {"title": "\x1b[31mred\x1b[0m"}, "#/title"),
    row("C1 control", {"title": "a\x9bb"}, "#/title"),
    row("two lines", {"title": "a\nb"}, "#/title"),
    row("a last line end", {"title": "a\n"}, "#/title"),
    row("text turned round", {"title": "a\u202eb"}, "#/title"),
    row("max and one", {"title": "x" * 501}, "#/title"),
    row("a title of nearly 1 MB", {"title": "x" * (MAX_BODY_BYTES - 100)}, "#/title"),
    row("NUL in a description", {"title": "x", "description": "a\0"}, "#/description"),
    row("ANSI in a description", {"title": "x", "description": "\x1b]0;x\x07"}, "#/description"),
    row("a description of max and one", {"title": "x", "description": "x" * 50_001}, "#/description"),
    row("an unknown priority", {"title": "x", "priority": "soon"}, "#/priority"),
    row("a priority in another case", {"title": "x", "priority": "High"}, "#/priority"),
    row("a number for a priority", {"title": "x", "priority": 1}, "#/priority"),
    row("year 0", {"title": "x", "due": "0000-01-01"}, "#"),
    row("30 February", {"title": "x", "due": "2026-02-30"}, "#"),
    row("month 13", {"title": "x", "due": "2026-13-01"}, "#"),
    row("no zone", {"title": "x", "due": "2026-12-01T10:00:00"}, "#/due"),
    row("hour 25", {"title": "x", "due": "2026-12-01T25:00:00Z"}, "#"),
    row("an offset of 99 hours", {"title": "x", "due": "2026-12-01T10:00:00+99:00"}, "#"),
    row("before the calendar in UTC", {"title": "x", "due": "0001-01-01T00:00:00+14:00"}, "#"),
    row("after the calendar in UTC", {"title": "x", "due": "9999-12-31T23:59:59-12:00"}, "#"),
    row("tomorrow", {"title": "x", "due": "tomorrow"}, "#/due"),
    row("seconds since 1970", {"title": "x", "due": 1_790_000_000}, "#/due"),
    row("an empty due", {"title": "x", "due": ""}, "#/due"),
    row("digits of another script", {"title": "x", "due": "\N{FULLWIDTH DIGIT TWO}026-12-01"}, "#/due"),
    row("51 labels", {"title": "x", "labels": [f"l{number}" for number in range(51)]}, "#/labels"),
    row("an empty label", {"title": "x", "labels": [""]}, ""),
    row("a label that is no text", {"title": "x", "labels": [1]}, ""),
    row("text for labels", {"title": "x", "labels": "red"}, "#/labels"),
    row("null for labels", {"title": "x", "labels": None}, "#/labels"),
    row("51 assignees", {"title": "x", "assignees": [str(uuid4()) for _ in range(51)]}, "#/assignees"),
    row("an assignee that is no id", {"title": "x", "assignees": ["ann"]}, ""),
    row("an id for assignees", {"title": "x", "assignees": str(uuid4())}, "#/assignees"),
    row("an id of version 4", {"title": "x", "id": str(uuid4())}, "#"),
    row("an id of version 5", {"title": "x", "id": str(uuid5(uuid4(), "x"))}, "#"),
    row("the nil id", {"title": "x", "id": "00000000-0000-0000-0000-000000000000"}, "#"),
    row("an id that is no UUID", {"title": "x", "id": "1"}, "#/id"),
    row("a number for an id", {"title": "x", "id": 7}, "#/id"),
    row("a negative version", {"title": "x", "expected_version": -1}, "#/expected_version"),
    row("a float version", {"title": "x", "expected_version": 0.5}, "#/expected_version"),
    row("true for a version", {"title": "x", "expected_version": True}, "#/expected_version"),
    row("text for a version", {"title": "x", "expected_version": "0"}, "#/expected_version"),
    row("a version past int8", {"title": "x", "expected_version": 2**63}, "#/expected_version"),
    row("a version past 2^64", {"title": "x", "expected_version": 2**64}, "#/expected_version"),
    *(
        row(f"an unknown field {field}", {"title": "x", field: value}, "#")
        for field, value in {
            "owner_id": NEW,
            "role": "owner",
            "version": 7,
            "workspace_id": NEW,
            "number": 1,
            "key": "KIT-1",
            "status": "done",
            "at": "2020-01-01T00:00:00Z",
            "actor": {"id": NEW},
            "Title": "x",
            "__class__": "x",
            "": "x",
        }.items()
    ),
]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(("body", "pointer"), VALUES)
async def test_a_field_that_is_wrong_is_refused_and_pointed_at(
    house: Visitor, body: dict[str, Any], pointer: str
) -> None:
    problem = refused(await house.ask("POST", f"/projects/{house.project}/tasks", json=body), 400, "invalid_body")
    assert pointer in {"", problem["errors"][0]["pointer"]}, problem


@pytest.mark.usefixtures("nothing_is_written")
async def test_a_body_that_names_another_place_than_its_address_is_refused(house: Visitor) -> None:
    project = {"name": "Garden", "key": "GAR", "workspace_id": NEW}
    answers = [
        await house.ask("POST", f"/projects/{house.project}/tasks", json={"title": "x", "project_id": NEW}),
        await house.ask("POST", f"/workspaces/{house.workspace}/projects", json=project),
    ]
    pointers = [refused(answer, 400, "places_differ")["errors"][0]["pointer"] for answer in answers]
    assert pointers == ["#/project_id", "#/workspace_id"]


EDITS: list[Any] = [
    row("null for a title", {"title": None}),
    row("only spaces", {"title": " "}),
    row("30 February", {"due": "2027-02-30"}),
    row("no zone", {"due": "2026-12-01T10:00"}),
    row("a column, which is moved", {"column": "done"}),
    row("a status, which has commands", {"status": "done"}),
    row("an id", {"id": NEW}),
    row("a JSON patch", [{"op": "replace", "path": "/title", "value": "x"}]),
]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("body", EDITS)
async def test_a_wrong_edit_is_refused(house: Visitor, milk: str, body: Any) -> None:
    answer = await house.ask("PATCH", f"/tasks/{milk}", json=body, headers={"If-Match": '"1"'})
    refused(answer, 400, "invalid_body")


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "fields",
    [
        row("a small key", {"key": "kit"}),
        row("a key of one letter", {"key": "K"}),
        row("a key of 11", {"key": "K" * 11}),
        row("a key that starts with a digit", {"key": "1K"}),
        row("a key with a dash", {"key": "K-T"}),
        row("a key in another script", {"key": "КИТ"}),
        row("a key with a line end", {"key": "KT\n"}),
        row("no key", {}),
        row("null for a key", {"key": None}),
        row("a name of spaces", {"key": "KT", "name": " "}),
        row("a name of max and one", {"key": "KT", "name": "x" * 101}),
        row("a role", {"key": "KT", "role": "owner"}),
    ],
)
async def test_a_wrong_project_is_refused(house: Visitor, fields: dict[str, Any]) -> None:
    body = {"name": "Garden", **fields}
    refused(await house.ask("POST", f"/workspaces/{house.workspace}/projects", json=body), 400, "invalid_body")


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "fields",
    [
        row("no at sign", {"email": "ann"}),
        row("two at signs", {"email": "a@b@c"}),
        row("a space", {"email": "a b@example.com"}),
        row("a header of its own", {"email": "a@example.com\r\nBcc: b@example.com"}),
        row("a display name", {"email": "Ann <a@example.com>"}),
        row("two addresses", {"email": "a@example.com,b@example.com"}),
        row("NUL in an address", {"email": "a\0@example.com"}),
        row("an address of 255", {"email": "a@" + "b." * 126 + "b"}),
        row("null for an address", {"email": None}),
        row("a short password", {"password": "1234567"}),
        row("a password of 1 MB", {"password": "x" * 1_000_000}),
        row("null for a password", {"password": None}),
        row("a name of spaces", {"name": "  "}),
        row("a role", {"role": "admin"}),
        row("an administrator", {"is_admin": True}),
        row("an id", {"id": NEW}),
        row("a field of the command", {"only_first": False}),
        row("a number for an invitation", {"invitation": 1}),
    ],
)
async def test_a_wrong_registration_is_refused(house: Visitor, fields: dict[str, Any]) -> None:
    body = {"email": "new@example.com", "name": "New", "password": PASSWORD, **fields}
    refused(await house.client.post("/auth/register", json=body), 400, "invalid_body")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        row("no refresh token", "refresh", {}),
        row("null for a refresh token", "refresh", {"refresh_token": None}),
        row("a number for a refresh token", "refresh", {"refresh_token": 1}),
        row("a refresh token of 5,000", "refresh", {"refresh_token": "x" * 5_000}),
        row("a refresh token and more", "refresh", {"refresh_token": "x", "user": NEW}),
        row("no new password", "password", {"current_password": PASSWORD}),
        row("a short new password", "password", {"current_password": PASSWORD, "new_password": "1234567"}),
        row("a new password of 1 MB", "password", {"current_password": PASSWORD, "new_password": "x" * 1_000_000}),
        row("null for a new password", "password", {"current_password": PASSWORD, "new_password": None}),
        row("another's password", "password", {"current_password": PASSWORD, "new_password": PASSWORD, "user": NEW}),
        row("a token without a name", "tokens", {"scopes": ["read"]}),
        row("a token name of spaces", "tokens", {"name": " ", "scopes": ["read"]}),
        row("ANSI in a token's name", "tokens", {"name": "\x1b[31mred", "scopes": ["read"]}),
        row("a token without scopes", "tokens", {"name": "x"}),
        row("a token of no scope", "tokens", {"name": "x", "scopes": []}),
        row("text for scopes", "tokens", {"name": "x", "scopes": "read"}),
        row("an unknown scope", "tokens", {"name": "x", "scopes": ["root"]}),
        row("a kind of its own", "tokens", {"name": "x", "scopes": ["read"], "kind": "rule"}),
        row("an id of a token's", "tokens", {"name": "x", "scopes": ["read"], "id": NEW}),
        row("a token of another's", "tokens", {"name": "x", "scopes": ["read"], "on_behalf_of": NEW}),
        row("no zone", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-12-01T10:00:00"}),
        row("a date alone", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-12-01"}),
        row("30 February", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "2126-02-30T10:00:00Z"}),
        row(
            "after the calendar", "tokens", {"name": "x", "scopes": ["read"], "expires_at": "9999-12-31T23:59:59-12:00"}
        ),
        row("seconds since 1970", "tokens", {"name": "x", "scopes": ["read"], "expires_at": 4_790_000_000}),
    ],
)
async def test_a_wrong_wish_about_oneself_is_refused(house: Visitor, path: str, body: dict[str, Any]) -> None:
    refused(await house.ask("POST", f"/auth/{path}", json=body), 400, "invalid_body")


@pytest.mark.parametrize(
    "title",
    [
        row("SQL", "Robert'); drop table log.events; --"),
        row("SQL placeholders", "100% of %s, %(id)s, $1 and {0}"),
        row("markup", "<script>alert('x')</script> &amp; \"quoted\""),
        row("a formula", "=cmd|' /C calc'!A0"),
        row("a path", r"..\..\etc/passwd"),
        row("emoji and accents", "Crème brûlée 👩‍👩‍👧 \u0301"),
        row("other scripts", "молоко 牛乳 حليب"),
        row("JSON in JSON", '{"title": null}'),
        row("max of one byte each", "x" * 500),
        row("max of four bytes each", "🥛" * 500),
        row("one character", "x"),
    ],
)
async def test_a_title_is_kept_as_it_was_typed(house: Visitor, title: str) -> None:
    task = await house.task(title, description=title)
    shown = await house.get(f"/tasks/{task}")
    assert (shown["title"], shown["description"]) == (title, title)
    told = (await house.get(f"/tasks/{task}/history"))["items"][0]
    assert told["changes"]["title"] == [None, title]


QUERIES = [
    row("a limit of -1", "limit=-1", "invalid_parameter"),
    row("a limit of 0", "limit=0", "invalid_parameter"),
    row("a limit of 201", "limit=201", "invalid_parameter"),
    row("a limit of 10^20", f"limit={10**20}", "invalid_parameter"),
    row("a limit of 10^5000", f"limit=1{'0' * 5000}", "invalid_parameter"),
    row("a limit of 1.5", "limit=1.5", "invalid_parameter"),
    row("an empty limit", "limit=", "invalid_parameter"),
    row("a limit without a value", "limit", "invalid_parameter"),
    row("a limit of text", "limit=many", "invalid_parameter"),
    row("a limit of digits of another script", "limit=%EF%BC%95", "invalid_parameter"),
    row("a limit with a gap", "limit=1_0", "invalid_parameter"),
    row("a limit of NUL", "limit=%00", "invalid_parameter"),
    row("a limit twice", "limit=5&limit=6", "repeated_parameter"),
    row("the same limit twice", "limit=5&limit=5", "repeated_parameter"),
    row("a list of limits", "limit[]=5", "unknown_parameter"),
    row("an unknown parameter", "order=title", "unknown_parameter"),
    row("a parameter in another case", "Limit=5", "unknown_parameter"),
    row("a parameter of the code", "ledger=x", "unknown_parameter"),
    row("the path as a parameter", "project=x", "unknown_parameter"),
    row("an unknown parameter without a value", "dry_run_", "unknown_parameter"),
    row("a parameter of invalid UTF-8", "%FF=1", "unknown_parameter"),
    row("1,000 parameters", "&".join(f"p{number}=1" for number in range(1_000)), "unknown_parameter"),
    row("a negative position", "min_position=-1", "invalid_parameter"),
    row("a position past int8", f"min_position={2**63}", "invalid_parameter"),
    row("a position of text", "min_position=last", "invalid_parameter"),
    row("an empty position", "min_position=", "invalid_parameter"),
    row("a position that is null", "min_position=null", "invalid_parameter"),
    row("a cursor of garbage", "cursor=garbage", "bad_cursor"),
    row("an empty cursor", "cursor=", "bad_cursor"),
    row("a cursor of invalid UTF-8", "cursor=%FF%FE", "bad_cursor"),
    row("a cursor of NUL", "cursor=%00", "bad_cursor"),
    row("a cursor of one letter", "cursor=A", "bad_cursor"),
    row("a cursor that is SQL", "cursor=1%27%20or%201%3D1", "bad_cursor"),
    row("a long cursor", "cursor=" + "A" * 1_001, "invalid_parameter"),
]


@pytest.mark.parametrize(("query", "code"), QUERIES)
async def test_a_wrong_parameter_is_refused(house: Visitor, query: str, code: str) -> None:
    refused(await house.ask("GET", f"/projects/{house.project}/tasks?{query}"), 400, code)


PAGES = [one for one in QUERIES if "position" not in str(one.id)]


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize(("query", "code"), PAGES)
async def test_no_list_takes_a_wrong_parameter(house: Visitor, path: str, query: str, code: str) -> None:
    refused(await house.ask("GET", f"{path.format(house.workspace)}?{query}"), 400, code)


@pytest.mark.usefixtures("nothing_is_written")
async def test_a_command_refuses_parameters_that_it_does_not_know(house: Visitor, milk: str) -> None:
    refused(await house.ask("POST", f"/tasks/{milk}/complete?force=true"), 400, "unknown_parameter")


ADDRESSES = [
    row("a word", "/tasks/milk", 400),
    row("a UUID with a letter too many", f"/tasks/{NEW}0", 400),
    row("a UUID with a letter too few", f"/tasks/{NEW[:-1]}", 400),
    row("a UUID of other letters", f"/tasks/{NEW[:-1]}g", 400),
    row("a UUID in braces", f"/tasks/{{{NEW}}}", 400),
    row("a URN", f"/tasks/urn:uuid:{NEW}", 400),
    row("a small key", "/tasks/kit-1", 400),
    row("a key without a number", "/tasks/KIT-", 400),
    row("a key with number 0", "/tasks/KIT-0", 400),
    row("a key past int4", "/tasks/KIT-99999999999", 400),
    row("a key with a line end", "/tasks/KIT-1%0A", 400),
    row("a key that nothing has", "/tasks/KIT-999999999", 404),
    row("NUL", "/tasks/%00", 400),
    row("a UUID and NUL", f"/tasks/{NEW}%00", 400),
    row("invalid UTF-8", "/tasks/%FF%FE", 400),
    row("a parent folder", "/tasks/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
    row("a parent folder as an id", "/tasks/%2e%2e", 400),
    row("backslashes", r"/tasks/..\..\etc", 400),
    row("SQL", "/tasks/1'%20or%20'1'='1", 400),
    row("a very long address", "/tasks/" + "a" * 60_000, 400),
    row("a very deep address", "/tasks" + "/a" * 10_000, 404),
    row("no such collection", "/nothing", 404),
    row("a word for a project", "/projects/kitchen", 400),
    row("a word for a workspace", "/workspaces/home", 400),
    row("a word for a list", "/projects/kitchen/tasks", 400),
    row("a word for projects", "/workspaces/home/projects", 400),
    row("a word for a history", "/tasks/milk/history", 400),
]


@pytest.mark.parametrize(("path", "status"), ADDRESSES)
async def test_an_address_of_nothing_is_a_problem(house: Visitor, path: str, status: int) -> None:
    house.fold()
    refused(await house.ask("GET", path), status)


@pytest.mark.parametrize("path", ["/", "/nothing", "/api", "/api/v2/tasks", "/.env", "/health/dead", "/%00", "//"])
async def test_an_address_outside_the_base_path_is_a_problem_too(house: Visitor, path: str) -> None:
    refused(await house.client.get(f"http://test{path}"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("BREW", "/api/v1/workspaces"),
        ("PROPFIND", "/api/v1/workspaces"),
        ("TRACE", "/api/v1/workspaces"),
        ("PUT", "/api/v1/workspaces"),
        ("DELETE", "/api/v1/workspaces"),
        ("GET", f"/api/v1/tasks/{NEW}/complete"),
        ("POST", f"/api/v1/tasks/{NEW}"),
        ("post", "/health/live"),
        ("DELETE", "/health/ready"),
        ("POST", "/openapi.json"),
        ("GET", "/api/v1/auth/login"),
    ],
)
async def test_a_method_that_an_address_has_not_is_405_with_those_that_it_has(
    house: Visitor, method: str, path: str
) -> None:
    answer = await house.ask(method, f"http://test{path}")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
    assert method not in answer.headers["allow"].split(", ")


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "tag",
    [
        row("text", "x"),
        row("empty", ""),
        row("empty in quotes", '""'),
        row("any", "*"),
        row("two", '"1", "2"'),
        row("weak", 'W/"1"'),
        row("negative", '"-1"'),
        row("a float", '"1.0"'),
        row("past int8", f'"{2**63}"'),
        row("a hash that is none", '"1-xyz"'),
        row("an open quote", '"1'),
        row("digits of another script", "\u0661".encode()),
        row("a long one", '"' + "1" * 60_000 + '"'),
    ],
)
async def test_an_if_match_that_names_no_version_is_refused(house: Visitor, milk: str, tag: str | bytes) -> None:
    answer = await house.ask("PATCH", f"/tasks/{milk}", json={"title": "Bread"}, headers={"If-Match": tag})
    refused(answer, 400, "invalid_if_match")


@pytest.mark.usefixtures("nothing_is_written")
async def test_two_if_match_lines_are_refused(house: Visitor, milk: str) -> None:
    lines = [*house.headers.items(), ("If-Match", '"1"'), ("If-Match", '"2"')]
    refused(await house.client.patch(f"/tasks/{milk}", json={"title": "Bread"}, headers=lines), 400, "invalid_if_match")


@pytest.mark.parametrize(
    "headers",
    [
        row("a prefer of garbage", {"Prefer": "wait=soon, respond-async; ="}),
        row("an endless wait", {"Prefer": "wait=99999999999"}),
        row("an if-none-match of garbage", {"If-None-Match": '",,W/'}),
        row("a traceparent of garbage", {"traceparent": "00-zz-zz-01"}),
        row("a long header", {"X-Long": "x" * 60_000}),
        row("a foreign host", {"Host": "evil.example"}),
        row("a spoofed address", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example"}),
        row("an accept of something else", {"Accept": "text/html"}),
        row("an accept of garbage", {"Accept": ";;q=x"}),
        row("a body on a query", {"Content-Type": "text/plain", "Content-Length": "0"}),
    ],
)
async def test_a_header_that_says_nothing_is_passed_over(house: Visitor, headers: Headers) -> None:
    answer = await house.ask("GET", "/workspaces?min_position=0", headers=headers)
    assert answer.status_code == 200, answer.text
    assert "evil.example" not in str(answer.headers)


class Claims:
    """The claims of a good token, and what can be wrong with them."""

    def __init__(self, user: str) -> None:
        now = datetime.now(UTC)
        self.good: dict[str, Any] = {
            "exp": now + timedelta(hours=1),
            "iat": now,
            "iss": "taskledger",
            "aud": "taskledger",
            "sub": user,
            "jti": NEW,
            "typ": "access",
            "sid": NEW,
        }

    def but(self, *absent: str, **other: Any) -> dict[str, Any]:
        return {name: value for name, value in {**self.good, **other}.items() if name not in absent}


LONG_AGO = datetime.now(UTC) - timedelta(hours=2)
FORGED: dict[str, dict[str, Any]] = {
    "expired": {"iat": LONG_AGO, "exp": LONG_AGO + timedelta(hours=1)},
    "from the future": {"iat": datetime.now(UTC) + timedelta(hours=1)},
    "not valid yet": {"nbf": datetime.now(UTC) + timedelta(hours=1)},
    "of another audience": {"aud": "elsewhere"},
    "of another issuer": {"iss": "elsewhere"},
    "of no audience": {"aud": []},
    "a refresh token": {"typ": "refresh"},
    "of a type that is no text": {"typ": 1},
    "of nobody": {"sub": ""},
    "of a name": {"sub": "ann"},
    "of a number": {"sub": 1},
    "of a session that is none": {"sid": "home"},
    "of a session that is no text": {"sid": 1},
    "good for longer than any that we sign": {"exp": datetime.now(UTC) + timedelta(hours=2)},
    "that expires at some word": {"exp": "tomorrow"},
    "that expires after all calendars": {"exp": 10**18},
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_that_says_the_wrong_thing_is_none(house: Visitor, settings: Settings, name: str) -> None:
    token = _signed(Claims(house.id).but(**FORGED[name]), settings.jwt_key)
    _unauthorised(await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"])
async def test_a_token_that_lacks_a_claim_is_none(house: Visitor, settings: Settings, claim: str) -> None:
    token = _signed(Claims(house.id).but(claim), settings.jwt_key)
    _unauthorised(await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


async def test_a_token_with_all_claims_is_one(house: Visitor, settings: Settings) -> None:
    token = _signed(Claims(house.id).but(), settings.jwt_key)
    answer = await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("key", ["x" * 32, ""])
async def test_a_token_signed_by_another_key_is_none(house: Visitor, settings: Settings, key: str) -> None:
    unsigned = jwt.encode(Claims(house.id).but(), None, "none", {"kid": key_id(settings.jwt_key)})
    token = _signed(Claims(house.id).but(), key, key_id(settings.jwt_key)) if key else unsigned
    _unauthorised(await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


async def test_a_token_signed_by_another_algorithm_is_none(house: Visitor, settings: Settings) -> None:
    token = jwt.encode(Claims(house.id).but(), settings.jwt_key * 2, "HS512", {"kid": key_id(settings.jwt_key)})
    _unauthorised(await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("kid", ["", "another", None, 1, "../../dev/null", "' or 1=1 --"])
async def test_a_token_that_names_another_key_is_none(house: Visitor, settings: Settings, kid: Any) -> None:
    token = _signed(Claims(house.id).but(), settings.jwt_key, kid)
    _unauthorised(await house.client.get("/workspaces", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize(
    "authorization",
    [
        row("none", None),
        row("empty", ""),
        row("Basic", "Basic YW5uOmFubg=="),
        row("Bearer alone", "Bearer"),
        row("Bearer and nothing", "Bearer "),
        row("garbage", "Bearer garbage"),
        row("three parts of garbage", "Bearer a.b.c"),
        row("bytes", b"Bearer \xff\xfe"),
        row("a long one", "Bearer " + "a" * 60_000),
        row("null", "Bearer null"),
        row("a personal token of nobody", "Bearer tlp_" + "A" * 43),
        row("the beginning of a personal token", "Bearer tlp_"),
        row("a personal token of NUL", b"Bearer tlp_\x01\xff"),
        row("a refresh token of nobody", "Bearer tlr_" + "A" * 43),
    ],
)
async def test_without_a_token_nothing_is_answered(house: Visitor, authorization: Any) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    _unauthorised(await house.client.get("/workspaces", headers=headers))


async def test_a_token_in_the_address_is_none(house: Visitor) -> None:
    token = house.headers["Authorization"].removeprefix("Bearer ")
    answer = await house.client.get(f"/workspaces?access_token={token}")
    _unauthorised(answer)
    assert token not in answer.text


async def test_a_stranger_learns_nothing_from_a_wrong_request(house: Visitor) -> None:
    answers = [
        await house.client.get("/tasks/milk?nonsense=1"),
        await house.client.post(f"/projects/{house.project}/tasks", content=b"{"),
        await house.client.get(f"/tasks/{NEW}"),
    ]
    for answer in answers:
        _unauthorised(answer)


def _unauthorised(answer: Any) -> None:
    refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


OURS: Any = object()


def _signed(claims: dict[str, Any], key: str, kid: Any = OURS) -> str:
    """Without PyJWT's own checks, which would not let a wrong claim through."""
    times = {name: int(value.timestamp()) for name, value in claims.items() if isinstance(value, datetime)}
    headers = json.dumps({"typ": "JWT", "alg": "HS256", "kid": key_id(key) if kid is OURS else kid})
    parts = [_base64(headers.encode()), _base64(json.dumps({**claims, **times}, default=str).encode())]
    signature = hmac.digest(key.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, _base64(signature)]).decode()


def _base64(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")
