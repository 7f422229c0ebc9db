"""The watchers of a task equal a recount, also after a rebuild; planted defects break it."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.comment import AddComment, EditComment
from commands.handling.command_on import CommandOn
from commands.task import AssignTask, EditTask, UnassignTask
from commands.watch import TaskWatchCommand, UnwatchTask, WatchTask
from domain import watch
from domain.comment import CommentAdded, CommentEdited
from domain.errors import Refusal
from domain.event import Actor, Change, Event, RecordedEvent
from domain.task import TaskAssigned, TaskCreated
from domain.watch import TaskUnwatched, TaskWatched, Watchers, task_watch_stream_id
from infra.settings import Settings
from projections import task_list
from projections.engine.connection import SyncConnection
from projections.fingerprint import fold_history
from projections.task_list import folding
from tests.commands.comment_laws import EVE, initial_history
from tests.commands.decision_laws import at_current_version
from tests.examples import (
    ADA,
    ASSIGNED,
    BOB,
    CAT,
    COMMENT,
    COMMENT_EDITED,
    CREATED,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    TASK_WATCH,
    TASK_WATCHED,
    comment,
    project,
    task,
    workspace,
)
from tests.given import EventHistory
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.test_comment_count import recorded_events
from tests.strategies import COMMAND_STRATEGIES

pytestmark = pytest.mark.slow

Step = tuple[Actor, CommandOn | TaskWatchCommand]
_SAID = st.builds(lambda kind, task: kind(task_id=task), st.sampled_from([WatchTask, UnwatchTask]), st.just(TASK))
_FIRST: Step = ADA, CommandOn(COMMENT, AddComment(task_id=TASK, text="Which one?"))
_EDITED = st.builds(
    CommandOn, st.just(COMMENT), st.builds(EditComment, text=st.sampled_from(["@Bob?", "@Cat?", "Which one?"]))
)
_steps = st.lists(
    st.tuples(
        st.sampled_from([ADA, BOB, CAT]),
        st.one_of(
            *(COMMAND_STRATEGIES[kind] for kind in (AssignTask, UnassignTask, EditTask, AddComment)),
            _EDITED,
            _EDITED,
            _SAID,
            _SAID,
        ),
    ),
    min_size=4,
    max_size=20,
)
"""Of an owner, an administrator and a member."""


def recorded(steps: Sequence[Step]) -> list[RecordedEvent]:
    """The events of the steps, each with its actor, after a history of two tasks; refused steps are left out."""
    history = initial_history()
    actors = [ADA] * len(history.facts)
    for actor, drawn in (_FIRST, *steps):
        on = drawn if isinstance(drawn, CommandOn) else CommandOn(drawn.derive_target(actor.user_id) or TASK, drawn)
        try:
            facts = history.decide(at_current_version(on, history), actor=actor).new_events
        except Refusal:
            continue
        history = EventHistory([*history.facts, *facts])
        actors += [actor] * len(facts)
    events = recorded_events(history.facts)
    return [replace(event, actor=actor) for event, actor in zip(events, actors, strict=True)]


def watches(user: UUID, task_id: UUID, events: Sequence[RecordedEvent]) -> bool:
    """Whether a user watches a task: as they last said, else if they ever had to do with it."""
    said, is_involved = None, False
    for one in events:
        match one.event:
            case TaskWatched() | TaskUnwatched() as event if (event.task_id, event.user_id) == (task_id, user):
                said = isinstance(event, TaskWatched)
            case TaskCreated(assignees=assignees) if one.stream == task_id:
                is_involved |= user in {one.actor.user_id, *assignees}
            case TaskAssigned(user_id=assigned) if one.stream == task_id:
                is_involved |= user == assigned
            case CommentAdded() as event if event.task_id == task_id:
                is_involved |= user in {event.user_id, *event.mentions}
            case CommentEdited() as event if event.task_id == task_id:
                is_involved |= user in event.mentions.new
    return is_involved if said is None else said


@law(_steps, examples=300)
def the_watchers_equal_a_recount(steps: Sequence[Step]) -> None:
    events = recorded(steps)
    rows = fold_history(task_list.projection, events)
    for task_id in (TASK, OTHER_TASK):
        recounted = {user.id for user in (ADA, BOB, CAT, EVE) if watches(user.id, task_id, events)}
        assert set(rows[task_id].watchers.users) == recounted
        assert len(rows[task_id].watchers.users) == len(recounted)


@law(_steps, examples=300)
def nothing_but_a_word_ends_an_unwatch(steps: Sequence[Step]) -> None:
    """Event by event: a user who said that they do not watch is no watcher until they say so."""
    events, unwatched = recorded(steps), set[UUID]()
    for count, one in enumerate(events, 1):
        if isinstance(one.event, TaskWatched | TaskUnwatched) and one.event.task_id == TASK:
            unwatched -= {one.event.user_id}
            unwatched |= {one.event.user_id} if isinstance(one.event, TaskUnwatched) else set()
        if unwatched:
            row = fold_history(task_list.projection, events[:count])[TASK]
            assert unwatched.isdisjoint(row.watchers.users)


LAWS = [the_watchers_equal_a_recount, nothing_but_a_word_ends_an_unwatch]


@pytest.mark.parametrize("check", LAWS)
def test_the_laws_of_watching_hold(check: Callable[[], None]) -> None:
    check()


def an_unwatch_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    after = Watchers.after
    patch.setattr(Watchers, "after", lambda those, event: Watchers(after(those, event).users))


def an_unwatch_keeps_the_watcher(patch: pytest.MonkeyPatch) -> None:
    after = Watchers.after
    patch.setattr(Watchers, "after", lambda those, event: Watchers(those.users, after(those, event).unwatched))


def mentions_are_ignored(patch: pytest.MonkeyPatch) -> None:
    followers = watch.followers

    def unmentioned(event: Event, actor: Actor) -> tuple[UUID, ...]:
        return () if isinstance(event, CommentEdited) else followers(event, actor)

    patch.setattr(folding, "followers", unmentioned)


def edited_mentions_touch_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CommentEdited, "touches", lambda _: ())


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (an_unwatch_is_forgotten, nothing_but_a_word_ends_an_unwatch),
        (an_unwatch_keeps_the_watcher, nothing_but_a_word_ends_an_unwatch),
        (an_unwatch_keeps_the_watcher, the_watchers_equal_a_recount),
        (mentions_are_ignored, the_watchers_equal_a_recount),
        (edited_mentions_touch_nothing, the_watchers_equal_a_recount),
    ],
)
def test_a_planted_defect_is_noticed(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Callable[[], None]
) -> None:
    plant(monkeypatch)
    assert_check_fails(check)


def test_an_import_makes_only_the_assigned_watch() -> None:
    created = replace(CREATED, assignees=(CAT.id,))
    importer = Actor(ADA.id, "import")
    assert watch.followers(created, importer) == (CAT.id,)
    assert watch.followers(created, Actor(BOB.id, "agent", ADA.id)) == (ADA.id, CAT.id)
    assert watch.followers(ASSIGNED, importer) == (ADA.id,)
    added = CommentAdded(CREATED.workspace_id, PROJECT, TASK, ADA.id, "Imported")
    assert watch.followers(added, importer) == ()


def test_a_watch_is_no_change_of_the_task_itself(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    before = oracle.serving_rows(database, task_list.projection)[TASK]
    assert before.watchers == Watchers((ADA.id,))
    said = TaskUnwatched(TASK, PROJECT, CAT.id, Change(None, new=False))
    oracle.append_facts(database, [(TASK_WATCH, TASK_WATCHED), (task_watch_stream_id(TASK, CAT.id), said)])
    oracle.catch_up(database)
    after = oracle.serving_rows(database, task_list.projection)[TASK]
    assert after == replace(before, watchers=Watchers((ADA.id,), (CAT.id,)))


def test_a_rebuild_finds_the_same_watchers(database: SyncConnection, settings: Settings) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task()])
    oracle.catch_up(database)
    mentioned = replace(COMMENT_EDITED, mentions=Change((), (BOB.id, CAT.id)))
    said = TaskUnwatched(TASK, PROJECT, BOB.id, Change(None, new=False))
    oracle.append_facts(database, [(task_watch_stream_id(TASK, BOB.id), said), *comment(mentioned)])
    oracle.catch_up(database)
    rows = oracle.serving_rows(database, task_list.projection)
    assert rows[TASK].watchers == Watchers((ADA.id, CAT.id), (BOB.id,))
    assert oracle.matches_log(database)
    assert oracle.rebuild_inline(settings.database_url, "task_list").switched
    assert oracle.serving_rows(database, task_list.projection) == rows
