"""A backlog: tasks as a company would have them, and queries that no client has sent before."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from bench.data.backlog import Backlog
from bench.data.history import StreamEvent
from bench.data.http_target import HttpTarget
from bench.data.queries import PageQuery, generate_queries
from bench.harness.client_scripts import HttpResponse, get_in_turn
from bench.scenarios.cold_reads import find_page_path
from commands.field_types import normalize_date
from domain import codec
from domain.event import changes, fold
from domain.member import MemberJoined
from domain.task import Task, TaskCreated
from infra.ids import new_id

pytestmark = pytest.mark.slow

TASK_COUNT = 3_000


def backlog_events(user: UUID | None = None) -> list[StreamEvent]:
    return list(Backlog(user or new_id()).generate_events(TASK_COUNT))


def tasks() -> list[TaskCreated]:
    return [one.event for one in backlog_events() if isinstance(one.event, TaskCreated)]


def test_events_have_consecutive_versions_and_survive_the_codec() -> None:
    versions = Counter[UUID]()
    for one in backlog_events():
        versions[one.stream] += 1
        assert one.version == versions[one.stream]
        assert codec.decode(codec.stored_name_of(one.event), codec.encode(one.event)) == one.event


def test_only_open_tasks_are_completed() -> None:
    began: dict[UUID, StreamEvent] = {}
    for one in backlog_events():
        if isinstance(one.event, TaskCreated):
            began[one.stream] = one
        elif one.stream in began:
            first = began[one.stream]
            task = fold(Task, [first.event])
            assert task
            assert changes(one.event)["status"].old == task.status
            assert first.at
            assert one.at
            assert first.at < one.at


def test_tasks_are_what_a_client_could_have_made() -> None:
    assert len(tasks()) == TASK_COUNT
    for task in tasks():
        assert normalize_date(task.due) == task.due
        assert 0 < len(task.title) <= 500
        assert len(set(task.labels)) == len(task.labels)


def test_assignees_are_members() -> None:
    user = new_id()
    events = backlog_events(user)
    members = {one.event.user_id for one in events if isinstance(one.event, MemberJoined)}
    assigned = {each for one in events if isinstance(one.event, TaskCreated) for each in one.event.assignees}
    assert user in assigned
    assert assigned <= members


def test_both_languages_are_about_equally_frequent() -> None:
    russian = sum(not task.title[0].isascii() for task in tasks())
    assert 0.4 * TASK_COUNT < russian < 0.6 * TASK_COUNT


def test_every_run_has_the_same_tasks() -> None:
    texts = ([(task.key, task.title, task.description, task.due, task.labels) for task in tasks()] for _ in range(2))
    assert next(texts) == next(texts)


def test_queries_are_distinct() -> None:
    backlog = Backlog(new_id())
    asked = [one.request_path() for one in generate_queries(backlog, 440)]
    assert len(set(asked)) == 440
    assert asked == [one.request_path() for one in generate_queries(backlog, 440)]


def test_a_page_starts_at_its_depth_or_on_the_last_page() -> None:
    assert cursor_at_depth(depth=0) == ""
    assert cursor_at_depth(depth=2) == "2"
    assert cursor_at_depth(depth=9) == "3", "the list has four pages"


def test_a_refused_list_still_yields_a_page_path() -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(400, json={"code": "unknown_parameter"}))
    with httpx.Client(base_url="http://test", transport=refusing) as http:
        assert "cursor" not in find_page_path(http, PageQuery("/api/v1/tasks", "milk", "due", 2))


def test_targets_are_read_in_turn() -> None:
    script = get_in_turn([HttpTarget("/a"), HttpTarget("/b")])

    def paths() -> Iterator[str]:
        yield next(script).path
        while True:
            yield script.send(HttpResponse(200, b"")).path

    assert list(islice(paths(), 3)) == ["/a", "/b", "/a"]


def cursor_at_depth(depth: int) -> str:
    """The cursor of the page found at a depth, in a list of four numbered pages."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given = parse_qs(urlsplit(str(request.url)).query)
        asked.append(given["filter"][0])
        page = int(given.get("cursor", ["0"])[0]) + 1
        return httpx.Response(200, json={"items": [], "next_cursor": str(page) if page < 4 else None})

    with httpx.Client(base_url="http://test", transport=httpx.MockTransport(answer)) as http:
        path = find_page_path(http, PageQuery(f"/api/v1/projects/{uuid4()}/tasks", "oat milk", "", depth))
    assert set(asked) <= {"oat milk"}
    return parse_qs(urlsplit(path).query).get("cursor", [""])[0]
