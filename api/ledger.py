"""The ledger: the one thing that endpoints ask, to write and to read."""

import time
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request, Response
from msgspec import Struct

from api import conditions, conflict, history, tracing
from api.auth import Credential
from api.manner import Tried, manner
from api.naming import given_id, is_key
from api.problems import Lost
from commands import rights
from commands.append import Key
from commands.command import Command, present
from commands.decision import Wish
from commands.group import Order
from commands.handling import Done, Handling
from commands.results import Warned
from domain.errors import AmbiguousKey, NotFound, Purged, Refusal, ScopeTooNarrow, VersionConflict
from domain.event import Actor
from domain.invitation import Invitation
from domain.project import Project
from domain.task import Task
from domain.user import User
from domain.workspace import Workspace
from infra.counting import Counting
from infra.credentials import Credentials
from infra.hints import Hints
from infra.ids import new_id
from infra.invitations import Invitations
from infra.limits import Limits
from infra.log import NO_END, EventLog
from infra.mail import Mail
from infra.operating import Operating
from infra.projected import Behind, Projected
from infra.proxies import Proxies
from infra.reading import Reading
from infra.revoked import Revoked
from infra.rights import Rights
from infra.sessions import Sessions
from infra.settings import Settings
from infra.tokens import Tokens
from projections import page, task_list, workspace_list
from projections.page import Cursor, Page
from projections.projection import Answer, Question
from projections.workspace_list import WorkspaceRow

Asked: TypeAlias = Request[Actor, Credential, Any]
BASE = "/api/v1"
_PLACES = {
    Task: "/tasks/{}",
    Project: "/projects/{}",
    Workspace: "/workspaces/{}",
    User: "/auth/me",
    Invitation: "/invitations/{}",
}


class Written(Struct, frozen=True, omit_defaults=True):
    """What a command did: the stream it is about, its version now, and a position that includes it."""

    id: UUID
    version: int
    position: int
    key: str | None = None
    warnings: tuple[Warned, ...] = ()


class Ledger(Struct, frozen=True):
    """Everything that this process holds open."""

    settings: Settings
    log: EventLog
    handling: Handling
    counting: Counting
    reading: Reading
    projected: Projected
    rights: Rights
    credentials: Credentials
    sessions: Sessions
    tokens: Tokens
    revoked: Revoked
    limits: Limits
    proxies: Proxies
    hints: Hints
    operating: Operating
    invitations: Invitations
    mail: Mail

    async def write(self, asked: Asked, target: UUID, command: Command[Any]) -> Response[Written]:
        """Carry out a command, and say what it did. Raises the Refusal that answers it otherwise."""
        command, by_header = conditions.expected(asked, command)
        try:
            key = await conditions.idempotency(asked)
            done = await self.handle(order(asked, [Wish(target, command)], [key] if key else []))
        except VersionConflict as race:
            raise await self.lost(asked, target, race, by_header=by_header) from race
        return written(command, done)

    async def handle(self, order: Order) -> Done:
        """Carry out commands, and wake the workers if anything changed; a replay is authorised like a read.

        Raises Tried where they were only tried.
        """
        done = await self.counting.handle(order)
        if order.dry:
            raise Tried(done)
        for workspace_id in done.workspace_ids:  # of a replay
            await self.rights.may_see(order.actor.person, workspace_id)
        if done.changed:
            self.hints.give(done.position)
        return done

    async def lost(self, asked: Asked, target: UUID, race: VersionConflict, *, by_header: bool = False) -> Lost:
        """The answer to who lost a race; raises NotFound to who may not see any more what happened."""
        told = await conflict.lost(self.log, target, race, by_header=by_header)
        here = [race.workspace_id] if race.workspace_id and told.members["current"] else []
        if here and not await self.rights.memberships(asked.user.person, here):
            raise NotFound
        return told

    async def may(self, asked: Asked, operation: str, workspace: UUID) -> None:
        """Raise NotFound, ScopeTooNarrow or Forbidden unless who asks may do something there, as they ask."""
        needed = rights.TABLE[operation].scope
        if not rights.has_scope(asked.auth.scope, needed):
            raise ScopeTooNarrow(needed=needed)
        await self.rights.may(operation, asked.user.person, workspace)

    async def may_operate(self, asked: Asked) -> None:
        """Raise ScopeTooNarrow or Forbidden unless who asks administers this installation, and may do so as they do."""
        if not rights.has_scope(asked.auth.scope, rights.TABLE["Operate"].scope):
            raise ScopeTooNarrow(needed=rights.TABLE["Operate"].scope)
        await self.rights.may_operate(asked.user.person)

    async def read(self, asked: Asked, question: Question, min_position: int | None) -> Response[Any]:
        """Answer a question, as `found` does; raises Purged for what was there, NotFound for what never was."""
        answer, position = await self.found(asked, question, min_position)
        if answer is None:
            raise await self._absent(asked, question.scopes[0])
        return conditions.answered(asked, answer, position)

    async def found(self, asked: Asked, question: Question, min_position: int | None) -> tuple[Answer | None, int]:
        """The answer to a question and the position that it includes, once the read model includes `min_position`.

        Who may have it is asked last, of the log as it is when all waiting and reading is over; and before any waiting
        too, so that a stranger does not wait. Raises Behind where it takes too long, and what `Rights.may_read` raises.
        """
        person, names = asked.user.person, [projection.name for projection in question.projections]
        at_least, deadline = min_position or 0, time.monotonic() + conditions.patience(asked)
        while True:
            for name in names:
                if at_least and not self.projected.includes(name, at_least):
                    await self.rights.may_read(person, question)
                    await self.projected.wait(name, at_least, deadline - time.monotonic())
            answer, position = await self.reading.answer(question)
            if position >= at_least:
                break
            for name in names:
                self.projected.doubt(name)  # an answer has its own position: what was heard of the read model was wrong
            if time.monotonic() > deadline:
                raise Behind
        await self.rights.may_read(person, question, answer)
        return answer, position

    async def workspaces(self, asked: Asked, min_position: int | None = None) -> tuple[UUID, ...]:
        """Those that who asks is a member of now, in an order of their own."""
        question = workspace_list.of_user(asked.user.person)
        found, _ = await self.found(asked, question, min_position)
        ids = [one.id for one in msgspec.json.decode(found.body, type=Page[WorkspaceRow]).items] if found else []
        return tuple(sorted(await self.rights.memberships(asked.user.person, ids)))

    async def _absent(self, asked: Asked, stream: UUID) -> Refusal:
        """Why there is nothing: it was purged, or never was; a stranger learns nothing of either."""
        for known in await self.log.known([(stream, Task), (stream, Project)]):
            for state in known.states.values():
                if isinstance(state, Task | Project) and state.purged:
                    await self.rights.may_see(asked.user.person, state.workspace_id)
                    return Purged()
        return NotFound()

    async def told(
        self, asked: Asked, stream: UUID, limit: int, cursor: str | None, min_position: int | None
    ) -> Response[Any]:
        """The history of a task out of the log itself, newest first; raises NotFound.

        It is never behind: Behind is raised for a position that the log has not reached.
        """
        before = Cursor.read(cursor, stream) or NO_END
        position = await self.log.head()  # first: the answer holds at least what stood there by then
        if position < (min_position or 0):
            raise Behind
        task = present(await self.log.state(Task, stream))
        shown = await self.log.last(stream, limit, before)
        await self.rights.may_see(asked.user.person, task.workspace_id, task.project_id)
        if task.purged:
            raise Purged
        more = Cursor(stream, shown[-1].version).write() if shown and shown[-1].version > 1 else None
        answer = page.answer({"items": await history.items(self.log, shown), "next_cursor": more}, more)
        return conditions.answered(asked, answer, position)

    async def recounted(self, asked: Asked, question: Question, min_position: int | None) -> Response[Any]:
        """The events whose positions a question finds, out of the log; raises Behind."""
        found, position = await self.found(asked, question, min_position)
        places, more = (found.body, found.next_cursor) if found else (b"[]", None)
        shown = await history.items(self.log, await self.log.at(msgspec.json.decode(places, type=list[int])))
        return conditions.answered(asked, page.answer({"items": shown, "next_cursor": more}, more), position)

    async def task_id(self, asked: Asked, task: str) -> UUID:
        """The id of a task named by id or by a human key in one of the caller's workspaces."""
        if not is_key(task):
            return given_id(task)
        wanted = (task, str(asked.user.person))
        found = await self.reading.rows(task_list.OF_KEY, wanted)
        if not found:  # perhaps not yet: the key of a task that was created a moment ago
            head, patience = await self.log.head(), conditions.patience(asked)
            for projection in (task_list.projection, workspace_list.projection):
                await self.projected.wait(projection.name, head, patience)
            found = await self.reading.rows(task_list.OF_KEY, wanted)
        if len(found) > 1:  # whoever was removed a moment ago is not told of two
            here = await self.rights.memberships(asked.user.person, [workspace for _, workspace in found])
            found = [row for row in found if row[1] in here]
        if len(found) != 1:
            raise AmbiguousKey if found else NotFound
        return UUID(str(found[0][0]))


def order(asked: Asked, wishes: Sequence[Wish], keys: Sequence[Key] = ()) -> Order:
    """What a request asks for: as whom, how far its token goes, where it came from, and in which manner."""
    how = manner(asked)
    return Order(wishes, asked.user, new_id(), keys, tracing.trace(), asked.auth.scope, how.dry, how.rebase)


def written(command: Command[Any], done: Done) -> Response[Written]:
    """The answer to a command that was carried out."""
    result = done.results[0]
    content = Written(result.id, result.version, done.position, result.key, result.warnings)
    headers = {"ETag": f'"{result.version}"', **conditions.carried(done.position, replayed=done.replayed)}
    if command.creates:
        headers["Location"] = BASE + _PLACES[command.about].format(result.id)
    return Response(content, status_code=201 if command.creates else 200, headers=headers)
