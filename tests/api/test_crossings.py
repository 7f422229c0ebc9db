"""No answer crosses users, and whoever is removed is told nothing more, by whichever process."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from api import response_cache
from infra.identity.permission_revocations import PermissionRevocations
from infra.identity.permissions import Permissions
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading import reader
from infra.settings import Settings
from tests.api.checks import soon
from tests.api.opened import folding, opened
from tests.defects import noticed_in_time
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")
ALL = "TASKLEDGER_TEST_KILLS" in os.environ
SEED = int(os.environ.get("TASKLEDGER_TEST_SEED", "20261121"))
INTERLEAVINGS, FEW = 1_000, 60
READS = 10_000 if ALL else 1_000
ROUNDS = 200 if ALL else 40


class Pair:
    """Two users with a place of their own each, and one of the first that the second belongs to now and then."""

    def __init__(self, ann: Visitor, bob: Visitor) -> None:
        self.ann, self.bob = ann, bob
        self.is_in = False
        self.task = ""
        self.own: dict[str, str] = {}
        self._random = random.Random(SEED)

    async def settle(self) -> None:
        self.task = await self.ann.task("Shared")
        for who in (self.ann, self.bob):
            who.workspace = (await who.post("/workspaces", name=f"Own of {who.email}"))["id"]
            where = await who.post(f"/workspaces/{who.workspace}/projects", name="Own", key="OWN")
            self.own[who.id] = (await who.post(f"/projects/{where['id']}/tasks", title=f"Of {who.email}"))["id"]
        self.ann.fold()

    async def step(self, workspace: str) -> None:
        """Perhaps something changes; then both ask the same, in any order, at once."""
        if self._random.random() < 0.05:
            await self._toggle(workspace)
        paths = ["/auth/me", "/workspaces", f"/tasks/{self.task}", f"/projects/{self.ann.project}/tasks"]
        paths += [f"/tasks/{task}" for task in self.own.values()]
        path = self._random.choice(paths)
        both = [self.ann, self.bob, self.bob, self.ann][self._random.randrange(2) :][:2]
        answers = await asyncio.gather(*(who.ask("GET", path) for who in both))
        for who, answer in zip(both, answers, strict=True):
            self.check(who, path, answer, workspace)

    async def _toggle(self, workspace: str) -> None:
        path = f"/workspaces/{workspace}/members/{self.bob.id}"
        if self.is_in:
            assert (await self.ann.ask("DELETE", path)).status_code == 200
        else:
            assert (await self.ann.ask("PUT", path, json={"role": "viewer"})).status_code == 200
        self.is_in = not self.is_in
        self.ann.fold()

    def check(self, who: Visitor, path: str, answer: httpx.Response, workspace: str) -> None:
        """What is theirs and nothing else."""
        other = self.bob if who is self.ann else self.ann
        assert other.email not in answer.text, f"{path} tells {who.email} of the other"
        is_shared = path in {f"/tasks/{self.task}", f"/projects/{self.ann.project}/tasks"}
        may = (who is self.ann or self.is_in) if is_shared else self.own[other.id] not in path
        if answer.status_code != 503:
            assert answer.status_code == (200 if may else 404), f"{path} for {who.email}: {answer.text[:200]}"
        assert answer.status_code != 200 or may
        if path == "/workspaces" and answer.is_success:
            shown = {each["id"] for each in answer.json()["items"]}
            assert (workspace in shown) == (who is self.ann or self.is_in)


@pytest_asyncio.fixture(loop_scope="package")
async def pair(own: Settings) -> AsyncIterator[tuple[Pair, str]]:
    with folding(own) as fold:
        async with opened(own) as client:
            ann, bob = await Visitor.settled(client, fold, "Ann"), await Visitor.settled(client, fold, "Bob")
            shared, made = ann.workspace, Pair(ann, bob)
            await made.settle()
            yield made, shared


async def both_are_told_what_is_theirs(pair: tuple[Pair, str], times: int = FEW) -> None:
    for _ in range(times):
        await pair[0].step(pair[1])


async def test_no_answer_crosses_users(pair: tuple[Pair, str]) -> None:
    await both_are_told_what_is_theirs(pair, INTERLEAVINGS)


def a_memory_without_the_reader(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reader, "_cache_key", lambda question: question.name)


def a_shortcut_without_the_reader(patch: pytest.MonkeyPatch) -> None:
    asked = response_cache._cache_key  # noqa: SLF001 - a defect is planted where it would be made

    def anybody(scope: object) -> tuple[tuple[bytes, ...], str]:
        (_, *rest), named = asked(scope)
        return (b"", *rest), named

    patch.setattr(response_cache, "_cache_key", anybody)


def rights_that_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Permissions, "revoke", lambda *_: None)


@pytest.mark.parametrize("plant", [a_memory_without_the_reader, a_shortcut_without_the_reader, rights_that_last])
async def test_a_crossing_is_noticed(
    pair: tuple[Pair, str], monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    await noticed_in_time(lambda: both_are_told_what_is_theirs(pair, INTERLEAVINGS))


@asynccontextmanager
async def two(own: Settings) -> AsyncIterator[tuple[Visitor, Visitor]]:
    """Ann at one process, who may remove Bob, who asks another."""
    with folding(own) as fold:
        async with opened(own) as one, opened(own) as other:
            ann, bob = await Visitor.settled(one, fold, "Ann"), await Visitor.settled(other, fold, "Bob")
            yield ann, bob


@pytest_asyncio.fixture(loop_scope="package")
async def both(own: Settings) -> AsyncIterator[tuple[Visitor, Visitor]]:
    async with two(own) as (ann, bob):
        yield ann, bob


async def who_is_removed_by_one_process_is_told_nothing_by_the_other(both: tuple[Visitor, Visitor]) -> None:
    ann, bob = both
    task, member = await ann.task(), f"/workspaces/{ann.workspace}/members/{bob.id}"
    for _ in range(ROUNDS):
        assert (await ann.ask("PUT", member, json={"role": "member"})).status_code == 200
        ann.fold()
        await soon(lambda: bob.ask("GET", f"/tasks/{task}"), lambda answer: answer.is_success)
        assert (await bob.ask("GET", f"/tasks/{task}")).status_code == 200
        assert (await ann.ask("DELETE", member)).status_code == 200
        assert (await bob.ask("GET", f"/tasks/{task}")).status_code == 404


async def test_who_is_removed_by_one_process_is_told_nothing_by_another_from_then_on(
    both: tuple[Visitor, Visitor],
) -> None:
    await who_is_removed_by_one_process_is_told_nothing_by_the_other(both)


async def test_an_end_that_nobody_is_told_of_is_noticed(
    both: tuple[Visitor, Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def only_here(self: PermissionRevocations, streams: list[object]) -> None:
        self._permissions.revoke(streams)  # type: ignore[arg-type]  # as above

    monkeypatch.setattr(PermissionRevocations, "broadcast", only_here)
    await noticed_in_time(lambda: who_is_removed_by_one_process_is_told_nothing_by_the_other(both))


async def test_an_end_that_nobody_waits_for_is_noticed(
    both: tuple[Visitor, Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is published, and acknowledged before the others have heard of it."""

    async def careless(self: PermissionRevocations, streams: list[object]) -> None:
        told = asyncio.create_task(tell(self, streams))  # type: ignore[arg-type]  # as above
        asides.append(told)

    tell, asides = PermissionRevocations.broadcast, list[asyncio.Task[None]]()
    monkeypatch.setattr(PermissionRevocations, "broadcast", careless)
    try:
        await noticed_in_time(lambda: who_is_removed_by_one_process_is_told_nothing_by_the_other(both))
    finally:
        await asyncio.gather(*asides)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> list[Subscription]:
    """Channels of which nothing gets through any more, though they are open."""
    take, deafened = Subscription._on_message, list[Subscription]()  # noqa: SLF001 - as above

    def unheard(self: Subscription, kind: str, channel: bytes | None, data: bytes) -> None:
        if self not in deafened:
            take(self, kind, channel, data)

    monkeypatch.setattr(Subscription, "_on_message", unheard)
    return deafened


async def test_a_process_that_is_deaf_does_not_go_by_what_it_remembers(
    own: Settings, monkeypatch: pytest.MonkeyPatch, deaf: list[Subscription]
) -> None:
    made, init = list[Subscription](), Subscription.__init__

    def noted(self: Subscription, *arguments: object) -> None:
        made.append(self)
        init(self, *arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(Subscription, "__init__", noted)
    async with two(own) as (ann, bob):
        task, member = await ann.task(), f"/workspaces/{ann.workspace}/members/{bob.id}"
        assert (await ann.ask("PUT", member, json={"role": "member"})).status_code == 200
        ann.fold()
        await soon(lambda: bob.ask("GET", f"/tasks/{task}"), lambda answer: answer.is_success)
        deaf.append(made[1])
        began = asyncio.get_running_loop().time()
        assert (await ann.ask("DELETE", member)).status_code == 200
        assert asyncio.get_running_loop().time() - began < LIVENESS_S + 1
        assert (await bob.ask("GET", f"/tasks/{task}")).status_code == 404


async def test_reads_of_one_connection_that_name_a_position_do_not_go_back(both: tuple[Visitor, Visitor]) -> None:
    """Two processes, one reader who goes from one to the other, one who writes, and a fold now and then (P13)."""
    choose = random.Random(SEED)
    ann, bob = both
    tasks = [await ann.task(f"Task {number}") for number in range(3)]
    versions, last = dict.fromkeys(tasks, 1), dict.fromkeys(tasks, 0)
    reader = ann.holding(ann.token, client=bob.client)
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
        answer = await who.ask("GET", f"/tasks/{task}?min_position={position}")
        assert answer.status_code == 200, answer.text
        now, version = int(answer.headers["taskledger-position"]), answer.json()["version"]
        assert now >= position, f"back from {position} to {now}"
        assert version >= last[task], f"back from version {last[task]} to {version}"
        position, last[task] = now, version
    assert sum(versions.values()) > READS // 20, "nothing happened meanwhile"
