"""Queries: what endpoints read from read models and from the log, checked against the caller's permissions."""

import time
from datetime import UTC
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Struct

from api.http import expansion, prefer
from api.http.addressing import is_project_key, is_task_key, parse_project_id, parse_task_id
from api.http.authentication import Credential
from api.http.conditional_response import conditional_response
from api.http.deadline import current_deadline
from api.http.dependencies import dependencies_of
from api.http.malformed_request import MalformedRequest
from api.http.memento import dated
from api.http.response import Response
from domain.errors import AmbiguousKey, NotFound, Purged, Refusal
from domain.event import Actor
from domain.project import Project
from domain.task import Task
from domain.timestamp import parse_timestamp
from infra import admission
from infra.identity.permissions import Permissions
from infra.log.event_log import EventLog
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.reader import Reader, ReadResult
from infra.reading.tables import ReadTables
from projections import project_list, task_list, workspace_list
from projections.moment import Moment
from projections.pagination import Page
from projections.projection import Projection
from projections.question import Question
from projections.workspace_list import WorkspaceRow

AuthedRequest: TypeAlias = Request[Actor, Credential, Any]


class Queries(Struct, frozen=True, kw_only=True):
    """Answers queries of callers who may see the answer."""

    log: EventLog
    read_tables: ReadTables
    reader: Reader
    progress: ProjectionProgress
    progress_waiter: ProgressWaiter
    permissions: Permissions

    async def moment(self, request: AuthedRequest, as_of: str | None, at_position: int | None) -> Moment | None:
        """The moment of the past that parameters name; None is the present.

        An answer as of a time is not kept by the response cache, as every request looks for the end of the log.
        Raises MalformedRequest for two of them, InTheFuture.
        """
        if as_of is not None and at_position is not None:
            raise MalformedRequest("two_moments", "Send as_of or at_position, not both.")
        if at_position is not None:
            return await self.log.moment_at_position(at_position)
        if as_of is None:
            return None
        dependencies_of(request).uncacheable()
        return await self.log.moment_at(parse_timestamp(as_of).astimezone(UTC))

    async def read(
        self,
        request: AuthedRequest,
        question: Question,
        min_position: int | None,
        expanded_members: tuple[str, ...] = (),
    ) -> Response[Any]:
        """Respond to a question; raises Purged for what was purged, NotFound for what never existed."""
        return await self.respond(
            request, question, await self.fetch(request, question, min_position), expanded_members
        )

    async def respond(
        self, request: AuthedRequest, question: Question, found: ReadResult, expanded_members: tuple[str, ...]
    ) -> Response[Any]:
        """Respond with an answer that was fetched; raises as `read` does."""
        if found.answer is None:
            raise await self._not_found_or_purged(request, question.scopes[0])
        dependencies_of(request).body_read = found
        position, age = dependencies_of(request).position_and_age()
        answer = found.answer
        if expanded_members:
            dependencies_of(request).uncacheable()  # names change without a change of the read model
            answer = await expansion.expand(self.log, answer, expanded_members)
        response = conditional_response(request, answer, position, age)
        if question.moment and question.moment.clock:
            return dated(response, question.moment.clock)
        return response

    async def fetch(self, request: AuthedRequest, question: Question, min_position: int | None) -> ReadResult:
        """The answer to a question and the position that it includes, once the read model includes `min_position`.

        The permission is checked last, against the log as it is after all waiting and reading; and before waiting too,
        so that a stranger does not wait. Raises ProjectionBehind after too long, and what the permission check raises.
        """
        person, names = request.user.user_id, [projection.name for projection in question.projections]
        required_position = max(min_position or 0, question.moment.required_position if question.moment else 0)
        deadline = time.monotonic() + prefer.preferred_wait_s(request)
        while True:
            for name in names:
                if required_position and not self.progress.has_reached(name, required_position):
                    await self.permissions.require_read(person, question)
                    current_deadline().restart(deadline - time.monotonic())
                    with admission.waiting("read model", person):
                        await self.progress_waiter.wait(name, required_position, deadline - time.monotonic())
            found = await self.reader.answer(question, required_position)
            if found.position >= required_position:
                break
            for name in names:
                self.progress.invalidate(name)  # the answer has a position of its own: the reported one was wrong
            if time.monotonic() > deadline:
                raise ProjectionBehind
        dependencies_of(request).depends_on(found, await self.permissions.require_read(person, question, found.answer))
        if min_position is not None or found.age_s is not None or question.is_time_dependent:
            dependencies_of(request).uncacheable()
        return found

    async def workspaces_of_caller(self, request: AuthedRequest, min_position: int | None = None) -> tuple[UUID, ...]:
        """Those that the caller is a member of now, sorted by id."""
        question = workspace_list.for_user(request.user.user_id)
        answer = (await self.fetch(request, question, min_position)).answer
        ids = [one.id for one in msgspec.json.decode(answer.body, type=Page[WorkspaceRow]).items] if answer else []
        memberships = await self.permissions.memberships(request.user.user_id, ids)
        dependencies_of(request).permissions.extend(memberships)
        return tuple(workspace for _, workspace in memberships)

    async def _not_found_or_purged(self, request: AuthedRequest, stream: UUID) -> Refusal:
        """The reason for a missing answer: purged, or never there; a stranger cannot tell which."""
        for known in await self.log.load_states([(stream, Task), (stream, Project)]):
            for state in known.states.values():
                if isinstance(state, Task | Project) and state.purged:
                    await self.permissions.require_access(request.user.user_id, state.workspace_id)
                    return Purged()
        return NotFound()

    async def resolve_task_id(self, request: AuthedRequest, task: str, min_position: int | None = None) -> UUID:
        """The id of a task named by id or by a human key, in any case, in one of the caller's workspaces."""
        if not is_task_key(task):
            return parse_task_id(task)
        sql = task_list.IDS_BY_KEY_FOR_MEMBER_SQL
        return await self._resolve_key(request, task_list.projection, sql, task, min_position)

    async def resolve_project_id(self, request: AuthedRequest, project: str, min_position: int | None = None) -> UUID:
        """The id of a project named by id or by its key, in any case, in one of the caller's workspaces."""
        if not is_project_key(project):
            return parse_project_id(project)
        sql = project_list.IDS_BY_KEY_FOR_MEMBER_SQL
        return await self._resolve_key(request, project_list.projection, sql, project, min_position)

    async def _resolve_key(
        self, request: AuthedRequest, named: Projection[Any], sql: str, key: str, min_position: int | None
    ) -> UUID:
        """The one id with a key, as of `min_position` or later.

        Raises NotFound, or AmbiguousKey if it exists in two of the caller's workspaces.
        """
        dependencies_of(request).uncacheable()
        wanted = {"key": key.upper(), "user": str(request.user.user_id)}
        if min_position:
            await self._wait_for_keys(request, named, min_position)
        found = await self.read_tables.fetch_rows(sql, wanted)
        if not found:  # maybe not yet: the read model may lack a new one
            await self._wait_for_keys(request, named, await self.log.head())
            found = await self.read_tables.fetch_rows(sql, wanted)
        if len(found) > 1:  # a member removed a moment ago must not learn of two
            memberships = await self.permissions.memberships(
                request.user.user_id, {workspace for _, workspace in found}
            )
            found = [row for row in found if (request.user.user_id, row[1]) in memberships]
        if len(found) != 1:
            raise AmbiguousKey if found else NotFound
        return UUID(str(found[0][0]))

    async def _wait_for_keys(self, request: AuthedRequest, named: Projection[Any], position: int) -> None:
        """Return once the read models that say what a key names include a position; raises ProjectionBehind."""
        wait_s = prefer.preferred_wait_s(request)
        for projection in (named, workspace_list.projection):
            if not self.progress.has_reached(projection.name, position):
                current_deadline().restart(wait_s)
                with admission.waiting("read model", request.user.user_id):
                    await self.progress_waiter.wait(projection.name, position, wait_s)
