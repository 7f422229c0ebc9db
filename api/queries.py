"""Queries: what endpoints ask of read models and of the log, as the one who asks may have it."""

import time
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Struct

from api.http import history, preconditions
from api.http.addressing import given_id, is_key
from api.http.authentication import Credential
from api.http.basis import basis
from api.http.response import Response
from commands.command import present
from domain.errors import AmbiguousKey, NotFound, Purged, Refusal
from domain.event import Actor
from domain.project import Project
from domain.task import Task
from infra.identity.permissions import Rights
from infra.log import NO_END, EventLog
from infra.reading.progress import Behind, Projected
from infra.reading.reader import Found, Reading
from infra.reading.tables import Querying
from projections import pagination, task_list, workspace_list
from projections.pagination import Cursor, Page
from projections.projection import Question
from projections.workspace_list import WorkspaceRow

Asked: TypeAlias = Request[Actor, Credential, Any]


class Queries(Struct, frozen=True, kw_only=True):
    """Answers who may have an answer."""

    log: EventLog
    querying: Querying
    reading: Reading
    projected: Projected
    rights: Rights

    async def read(self, asked: Asked, question: Question, min_position: int | None) -> Response[Any]:
        """Answer a question, as `found` does; raises Purged for what was there, NotFound for what never was."""
        found = await self.found(asked, question, min_position)
        if found.answer is None:
            raise await self._absent(asked, question.scopes[0])
        basis(asked).shown = found
        position, age = basis(asked).extent()
        return preconditions.answered(asked, found.answer, position, age)

    async def found(self, asked: Asked, question: Question, min_position: int | None) -> Found:
        """The answer to a question and the position that it includes, once the read model includes `min_position`.

        Who may have it is asked last, of the log as it is when all waiting and reading is over; and before any waiting
        too, so that a stranger does not wait. Raises Behind where it takes too long, and what `Rights.may_read` raises.
        """
        person, names = asked.user.person, [projection.name for projection in question.projections]
        at_least, deadline = min_position or 0, time.monotonic() + preconditions.patience(asked)
        while True:
            for name in names:
                if at_least and not self.projected.includes(name, at_least):
                    await self.rights.may_read(person, question)
                    await self.projected.wait(name, at_least, deadline - time.monotonic())
            found = await self.reading.answer(question, at_least)
            if found.position >= at_least:
                break
            for name in names:
                self.projected.doubt(name)  # an answer has its own position: what was heard of the read model was wrong
            if time.monotonic() > deadline:
                raise Behind
        basis(asked).rests_on(found, await self.rights.may_read(person, question, found.answer))
        if min_position is not None or found.age is not None or question.moves:
            basis(asked).is_more()
        return found

    async def workspaces(self, asked: Asked, min_position: int | None = None) -> tuple[UUID, ...]:
        """Those that who asks is a member of now, in an order of their own."""
        question = workspace_list.of_user(asked.user.person)
        answer = (await self.found(asked, question, min_position)).answer
        ids = [one.id for one in msgspec.json.decode(answer.body, type=Page[WorkspaceRow]).items] if answer else []
        here = await self.rights.memberships(asked.user.person, ids)
        basis(asked).rights.extend(here)
        return tuple(workspace for _, workspace in here)

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
        answer = pagination.answer({"items": await history.items(self.log, shown), "next_cursor": more}, more)
        return preconditions.answered(asked, answer, position)

    async def recounted(self, asked: Asked, question: Question, min_position: int | None) -> Response[Any]:
        """The events whose positions a question finds, out of the log; raises Behind."""
        found = await self.found(asked, question, min_position)
        places, more = (found.answer.body, found.answer.next_cursor) if found.answer else (b"[]", None)
        shown = await history.items(self.log, await self.log.at(msgspec.json.decode(places, type=list[int])))
        answer = pagination.answer({"items": shown, "next_cursor": more}, more)
        return preconditions.answered(asked, answer, found.position, found.age)

    async def task_id(self, asked: Asked, task: str) -> UUID:
        """The id of a task named by id or by a human key in one of the caller's workspaces."""
        if not is_key(task):
            return given_id(task)
        basis(asked).is_more()
        wanted = (task, str(asked.user.person))
        found = await self.querying.rows(task_list.OF_KEY, wanted)
        if not found:  # perhaps not yet: the key of a task that was created a moment ago
            head, patience = await self.log.head(), preconditions.patience(asked)
            for projection in (task_list.projection, workspace_list.projection):
                await self.projected.wait(projection.name, head, patience)
            found = await self.querying.rows(task_list.OF_KEY, wanted)
        if len(found) > 1:  # whoever was removed a moment ago is not told of two
            here = await self.rights.memberships(asked.user.person, {workspace for _, workspace in found})
            found = [row for row in found if (asked.user.person, row[1]) in here]
        if len(found) != 1:
            raise AmbiguousKey if found else NotFound
        return UUID(str(found[0][0]))
