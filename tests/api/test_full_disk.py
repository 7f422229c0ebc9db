"""PostgreSQL on a full disk (P14): writes are refused with 503, none is done by half, and there is no harm left."""

import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import Struct
from psycopg import errors

from commands.handling.append import Append, AppendResult
from infra.database.connections import connect
from infra.embedded.postgres import APPLICATION_ROLE, Postgres
from infra.log.disk_space import DiskSpace
from infra.log.event_log import EventLog
from infra.processes import data_directory
from infra.schema.migrate import migrate
from infra.settings import Settings
from tests.api.guarantees import eventually
from tests.api.in_process_app import app_client, manual_projector
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.consistency import Acknowledged, CallHistory, assert_consistent, read_log
from tests.infra.embedded.supervision import supervised
from tests.planted_defects import assert_async_check_fails
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]
DISK_BYTES = 96 * 2**20
"""A new cluster takes half of it."""
MAX_WRITES = 100
"""So many tasks do not fit into the free space of pages that PostgreSQL has already."""
BATCH_SIZE = 20
READY = "http://test/health/ready"


class SmallDisk(Struct, frozen=True):
    """A disk with a PostgreSQL on it."""

    folder: Path
    settings: Settings

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """While the block runs, the disk has no space left."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()


@pytest.fixture(scope="module")
def disk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=711", "tmpfs", str(folder)]
    unmount = ["umount", "--lazy", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        data_directory.ensure_secrets(folder)
        with supervised(postgres := Postgres(folder / "postgres", folder / "secrets" / "postgres-password")):
            password = data_directory.read_secret(folder, "application-password")
            url = postgres.url_as(APPLICATION_ROLE, password)
            migrate(postgres.url, url)
            redis, broker = servers.redis_url, servers.broker_url
            yield SmallDisk(
                folder,
                Settings(
                    database_url=url,
                    migration_url=postgres.url,
                    redis_url=redis,
                    broker_url=broker,
                    blobs=str(servers.new_blobs_folder()),
                    jwt_key=uuid4().hex,
                    address_key=uuid4().hex,
                ),
            )
    finally:
        subprocess.run(unmount, check=True)


class RecordingUser:
    """Creates tasks of about 3 KB with titles that begin with `prefix`, and records what was answered."""

    def __init__(self, user: ApiUser, prefix: str) -> None:
        self.user, self.history, self._prefix = user, CallHistory(), prefix
        self.refused: list[list[str]] = []

    async def create(self, titles: list[str]) -> bool:
        """Create a task of each title in one atomic batch, under a key; returns whether it was done."""
        original = titles
        titles = [f"{self._prefix} {title}" for title in titles]
        commands = [self._item(title) for title in titles]
        body, headers = {"mode": "atomic", "commands": commands}, {"Idempotency-Key": f"key of {titles[0]}"}
        sent = time.monotonic()
        answer = await self.user.request("POST", "/commands", json=body, headers=headers)
        if not answer.is_success:
            assert_problem(answer, 503, "storage_unavailable")
            assert answer.headers["retry-after"] == "1"
            self.refused.append(original)
        results = answer.json()["results"] if answer.is_success else [None] * len(titles)
        for title, one in zip(titles, results, strict=True):
            place = one and Acknowledged(UUID(one["id"]), one["version"], answer.json()["position"])
            self.history.record(title, sent, place or "unknown")
        return bool(answer.is_success)

    def _item(self, title: str) -> dict[str, Any]:
        data = {"project_id": self.user.project, "title": title, "description": Random(title).randbytes(1500).hex()}
        return {"type": "CreateTask", "data": data}


@contextlib.asynccontextmanager
async def recording_user(disk: SmallDisk, prefix: str) -> AsyncIterator[RecordingUser]:
    with manual_projector(disk.settings) as fold:
        async with app_client(disk.settings) as client:
            yield RecordingUser(await ApiUser.register_with_project(client, fold, "Ann"), prefix)


async def writes_on_a_full_disk_are_refused_and_done_once_later(
    disk: SmallDisk, writer: RecordingUser, timeout_s: float = 30.0
) -> None:
    user = writer.user
    read = f"/projects/{user.project}/tasks"
    assert await writer.create(["before"])
    assert (await user.get(read))["items"]
    await eventually(lambda: user.client.get(READY), lambda answer: answer.is_success)
    with disk.full():
        number = 0
        while await writer.create([f"task {number}"]):
            number += 1
            assert number < MAX_WRITES, "the disk is not full"
        assert not await writer.create([f"batch {number}" for number in range(BATCH_SIZE)])
        assert_problem(await user.client.get(READY), 503)
        assert (await user.request("GET", read)).status_code == 200
        assert (await user.client.get("http://test/health/live")).status_code == 200
    await eventually(lambda: user.client.get(READY), lambda answer: answer.is_success, timeout_s)
    for titles in writer.refused[:]:
        assert await writer.create(titles)
    known = {call.unique_title for call in writer.history.calls}
    with connect(disk.settings.database_url) as connection:
        log = [entry for entry in read_log(connection) if entry.title is None or entry.title in known]
    assert_consistent(writer.history.calls, log)
    assert {entry.title for entry in log} >= known


async def test_writes_on_a_full_disk_are_refused_and_done_once_later(disk: SmallDisk) -> None:
    async with recording_user(disk, "tea") as writer:
        await writes_on_a_full_disk_are_refused_and_done_once_later(disk, writer)


def readiness_that_does_not_ask(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DiskSpace, "set_exhausted", lambda _: None)


def a_check_that_never_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("infra.log.disk_space.CHECK_INTERVAL_S", 3600.0)


def a_failure_taken_for_success(patch: pytest.MonkeyPatch) -> None:
    append = EventLog.append

    async def careless(log: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        try:
            return await append(log, appends)
        except errors.DiskFull:
            return [AppendResult(await log.head()) for _ in appends]

    patch.setattr(EventLog, "append", careless)


@pytest.mark.parametrize("plant", [readiness_that_does_not_ask, a_check_that_never_ends, a_failure_taken_for_success])
async def test_a_planted_defect_is_noticed(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    async with recording_user(disk, plant.__name__) as writer:
        plant(monkeypatch)
        check = partial(writes_on_a_full_disk_are_refused_and_done_once_later, disk, writer, timeout_s=2)
        await assert_async_check_fails(check)
