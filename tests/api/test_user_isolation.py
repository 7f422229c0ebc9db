"""User isolation: no answer reaches another user, and a removed member gets nothing more from any process."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from api import response_cache
from api.http.rate_limiting import RequestLimiter
from api.ledger import AuthedRequest, Ledger
from infra.identity.permission_revocations import PermissionRevocations
from infra.identity.permissions import Permissions
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading import reader
from infra.reading.progress import ProjectionProgress
from infra.reading.reader import ReadResult
from infra.settings import Settings
from projections.question import Question
from tests.api.guarantees import eventually
from tests.api.in_process_app import app_client, manual_projector
from tests.api_user import ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]
IS_FULL_RUN = "TASKLEDGER_TEST_KILLS" in os.environ
SEED = int(os.environ.get("TASKLEDGER_TEST_SEED", "20261121"))
INTERLEAVINGS, FEW_INTERLEAVINGS = 1_000, 60
READS = 10_000 if IS_FULL_RUN else 1_000
ROUNDS = 200 if IS_FULL_RUN else 40


class TwoUsers:
    """Two users with their own workspaces, and one of the first that the second is sometimes a member of."""

    def __init__(self, ann: ApiUser, bob: ApiUser) -> None:
        self.ann, self.bob = ann, bob
        self.is_member = False
        self.task = ""
        self.own: dict[str, str] = {}
        self._random = random.Random(SEED)

    async def set_up(self) -> None:
        self.task = await self.ann.create_task("Shared")
        for who in (self.ann, self.bob):
            who.workspace = (await who.post("/workspaces", name=f"Own of {who.email}"))["id"]
            where = await who.post(f"/workspaces/{who.workspace}/projects", name="Own", key="OWN")
            self.own[who.id] = (await who.post(f"/projects/{where['id']}/tasks", title=f"Of {who.email}"))["id"]
        self.ann.fold()

    async def step(self, workspace: str) -> None:
        """Optionally change something; then both send the same request concurrently, in any order."""
        if self._random.random() < 0.05:
            await self._toggle(workspace)
        paths = ["/auth/me", "/workspaces", f"/tasks/{self.task}", f"/projects/{self.ann.project}/tasks"]
        paths += [f"/tasks/{task}" for task in self.own.values()]
        path = self._random.choice(paths)
        both = [self.ann, self.bob, self.bob, self.ann][self._random.randrange(2) :][:2]
        answers = await asyncio.gather(*(who.request("GET", path) for who in both))
        for who, answer in zip(both, answers, strict=True):
            self.check(who, path, answer, workspace)

    async def _toggle(self, workspace: str) -> None:
        path = f"/workspaces/{workspace}/members/{self.bob.id}"
        if self.is_member:
            assert (await self.ann.request("DELETE", path)).status_code == 200
        else:
            assert (await self.ann.request("PUT", path, json={"role": "viewer"})).status_code == 200
        self.is_member = not self.is_member
        self.ann.fold()

    def check(self, who: ApiUser, path: str, answer: httpx.Response, workspace: str) -> None:
        """Assert that the answer holds the user's own data only."""
        other = self.bob if who is self.ann else self.ann
        assert other.email not in answer.text, f"{path} shows {who.email} the other user"
        is_shared = path in {f"/tasks/{self.task}", f"/projects/{self.ann.project}/tasks"}
        may = (who is self.ann or self.is_member) if is_shared else self.own[other.id] not in path
        if answer.status_code != 503:
            assert answer.status_code == (200 if may else 404), f"{path} for {who.email}: {answer.text[:200]}"
        assert answer.status_code != 200 or may
        if path == "/workspaces" and answer.is_success:
            shown = {each["id"] for each in answer.json()["items"]}
            assert (workspace in shown) == (who is self.ann or self.is_member)


@pytest_asyncio.fixture(loop_scope="package")
async def two_users(isolated_settings: Settings) -> AsyncIterator[tuple[TwoUsers, str]]:
    with manual_projector(isolated_settings) as fold:
        async with app_client(isolated_settings) as client:
            ann, bob = (
                await ApiUser.register_with_project(client, fold, "Ann"),
                await ApiUser.register_with_project(client, fold, "Bob"),
            )
            shared, made = ann.workspace, TwoUsers(ann, bob)
            await made.set_up()
            yield made, shared


async def each_user_sees_only_their_own(pair: tuple[TwoUsers, str], times: int = FEW_INTERLEAVINGS) -> None:
    for _ in range(times):
        await pair[0].step(pair[1])


async def test_no_answer_leaks_to_another_user(two_users: tuple[TwoUsers, str]) -> None:
    await each_user_sees_only_their_own(two_users, INTERLEAVINGS)


def memory_cache_key_without_the_user(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reader, "_cache_key", lambda question: question.name)


def response_cache_key_without_the_user(patch: pytest.MonkeyPatch) -> None:
    original = response_cache._cache_key  # noqa: SLF001 - the defect belongs in this function

    def key_without_user(scope: object) -> tuple[tuple[bytes, ...], str]:
        (_, *rest), named = original(scope)
        return (b"", *rest), named

    patch.setattr(response_cache, "_cache_key", key_without_user)
    patch.setattr(RequestLimiter, "count_known", lambda *_: [])  # it would not know the caller either


def permissions_never_revoked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Permissions, "revoke", lambda *_: None)


@pytest.mark.parametrize(
    "plant", [memory_cache_key_without_the_user, response_cache_key_without_the_user, permissions_never_revoked]
)
async def test_a_leak_is_noticed(
    two_users: tuple[TwoUsers, str], monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    await assert_async_check_fails(lambda: each_user_sees_only_their_own(two_users, INTERLEAVINGS))


@asynccontextmanager
async def users_at_two_processes(own: Settings) -> AsyncIterator[tuple[ApiUser, ApiUser]]:
    """Ann at one process, who can remove Bob, and Bob at another."""
    with manual_projector(own) as fold:
        async with app_client(own) as one, app_client(own) as other:
            ann, bob = (
                await ApiUser.register_with_project(one, fold, "Ann"),
                await ApiUser.register_with_project(other, fold, "Bob"),
            )
            yield ann, bob


@pytest_asyncio.fixture(loop_scope="package")
async def two_processes(isolated_settings: Settings) -> AsyncIterator[tuple[ApiUser, ApiUser]]:
    async with users_at_two_processes(isolated_settings) as (ann, bob):
        yield ann, bob


async def a_member_removed_at_one_process_gets_not_found_at_the_other(both: tuple[ApiUser, ApiUser]) -> None:
    ann, bob = both
    task, member = await ann.create_task(), f"/workspaces/{ann.workspace}/members/{bob.id}"
    for _ in range(ROUNDS):
        assert (await ann.request("PUT", member, json={"role": "member"})).status_code == 200
        ann.fold()
        await eventually(lambda: bob.request("GET", f"/tasks/{task}"), lambda answer: answer.is_success)
        assert (await bob.request("GET", f"/tasks/{task}")).status_code == 200
        assert (await ann.request("DELETE", member)).status_code == 200
        assert (await bob.request("GET", f"/tasks/{task}")).status_code == 404


async def test_a_member_removed_at_one_process_gets_not_found_at_the_other(
    two_processes: tuple[ApiUser, ApiUser],
) -> None:
    await a_member_removed_at_one_process_gets_not_found_at_the_other(two_processes)


async def test_a_revocation_that_is_not_broadcast_is_noticed(
    two_processes: tuple[ApiUser, ApiUser], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def only_here(self: PermissionRevocations, streams: list[object]) -> None:
        self._permissions.revoke(streams)  # type: ignore[arg-type]  # as above

    monkeypatch.setattr(PermissionRevocations, "broadcast", only_here)
    await assert_async_check_fails(lambda: a_member_removed_at_one_process_gets_not_found_at_the_other(two_processes))


async def test_a_revocation_acknowledged_too_early_is_noticed(
    two_processes: tuple[ApiUser, ApiUser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revocation is published, but acknowledged before other processes received it."""

    async def careless(self: PermissionRevocations, streams: list[object]) -> None:
        publishing = asyncio.create_task(broadcast(self, streams))  # type: ignore[arg-type]  # as above
        pending.append(publishing)

    broadcast, pending = PermissionRevocations.broadcast, list[asyncio.Task[None]]()
    monkeypatch.setattr(PermissionRevocations, "broadcast", careless)
    try:
        await assert_async_check_fails(
            lambda: a_member_removed_at_one_process_gets_not_found_at_the_other(two_processes)
        )
    finally:
        await asyncio.gather(*pending)


@pytest.fixture
def silenced_subscriptions(monkeypatch: pytest.MonkeyPatch) -> list[Subscription]:
    """Subscriptions that stay open but deliver nothing."""
    receive, silenced = Subscription._on_message, list[Subscription]()  # noqa: SLF001 - as above

    def drop_if_silenced(self: Subscription, kind: str, channel: bytes | None, data: bytes) -> None:
        if self not in silenced:
            receive(self, kind, channel, data)

    monkeypatch.setattr(Subscription, "_on_message", drop_if_silenced)
    return silenced


async def test_a_silenced_process_does_not_trust_its_cache(
    isolated_settings: Settings, monkeypatch: pytest.MonkeyPatch, silenced_subscriptions: list[Subscription]
) -> None:
    made, init = list[Subscription](), Subscription.__init__

    def noted(self: Subscription, *arguments: object) -> None:
        made.append(self)
        init(self, *arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(Subscription, "__init__", noted)
    async with users_at_two_processes(isolated_settings) as (ann, bob):
        task, member = await ann.create_task(), f"/workspaces/{ann.workspace}/members/{bob.id}"
        assert (await ann.request("PUT", member, json={"role": "member"})).status_code == 200
        ann.fold()
        await eventually(lambda: bob.request("GET", f"/tasks/{task}"), lambda answer: answer.is_success)
        silenced_subscriptions.append(made[1])
        began = asyncio.get_running_loop().time()
        assert (await ann.request("DELETE", member)).status_code == 200
        assert asyncio.get_running_loop().time() - began < LIVENESS_S + 1
        assert (await bob.request("GET", f"/tasks/{task}")).status_code == 404


async def reads_with_a_min_position_are_monotonic(two_processes: tuple[ApiUser, ApiUser]) -> None:
    """Two processes, a reader who alternates between them, a writer, and an occasional fold (P13)."""
    choose = random.Random(SEED)
    ann, bob = two_processes
    tasks = [await ann.create_task(f"Task {number}") for number in range(3)]
    versions, last = dict.fromkeys(tasks, 1), dict.fromkeys(tasks, 0)
    reader = ann.with_token(ann.token, client=bob.client)
    ann.fold()
    position = 0
    for _ in range(READS):
        if choose.random() < 0.1:
            task = choose.choice(tasks)
            verb = "complete" if versions[task] % 2 else "reopen"
            versions[task] = (await ann.post(f"/tasks/{task}/{verb}"))["version"]
            if choose.random() < 0.5:
                await asyncio.to_thread(ann.fold)
        task, who = choose.choice(tasks), choose.choice([ann, reader])
        answer = await who.request("GET", f"/tasks/{task}?min_position={position}")
        assert answer.status_code == 200, answer.text
        now, version = int(answer.headers["taskledger-position"]), answer.json()["version"]
        assert now >= position, f"back from {position} to {now}"
        assert version >= last[task], f"back from version {last[task]} to {version}"
        position, last[task] = now, version
    assert sum(versions.values()) > READS // 20, "nothing happened meanwhile"


async def test_reads_with_a_min_position_are_monotonic(two_processes: tuple[ApiUser, ApiUser]) -> None:
    await reads_with_a_min_position_are_monotonic(two_processes)


async def test_an_ignored_min_position_is_noticed(
    two_processes: tuple[ApiUser, ApiUser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message arrives at either process, and only the position of an answer could tell that it is old."""
    monkeypatch.setattr(ProjectionProgress, "is_live", lambda _: True)
    monkeypatch.setattr(ProjectionProgress, "_on_message", lambda *_: None)
    monkeypatch.setattr(ProjectionProgress, "_reconcile", lambda *_: None)
    fetch = Ledger.fetch

    async def careless(ledger: Ledger, asked: AuthedRequest, question: Question, _: int | None) -> ReadResult:
        return await fetch(ledger, asked, question, None)

    monkeypatch.setattr(Ledger, "fetch", careless)
    await assert_async_check_fails(lambda: reads_with_a_min_position_are_monotonic(two_processes))
