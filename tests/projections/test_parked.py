"""What cannot be folded parks one document of one projection (P7): seen, folded again by command, and never skipped.

Each promise is a check, which a planted defect turns red.
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
from infra.database.pool import connect
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import advance, folding, parked, writing
from projections.engine.builds import SyncConnection
from projections.engine.parked import ParkedDocument
from projections.fingerprint import fold_history
from projections.projection import all_projections
from tests.cli.conftest import Type
from tests.defects import noticed
from tests.examples import (
    ADA,
    COLOURED,
    COMPLETED,
    CREATED,
    OTHER_TASK,
    PROJECT,
    PROJECT_TRASHED,
    RENAMED,
    SAVED,
    TASK,
    WORKSPACE,
    project,
    saved_filter,
    task,
    user,
    workspace,
)
from tests.projections import oracle
from tests.projections.spoilt import POISON, REFUSED, failing, spoilt, yielding

AFTERWARDS = TaskPrioritised(Change("none", "urgent"))
STORY = [
    *workspace(),
    *project(),
    *saved_filter(),
    (label_stream_id(WORKSPACE, COLOURED.name), COLOURED),
    (PROJECT, PROJECT_TRASHED),
    *task(),
    *task(task_id=OTHER_TASK, number=2),
    (TASK, POISON),
    (OTHER_TASK, RENAMED),
    (TASK, AFTERWARDS),
    (OTHER_TASK, COMPLETED),
]
"""The poison is meant for one task, and both go on afterwards."""


def only(database: SyncConnection, name: str = "task_list") -> ParkedDocument:
    """The one document that is parked, in the one projection that has any."""
    found = {each: parked.all_parked(database, oracle.build_of(database, each)) for each in all_projections()}
    (one,) = found.pop(name)
    assert not any(found.values())
    return one


def parks_alone(database: SyncConnection, cut: int, why: str, spoil: Any = failing) -> None:
    """The poisoned document stands as it was before; its projection, and all others, show the rest rightly."""
    with spoilt("task_list", spoil):
        oracle.write(database, STORY)
        oracle.catch_up(database, cut)
    history = oracle.all_events(database)
    for name, projection in all_projections().items():
        assert oracle.position(database, name) == log.head(database)
        expected = fold_history(projection, history)
        if name == "task_list":
            expected[TASK] = fold_history(projection, (one for one in history if one.version == 1))[TASK]
        assert oracle.shown(database, projection) == expected, name
    assert oracle.parked_in(database, "task_list") == [str(TASK)]
    one = only(database)
    assert (one.position, one.workspace_id, one.unknown) == (oracle.place(database, POISON), WORKSPACE, None)
    assert why in one.reason


@pytest.mark.parametrize("cut", [1, 5, 1_000])
def test_an_event_that_a_fold_cannot_take_parks_one_document_and_nothing_else(
    database: SyncConnection, cut: int
) -> None:
    parks_alone(database, cut, "ZeroDivisionError: no way to fold")


@pytest.mark.parametrize("bulk", [0, 500], ids=["copied", "written"])
@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_a_document_that_its_table_refuses_is_parked_alone_too(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], bulk: int
) -> None:
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", bulk)
    parks_alone(database, 1_000, "", yielding(fields))


def test_a_new_document_that_its_table_refuses_is_not_shown_at_all(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", 0)
    with spoilt("task_list", yielding({"number": 2**70}), CREATED):
        oracle.write(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED), *STORY[-1:]])
        oracle.catch_up(database)
    assert not oracle.shown(database, all_projections()["task_list"])
    assert only(database).position == oracle.place(database, CREATED)


def test_an_event_that_is_skipped_without_a_word_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = folding.fold_event

    def silent(*arguments: Any) -> Any:
        found = step(*arguments)
        return arguments[2] if isinstance(found, ParkedDocument) else found

    monkeypatch.setattr(folding, "fold_event", silent)
    noticed(lambda: parks_alone(database, 5, "ZeroDivisionError"))


def test_a_refused_document_that_nobody_parks_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.engine.parked.park", lambda *_: None)
    noticed(lambda: parks_alone(database, 1, "", yielding({"number": 2**70})))


def a_failing_database_parks_nothing(database: SyncConnection, rival: SyncConnection) -> None:
    """Somebody holds the table for longer than anybody waits: nothing is written, and then everything."""
    oracle.write(database, STORY)
    database.execute("set lock_timeout = '50ms'")
    with rival.transaction():
        rival.execute(
            b"lock table " + oracle.build_of(rival, "task_list").table_name.as_bytes(rival) + b" in share mode"
        )
        try:
            oracle.catch_up(database)
        except psycopg.OperationalError:
            pass
        else:
            raise AssertionError("nothing failed")
        assert oracle.position(rival, "task_list") == 0
    oracle.catch_up(database)
    assert not oracle.parked_in(database, "task_list")
    assert oracle.is_right(database)


def test_a_failing_database_is_no_poison(database: SyncConnection, rival: SyncConnection) -> None:
    a_failing_database_parks_nothing(database, rival)


def test_a_failing_database_that_is_taken_for_poison_is_noticed(
    database: SyncConnection, rival: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "REJECTION_ERRORS", (psycopg.Error,))
    noticed(partial(a_failing_database_parks_nothing, database, rival))


def test_a_connection_that_is_cut_in_the_middle_parks_nothing(
    database: SyncConnection, rival: SyncConnection, settings: Settings
) -> None:
    """Cut while it folds: whoever comes next folds it, once."""
    cut = "select pg_terminate_backend(%s, 5000)"

    def cutting(document: Any, _: Any) -> Any:
        rival.execute(cut, (doomed.info.backend_pid,))
        return document

    oracle.write(database, STORY)
    with connect(settings.database_url) as doomed, spoilt("task_list", cutting), pytest.raises(psycopg.Error):
        list(advance.advance(doomed, 0, log.load_after, 1_000))
    assert doomed.closed
    assert {oracle.position(database, name) for name in all_projections()} == {0}
    oracle.catch_up(database)
    assert not oracle.parked_in(database, "task_list")
    assert oracle.is_right(database)


def a_retry_after_mending_shows_all_in_the_order_of_the_log(database: SyncConnection, typed: Type, name: str) -> None:
    """What came while the document was parked, too."""
    with spoilt(name, failing, spoiling(name)):
        oracle.write(database, [*user(), *STORY])
        oracle.catch_up(database, 3)
        again = typed("projections", "retry", name)
        assert again.exit_code == 1
        position = only(database, name).position
        assert f"stays parked at {position}: ZeroDivisionError: no way to fold {position}" in again.output
    retried = typed("projections", "retry", name)
    assert (retried.exit_code, "is folded again" in retried.output) == (0, True)
    assert not oracle.parked_in(database, name)
    assert oracle.is_right(database)


def spoiling(name: str) -> Any:
    """An event that changes a document of the projection."""
    others = {"workspace_list": MemberJoined(ADA.id, "owner"), "label_list": COLOURED, "trash": PROJECT_TRASHED}
    others["project_list"] = next(event for _, event in STORY if isinstance(event, ProjectCreated))
    others["saved_filter_list"] = SAVED
    return others.get(name, POISON)


@pytest.mark.parametrize("name", sorted(all_projections()))
def test_what_is_parked_is_folded_again_once_that_is_mended(database: SyncConnection, typed: Type, name: str) -> None:
    a_retry_after_mending_shows_all_in_the_order_of_the_log(database, typed, name)


def test_a_retry_that_only_forgets_is_noticed(
    database: SyncConnection, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the events to come, and what came meanwhile is lost."""

    def forgetful(connection: SyncConnection, build: Any, found: ParkedDocument) -> None:
        parked.unpark(connection, build, [TASK])

    with spoilt("task_list", failing):
        oracle.write(database, STORY)
        oracle.catch_up(database)
    monkeypatch.setattr("infra.rebuilding.refold.retry_parked", forgetful)
    assert typed("projections", "retry", "task_list").exit_code == 0
    assert not oracle.is_right(database)


def test_a_retry_of_what_the_table_still_refuses_says_why_and_where(database: SyncConnection, typed: Type) -> None:
    with spoilt("task_list", yielding({"number": 2**70})):
        oracle.write(database, STORY)
        oracle.catch_up(database)
        again = typed("projections", "retry", "task_list", str(TASK))
        assert again.exit_code == 1, again.output
        assert f"stays parked at {oracle.place(database, POISON)}: " in again.output
        assert "out of range" in again.output
    assert typed("projections", "retry", "task_list", str(TASK)).exit_code == 0
    assert oracle.is_right(database)


def test_a_document_that_is_not_parked_cannot_be_retried(database: SyncConnection, typed: Type) -> None:
    oracle.write(database, STORY)
    oracle.catch_up(database)
    asked = typed("projections", "retry", "task_list", str(TASK))
    assert "has parked no document" in str(asked.exception)
    assert "Nothing is parked" in typed("projections", "parked").output


def a_skip_is_recorded_and_holds_for_ever(database: SyncConnection, settings: Settings, typed: Type) -> None:
    """The event that was decided on is left out of the one document: now, in a rebuild, and in a verification."""
    name, words = "task_list", ("--reason", "Nobody needs it", "--as", "ada@example.org")
    with spoilt(name, failing):
        oracle.write(database, [*user(), *STORY])
        oracle.catch_up(database)
        poison = oracle.place(database, POISON)
        shown = typed("projections", "parked", name, COLUMNS="200").output
        assert str(TASK) in shown
        assert f"no way to fold {poison}" in shown
        skipped = typed("projections", "skip", name, str(TASK), *words)
        assert skipped.exit_code == 0, skipped
        (decision,) = [one for one in oracle.all_events(database) if isinstance(one.event, EventSkipped)]
        assert (decision.event, decision.actor) == (EventSkipped(str(TASK), poison, "Nobody needs it"), ADA)
        oracle.catch_up(database)
        assert not oracle.parked_in(database, name)
        history = [one for one in oracle.all_events(database) if one.position != poison]
        expected = fold_history(all_projections()[name], history)
        assert oracle.shown(database, all_projections()[name]) == expected
        rebuilt = oracle.rebuilt(settings.database_url, name)
        assert (rebuilt.switched, rebuilt.differences, rebuilt.parked) == (True, 0, 0)
        assert oracle.shown(database, all_projections()[name]) == expected
        assert not oracle.rebuilt(settings.database_url, name, oracle.VERIFY).differences


def test_a_skip_is_recorded_and_holds_in_every_rebuild(
    database: SyncConnection, settings: Settings, typed: Type
) -> None:
    a_skip_is_recorded_and_holds_for_ever(database, settings, typed)


def test_a_rebuild_that_knows_nothing_of_skips_is_noticed(
    database: SyncConnection, settings: Settings, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.refold.load_skips", lambda *_: frozenset())
    noticed(partial(a_skip_is_recorded_and_holds_for_ever, database, settings, typed))


def test_only_the_administrator_may_skip(database: SyncConnection, typed: Type) -> None:
    with spoilt("task_list", failing):
        oracle.write(database, STORY)
        oracle.catch_up(database)
        asked = typed("projections", "skip", "task_list", str(TASK), "--reason", "I want", "--as", "nobody@example.org")
    assert "Nobody is registered" in str(asked.exception)
    assert oracle.parked_in(database, "task_list") == [str(TASK)]


def looked_after(settings: Settings) -> None:
    with closing(Housekeeping(settings)) as keeper:
        keeper.run_once()


def code_that_knows_an_event_folds_it_by_itself(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parked by code that does not know the event, shown by the first look of a worker that does."""
    oracle.write(database, STORY)
    with monkeypatch.context() as older:
        forgotten = {name: event for name, event in codec.all_event_types().items() if name != "TaskRenamed"}
        older.setattr(codec, "all_event_types", lambda: forgotten)
        codec._decoders.cache_clear()  # noqa: SLF001 - as in a process of older code
        oracle.catch_up(database)
        found = {one.document: one for one in parked.all_parked(database, oracle.build_of(database, "task_list"))}
        assert found.keys() == {str(TASK), str(OTHER_TASK)}
        assert (found[str(TASK)].unknown, found[str(TASK)].position) == ("TaskRenamed", oracle_place(database, TASK))
        looked_after(settings)
        assert len(oracle.parked_in(database, "task_list")) == 2
    codec._decoders.cache_clear()  # noqa: SLF001 - as above
    looked_after(settings)
    assert {name: oracle.parked_in(database, name) for name in all_projections()} == {
        name: [] for name in all_projections()
    }
    assert oracle.is_right(database)


def oracle_place(database: SyncConnection, stream: Any) -> int:
    return log.load_stream(database, stream, 2)[0].position


def test_code_that_knows_an_event_folds_it_by_itself(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_that_knows_an_event_folds_it_by_itself(database, settings, monkeypatch)


def test_code_that_leaves_what_it_knows_by_now_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.worker.housekeeping.parked.parked_by_unknown", lambda *_: [])
    noticed(partial(code_that_knows_an_event_folds_it_by_itself, database, settings, monkeypatch))


def test_a_parked_document_is_said_of_the_projection_that_has_it(database: SyncConnection, typed: Type) -> None:
    with spoilt("task_list", failing):
        oracle.write(database, STORY)
        oracle.catch_up(database)
    lines = {line.split()[0]: line.split() for line in typed("projections", "list", COLUMNS="200").output.splitlines()}
    assert {name: words[-3] for name, words in lines.items() if name in all_projections()} == dict.fromkeys(
        all_projections(), "0"
    ) | {"task_list": "1"}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    "event", [AFTERWARDS, replace(CREATED, number=2, key="HOME-2", title="poison")], ids=["changed", "new"]
)
def test_a_rebuild_parks_what_the_live_build_parks(
    database: SyncConnection, settings: Settings, fields: dict[str, Any], event: Any
) -> None:
    """Whatever a table refuses: the rest is built, and nothing differs."""
    story = [*workspace(), *project(), *task(task_id=OTHER_TASK), *task(number=2, title="poison"), *STORY[-3:]]
    with spoilt("task_list", yielding(fields), event):
        oracle.write(database, story)
        oracle.catch_up(database, 3)
        live = only(database)
        rebuilt = oracle.rebuilt(settings.database_url, "task_list")
        assert (rebuilt.differences, rebuilt.switched, rebuilt.parked) == (0, True, 1)
        assert only(database).position == live.position
        assert OTHER_TASK in oracle.shown(database, all_projections()["task_list"])
