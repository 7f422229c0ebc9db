"""The guarantees of the event store: each is a check that fails if its guarantee is broken."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from functools import partial
from itertools import count
from random import Random
from typing import Any
from uuid import UUID, uuid4

from commands.command import Command
from commands.handling.append import Append, AppendResult, WrongExpectedVersion
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.member import RemoveMember, SetRole
from commands.task import CompleteTask, CreateTask, ReopenTask
from domain.errors import NotFound
from domain.event import Actor, Change, Event
from domain.task import TaskRenamed
from infra import log as reading
from infra.cancel import cancel_all
from infra.database.connections import connect
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from tests.consistency import Acknowledged, CallHistory, assert_consistent, read_log
from tests.examples import ADA, WORKSPACE, another_user, fixed_uuid7
from tests.gather_or_cancel import gather_or_cancel
from tests.retrying_clients import OutcomeUnknown, RetryingClient, retry_until_definite
from tests.store.two_processes import PROJECTS, TwoProcesses, append_new_streams

CONCURRENT_WRITERS = 32
APPENDS_PER_GROUP = 4
"""The number of a stream's writers that share one group."""
CONCURRENT_REQUESTS = 100
"""Requests that are sent at once and may be cancelled."""
MEMBER_WRITERS = 2
"""Concurrent writers for a member who is being removed."""
COMMANDS_BETWEEN_CUTS = 8
"""Commands that get a definite answer between two terminations of connections."""
LOST_SHARE = 0.2
"""The share of answers from the database that are lost; most commands are retried once by their process."""
HANG_TIMEOUT_S = 30.0
"""After this time the check counts as hung."""


async def one_writer_wins_each_version(both: TwoProcesses, rounds: int) -> None:
    """All writers expect the same version of a stream, in concurrent groups: versions stay contiguous, none is lost."""
    stream, notes = uuid4(), CallHistory()
    for version in range(rounds):
        titles = [f"{version}-{writer}" for writer in range(CONCURRENT_WRITERS)]
        groups = [titles[at : at + APPENDS_PER_GROUP] for at in range(0, CONCURRENT_WRITERS, APPENDS_PER_GROUP)]
        await gather_or_cancel(
            *(_compete(both.logs[at % 2], notes, stream, version, group) for at, group in enumerate(groups))
        )
        assert notes.counts == {"acknowledged": version + 1, "refused": (CONCURRENT_WRITERS - 1) * (version + 1)}, (
            version
        )
    with connect(both.url) as connection:
        log = read_log(connection)
    assert sum(entry.stream == stream for entry in log) == rounds
    assert_consistent(notes.calls, [entry for entry in log if entry.stream == stream])


async def _compete(log: EventLog, notes: CallHistory, stream: UUID, version: int, titles: list[str]) -> None:
    sent = time.monotonic()
    answers = await log.append([_append({stream: version}, stream, TaskRenamed(Change("", title))) for title in titles])
    for title, answer in zip(titles, answers, strict=True):
        assert isinstance(answer, AppendResult | WrongExpectedVersion), answer
        place = Acknowledged(stream, version + 1, answer.position) if isinstance(answer, AppendResult) else None
        notes.record(title, sent, place or "refused")


async def a_following_reader_skips_no_event(both: TwoProcesses, writers: int, groups: int, events: int) -> None:
    """Each writer appends `groups` groups of `events` events; the reader asks only for events after its checkpoint."""
    written = threading.Event()
    reader = asyncio.create_task(asyncio.to_thread(_follow_log, both.url, written))
    try:
        await gather_or_cancel(*(_append_groups(both.logs[at % 2], groups, events) for at in range(writers)))
    finally:
        written.set()
        seen, pages = await reader
    with connect(both.url) as connection:
        rows = connection.execute("select notification_id from log.events order by 1").fetchall()
    assert len(rows) >= writers * groups * events
    assert seen == [position for (position,) in rows], f"skipped {len(rows) - len(seen)} of {len(rows)}"
    assert pages > groups // 4, f"the reader did not follow: {pages} pages"


def _follow_log(url: str, written: threading.Event) -> tuple[list[int], int]:
    """All positions in the order that a reader gets them, and the number of pages."""
    seen: list[int] = []
    with connect(url) as connection:
        for pages in count():
            last = written.is_set()
            page = reading.load_after(connection, seen[-1] if seen else 0, 1_000)
            seen += [recorded.position for recorded in page]
            if last and not page:
                return seen, pages
    raise AssertionError


async def _append_groups(log: EventLog, groups: int, events: int) -> None:
    """Groups of ten commands that share the events."""
    for _ in range(groups):
        renamed: list[Event] = [TaskRenamed(Change("a", "b"))] * (events // 10)
        streams = [uuid4() for _ in range(10)]
        answers = await log.append([_append({stream: 0}, stream, *renamed) for stream in streams])
        assert all(isinstance(answer, AppendResult) for answer in answers), answers


async def no_process_decides_on_a_stale_cache(both: TwoProcesses, tasks: int, rounds: int) -> None:
    """Whatever each process has cached, every command takes effect."""
    await gather_or_cancel(*(_reopen_and_complete(both, rounds) for _ in range(tasks)))


async def _reopen_and_complete(both: TwoProcesses, rounds: int) -> None:
    (one, other), task = both.handlers, new_id()
    await one.handle(
        CommandRequest([CommandOn(task, CreateTask(project_id=PROJECTS[0], title="Buy milk"))], ADA, new_id())
    )
    await other.handle(CommandRequest([CommandOn(task, CompleteTask())], ADA, new_id()))
    for number in range(rounds):
        reopened = await one.handle(CommandRequest([CommandOn(task, ReopenTask())], ADA, new_id()))
        assert (reopened.has_changes, reopened.results[0].version) == (True, 2 * number + 3), reopened
        completed = await other.handle(CommandRequest([CommandOn(task, CompleteTask())], ADA, new_id()))
        assert (completed.has_changes, completed.results[0].version) == (True, 2 * number + 4), completed


async def no_write_of_a_removed_member_commits_later(both: TwoProcesses, members: int, rounds: int) -> None:
    """One process removes a member while the other carries out the member's commands from its cache."""
    task = new_id()
    await both.handlers[0].handle(_request_by(ADA, task, CreateTask(project_id=PROJECTS[0], title="Buy milk")))
    await gather_or_cancel(
        *(_remove_while_writing(both, Actor(fixed_uuid7(900 + at)), task, rounds) for at in range(members))
    )


async def _remove_while_writing(both: TwoProcesses, member: Actor, task: UUID, rounds: int) -> None:
    """The writers never pause, so each has a command in flight when the removal commits."""
    one, other = both.handlers
    await append_new_streams(both.logs[0], another_user(member, f"{member.id}@example.org"))
    for _ in range(rounds):
        await one.handle(_request_by(ADA, WORKSPACE, SetRole(user_id=member.id, role="member")))
        await other.handle(_request_by(member, task, CompleteTask()))  # cached from now on
        race = _RemovalRace()
        writers = [
            asyncio.create_task(_write_until_refused(other, member, project, race))
            for project in PROJECTS[:MEMBER_WRITERS]
        ]
        try:
            await asyncio.wait_for(race.has_landed.wait(), HANG_TIMEOUT_S)
            removal = await one.handle(_request_by(ADA, WORKSPACE, RemoveMember(user_id=member.id)))
            race.is_removed.set()
            await asyncio.gather(*writers)
        finally:
            await cancel_all(*writers)
            await asyncio.gather(
                *writers, return_exceptions=True
            )  # an error that is not read is reported in another test
        assert all(position < removal.position for position in race.landed), (removal.position, race.landed)


class _RemovalRace:
    """The positions of the member's commands, and the progress of the race."""

    def __init__(self) -> None:
        self.landed: list[int] = []
        self.has_landed, self.is_removed = asyncio.Event(), asyncio.Event()


async def _write_until_refused(handler: CommandHandler, member: Actor, project_id: UUID, race: _RemovalRace) -> None:
    """Send each command once the previous one is acknowledged; stop once the removal is, even if none was refused."""
    with contextlib.suppress(NotFound):
        while not race.is_removed.is_set():
            done = await handler.handle(_request_by(member, new_id(), CreateTask(project_id=project_id, title="x")))
            race.landed.append(done.position)
            race.has_landed.set()


def _request_by(actor: Actor, target: UUID, command: Command[Any]) -> CommandRequest:
    return CommandRequest([CommandOn(target, command)], actor, new_id())


async def retries_make_every_outcome_definite(both: TwoProcesses, clients: int, rounds: int) -> None:
    """Connections are terminated and answers get lost; clients retry each command until its outcome is definite."""
    notes, over = CallHistory(), threading.Event()
    shared = await retry_until_definite(notes, "shared", lambda: both.create("shared", "shared"))
    assert isinstance(shared, Acknowledged)
    both.lose_replies(LOST_SHARE)
    cut = asyncio.create_task(asyncio.to_thread(_terminate_backends, both.url, notes, over))
    retrying = [RetryingClient(f"client {at}", both, notes, shared.stream) for at in range(clients)]
    try:
        for _ in range(rounds):
            await asyncio.wait_for(gather_or_cancel(*(client.run_round() for client in retrying)), HANG_TIMEOUT_S)
    finally:
        over.set()
        in_flight = await cut
    assert notes.counts["unknown"], "no answer was lost"
    assert in_flight, "no connection was terminated while it was in use"
    _assert_history_is_consistent(both, notes)


def _terminate_backends(url: str, notes: CallHistory, stop: threading.Event) -> int:
    """Terminate active connections again and again; returns the number terminated.

    Commands must get their answers in between: statements slower than the pause would never finish.
    """
    terminated, next_cut_at = 0, 0
    with connect(url, "the scissors") as connection:
        while not stop.wait(0.04):
            if _count_definite(notes) >= next_cut_at and (cut := connection.execute(_TERMINATE_ACTIVE_SQL).rowcount):
                terminated += cut
                next_cut_at = _count_definite(notes) + COMMANDS_BETWEEN_CUTS
    return terminated


def _count_definite(notes: CallHistory) -> int:
    return notes.counts["acknowledged"] + notes.counts["refused"]


_TERMINATE_ACTIVE_SQL = """select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'taskledger api' and datname = current_database() and state = 'active'"""


async def cancelled_requests_leave_the_pool_whole(both: TwoProcesses, requests: int, seed: int) -> None:
    """Requests are cancelled at random moments, and each is sent again later: each is stored exactly once."""
    random, notes = Random(seed), CallHistory()
    titles = [f"request {number}" for number in range(requests)]
    for at in range(0, requests, CONCURRENT_REQUESTS):
        if at % (8 * CONCURRENT_REQUESTS) == 0:
            both.restart()  # so that reads are cancelled too
        await gather_or_cancel(
            *(_create_and_cancel(both, notes, title, random) for title in titles[at : at + CONCURRENT_REQUESTS])
        )
    await _wait_until_idle(both.pools)
    sent = time.monotonic()
    await retry_until_definite(notes, "the next", lambda: both.create("the next", "the next"))
    assert time.monotonic() - sent < 1
    await _retry_unknown(both, notes, titles)
    assert notes.counts["acknowledged"] == requests + 1
    _assert_history_is_consistent(both, notes)


async def _create_and_cancel(both: TwoProcesses, notes: CallHistory, title: str, random: Random) -> None:
    sent = time.monotonic()
    call = asyncio.create_task(both.create(title, title))
    instant = random.choice([0.002, 0.02, 0.2, 5.0]) * random.random()
    cancellation = asyncio.get_running_loop().call_later(instant, call.cancel)
    try:
        answer = await call
    except (asyncio.CancelledError, OutcomeUnknown):
        notes.record(title, sent, "unknown")
    else:
        assert isinstance(answer, Acknowledged)
        notes.record(title, sent, answer)
    finally:
        cancellation.cancel()


async def _retry_unknown(both: TwoProcesses, notes: CallHistory, titles: Sequence[str]) -> None:
    """Retry the requests of unknown outcome: some had been committed and some had not; now all are."""
    with connect(both.url) as connection:
        stored = {entry.title for entry in read_log(connection)}
    answered = {call.unique_title for call in notes.calls if call.outcome != "unknown"}
    unknown = [title for title in titles if title not in answered]
    early = [title for title in unknown if title not in stored]
    assert min(len(answered), len(early), len(unknown) - len(early)) > 0, (len(unknown), len(early))
    for at in range(0, len(unknown), CONCURRENT_REQUESTS):
        again = (
            retry_until_definite(notes, title, partial(both.create, title, title))
            for title in unknown[at : at + CONCURRENT_REQUESTS]
        )
        await gather_or_cancel(*again)


async def _wait_until_idle(pools: Sequence[Pool]) -> None:
    """Wait until every connection is idle."""
    deadline = time.monotonic() + HANG_TIMEOUT_S
    while any(stats["pool_available"] != stats["pool_size"] for stats in (pool.get_stats() for pool in pools)):
        assert time.monotonic() < deadline, f"connections are lost: {[pool.get_stats() for pool in pools]}"
        await asyncio.sleep(0.01)
    assert not any(pool.get_stats()["requests_waiting"] for pool in pools)


def _assert_history_is_consistent(both: TwoProcesses, notes: CallHistory) -> None:
    with connect(both.url) as connection:
        assert_consistent(notes.calls, read_log(connection))


def _append(seen: dict[UUID, int], stream: UUID, *events: Event) -> Append:
    written = [(stream, event) for event in events]
    return Append(expected_versions=seen, events=written, actor=ADA, command_id=new_id(), workspace_id=None)
