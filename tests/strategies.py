"""Hypothesis strategies: events and states of any type, and commands that affect one another."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, Raw, Struct

from commands import permissions
from commands.access import (
    RecordExport,
    RecordRebuild,
    RecordRefusals,
    RecordRollback,
    RecordSignIn,
    RecordSignOut,
    RefusedSignIns,
)
from commands.archive import ArchiveByRule, ArchiveDoneTasks, ArchiveTask, UnarchiveTask
from commands.attachment import AddAttachment, RemoveAttachment
from commands.checklist import CheckItem, ChecklistItemSpec, SetChecklist, UncheckItem
from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import Command
from commands.comment import AddComment, AddReaction, DeleteComment, EditComment, RemoveReaction
from commands.copy import CopyProject, DuplicateTask
from commands.custom_field import FieldSpec, OptionSpec, SetFields
from commands.handling.command_on import CommandOn
from commands.instance import AppointAdministrator
from commands.invitation import AcceptInvitation, InviteMember, RevokeInvitation
from commands.label import ColourLabel, LabelTask, UnlabelTask
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.project_import import ImportProject
from commands.projection import SkipEvent
from commands.proposal import AcceptProposal, DeclineProposal, MakeProposal
from commands.recurrence import RecurrenceSpec, SkipOccurrence
from commands.relation import RelateTask, UnrelateTask
from commands.revert import RevertChange
from commands.revert.changed_stream import ChangedStream, FieldChange
from commands.saved_filter import DeleteFilter, EditFilter, SaveFilter
from commands.subtask import SetParent
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, RenameTask, ReopenTask, UnassignTask
from commands.time_entry import AddTimeEntry, DeleteTimeEntry, EditTimeEntry
from commands.token import IssueToken, RevokeToken
from commands.trash import (
    PurgeComment,
    PurgeProject,
    PurgeTask,
    PurgeTimeEntry,
    PurgeWorkspace,
    RestoreTask,
    RestoreWorkspace,
    TrashProject,
    TrashTask,
    TrashWorkspace,
)
from commands.user import ChangeEmail, ChangePassword, DeleteAccount, EditAccount, RegisterUser, VerifyEmail
from commands.watch import UnwatchProject, UnwatchTask, WatchProject, WatchTask
from commands.workspace import CreateWorkspace, EditWorkspace
from domain import codec
from domain.column import DEFAULT_COLUMNS
from domain.event import Change, Event, State
from domain.instance import INSTANCE_STREAM_ID
from domain.label import label_stream_id
from domain.member import Role
from domain.relation import RelationKind
from domain.watch import project_watch_stream_id, task_watch_stream_id
from tests.examples import (
    ADA,
    ATTACHMENT,
    BOB,
    CAT,
    CHECKLIST,
    COMMENT,
    CUSTOMER,
    LARGE,
    LIMITED_BOARD,
    OTHER_ATTACHMENT,
    OTHER_COMMENT,
    OTHER_FILTER,
    OTHER_PROJECT,
    OTHER_PROPOSAL,
    OTHER_TASK,
    OTHER_TIME_ENTRY,
    OTHER_TOKEN,
    OTHER_WORKSPACE,
    PLANNED,
    POINTS,
    PROJECT,
    PROPOSAL,
    PROPOSED,
    SAVED_FILTER,
    SIZE,
    TASK,
    TIME_ENTRY,
    TOKEN,
    WORKSPACE,
    address_streams,
    fixed_uuid7,
)

EVENT_TYPES: dict[str, type[Event]] = {
    name: kind for name, kind in codec.all_event_types().items() if kind.__module__.startswith("domain.")
}
"""Every event type of `domain`, except those that tests define."""
STATE_TYPES: tuple[type[State], ...] = tuple(
    kind for kind in State.__subclasses__() if kind.__module__.startswith("domain.")
)


def noun_of(kind: type[Event | State]) -> str:
    """The module of `domain` that it stands in, or the package, if its module is a part of one."""
    return kind.__module__.split(".")[1]


def values(type_: Any) -> SearchStrategy[Any]:
    """Any value of a field's type."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Change:
        side = values(arguments[0])
        return st.builds(Change, side, side)
    if origin is UnionType:
        return st.one_of(*(st.none() if each is NoneType else values(each) for each in arguments))
    if origin in {Mapping, dict}:
        return st.dictionaries(*map(values, arguments), max_size=3)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    return structs(type_) if isinstance(type_, type) and issubclass(type_, Struct) else _scalars(type_)


def _scalars(type_: Any) -> SearchStrategy[Any]:
    """Those that can be stored, of a type that has others too."""
    if type_ is Any:
        return st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=2)
    if type_ is Raw:
        return st.just(Raw(b"{}"))
    if type_ is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.integers(0, 2**63 - 1) if type_ is int else st.from_type(type_)


def structs(struct_type: type[Any]) -> SearchStrategy[Any]:
    """Any Struct of that type, with a value for every field."""
    return st.builds(struct_type, **{field.name: values(field.type) for field in msgspec.structs.fields(struct_type)})


def changing(event_type: type[Event]) -> SearchStrategy[Event]:
    """An event of that type whose every Change has two different values."""
    fields = msgspec.structs.fields(event_type)
    return st.builds(
        event_type,
        **{
            field.name: values(field.type).filter(lambda change: change.old != change.new)
            if field.name in change_fields(event_type)
            else values(field.type)
            for field in fields
        },
    )


def change_fields(event_type: type[Event]) -> set[str]:
    """The names of the fields of an event type that are Changes."""
    return {field.name for field in msgspec.structs.fields(event_type) if get_origin(field.type) is Change}


_texts = st.sampled_from(["Buy milk", "Buy bread"])
_due_dates = st.sampled_from(["2026-12-01", None, "2026-12-01T10:00:00Z"])
_starts = st.sampled_from(["2026-11-01", None, "2026-12-01T10:00:00Z"])
_field_values = st.sampled_from(
    [{"Points": 3}, {"points": 0.5, "Customer": "Acme"}, {"Customer": None}, {"Size": "large"}, {"Sizes": ("Small",)}]
)
_zones = st.sampled_from(["Europe/Vienna", None])
_items = st.sampled_from([*(item.id for item in CHECKLIST), fixed_uuid7(73)])
_comments = st.sampled_from([COMMENT, COMMENT, OTHER_COMMENT])
_comment_texts = st.sampled_from(["The oat one, @Ada?", "Ask @Cat and @Eve", "`@Ada`"])
_emoji = st.sampled_from(["\N{THUMBS UP SIGN}", "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"])
_time_entries = st.sampled_from([TIME_ENTRY, TIME_ENTRY, OTHER_TIME_ENTRY])
_minutes = st.sampled_from([1, 30, 90])
_notes = st.sampled_from(["Compared prices", "", None])
_estimates = st.sampled_from([0, 90, None])
_colours = st.sampled_from(["#CC3300", "#cc3300", None])
_recurrences = st.sampled_from(
    [
        RecurrenceSpec(rule="FREQ=WEEKLY;BYDAY=MO"),
        RecurrenceSpec(rule="FREQ=DAILY;COUNT=2"),
        RecurrenceSpec(rule="freq=daily;interval=3", counted_from="completion"),
        RecurrenceSpec(rule="FREQ=HOURLY"),
    ]
)
_priorities = st.sampled_from(["high", "none", None])
_task_names = st.sampled_from([str(TASK), str(OTHER_TASK), "HOME-9"])
_columns = st.sampled_from(["In Progress", "todo", "done", "nowhere"])
_yes = st.sampled_from([True])
_projects = st.sampled_from([OTHER_PROJECT, PROJECT])
_moves = st.one_of(
    st.builds(MoveTask, column=_columns),
    st.builds(MoveTask, column=st.none() | _columns, project_id=_projects),
    st.builds(MoveTask, column=st.none() | _columns, before=_task_names),
    st.builds(MoveTask, column=st.none() | _columns, after=_task_names),
    st.builds(MoveTask, column=st.none() | _columns, top=_yes),
    st.builds(MoveTask, column=st.none() | _columns, bottom=_yes),
)
_relation_kinds = st.sampled_from(get_args(RelationKind))
_tasks = st.sampled_from([TASK, OTHER_TASK, fixed_uuid7(33)])
_assignees = st.sampled_from([ADA.id, CAT.id, BOB.id])
_labels = st.sampled_from(["shop", "SHOP", "soon"])
_workspaces = st.sampled_from([WORKSPACE, OTHER_WORKSPACE])
_account_owners = st.sampled_from([ADA.id, ADA.id, BOB.id])
_sessions = st.sampled_from([fixed_uuid7(151), fixed_uuid7(152)])
_tokens = st.sampled_from([TOKEN, OTHER_TOKEN])

_users = st.sampled_from([ADA.id, fixed_uuid7(3), CAT.id])
_roles: SearchStrategy[Role] = st.sampled_from(permissions.ROLES)
_attachments = st.sampled_from([ATTACHMENT, OTHER_ATTACHMENT])
_filters = st.sampled_from([SAVED_FILTER, SAVED_FILTER, OTHER_FILTER])
_proposals = st.sampled_from([PROPOSAL, PROPOSAL, OTHER_PROPOSAL])
_filter_texts = st.sampled_from(["status:open", "assignee:me milk", "colour:red", ""])
_sorts = st.sampled_from(["due", "-key", None])
_invitations = st.sampled_from([fixed_uuid7(52), fixed_uuid7(53)])


def _or_unset(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return strategy | st.just(UNSET)


def _rarely(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Mostly unset: a command with many fields is refused for one of them."""
    return st.one_of(st.just(UNSET), st.just(UNSET), st.just(UNSET), strategy)


def _command_on(
    targets: SearchStrategy[Any], command_type: Callable[..., Command[Any]], **fields: Any
) -> SearchStrategy[CommandOn]:
    return st.builds(CommandOn, targets, st.builds(command_type, **fields))


def _watch_of(
    places: SearchStrategy[UUID],
    stream_of: Callable[[UUID, UUID], UUID],
    command_type: Callable[..., Command[Any]],
    place_field: str,
    **fields: Any,
) -> SearchStrategy[CommandOn]:
    """A command about the watch of the first user."""
    return places.flatmap(
        lambda place: st.builds(
            CommandOn,
            st.just(stream_of(place, ADA.id)),
            st.builds(command_type, **{place_field: st.just(place)}, **fields),
        )
    )


COMMAND_STRATEGIES: Mapping[type[Command[Any]], SearchStrategy[CommandOn]] = {
    CreateTask: _command_on(
        _tasks,
        CreateTask,
        project_id=_projects,
        title=_texts,
        description=st.sampled_from(["Red", "", None]),
        priority=_priorities,
        due=_due_dates,
        start=_starts,
        zone=_zones,
        estimate=_estimates,
        colour=_colours,
        column=st.none() | _columns,
        labels=st.sampled_from([(), ("Shop", "shop", "soon")]),
        assignees=st.sampled_from([(), (CAT.id, ADA.id, CAT.id), (BOB.id,)]),
        checklist=st.sampled_from([(), (ChecklistItemSpec(text="Red ones"),)]),
        parent_id=st.none() | st.sampled_from([TASK, OTHER_TASK]),
        recurrence=st.one_of(st.none(), st.none(), _recurrences),
        fields=st.none() | _field_values,
    ),
    DuplicateTask: _command_on(_tasks, DuplicateTask, task_id=_tasks, subtasks=st.booleans()),
    CopyProject: _command_on(
        _projects,
        CopyProject,
        project_id=_projects,
        name=_texts,
        key=st.sampled_from(["WORK", "HOME"]),
        tasks=st.booleans(),
    ),
    RevertChange: _command_on(
        st.just(WORKSPACE),
        RevertChange,
        command_id=st.just(fixed_uuid7(44)),
        change_id=st.sampled_from([fixed_uuid7(41), fixed_uuid7(42)]),
        also=st.sampled_from([(), (fixed_uuid7(43),)]),
        workspace_id=st.just(WORKSPACE),
        changed=_tasks.map(
            lambda task: (ChangedStream(task, "Task", (FieldChange("title", "Buy bread", "Buy milk"),)),)
        ),
        left_out=st.sampled_from([(), (fixed_uuid7(45),)]),
        purpose=st.just("revert"),
        skips_collisions=st.booleans(),
        preview=st.sampled_from([None, "0" * 32]),
    ),
    SkipOccurrence: _command_on(_tasks, SkipOccurrence),
    SetChecklist: _command_on(
        _tasks,
        SetChecklist,
        items=st.lists(
            st.builds(
                ChecklistItemSpec,
                text=st.sampled_from(["Red ones", "Green ones"]),
                id=st.none() | st.sampled_from([item.id for item in CHECKLIST]),
                done=st.booleans(),
            ),
            max_size=2,
        ).map(tuple),
    ),
    SetParent: _command_on(_tasks, SetParent, parent_id=st.none() | _tasks),
    RelateTask: _command_on(_tasks, RelateTask, kind=_relation_kinds, task_id=_tasks),
    UnrelateTask: _command_on(_tasks, UnrelateTask, kind=_relation_kinds, task_id=_tasks),
    CheckItem: _command_on(_tasks, CheckItem, item_id=_items),
    UncheckItem: _command_on(_tasks, UncheckItem, item_id=_items),
    AddComment: _command_on(
        _comments,
        AddComment,
        task_id=_tasks,
        text=_comment_texts,
        reply_to=st.sampled_from([None, None, COMMENT, OTHER_COMMENT]),
    ),
    EditComment: _command_on(_comments, EditComment, text=_comment_texts),
    DeleteComment: _command_on(_comments, DeleteComment),
    AddReaction: _command_on(_comments, AddReaction, emoji=_emoji),
    RemoveReaction: _command_on(_comments, RemoveReaction, emoji=_emoji),
    PurgeComment: _command_on(_comments, PurgeComment),
    AddTimeEntry: _command_on(
        _time_entries,
        AddTimeEntry,
        task_id=_tasks,
        minutes=_minutes,
        on=st.sampled_from(["2026-12-01", None]),
        note=_notes,
    ),
    EditTimeEntry: _command_on(
        _time_entries,
        EditTimeEntry,
        minutes=_or_unset(_minutes),
        on=_or_unset(st.sampled_from(["2026-12-01", "2026-11-30"])),
        note=_or_unset(_notes),
    ),
    DeleteTimeEntry: _command_on(_time_entries, DeleteTimeEntry),
    PurgeTimeEntry: _command_on(_time_entries, PurgeTimeEntry),
    WatchTask: _watch_of(_tasks, task_watch_stream_id, WatchTask, "task_id"),
    UnwatchTask: _watch_of(_tasks, task_watch_stream_id, UnwatchTask, "task_id"),
    WatchProject: _watch_of(
        _projects, project_watch_stream_id, WatchProject, "project_id", level=st.sampled_from(["all", "mine", "none"])
    ),
    UnwatchProject: _watch_of(_projects, project_watch_stream_id, UnwatchProject, "project_id"),
    EditTask: _command_on(
        _tasks,
        EditTask,
        title=_or_unset(_texts),
        description=_or_unset(st.sampled_from(["Red", "", None])),
        priority=_or_unset(_priorities),
        due=_or_unset(_due_dates),
        start=_rarely(_starts),
        zone=_rarely(_zones),
        estimate=_or_unset(_estimates),
        colour=_rarely(_colours),
        recurrence=_rarely(_recurrences | st.none()),
        column=_rarely(_columns),
        labels=_rarely(st.sampled_from([("shop", "late"), ("SOON", "soon"), (), None])),
        assignees=_rarely(st.sampled_from([(CAT.id, ADA.id, CAT.id), (BOB.id,), (), None])),
        fields=_rarely(st.none() | _field_values),
        status=_rarely(st.sampled_from(["open", "done"])),
    ),
    RenameTask: _command_on(_tasks, RenameTask, title=_texts),
    CompleteTask: _command_on(_tasks, CompleteTask, children=st.sampled_from(["refuse", "complete"])),
    ReopenTask: _command_on(_tasks, ReopenTask),
    MoveTask: st.builds(CommandOn, _tasks, _moves),
    TrashTask: _command_on(_tasks, TrashTask),
    AssignTask: _command_on(_tasks, AssignTask, user_id=_assignees),
    UnassignTask: _command_on(_tasks, UnassignTask, user_id=_assignees),
    LabelTask: _command_on(_tasks, LabelTask, label=_labels),
    UnlabelTask: _command_on(_tasks, UnlabelTask, label=_labels),
    ColourLabel: st.builds(
        lambda label, colour: CommandOn(
            label_stream_id(WORKSPACE, label), ColourLabel(workspace_id=WORKSPACE, label=label, colour=colour)
        ),
        _labels,
        st.sampled_from(["#CC3300", "#cc3300", "#000000", None]),
    ),
    RestoreTask: _command_on(_tasks, RestoreTask, column=st.none() | _columns),
    PurgeTask: _command_on(_tasks, PurgeTask),
    ArchiveTask: _command_on(_tasks, ArchiveTask),
    ArchiveByRule: _command_on(_tasks, ArchiveByRule),
    UnarchiveTask: _command_on(_tasks, UnarchiveTask),
    ArchiveDoneTasks: _command_on(_projects, ArchiveDoneTasks, column=_columns),
    EditProject: _command_on(
        _projects, EditProject, name=_or_unset(_texts), archive_after=_or_unset(st.sampled_from([None, 7]))
    ),
    SetColumns: _command_on(
        _projects,
        SetColumns,
        columns=st.lists(
            st.builds(
                ColumnSpec,
                name=st.sampled_from(["To do", "In progress", "Done", "nowhere"]),
                id=st.none() | st.sampled_from(["todo", "doing", "done", "nowhere"]),
                wip_limit=st.none() | st.integers(1, 2),
                done=st.sampled_from([False, False, True]),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda wanted: wanted.name,
        ).map(tuple),
        wip=_or_unset(st.sampled_from(["warn", "refuse"])),
        move=st.sampled_from([None, {"doing": "todo"}, {"todo": "done", "In progress": "done"}, {"done": "nowhere"}]),
        keep=st.booleans(),
    ),
    SetFields: _command_on(
        _projects,
        SetFields,
        fields=st.lists(
            st.one_of(
                st.builds(
                    FieldSpec,
                    name=st.sampled_from(["Points", "points", "Customer"]),
                    type=st.sampled_from(["number", "text"]),
                    id=st.none() | st.sampled_from([POINTS.id, CUSTOMER.id]),
                ),
                st.builds(
                    FieldSpec,
                    name=st.sampled_from(["Size", "Sizes"]),
                    type=st.sampled_from(["choice", "choices"]),
                    id=st.none() | st.just(SIZE.id),
                    options=st.sampled_from([("Small", "Large"), ("LARGE",), (OptionSpec("Big", LARGE.id),), ()]),
                ),
            ),
            max_size=3,
            unique_by=lambda wanted: wanted.name,
        ).map(tuple),
    ),
    CountColumn: _command_on(
        _projects, CountColumn, column=st.sampled_from(["todo", "doing"]), tasks=st.just(1), seen=st.integers(0, 3)
    ),
    ArchiveProject: _command_on(_projects, ArchiveProject),
    TrashProject: _command_on(_projects, TrashProject),
    RestoreProject: _command_on(_projects, RestoreProject),
    PurgeProject: _command_on(_projects, PurgeProject),
    CreateProject: _command_on(
        _projects,
        CreateProject,
        workspace_id=_workspaces,
        name=_texts,
        key=st.sampled_from(["WORK", "HOME"]),
    ),
    ImportProject: _command_on(
        _projects,
        ImportProject,
        workspace_id=_workspaces,
        name=_texts,
        key=st.sampled_from(["WORK", "HOME"]),
        columns=st.sampled_from([DEFAULT_COLUMNS, LIMITED_BOARD]),
        former_members=st.sampled_from([{}, {fixed_uuid7(241): "Grace"}]),
    ),
    CreateWorkspace: _command_on(_workspaces, CreateWorkspace, name=_texts),
    TrashWorkspace: _command_on(_workspaces, TrashWorkspace),
    RestoreWorkspace: _command_on(_workspaces, RestoreWorkspace),
    PurgeWorkspace: _command_on(_workspaces, PurgeWorkspace),
    EditWorkspace: _command_on(_workspaces, EditWorkspace, name=_or_unset(_texts), zone=_or_unset(_zones)),
    SetRole: _command_on(_workspaces, SetRole, user_id=_users, role=_roles),
    RemoveMember: _command_on(_workspaces, RemoveMember, user_id=_users),
    LeaveWorkspace: _command_on(_workspaces, LeaveWorkspace),
    InviteMember: _command_on(_invitations, InviteMember, workspace_id=_workspaces, role=_roles),
    RevokeInvitation: _command_on(_invitations, RevokeInvitation),
    AcceptInvitation: _command_on(_invitations, AcceptInvitation),
    SkipEvent: _command_on(
        st.just(INSTANCE_STREAM_ID),
        SkipEvent,
        projection=st.just("task_list"),
        document=st.sampled_from(["1", "2"]),
        position=st.integers(1, 2),
        reason=_texts,
    ),
    AddAttachment: _command_on(
        _attachments,
        AddAttachment,
        task_id=_tasks,
        name=st.sampled_from(["plan.pdf", "photo.jpg"]),
        size=st.integers(0, 100),
        media_type=st.sampled_from(["application/pdf", "image/jpeg"]),
        sha256=st.sampled_from(["0f" * 32, "1e" * 32]),
    ),
    RemoveAttachment: _command_on(_attachments, RemoveAttachment),
    MakeProposal: _command_on(
        _proposals,
        MakeProposal,
        commands=st.just(PROPOSED),
        events=st.sampled_from([PLANNED, PLANNED, ()]),
        rebase=st.booleans(),
    ),
    AcceptProposal: _command_on(_proposals, AcceptProposal, rebase=st.booleans()),
    DeclineProposal: _command_on(_proposals, DeclineProposal, reason=st.none() | _texts),
    SaveFilter: _command_on(_filters, SaveFilter, name=_texts, filter=_filter_texts, sort=_sorts),
    EditFilter: _command_on(
        _filters, EditFilter, name=_or_unset(_texts), filter=_or_unset(_filter_texts), sort=_or_unset(_sorts)
    ),
    DeleteFilter: _command_on(_filters, DeleteFilter),
    RegisterUser: _command_on(
        st.sampled_from([fixed_uuid7(3), BOB.id, ADA.id]),
        RegisterUser,
        email=st.sampled_from(["bob@example.org", "BOB@example.org", "ada@example.org"]),
        address=st.sampled_from([address_streams("bob@example.org"), address_streams("ada@example.org")]),
        name=_texts,
        only_first=st.booleans(),
        email_verified=st.booleans(),
    ),
    VerifyEmail: _command_on(_account_owners, VerifyEmail),
    EditAccount: _command_on(
        _account_owners,
        EditAccount,
        name=_or_unset(_texts),
        language=_or_unset(st.sampled_from(["de", None])),
        zone=_or_unset(st.sampled_from(["Europe/Vienna", None])),
    ),
    ChangeEmail: st.builds(
        lambda user, old, new, is_verified: CommandOn(
            user,
            ChangeEmail(
                email=new,
                address=address_streams(new),
                old_address=address_streams(old),
                email_verified=is_verified,
            ),
        ),
        _account_owners,
        st.sampled_from(["bob@example.org", "ada@example.org"]),
        st.sampled_from(["bob@example.org", "new@example.org"]),
        st.booleans(),
    ),
    DeleteAccount: st.builds(
        lambda user, email: CommandOn(user, DeleteAccount(address=address_streams(email))),
        _account_owners,
        st.sampled_from(["bob@example.org", "ada@example.org"]),
    ),
    RecordSignIn: _command_on(
        st.just(INSTANCE_STREAM_ID),
        RecordSignIn,
        user_id=_users,
        session_id=_sessions,
        user_agent=_texts,
        network=st.just("192.0.2.7"),
    ),
    RecordSignOut: _command_on(
        st.just(INSTANCE_STREAM_ID),
        RecordSignOut,
        user_id=_users,
        session_ids=st.lists(_sessions, max_size=2, unique=True).map(tuple),
        reason=st.sampled_from(["signed_out", "token_reused"]),
    ),
    RecordRefusals: _command_on(
        st.just(INSTANCE_STREAM_ID),
        RecordRefusals,
        refused=st.lists(
            st.builds(
                RefusedSignIns,
                st.just(datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
                st.integers(1, 9),
                st.none() | _users,
            ),
            max_size=2,
        ).map(tuple),
    ),
    RecordExport: _command_on(
        st.just(INSTANCE_STREAM_ID),
        RecordExport,
        workspace_id=_workspaces,
        format=st.sampled_from(["jsonl", "csv"]),
    ),
    RecordRebuild: _command_on(
        st.just(INSTANCE_STREAM_ID), RecordRebuild, projection=st.just("task_list"), expect_changes=st.booleans()
    ),
    RecordRollback: _command_on(st.just(INSTANCE_STREAM_ID), RecordRollback, projection=st.just("task_list")),
    AppointAdministrator: _command_on(st.just(INSTANCE_STREAM_ID), AppointAdministrator, user_id=_users),
    ChangePassword: _command_on(
        _account_owners, ChangePassword, password_id=st.sampled_from([fixed_uuid7(61), fixed_uuid7(62)])
    ),
    IssueToken: _command_on(
        _account_owners,
        IssueToken,
        token_id=_tokens,
        name=_texts,
        scopes=st.sampled_from([("read",), ("write", "admin")]),
        kind=st.sampled_from(["human", "agent"]),
        expires_at=st.sampled_from([None, datetime(2027, 1, 1, tzinfo=UTC)]),
    ),
    RevokeToken: _command_on(_account_owners, RevokeToken, token_id=_tokens),
}
"""Every command type, on few targets with few values, so that later commands depend on the outcome of earlier ones."""

_edits_of_due = [_command_on(_tasks, EditTask, title=_or_unset(_texts), due=_due_dates) for _ in range(4)]
"""Several strategies, as one that is named twice in `one_of` is drawn from as often as one that is named once."""
_task_commands = st.one_of(*_edits_of_due, *(COMMAND_STRATEGIES[kind] for kind in (CompleteTask, ReopenTask, MoveTask)))
targeted_commands: SearchStrategy[CommandOn] = st.one_of(*COMMAND_STRATEGIES.values()) | _task_commands
command_sequences: SearchStrategy[list[CommandOn]] = st.lists(targeted_commands, min_size=4, max_size=24)
task_walks: SearchStrategy[list[CommandOn]] = st.lists(
    st.one_of(
        *_edits_of_due,
        *(
            COMMAND_STRATEGIES[kind]
            for kind in (
                *(EditTask, CompleteTask, ReopenTask, ReopenTask, MoveTask, AssignTask, LabelTask, UnlabelTask),
                *(TrashTask, RestoreTask, RestoreTask, ArchiveTask, UnarchiveTask),
            )
        ),
    ),
    min_size=4,
    max_size=24,
)
"""Commands on a few tasks, each of which may meet what another did."""
