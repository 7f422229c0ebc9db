"""Watching over HTTP."""

from uuid import UUID

import msgspec
from msgspec import Struct

from api.command_endpoint import command
from api.function_endpoint import get
from api.http import history_items
from api.http.conditional_response import conditional_response
from api.http.expansion import Person
from api.http.memento import dated
from api.http.parameters import PastPageQuery, ReadQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from commands.watch import UnwatchProject, UnwatchTask, WatchProject, WatchTask
from domain.errors import Purged
from domain.event import Actor
from domain.project import Project
from domain.watch import DEFAULT_LEVEL, ProjectWatch, WatchLevel, project_watch_stream_id
from infra.reading.progress import ProjectionBehind
from projections import pagination, watcher_list, workspace_list
from projections.pagination import Page, PageCursor


class ProjectWatchShown(Struct, frozen=True):
    """How much of a project the caller watches: all, mine or none."""

    level: WatchLevel


@get("/tasks/{task}/watchers")
async def list_watchers(
    task: UUID, request: AuthedRequest, ledger: Ledger, query: PastPageQuery
) -> Response[Page[Person]]:
    """List the members of the workspace who watch a task, by id; of the past, those who are members today."""
    moment = await ledger.moment(request, query.as_of, query.at_position)
    question = watcher_list.of_task(task).as_of(moment)
    list_id = pagination.list_id_for(task, "watchers", {})
    after = PageCursor.parse(query.cursor, list_id, UUID)
    found = await ledger.fetch(request, question, query.min_position)
    if found.answer is None or found.answer.workspace_id is None:
        return await ledger.respond(request, question, found, ())
    watchers = msgspec.json.decode(found.answer.body, type=set[UUID])
    members = await ledger.fetch(request, workspace_list.members(found.answer.workspace_id), query.min_position)
    present = msgspec.json.decode(members.answer.body, type=dict[UUID, str]) if members.answer else {}
    names = await history_items.load_names(ledger.log, [Actor(user) for user in watchers & present.keys()])
    people = [Person(user, names.get(user)) for user in sorted(watchers & present.keys()) if not after or user > after]
    answer = pagination.paginate(people, query.limit, list_id, lambda person: person.id)
    response = conditional_response(request, answer, min(found.position, members.position), found.age_s)
    return dated(response, moment.clock) if moment and moment.clock else response


watch_task = command(
    "PUT", "/tasks/{task}/watch", WatchTask, "Watch a task, also one that you have nothing to do with."
)
unwatch_task = command(
    "DELETE",
    "/tasks/{task}/watch",
    UnwatchTask,
    """Stop watching a task.

    You watch a task that you create, comment on, are assigned to or are mentioned on; after this you no longer do by
    any of these, until you watch it again.
    """,
)


@get("/projects/{project}/watch")
async def show_project_watch(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: ReadQuery
) -> Response[ProjectWatchShown]:
    """Show how much of a project you watch, straight from the log."""
    position = await ledger.log.head()  # first: the answer includes at least everything up to it
    if position < (query.min_position or 0):
        raise ProjectionBehind
    about = require_found(await ledger.log.load_state(Project, project))
    user = request.user.user_id
    watch = await ledger.log.load_state(ProjectWatch, project_watch_stream_id(project, user))
    await ledger.permissions.require_access(user, about.workspace_id, project)
    if about.purged:
        raise Purged
    shown = ProjectWatchShown((watch and watch.level) or DEFAULT_LEVEL)
    return conditional_response(request, pagination.encode_answer(shown), position)


watch_project = command(
    "PUT",
    "/projects/{project}/watch",
    WatchProject,
    "Watch all tasks of a project, those that you watch one by one (`mine`, the default), or none.",
)
unwatch_project = command(
    "DELETE", "/projects/{project}/watch", UnwatchProject, "Watch a project at the default level (`mine`) again."
)
