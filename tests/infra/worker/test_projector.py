"""The projector folds all new events, whatever happens meanwhile."""

from contextlib import closing
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from domain.member import member_stream_id
from infra import log
from infra.database.connections import connect, connect_for_worker
from infra.messaging.hints import FULL_BATCH_EVENTS, LINGER_S
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine import advance
from projections.engine.advance import BatchReport
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.e2e.running_instance import poll_until
from tests.examples import ADA, CREATED, TASK, WORKSPACE, project, workspace
from tests.projections import oracle


def test_an_unknown_event_of_a_member_parks_the_workspace_and_no_task(settings: Settings) -> None:
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection, connect(settings.migration_url) as owner:
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
        left = "(originator_id, originator_version, topic, state, workspace_id) values (%s, 2, 'MemberLeft', 'x', %s)"
        owner.execute(f"insert into log.events {left}", (member_stream_id(WORKSPACE, ADA.id), WORKSPACE))
        projector.project(0)
        parked = {name: oracle.parked_documents(connection, name) for name in all_projections()}
        assert parked.pop("workspace_list") == [str(WORKSPACE)]
        assert not any(parked.values())
    projector.close()


def test_a_hint_during_a_run_is_served_by_that_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint arrives while a poll finds nothing: its event does not wait for the next poll."""
    go_on, looks = advance.advance, list[list[BatchReport]]()
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection:

        def found(*arguments: Any) -> list[BatchReport]:
            looks.append(list(go_on(*arguments)))
            if len(looks) == 1:
                oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
                projector.project(0)
            return looks[-1]

        monkeypatch.setattr(advance, "advance", found)
        projector.project(0)
        assert looks[0] == []
        assert oracle.checkpoint_position(connection, "task_list") == log.head(connection)
    projector.close()


def a_backlog_is_folded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, max_connections: int
) -> set[frozenset[str]]:
    """The projections of each report, if PostgreSQL allows so many connections."""
    opened, reports = list[SyncConnection](), list[BatchReport]()

    def open_one(url: str) -> SyncConnection:
        if len(opened) == max_connections:
            raise psycopg.OperationalError("sorry, too many clients already")
        opened.append(connect_for_worker(url))
        return opened[-1]

    monkeypatch.setattr("infra.worker.projector.connect_for_worker", open_one)
    with closing(Projector(settings.database_url, 1, reports.append)) as projector:
        monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", 0)
        with connect(settings.database_url) as connection:
            oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
            assert not projector.project(0)
            assert oracle.matches_log(connection)
        assert len(opened) == max_connections
        assert all(report.database for report in reports)
    return {frozenset(report.projections) for report in reports if report.events}


def test_each_build_that_a_backlog_touches_has_a_report(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    untouched = {"attachment_list", "comment_list", "proposal_list", "saved_filter_list", "time_entry_list", "trash"}
    touched = all_projections().keys() - untouched
    found = a_backlog_is_folded(settings, monkeypatch, 2)
    assert found == {frozenset(untouched), *(frozenset({name}) for name in touched)}


def test_a_backlog_needs_no_second_connection(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(a_backlog_is_folded(settings, monkeypatch, 1)) == 1


def pauses_after_a_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch, batch_s: float) -> list[float]:
    """The pauses of a projector after a batch of some events that takes so long."""
    now, batches, pauses = [0.0], [BatchReport(["activity"], 0, 0, 4, FULL_BATCH_EVENTS)], list[float]()

    def advance_once(*_: Any) -> list[BatchReport]:
        now[0] += batch_s
        return [batches.pop()] if batches else []

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=pauses.append)
    with monkeypatch.context() as patch, closing(Projector(settings.database_url, 1, lambda _: None)) as projector:
        patch.setattr("infra.worker.projector.time", clock)
        patch.setattr(advance, "advance", advance_once)
        projector.project(0)
    return pauses


def test_events_gather_for_as_long_as_the_batch_took(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pauses_after_a_batch(settings, monkeypatch, LINGER_S / 4) == [LINGER_S / 4]
    assert pauses_after_a_batch(settings, monkeypatch, 2 * LINGER_S) == [LINGER_S]


def test_project_reports_more_work_unless_another_thread_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker continues at once while there is more, unless another thread folds the partition."""
    monkeypatch.setattr("infra.worker.projector.POLL_INTERVAL_S", 0.0)
    with closing(Projector(settings.database_url, 1, lambda _: None)) as projector:
        assert projector.project(0)
        with projector._partitions[0].lock:  # noqa: SLF001 - as another thread does
            assert not projector.project(0)
        monkeypatch.undo()
        assert not projector.project(0)


def test_a_projector_gets_over_a_cut_connection(settings: Settings) -> None:
    reports: list[BatchReport] = []
    projector = Projector(settings.database_url, 1, reports.append)
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, workspace())
        projector.project(0)
        cut = (
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'taskledger worker'"
        )
        connection.execute(f"{cut} and datname = current_database()")
        oracle.append_facts(connection, [*project(), (TASK, CREATED)])
        poll_until(lambda: projects_again(projector))
        assert oracle.serving_rows(connection, task_list.projection)
    assert [set(progress.projections) for progress in reports if progress.events] == [all_projections().keys()] * 2
    projector.close()


def projects_again(projector: Projector) -> bool:
    try:
        projector.project(0)
    except Exception:  # noqa: BLE001 - any error of a cut connection
        return False
    return True
