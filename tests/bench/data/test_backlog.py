"""A backlog: tasks as a company would leave them, and questions about it that nobody has asked before."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx

from bench.data.backlog import Backlog
from bench.data.history import Happened
from bench.data.queries import Question, questions
from bench.harness.client_scripts import Answer, Target, asking
from bench.scenarios.cold_reads import found
from commands.field_types import due
from domain import codec
from domain.event import changes, fold
from domain.member import MemberJoined
from domain.task import Task, TaskCreated
from infra.ids import new_id

MANY = 3_000


def told(user: UUID | None = None) -> list[Happened]:
    return list(Backlog(user or new_id()).happening(MANY))


def tasks() -> list[TaskCreated]:
    return [one.event for one in told() if isinstance(one.event, TaskCreated)]


def test_each_event_has_the_next_version_of_its_stream_and_is_read_as_it_was_written() -> None:
    versions = Counter[UUID]()
    for one in told():
        versions[one.stream] += 1
        assert one.version == versions[one.stream]
        assert codec.decode(codec.tag(one.event), codec.encode(one.event)) == one.event


def test_what_ends_is_a_task_that_is_open() -> None:
    began: dict[UUID, Happened] = {}
    for one in told():
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
    assert len(tasks()) == MANY
    for task in tasks():
        assert due(task.due) == task.due
        assert 0 < len(task.title) <= 500
        assert len(set(task.labels)) == len(task.labels)


def test_who_a_task_is_assigned_to_is_a_member() -> None:
    user = new_id()
    events = told(user)
    members = {one.event.user_id for one in events if isinstance(one.event, MemberJoined)}
    assigned = {each for one in events if isinstance(one.event, TaskCreated) for each in one.event.assignees}
    assert user in assigned
    assert assigned <= members


def test_both_languages_are_about_as_usual() -> None:
    russian = sum(not task.title[0].isascii() for task in tasks())
    assert 0.4 * MANY < russian < 0.6 * MANY


def test_every_run_has_the_same_tasks() -> None:
    texts = ([(task.key, task.title, task.description, task.due, task.labels) for task in tasks()] for _ in range(2))
    assert next(texts) == next(texts)


def test_no_question_is_asked_twice() -> None:
    backlog = Backlog(new_id())
    asked = [one.address() for one in questions(backlog, 440)]
    assert len(set(asked)) == 440
    assert asked == [one.address() for one in questions(backlog, 440)]


def test_a_page_begins_as_deep_in_its_list_as_that_goes() -> None:
    assert after(depth=0) == ""
    assert after(depth=2) == "2"
    assert after(depth=9) == "3", "the list has four pages"


def test_a_list_that_is_refused_is_asked_for_all_the_same() -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(400, json={"code": "unknown_parameter"}))
    with httpx.Client(base_url="http://test", transport=refusing) as http:
        assert "cursor" not in found(http, Question("/api/v1/tasks", "milk", "due", 2))


def test_things_are_looked_at_one_after_the_other() -> None:
    script = asking([Target("/a"), Target("/b")])

    def paths() -> Iterator[str]:
        yield next(script).path
        while True:
            yield script.send(Answer(200, b"")).path

    assert list(islice(paths(), 3)) == ["/a", "/b", "/a"]


def after(depth: int) -> str:
    """The cursor of the page that is found in a list of four pages, which are numbered."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given = parse_qs(urlsplit(str(request.url)).query)
        asked.append(given["filter"][0])
        page = int(given.get("cursor", ["0"])[0]) + 1
        return httpx.Response(200, json={"items": [], "next_cursor": str(page) if page < 4 else None})

    with httpx.Client(base_url="http://test", transport=httpx.MockTransport(answer)) as http:
        path = found(http, Question(f"/api/v1/projects/{uuid4()}/tasks", "oat milk", "", depth))
    assert set(asked) <= {"oat milk"}
    return parse_qs(urlsplit(path).query).get("cursor", [""])[0]
