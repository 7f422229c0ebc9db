"""What Hypothesis draws: every known event and state from its own fields, and wishes that meet one another."""

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, Struct

from commands import permissions
from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import Command
from commands.handling.decision import CommandOn
from commands.invitation import AcceptInvitation, InviteMember, RevokeInvitation
from commands.label import ColourLabel, LabelTask, UnlabelTask
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.projection import SkipEvent
from commands.saved_filter import DeleteFilter, EditFilter, SaveFilter
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, RenameTask, ReopenTask, UnassignTask
from commands.trash import PurgeProject, PurgeTask, RestoreTask, TrashProject, TrashTask
from commands.user import ChangePassword, IssueToken, RegisterUser, RevokeToken
from commands.workspace import CreateWorkspace, EditWorkspace
from domain import codec
from domain.event import Change, Event, State
from domain.label import label_stream_id
from domain.member import Role
from domain.user import INSTANCE_STREAM_ID
from tests.examples import (
    ADA,
    BOB,
    CAT,
    OTHER_FILTER,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_TOKEN,
    OTHER_WORKSPACE,
    PROJECT,
    SAVED_FILTER,
    TASK,
    TOKEN,
    WORKSPACE,
    id7,
)

KNOWN: dict[str, type[Event]] = {
    name: kind for name, kind in codec.all_event_types().items() if kind.__module__.startswith("domain.")
}
"""Every event of the house; not those that a test made up."""
KINDS: tuple[type[State], ...] = tuple(kind for kind in State.__subclasses__() if kind.__module__.startswith("domain."))


def values(wanted: Any) -> SearchStrategy[Any]:
    """Any value of a field's type."""
    if get_origin(wanted) is Change:
        side = values(get_args(wanted)[0])
        return st.builds(Change, side, side)
    if get_origin(wanted) is UnionType and NoneType in get_args(wanted):
        return st.none() | st.one_of(*(values(each) for each in get_args(wanted) if each is not NoneType))
    if get_origin(wanted) is tuple:
        return st.lists(values(get_args(wanted)[0]), max_size=3).map(tuple)
    if isinstance(wanted, type) and issubclass(wanted, Struct):
        return structs(wanted)
    return st.integers(0, 2**63 - 1) if wanted is int else st.from_type(wanted)


def structs(kind: type[Any]) -> SearchStrategy[Any]:
    """Any Struct of that kind, every field filled."""
    return st.builds(kind, **{field.name: values(field.type) for field in msgspec.structs.fields(kind)})


one_of_each: SearchStrategy[tuple[Event, ...]] = st.tuples(*(structs(kind) for kind in KNOWN.values()))
"""An event of every kind: what concerns one event alone is found every time."""
histories: SearchStrategy[list[Event]] = st.builds(
    lambda events, places: [events[place] for place in places],
    one_of_each,
    st.permutations(range(2 * len(KNOWN))).map(lambda places: [place % len(KNOWN) for place in places]),
)
"""An event of every kind, and every one twice, in any order, sensible or not."""
states: SearchStrategy[tuple[State, ...]] = st.tuples(*(structs(kind) for kind in KINDS))
"""A state of every kind."""

_texts = st.sampled_from(["Buy milk", "Buy bread"])
_dues = st.sampled_from(["2026-12-01", None, "2026-12-01T10:00:00Z"])
_priorities = st.sampled_from(["high", "none", None])
_columns = st.sampled_from(["In Progress", "todo", "done", "nowhere"])
_tasks = st.sampled_from([TASK, OTHER_TASK, id7(33)])
_projects = st.sampled_from([OTHER_PROJECT, PROJECT])
_people = st.sampled_from([ADA.id, CAT.id, BOB.id])
_labels = st.sampled_from(["shop", "SHOP", "soon"])
_workspaces = st.sampled_from([WORKSPACE, OTHER_WORKSPACE])
_selves = st.sampled_from([ADA.id, ADA.id, BOB.id])
_tokens = st.sampled_from([TOKEN, OTHER_TOKEN])

_users = st.sampled_from([ADA.id, id7(3), CAT.id])
_roles: SearchStrategy[Role] = st.sampled_from(permissions.ROLES)
_filters = st.sampled_from([SAVED_FILTER, SAVED_FILTER, OTHER_FILTER])
_chosen = st.sampled_from(["status:open", "assignee:me milk", "colour:red", ""])
_sorts = st.sampled_from(["due", "-key", None])
_invitations = st.sampled_from([id7(52), id7(53)])


def _or_unset(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return strategy | st.just(UNSET)


def _wish(targets: SearchStrategy[Any], make: Callable[..., Command[Any]], **fields: Any) -> SearchStrategy[CommandOn]:
    return st.builds(CommandOn, targets, st.builds(make, **fields))


WISHES: Mapping[type[Command[Any]], SearchStrategy[CommandOn]] = {
    CreateTask: _wish(
        _tasks,
        CreateTask,
        project_id=_projects,
        title=_texts,
        description=st.sampled_from(["Red", "", None]),
        priority=_priorities,
        due=_dues,
        column=st.none() | _columns,
        labels=st.sampled_from([(), ("Shop", "shop", "soon")]),
        assignees=st.sampled_from([(), (CAT.id, ADA.id, CAT.id), (BOB.id,)]),
    ),
    EditTask: _wish(
        _tasks,
        EditTask,
        title=_or_unset(_texts),
        description=_or_unset(st.sampled_from(["Red", "", None])),
        priority=_or_unset(_priorities),
        due=_or_unset(_dues),
    ),
    RenameTask: _wish(_tasks, RenameTask, title=_texts),
    CompleteTask: _wish(_tasks, CompleteTask),
    ReopenTask: _wish(_tasks, ReopenTask),
    MoveTask: _wish(_tasks, MoveTask, column=_columns),
    TrashTask: _wish(_tasks, TrashTask),
    AssignTask: _wish(_tasks, AssignTask, user_id=_people),
    UnassignTask: _wish(_tasks, UnassignTask, user_id=_people),
    LabelTask: _wish(_tasks, LabelTask, label=_labels),
    UnlabelTask: _wish(_tasks, UnlabelTask, label=_labels),
    ColourLabel: st.builds(
        lambda label, colour: CommandOn(
            label_stream_id(WORKSPACE, label), ColourLabel(workspace_id=WORKSPACE, label=label, colour=colour)
        ),
        _labels,
        st.sampled_from(["#CC3300", "#cc3300", "#000000", None]),
    ),
    RestoreTask: _wish(_tasks, RestoreTask, column=st.none() | _columns),
    PurgeTask: _wish(_tasks, PurgeTask),
    EditProject: _wish(_projects, EditProject, name=_or_unset(_texts)),
    SetColumns: _wish(
        _projects,
        SetColumns,
        columns=st.lists(
            st.builds(
                ColumnSpec,
                name=st.sampled_from(["To do", "In progress", "Done", "nowhere"]),
                id=st.none() | st.sampled_from(["todo", "doing", "done", "nowhere"]),
                wip_limit=st.none() | st.integers(1, 2),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda wanted: wanted.name,
        ).map(tuple),
        wip=_or_unset(st.sampled_from(["warn", "refuse"])),
    ),
    CountColumn: _wish(
        _projects, CountColumn, column=st.sampled_from(["todo", "doing"]), tasks=st.just(1), seen=st.integers(0, 3)
    ),
    ArchiveProject: _wish(_projects, ArchiveProject),
    TrashProject: _wish(_projects, TrashProject),
    RestoreProject: _wish(_projects, RestoreProject),
    PurgeProject: _wish(_projects, PurgeProject),
    CreateProject: _wish(
        _projects,
        CreateProject,
        workspace_id=_workspaces,
        name=_texts,
        key=st.sampled_from(["WORK", "HOME"]),
    ),
    CreateWorkspace: _wish(_workspaces, CreateWorkspace, name=_texts),
    EditWorkspace: _wish(_workspaces, EditWorkspace, name=_texts),
    SetRole: _wish(_workspaces, SetRole, user_id=_users, role=_roles),
    RemoveMember: _wish(_workspaces, RemoveMember, user_id=_users),
    LeaveWorkspace: _wish(_workspaces, LeaveWorkspace),
    InviteMember: _wish(_invitations, InviteMember, workspace_id=_workspaces, role=_roles),
    RevokeInvitation: _wish(_invitations, RevokeInvitation),
    AcceptInvitation: _wish(_invitations, AcceptInvitation),
    SkipEvent: _wish(
        st.just(INSTANCE_STREAM_ID),
        SkipEvent,
        projection=st.just("task_list"),
        document=st.sampled_from(["1", "2"]),
        position=st.integers(1, 2),
        reason=_texts,
    ),
    SaveFilter: _wish(_filters, SaveFilter, name=_texts, filter=_chosen, sort=_sorts),
    EditFilter: _wish(_filters, EditFilter, name=_or_unset(_texts), filter=_or_unset(_chosen), sort=_or_unset(_sorts)),
    DeleteFilter: _wish(_filters, DeleteFilter),
    RegisterUser: _wish(
        st.sampled_from([id7(3), BOB.id, ADA.id]),
        RegisterUser,
        email=st.sampled_from(["bob@example.org", "BOB@example.org", "ada@example.org"]),
        name=_texts,
        only_first=st.booleans(),
    ),
    ChangePassword: _wish(_selves, ChangePassword, password_id=st.sampled_from([id7(61), id7(62)])),
    IssueToken: _wish(
        _selves,
        IssueToken,
        token_id=_tokens,
        name=_texts,
        scopes=st.sampled_from([("read",), ("write", "admin")]),
        kind=st.sampled_from(["human", "agent"]),
    ),
    RevokeToken: _wish(_selves, RevokeToken, token_id=_tokens),
}
"""For every command, wishes on a few targets with a few values, so that one meets the outcome of another."""

_on_tasks = st.one_of(*(WISHES[kind] for kind in (EditTask, CompleteTask, ReopenTask, MoveTask)))
wishes: SearchStrategy[CommandOn] = st.one_of(*WISHES.values()) | _on_tasks | _on_tasks
walks: SearchStrategy[list[CommandOn]] = st.lists(wishes, min_size=4, max_size=24)
