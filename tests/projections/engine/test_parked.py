"""What cannot be folded parks one document of one projection (P7): visible, refolded by command, and never skipped.

Each guarantee is a check that a planted defect turns red.
"""

from contextlib import closing
from functools import partial
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from domain import codec
from domain.event import Change
from domain.label import label_stream_id
from domain.member import MemberJoined
from domain.project import ProjectCreated
from domain.projection import EventSkipped
from domain.task import TaskPrioritised
from infra import log
from infra.database.connections import connect
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import advance, folding, parked, writing
from projections.engine.connection import SyncConnection
from projections.engine.parked import ParkedDocument
from projections.fingerprint import fold_history
from projections.projection import all_projections
from tests.cli.conftest import RunCli
from tests.examples import (
    ADA,
    ATTACHMENT_ADDED,
    COMMENT_ADDED,
    COMPLETED,
    CREATED,
    FILTER_SAVED,
    LABEL_COLOURED,
    OTHER_TASK,
    PROJECT,
    PROJECT_TRASHED,
    PROPOSAL_MADE,
    RENAMED,
    TASK,
    TIME_ADDED,
    WORKSPACE,
    attachment,
    comment,
    project,
    proposal,
    saved_filter,
    task,
    time_entry,
    user,
    workspace,
)
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.broken_folds import POISON_EVENT, REJECTED_FIELDS, broken_fold, raise_error, replace_fields

pytestmark = pytest.mark.slow

LATER_EVENT = TaskPrioritised(Change("none", "urgent"))
HISTORY = [
    *workspace(),
    *project(),
    *saved_filter(),
    *proposal(),
    (label_stream_id(WORKSPACE, LABEL_COLOURED.name), LABEL_COLOURED),
    (PROJECT, PROJECT_TRASHED),
    *task(),
    *task(task_id=OTHER_TASK, number=2),
    (TASK, POISON_EVENT),
    (OTHER_TASK, RENAMED),
    (TASK, LATER_EVENT),
    (OTHER_TASK, COMPLETED),
]
"""One task has the poison event, and both tasks get later events."""


def only_parked(database: SyncConnection, name: str = "task_list") -> ParkedDocument:
    """The only parked document of all projections."""
    found = {each: parked.all_parked(database, oracle.serving_build(database, each)) for each in all_projections()}
    (one,) = found.pop(name)
    assert not any(found.values())
    return one


def only_the_document_is_parked(database: SyncConnection, cut: int, why: str, spoil: Any = raise_error) -> None:
    """The poisoned document is unchanged; its projection and all others show the rest correctly."""
    with broken_fold("task_list", spoil):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database, cut)
    history = oracle.all_events(database)
    for name, projection in all_projections().items():
        assert oracle.checkpoint_position(database, name) == log.head(database)
        expected = fold_history(projection, history)
        if name == "task_list":
            expected[TASK] = fold_history(projection, (one for one in history if one.version == 1))[TASK]
        assert oracle.serving_rows(database, projection) == expected, name
    assert oracle.parked_documents(database, "task_list") == [str(TASK)]
    one = only_parked(database)
    assert (one.position, one.workspace_id, one.unknown) == (
        oracle.position_of(database, POISON_EVENT),
        WORKSPACE,
        None,
    )
    assert why in one.reason


@pytest.mark.parametrize("cut", [1, 5, 1_000])
def test_a_failing_fold_parks_only_its_document(database: SyncConnection, cut: int) -> None:
    only_the_document_is_parked(database, cut, "ZeroDivisionError: no way to fold")


@pytest.mark.parametrize("bulk", [0, 500], ids=["copied", "written"])
@pytest.mark.parametrize("fields", REJECTED_FIELDS.values(), ids=REJECTED_FIELDS)
def test_a_row_the_table_rejects_parks_only_its_document(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], bulk: int
) -> None:
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", bulk)
    only_the_document_is_parked(database, 1_000, "", replace_fields(fields))


def test_a_rejected_new_document_is_not_shown(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", 0)
    with broken_fold("task_list", replace_fields({"number": 2**70}), CREATED):
        oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED), *HISTORY[-1:]])
        oracle.catch_up(database)
    assert not oracle.serving_rows(database, all_projections()["task_list"])
    assert only_parked(database).position == oracle.position_of(database, CREATED)


def test_a_silently_skipped_event_is_noticed(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    step = folding.fold_event

    def silent(*arguments: Any) -> Any:
        found = step(*arguments)
        return arguments[2] if isinstance(found, ParkedDocument) else found

    monkeypatch.setattr(folding, "fold_event", silent)
    assert_check_fails(lambda: only_the_document_is_parked(database, 5, "ZeroDivisionError"))


def test_a_rejected_document_left_unparked_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.engine.parked.park", lambda *_: None)
    assert_check_fails(lambda: only_the_document_is_parked(database, 1, "", replace_fields({"number": 2**70})))


def a_failing_database_parks_nothing(database: SyncConnection, rival: SyncConnection) -> None:
    """The table is locked for longer than the timeout: at first nothing is written, later everything."""
    oracle.append_facts(database, HISTORY)
    database.execute("set lock_timeout = '50ms'")
    with rival.transaction():
        rival.execute(
            b"lock table " + oracle.serving_build(rival, "task_list").table_name.as_bytes(rival) + b" in share mode"
        )
        try:
            oracle.catch_up(database)
        except psycopg.OperationalError:
            pass
        else:
            raise AssertionError("nothing failed")
        assert oracle.checkpoint_position(rival, "task_list") == 0
    oracle.catch_up(database)
    assert not oracle.parked_documents(database, "task_list")
    assert oracle.matches_log(database)


def test_a_failing_database_parks_nothing(database: SyncConnection, other_connection: SyncConnection) -> None:
    a_failing_database_parks_nothing(database, other_connection)


def test_parking_on_a_database_failure_is_noticed(
    database: SyncConnection, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "REJECTION_ERRORS", (psycopg.Error,))
    assert_check_fails(partial(a_failing_database_parks_nothing, database, other_connection))


def test_a_lost_connection_parks_nothing(
    database: SyncConnection, other_connection: SyncConnection, settings: Settings
) -> None:
    """The connection is cut during a fold: the next worker folds the batch, once."""
    cut = "select pg_terminate_backend(%s, 5000)"

    def cutting(document: Any, _: Any) -> Any:
        other_connection.execute(cut, (doomed.info.backend_pid,))
        return document

    oracle.append_facts(database, HISTORY)
    with connect(settings.database_url) as doomed, broken_fold("task_list", cutting), pytest.raises(psycopg.Error):
        list(advance.advance(doomed, 0, log.load_after, 1_000))
    assert doomed.closed
    assert {oracle.checkpoint_position(database, name) for name in all_projections()} == {0}
    oracle.catch_up(database)
    assert not oracle.parked_documents(database, "task_list")
    assert oracle.matches_log(database)


def a_retry_after_the_fix_refolds_in_log_order(database: SyncConnection, typed: RunCli, name: str) -> None:
    """Events that arrived while the document was parked are folded too."""
    with broken_fold(name, raise_error, poison_for(name)):
        oracle.append_facts(database, [*user(), *HISTORY, *comment(), *attachment(), *time_entry()])
        oracle.catch_up(database, 3)
        again = typed("projections", "retry", name)
        assert again.exit_code == 1
        position = only_parked(database, name).position
        assert f"stays parked at {position}: ZeroDivisionError: no way to fold {position}" in again.output
    retried = typed("projections", "retry", name)
    assert (retried.exit_code, "is folded again" in retried.output) == (0, True)
    assert not oracle.parked_documents(database, name)
    assert oracle.matches_log(database)


def poison_for(name: str) -> Any:
    """An event that changes a document of the projection."""
    others = {"workspace_list": MemberJoined(ADA.id, "owner"), "label_list": LABEL_COLOURED, "trash": PROJECT_TRASHED}
    others["project_list"] = next(event for _, event in HISTORY if isinstance(event, ProjectCreated))
    others |= {"saved_filter_list": FILTER_SAVED, "comment_list": COMMENT_ADDED, "attachment_list": ATTACHMENT_ADDED}
    others |= {"proposal_list": PROPOSAL_MADE, "audit": others["workspace_list"]}
    others |= {"time_entry_list": TIME_ADDED, "project_history": others["project_list"]}
    return others.get(name, POISON_EVENT)


@pytest.mark.parametrize("name", sorted(all_projections()))
def test_parked_documents_are_refolded_after_the_fix(database: SyncConnection, run_cli: RunCli, name: str) -> None:
    a_retry_after_the_fix_refolds_in_log_order(database, run_cli, name)


def test_a_retry_that_only_unparks_is_noticed(
    database: SyncConnection, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document continues with later events, and loses those that arrived meanwhile."""

    def forgetful(connection: SyncConnection, build: Any, found: ParkedDocument) -> None:
        parked.unpark(connection, build, [TASK])

    with broken_fold("task_list", raise_error):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database)
    monkeypatch.setattr("infra.rebuilding.refold.retry_parked", forgetful)
    assert run_cli("projections", "retry", "task_list").exit_code == 0
    assert not oracle.matches_log(database)


def test_a_retry_that_fails_again_reports_why_and_where(database: SyncConnection, run_cli: RunCli) -> None:
    with broken_fold("task_list", replace_fields({"number": 2**70})):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database)
        again = run_cli("projections", "retry", "task_list", str(TASK))
        assert again.exit_code == 1, again.output
        assert f"stays parked at {oracle.position_of(database, POISON_EVENT)}: " in again.output
        assert "out of range" in again.output
    assert run_cli("projections", "retry", "task_list", str(TASK)).exit_code == 0
    assert oracle.matches_log(database)


def test_a_document_that_is_not_parked_cannot_be_retried(database: SyncConnection, run_cli: RunCli) -> None:
    oracle.append_facts(database, HISTORY)
    oracle.catch_up(database)
    asked = run_cli("projections", "retry", "task_list", str(TASK))
    assert "has no parked document" in str(asked.exception)
    assert "No documents are parked" in run_cli("projections", "parked").output


def a_skip_is_recorded_and_permanent(database: SyncConnection, settings: Settings, typed: RunCli) -> None:
    """The skipped event is left out of the one document: now, in a rebuild, and in a verification."""
    name, words = "task_list", ("--reason", "Nobody needs it", "--as", "ada@example.org")
    with broken_fold(name, raise_error):
        oracle.append_facts(database, [*user(), *HISTORY])
        oracle.catch_up(database)
        poison = oracle.position_of(database, POISON_EVENT)
        shown = typed("projections", "parked", name, COLUMNS="200").output
        assert str(TASK) in shown
        assert f"no way to fold {poison}" in shown
        skipped = typed("projections", "skip", name, str(TASK), *words)
        assert skipped.exit_code == 0, skipped
        (decision,) = [one for one in oracle.all_events(database) if isinstance(one.event, EventSkipped)]
        assert (decision.event, decision.actor) == (EventSkipped(str(TASK), poison, "Nobody needs it"), ADA)
        oracle.catch_up(database)
        assert not oracle.parked_documents(database, name)
        history = [one for one in oracle.all_events(database) if one.position != poison]
        expected = fold_history(all_projections()[name], history)
        assert oracle.serving_rows(database, all_projections()[name]) == expected
        rebuilt = oracle.rebuild_inline(settings.database_url, name)
        assert (rebuilt.switched, rebuilt.differences, rebuilt.parked) == (True, 0, 0)
        assert oracle.serving_rows(database, all_projections()[name]) == expected
        assert not oracle.rebuild_inline(settings.database_url, name, oracle.VERIFY_ONLY).differences


def test_a_skip_is_recorded_and_permanent(database: SyncConnection, settings: Settings, run_cli: RunCli) -> None:
    a_skip_is_recorded_and_permanent(database, settings, run_cli)


def test_a_rebuild_that_ignores_skips_is_noticed(
    database: SyncConnection, settings: Settings, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.refold.load_skips", lambda *_: frozenset())
    assert_check_fails(partial(a_skip_is_recorded_and_permanent, database, settings, run_cli))


def test_only_the_administrator_may_skip(database: SyncConnection, run_cli: RunCli) -> None:
    with broken_fold("task_list", raise_error):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database)
        asked = run_cli(
            "projections", "skip", "task_list", str(TASK), "--reason", "I want", "--as", "nobody@example.org"
        )
    assert "No user is registered" in str(asked.exception)
    assert oracle.parked_documents(database, "task_list") == [str(TASK)]


def run_housekeeping(settings: Settings) -> None:
    with closing(Housekeeping(settings)) as keeper:
        keeper.run_once()


def newer_code_refolds_parked_documents(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parked by code that does not know the event, folded at the first poll of a worker that does."""
    oracle.append_facts(database, HISTORY)
    with monkeypatch.context() as older:
        forgotten = {name: event for name, event in codec.all_event_types().items() if name != "TaskRenamed"}
        older.setattr(codec, "all_event_types", lambda: forgotten)
        codec._decoders.cache_clear()  # noqa: SLF001 - as in a process of older code
        oracle.catch_up(database)
        found = {one.document: one for one in parked.all_parked(database, oracle.serving_build(database, "task_list"))}
        assert found.keys() == {str(TASK), str(OTHER_TASK)}
        assert (found[str(TASK)].unknown, found[str(TASK)].position) == ("TaskRenamed", second_position(database, TASK))
        run_housekeeping(settings)
        assert len(oracle.parked_documents(database, "task_list")) == 2
    codec._decoders.cache_clear()  # noqa: SLF001 - as above
    run_housekeeping(settings)
    assert {name: oracle.parked_documents(database, name) for name in all_projections()} == {
        name: [] for name in all_projections()
    }
    assert oracle.matches_log(database)


def second_position(database: SyncConnection, stream: Any) -> int:
    return log.load_stream(database, stream, 2)[0].position


def test_newer_code_refolds_parked_documents(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer_code_refolds_parked_documents(database, settings, monkeypatch)


def test_newer_code_that_leaves_documents_parked_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.worker.housekeeping.parked.parked_by_unknown", lambda *_: [])
    assert_check_fails(partial(newer_code_refolds_parked_documents, database, settings, monkeypatch))


def test_parked_documents_are_listed_by_projection(database: SyncConnection, run_cli: RunCli) -> None:
    with broken_fold("task_list", raise_error):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database)
    lines = {
        line.split()[0]: line.split() for line in run_cli("projections", "list", COLUMNS="200").output.splitlines()
    }
    assert {name: words[-3] for name, words in lines.items() if name in all_projections()} == dict.fromkeys(
        all_projections(), "0"
    ) | {"task_list": "1"}


@pytest.mark.parametrize("fields", REJECTED_FIELDS.values(), ids=REJECTED_FIELDS)
@pytest.mark.parametrize(
    "event", [LATER_EVENT, replace(CREATED, number=2, key="HOME-2", title="poison")], ids=["changed", "new"]
)
def test_a_rebuild_parks_what_the_live_build_parks(
    database: SyncConnection, settings: Settings, fields: dict[str, Any], event: Any
) -> None:
    """For everything that a table refuses: the rest is built without differences."""
    story = [*workspace(), *project(), *task(task_id=OTHER_TASK), *task(number=2, title="poison"), *HISTORY[-3:]]
    with broken_fold("task_list", replace_fields(fields), event):
        oracle.append_facts(database, story)
        oracle.catch_up(database, 3)
        live = only_parked(database)
        rebuilt = oracle.rebuild_inline(settings.database_url, "task_list")
        assert (rebuilt.differences, rebuilt.switched, rebuilt.parked) == (0, True, 1)
        assert only_parked(database).position == live.position
        assert OTHER_TASK in oracle.serving_rows(database, all_projections()["task_list"])
