"""Queries: cached but never stale, waiting for a position, with each task on exactly one page."""

import asyncio
import socket
import time
from uuid import UUID

import httpx
import msgspec
import pytest
import redis

from infra.identity.permissions import Permission, Permissions
from infra.ids import new_id
from infra.reading.progress_messages import PROGRESS_CHANNEL
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.tables import ReadTables
from infra.settings import Settings
from infra.time_budget import REDIS_S
from projections.engine.advance import BatchReport
from projections.question import Answer, Question
from tests.api import guarantees
from tests.api.guarantees import eventually
from tests.api.in_process_app import UNREACHABLE_REDIS_URL, app_client
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.e2e.running_instance import poll_until

pytestmark = pytest.mark.asyncio(loop_scope="package")

TASKS = 23


async def test_a_change_invalidates_the_cached_answer(ann: ApiUser) -> None:
    await guarantees.a_change_invalidates_the_cached_answer(ann)


async def test_an_answer_overtaken_by_a_change_is_not_cached_as_new(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await guarantees.an_answer_overtaken_by_a_change_is_not_cached_as_new(ann, monkeypatch)


async def test_a_waiting_reader_is_woken_by_the_worker(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    await guarantees.a_waiting_reader_sees_the_write(ann, monkeypatch, lambda _: ann.fold())


async def test_a_waiting_reader_sees_commits_without_messages(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may lose a message: a waiting request polls as well."""
    task = await ann.create_task()
    written = await ann.post(f"/tasks/{task}/complete")
    monkeypatch.setattr(redis.Redis, "publish", lambda *_: 0)
    ann.fold()
    shown = await ann.request("GET", f"/tasks/{task}?min_position={written['position']}")
    assert shown.json()["status"] == "done"


@pytest.mark.parametrize(
    ("prefer", "least", "most"), [("wait=0", 0, 1), ("wait=1", 0.9, 3), ("respond-async, wait=1", 0.9, 3)]
)
async def test_a_position_not_reached_in_the_preferred_wait_is_503(
    ann: ApiUser, prefer: str, least: float, most: float
) -> None:
    task = await ann.create_task()
    position = (await ann.post(f"/tasks/{task}/complete"))["position"]
    began = time.monotonic()
    answer = await ann.request("GET", f"/tasks/{task}?min_position={position}", headers={"Prefer": prefer})
    assert least <= time.monotonic() - began < most
    assert_problem(answer, 503, "projection_behind")
    assert int(answer.headers["retry-after"]) >= 1
    ann.fold()
    assert (await ann.request("GET", f"/tasks/{task}?min_position={position}")).status_code == 200


async def test_every_list_waits_for_a_position(ann: ApiUser) -> None:
    task = await ann.create_task()
    position = (await ann.post(f"/tasks/{task}/complete"))["position"]
    paths = (f"/projects/{ann.project}/tasks", f"/workspaces/{ann.workspace}/projects", "/workspaces")
    for path in paths:
        answer = await ann.request("GET", f"{path}?min_position={position}", headers={"Prefer": "wait=0"})
        assert_problem(answer, 503, "projection_behind")
    ann.fold()
    for path in paths:
        answer = await ann.request("GET", f"{path}?min_position={position}")
        assert int(answer.headers["taskledger-position"]) >= position


@pytest.mark.parametrize(
    "path", ["/projects/KIT", "/projects/KIT/tasks", "/projects/KIT/board", "/tasks/KIT-1", "/tasks/KIT-1/history"]
)
async def test_a_key_is_looked_up_as_of_the_position_asked_for(
    ann: ApiUser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = ProgressWaiter.wait

    async def folding(waiter: ProgressWaiter, projection: str, position: int, timeout_s: float) -> None:
        ann.fold()
        await waits(waiter, projection, position, timeout_s)

    await ann.create_task()
    await ann.get(path)
    other = (await ann.post("/workspaces", name="Work"))["id"]
    project = (await ann.post(f"/workspaces/{other}/projects", name="Kit", key="KIT"))["id"]
    position = (await ann.post(f"/projects/{project}/tasks", title="Milk"))["position"]
    monkeypatch.setattr(ProgressWaiter, "wait", folding)
    assert_problem(await ann.request("GET", f"{path}?min_position={position}"), 400, "ambiguous_key")


async def test_permissions_are_checked_once_and_again_after_a_wait(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, waits, may_read = list[bool](), asyncio.Event(), Permissions.require_read

    async def noted(
        permissions: Permissions, user: UUID, question: Question, answer: Answer | None = None
    ) -> list[Permission]:
        asked.append(answer is not None)
        found = await may_read(permissions, user, question, answer)
        waits.set()
        return found

    monkeypatch.setattr(Permissions, "require_read", noted)
    path = f"/projects/{ann.project}/tasks"
    await ann.get(path)
    assert asked == [True]
    waits.clear()
    position = (await ann.post(path, title="Milk"))["position"]
    waiting = asyncio.create_task(ann.request("GET", f"{path}?min_position={position}", headers=guarantees.LONG_WAIT))
    await asyncio.wait_for(waits.wait(), 5)
    await asyncio.to_thread(ann.fold)
    assert (await waiting).status_code == 200
    assert asked == [True, False, True]
    assert (await ann.request("GET", f"{path}?min_position={position}")).status_code == 200
    assert asked == [True, False, True, True]


@pytest.mark.parametrize("limit", [1, 7, 22, 23, 24])
async def test_each_task_is_on_exactly_one_page(ann: ApiUser, limit: int) -> None:
    made = [await ann.create_task(f"Task {number}") for number in range(TASKS)]
    ann.fold()
    path: str | None = f"/projects/{ann.project}/tasks?limit={limit}"
    shown = list[str]()
    while path:
        page = await ann.request("GET", path)
        assert 0 < len(page.json()["items"]) <= limit
        shown += [item["id"] for item in page.json()["items"]]
        path = page.links["next"]["url"].removeprefix("/api/v1") if "next" in page.links else None
        assert (path is None) == (page.json()["next_cursor"] is None)
    assert shown == made


async def test_changes_between_pages_neither_hide_nor_repeat_other_tasks(ann: ApiUser) -> None:
    made = [await ann.create_task(f"Task {number}") for number in range(TASKS)]
    ann.fold()
    path, shown, cursor = f"/projects/{ann.project}/tasks?limit=4", list[str](), ""
    while not shown or cursor:
        page = (await ann.request("GET", path + (f"&cursor={cursor}" if cursor else ""))).json()
        shown += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        first, *_, last = [item["id"] for item in page["items"]]
        await ann.post(f"/tasks/{last}/complete")
        await ann.request("DELETE", f"/tasks/{first}", headers={"If-Match": '"1"'})
        await ann.create_task("Late")
        ann.fold()
    assert [task for task in shown if task in made] == made


async def test_a_cursor_is_valid_for_its_own_list_only(ann: ApiUser) -> None:
    for _ in range(2):
        await ann.create_task()
    other = (await ann.post(f"/workspaces/{ann.workspace}/projects", name="Garden", key="GAR"))["id"]
    cursor = (await ann.get(f"/projects/{ann.project}/tasks?limit=1"))["next_cursor"]
    assert_problem(await ann.request("GET", f"/projects/{other}/tasks?cursor={cursor}"), 400, "cursor_mismatch")
    assert_problem(await ann.request("GET", f"/projects/{ann.project}/tasks?cursor={cursor[:-2]}"), 400)


async def test_without_redis_reads_are_correct_and_writes_succeed(settings: Settings, ann: ApiUser) -> None:
    away = msgspec.structs.replace(settings, redis_url=UNREACHABLE_REDIS_URL, broker_url=UNREACHABLE_REDIS_URL)
    async with app_client(away) as client:
        lonely = ApiUser(client, ann.fold, ann.headers["Authorization"].removeprefix("Bearer "))
        lonely.project = ann.project
        task = await lonely.create_task("Without")
        written = await lonely.post(f"/tasks/{task}/complete")
        ann.fold()
        answer = await lonely.request("GET", f"/tasks/{task}?min_position={written['position']}")
        assert answer.json()["status"] == "done"
        assert (await lonely.get(f"/projects/{ann.project}/tasks"))["items"][-1]["title"] == "Without"


async def test_a_redis_that_hangs_is_waited_for_once_and_not_for_long(settings: Settings, ann: ApiUser) -> None:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        task = await ann.create_task()
        ann.fold()
        async with app_client(msgspec.structs.replace(settings, redis_url=silent_url)) as client:
            for most in (3 * REDIS_S, REDIS_S, REDIS_S):
                began = time.monotonic()
                shown = await client.get(f"/tasks/{task}", headers=ann.headers)
                assert shown.json()["title"] == "Milk"
                assert time.monotonic() - began < most


async def test_a_position_of_another_instance_is_not_trusted(settings: Settings, ann: ApiUser) -> None:
    """Redis channels ignore database numbers: all clients of a server receive each other's messages."""
    task = await ann.create_task()
    ann.fold()
    position = (await ann.post(f"/tasks/{task}/complete"))["position"]
    with redis.Redis.from_url(settings.redis_url) as cache:
        for _ in range(3):
            cache.publish(PROGRESS_CHANNEL, msgspec.json.encode(BatchReport(["task_list"], 0, 0, 10**9, 1)))
        wait = {"Prefer": "wait=1"}
        answer = await ann.request("GET", f"/tasks/{task}?min_position={position}", headers=wait)
        assert_problem(answer, 503, "projection_behind")
    assert (await ann.get(f"/tasks/{task}?min_position={position}"))["status"] == "done"


async def test_a_task_key_resolves_as_soon_as_it_was_returned(ann: ApiUser) -> None:
    await ann.create_task()
    assert_problem(await ann.request("GET", "/tasks/KIT-1", headers={"Prefer": "wait=0"}), 503, "projection_behind")
    soon = asyncio.create_task(ann.request("POST", "/tasks/KIT-1/complete"))
    await asyncio.sleep(0)
    await asyncio.to_thread(ann.fold)
    assert (await soon).status_code == 200
    ann.fold()
    assert_problem(await ann.request("POST", "/tasks/KIT-2/complete", headers={"Prefer": "wait=0"}), 404, "not_found")


async def test_malformed_messages_are_ignored(settings: Settings, ann: ApiUser) -> None:
    with redis.Redis.from_url(settings.redis_url) as cache:
        for nonsense in (b"", b"{", b'{"position": "x"}', b"\xff", b"[]"):
            cache.publish(PROGRESS_CHANNEL, nonsense)
        cache.publish(PROGRESS_CHANNEL, msgspec.json.encode(BatchReport(["no such projection"], 7, 0, 1, 1)))
    task = await ann.create_task()
    assert (await ann.get(f"/tasks/{task}"))["id"] == task


async def test_corrupt_cache_entries_are_ignored_and_replaced(settings: Settings, ann: ApiUser) -> None:
    """Garbage, and a body with one byte changed: a process with an empty cache still reads the current data."""
    task = await ann.create_task("Milk")
    await ann.get(f"/tasks/{task}")
    with redis.Redis.from_url(settings.redis_url) as cache:
        await asyncio.to_thread(poll_until, lambda: list(cache.scan_iter(f"task_list-*{task}*")))
        (key,) = cache.scan_iter(f"task_list-*{task}*")
        good = _bytes(cache.get(key))
        for bad in (
            b"",
            b"nonsense",
            b"\xc1",
            good[:-1],
            good + b"x",
            good.replace(b"Milk", b"Silk"),
            b"\x93\xc0\xc0\xc0",
        ):
            cache.set(key, bad)
            async with app_client(settings) as other:
                shown = await other.get(f"/tasks/{task}", headers=ann.headers)
                assert shown.json()["title"] == "Milk"
                await asyncio.to_thread(poll_until, lambda bad=bad: cache.get(key) != bad)
            assert b"Milk" in _bytes(cache.get(key))


async def test_concurrent_equal_reads_are_coalesced(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await ann.create_task()
    ann.fold()
    asked, looks = ReadTables.run, list[str]()

    async def noted(self: ReadTables, question: Question, numbers: dict[str, int]) -> object:
        looks.append(question.name)
        return await asked(self, question, numbers)

    monkeypatch.setattr(ReadTables, "run", noted)
    answers = await asyncio.gather(*(ann.request("GET", f"/tasks/{task}") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert looks == ["one"]


def _bytes(found: object) -> bytes:
    assert isinstance(found, bytes)
    return found


async def test_a_position_of_the_far_future_ends_after_the_wait(ann: ApiUser) -> None:
    task = await ann.create_task()
    ann.fold()
    far = await ann.request("GET", f"/tasks/{task}?min_position={2**62}", headers={"Prefer": "wait=0"})
    assert_problem(far, 503, "projection_behind")
    assert_problem(await ann.request("GET", f"/tasks/{new_id()}?min_position=0"), 404, "not_found")


async def test_the_page_of_documentation_and_the_description_need_no_network(client: httpx.AsyncClient) -> None:
    page = await client.get("http://test/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    text = page.text.replace("server=http://127.0.0.1:8000", "").replace("https://www.rfc-editor.org", "")
    for elsewhere in ("http://", "https://", "src=", "@import", "url("):
        assert elsewhere not in text, elsewhere
    described = await guarantees.operations(client)
    for _, path, _ in described.values():
        assert path in page.text
    public = {name for name, (_, _, operation) in described.items() if operation.get("security") == []}
    assert public >= {"register", "login"}
    assert not public & {"create_task", "show_me"}


async def test_health_reports_live_and_ready(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        await eventually(lambda path=path: client.get(f"http://test{path}"), lambda found: found.is_success)  # type: ignore[misc]
