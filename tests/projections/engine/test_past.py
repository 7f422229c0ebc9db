"""The past in the read tables: as of any position and any time it is the naive fold, also of what was imported."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import strategies as st

from commands.handling.command_on import CommandOn
from domain.event import Change, Event, RecordedEvent
from domain.task import TaskPurged, TaskRenamed
from infra.log import moments
from infra.settings import Settings
from projections.engine import past
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange
from projections.fingerprint import fold_history
from projections.moment import PAST_SCOPE, Moment
from projections.projection import all_projections
from tests.examples import (
    COMPLETED,
    CREATED,
    OTHER_PROJECT,
    RENAMED,
    REOPENED,
    TASK,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.engine.test_advance import facts_of, reset_database
from tests.strategies import command_sequences

IMPORTED_FROM = datetime(2017, 3, 26, tzinfo=UTC)
OLD_TASK = fixed_uuid7(70_001)
LATER: Sequence[Event] = (
    TaskRenamed(Change("Buy milk", "Buy bread")),
    COMPLETED,
    REOPENED,
    TaskRenamed(Change("Buy bread", "Buy milk")),
)


def past_law(database: SyncConnection, owner: SyncConnection, settings: Settings) -> Callable[[], None]:
    """What people do, then an import into a project of its own; read in batches of any size."""

    @law(command_sequences, st.integers(1, 9), st.integers(0, len(LATER)), examples=10)
    def the_past_is_the_fold_of_what_had_happened(walk: list[CommandOn], cut: int, count: int) -> None:
        reset_database(owner, database)
        oracle.append_facts(database, facts_of(walk))
        oracle.catch_up(database, cut)
        append_imported(database, owner, LATER[:count])
        oracle.catch_up(database, cut)
        history = oracle.all_events(database)
        for length in range(0, len(history) + 1, max(1, len(history) // 4)):
            assert oracle.matches_past(database, history, length)
        for at in sorted({one.at for one in history})[:: max(1, len(history) // 6)]:
            for moved in (at - timedelta.resolution, at):
                assert_past_at(database, settings, history, moved)

    return the_past_is_the_fold_of_what_had_happened


def append_imported(database: SyncConnection, owner: SyncConnection, later: Sequence[Event]) -> None:
    """A task with a history of days, in a project of its own, as an import writes it."""
    before = max((one.position for one in oracle.all_events(database)), default=0)
    created = [(OTHER_PROJECT, event) for _, event in project(OTHER_PROJECT, "OLD")[1:]]
    of_task = [(OLD_TASK, event) for _, event in task(*later, task_id=OLD_TASK)[1:]]
    oracle.append_facts(database, [*created, *of_task])
    owner.execute(
        "update log.events set at = %s + (notification_id - %s) * interval '1 day' where notification_id > %s",
        (IMPORTED_FROM, before, before),
    )


def assert_past_at(
    database: SyncConnection, settings: Settings, history: Sequence[RecordedEvent], at: datetime
) -> None:
    moment = asyncio.run(find_moment(settings, at))
    assert moment.at == at
    for projection in all_projections().values():
        if projection.past:
            purged = {one.stream for one in history if isinstance(one.event, projection.past.purged_by)}
            folded = fold_history(projection, [one for one in history if one.at <= at])
            expected = {key: row for key, row in folded.items() if key not in purged}
            found = oracle.past_rows(database, projection, moment)
            assert oracle.lasting(projection, found) == oracle.lasting(projection, expected)


async def find_moment(settings: Settings, at: datetime) -> Moment:
    async with await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as connection:
        return (await moments.moment_at(connection, at))[0]


@pytest.mark.slow
def test_the_past_is_the_fold_of_what_had_happened(
    database: SyncConnection, owner: SyncConnection, settings: Settings
) -> None:
    past_law(database, owner, settings)()


def versions_that_never_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past, "close_versions", lambda *_: None)


def only_the_last_version_of_a_batch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past, "past_rows", lambda *_: [])


def ends_at_the_last_event(patch: pytest.MonkeyPatch) -> None:
    def ended(pipeline: Any, build: Any, changes: Sequence[DocumentChange]) -> None:
        close(pipeline, build, [change._replace(steps=change.steps[-1:]) for change in changes])

    close = past.close_versions
    patch.setattr(past, "close_versions", ended)


def times_of_recording(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past, "since", lambda event: (event.position, event.recorded_at, event.actor.user_id))
    patch.setattr(past, "until", lambda event: (event.position, event.recorded_at))


def positions_for_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        "projections.moment._VALID_AT_SQL", "valid_from <= %(moment_position)s and valid_to > %(moment_position)s"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "plant",
    [
        versions_that_never_end,
        only_the_last_version_of_a_batch,
        ends_at_the_last_event,
        times_of_recording,
        positions_for_times,
    ],
)
def test_a_planted_defect_is_noticed(
    database: SyncConnection,
    owner: SyncConnection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    assert_check_fails(past_law(database, owner, settings))


def versions_left(database: SyncConnection, name: str, key: UUID) -> int:
    build = oracle.serving_build(database, name)
    sql = b"select count(*) from " + build.past_table_name.as_bytes(database) + b" where id = %s"
    return int(database.execute(sql, (key,)).fetchall()[0][0])


def test_a_purge_leaves_no_version(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    assert versions_left(database, "task_list", TASK) == 1
    oracle.append_facts(database, [(TASK, COMPLETED), (TASK, TaskPurged(CREATED.project_id))])
    oracle.catch_up(database)
    assert versions_left(database, "task_list", TASK) == versions_left(database, "task_search", TASK) == 0


def test_answers_about_the_past_are_dropped_by_a_purge_and_an_import_alone(
    database: SyncConnection, owner: SyncConnection
) -> None:
    def generation() -> int:
        sql = "select coalesce(max(generation), 0) from read.generations where build = %s and scope = %s"
        build = oracle.serving_build(database, "task_list").number
        return int(database.execute(sql, (build, PAST_SCOPE)).fetchall()[0][0])

    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    assert generation() == 0
    oracle.append_facts(database, [(TASK, COMPLETED)])
    oracle.catch_up(database)
    assert generation() == 0
    oracle.append_facts(database, [(TASK, TaskPurged(CREATED.project_id))])
    oracle.catch_up(database)
    purged = generation()
    assert purged > 0
    append_imported(database, owner, LATER)
    oracle.catch_up(database)
    assert generation() > purged
