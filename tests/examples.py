"""The canonical examples: users, workspaces, projects, tasks and events, with the same ids in every run."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from commands.proposal import digest_of
from domain.access import (
    ProjectionRolledBack,
    RebuildRequested,
    SignedIn,
    SignedOut,
    SignInRefused,
    WorkspaceExported,
)
from domain.agent import AgentIntroduced
from domain.attachment import (
    AttachmentAdded,
    AttachmentRemoved,
    AttachmentsCounted,
    attachment_count_stream_id,
)
from domain.checklist import ChecklistItem, ChecklistItemChecked, ChecklistItemUnchecked, ChecklistSet
from domain.column import DEFAULT_COLUMNS, Column, ColumnCounted, column_stream_id
from domain.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentPurged,
    CommentRestored,
    ReactionAdded,
    ReactionRemoved,
)
from domain.custom_field import CustomField, FieldOption, FieldType, TaskFieldSet
from domain.email_address import AddressStreams, former_stream_ids
from domain.event import Actor, Change, Event
from domain.former_member import FormerMemberNamed
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed
from domain.invitation import InvitationAccepted, InvitationRevoked, MemberInvited
from domain.label import LabelColoured
from domain.member import MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role, member_stream_id
from domain.planned_event import PlannedEvent
from domain.project import (
    ArchiveRuleSet,
    ColumnsSet,
    ProjectArchived,
    ProjectCreated,
    ProjectFieldsSet,
    ProjectKeyReserved,
    ProjectPurged,
    ProjectRenamed,
    ProjectRestored,
    ProjectTrashed,
    WipPolicy,
    project_key_stream_id,
)
from domain.projection import EventSkipped
from domain.proposal import ProposalAccepted, ProposalDeclined, ProposalMade, ProposedCommand, SeenVersion
from domain.rank import RanksRebalanced, RankTaken, ordinal_rank
from domain.recurrence import Recurrence
from domain.relation import BlockAdded, BlockRemoved, Relation, RelationAdded, RelationRemoved
from domain.revert import ChangeReapplied, ChangeReverted
from domain.saved_filter import (
    FilterDeleted,
    FilterRenamed,
    FilterResorted,
    FilterRewritten,
    FilterSaved,
    FiltersCounted,
    filter_count_stream_id,
)
from domain.subtask import SubtaskCount, SubtaskPlaced, TaskParentSet
from domain.task import (
    DueDateSet,
    EstimateSet,
    OccurrenceSkipped,
    RecurrenceSet,
    StartDateSet,
    TaskArchived,
    TaskAssigned,
    TaskColoured,
    TaskCompleted,
    TaskCreated,
    TaskDescribed,
    TaskLabelled,
    TaskMoved,
    TaskMovedToProject,
    TaskNumbersTaken,
    TaskPrioritised,
    TaskPurged,
    TaskRanked,
    TaskRenamed,
    TaskReopened,
    TaskRestored,
    TaskTrashed,
    TaskUnarchived,
    TaskUnassigned,
    TaskUnlabelled,
    TaskZoneSet,
    task_numbers_stream_id,
)
from domain.time_entry import (
    TimeEntryAdded,
    TimeEntryDeleted,
    TimeEntryEdited,
    TimeEntryPurged,
    TimeEntryRestored,
)
from domain.user import (
    AccountDeleted,
    EmailChanged,
    EmailReleased,
    EmailReserved,
    EmailVerified,
    LanguageSet,
    PasswordChanged,
    TokenIssued,
    TokenRevoked,
    UserRegistered,
    UserRenamed,
    UserZoneSet,
)
from domain.watch import ProjectWatchSet, TaskUnwatched, TaskWatched, project_watch_stream_id, task_watch_stream_id
from domain.workspace import (
    OwnerAppointed,
    OwnerResigned,
    WorkspaceCreated,
    WorkspacePurged,
    WorkspaceRenamed,
    WorkspaceRestored,
    WorkspaceTrashed,
    WorkspaceZoneSet,
)
from infra.identity.email_addresses import address_id

Fact = tuple[UUID, Event]
"""An event and its stream."""
Facts = list[Fact]


def fixed_uuid7(number: int) -> UUID:
    """The UUIDv7 (RFC 9562, section 5.7) for a number: ids sort like their numbers."""
    return UUID(int=(0x0190_0000_0000 + number) << 80 | 7 << 76 | 2 << 62 | number)


ADDRESS_KEY = "8c1f0b7e5d2a4936b0e7c4d19f63a258"
ADA, BOB, CAT = Actor(fixed_uuid7(1)), Actor(fixed_uuid7(2)), Actor(fixed_uuid7(4))
WORKSPACE, OTHER_WORKSPACE = fixed_uuid7(11), fixed_uuid7(12)
PROJECT, OTHER_PROJECT = fixed_uuid7(21), fixed_uuid7(22)
TASK, OTHER_TASK = fixed_uuid7(31), fixed_uuid7(32)
COMMAND_ID = fixed_uuid7(41)
TOKEN, OTHER_TOKEN = fixed_uuid7(91), fixed_uuid7(92)
AGENT = Actor(TOKEN, "agent", on_behalf_of=ADA.id)

CREATED = TaskCreated(WORKSPACE, PROJECT, 1, "HOME-1", "Buy milk", "todo")
COMPLETED = TaskCompleted(PROJECT, "todo")
REOPENED = TaskReopened(PROJECT, "todo")
RENAMED = TaskRenamed(Change("Buy milk", "Buy bread"))
MOVED = TaskMoved(Change(PROJECT, PROJECT), Change("todo", "doing"), "open")
INVITATION = fixed_uuid7(51)
SAVED_FILTER, OTHER_FILTER = fixed_uuid7(101), fixed_uuid7(102)
PROPOSAL, OTHER_PROPOSAL = fixed_uuid7(251), fixed_uuid7(252)
COMMENT, OTHER_COMMENT, REPLY = fixed_uuid7(111), fixed_uuid7(112), fixed_uuid7(113)

BOB_PROMOTED = MemberRoleChanged(BOB.id, Change("member", "admin"))
BOB_REMOVED = MemberRemoved(BOB.id, Change("member", None))
BOB_LEFT = MemberLeft(BOB.id, Change("admin", None))
MEMBER_INVITED = MemberInvited(WORKSPACE, "member", ADA.id)
ASSIGNED = TaskAssigned(ADA.id, Change((), (ADA.id,)))
LABELLED = TaskLabelled("Shop", Change((), ("Shop",)))
LABEL_COLOURED = LabelColoured("Shop", Change(None, "#cc3300"))
TOKEN_ISSUED = TokenIssued(TOKEN, "Nightly import", ("read", "write"), "agent", datetime(2027, 1, 1, tzinfo=UTC))
TOKEN_REVOKED = TokenRevoked(TOKEN)
TRASHED = TaskTrashed(PROJECT, "todo", "open", title="Buy milk", key="HOME-1")
RESTORED = TaskRestored(PROJECT, Change("todo", "todo"), "open")
ARCHIVED = TaskArchived(PROJECT, "todo", "open")
UNARCHIVED = TaskUnarchived(PROJECT, Change("todo", "todo"), "open")
ARCHIVE_RULE_SET = ArchiveRuleSet(Change(None, 30))
PURGED = TaskPurged(PROJECT)
PROJECT_TRASHED = ProjectTrashed("Household", "HOME")
PROJECT_RESTORED = ProjectRestored(trashed=Change(old=True, new=False), archived=Change(old=False, new=False))
LIMITED_BOARD = (DEFAULT_COLUMNS[0], Column("doing", "In progress", 2), DEFAULT_COLUMNS[2])
"""The default board, with a limit of two tasks on the middle column."""
ATTACHMENT, OTHER_ATTACHMENT = fixed_uuid7(111), fixed_uuid7(112)
ATTACHMENT_ADDED = AttachmentAdded(TASK, PROJECT, WORKSPACE, "plan.pdf", 52_480, "application/pdf", "0f" * 32)
ATTACHMENT_REMOVED = AttachmentRemoved(TASK, "plan.pdf")
CHECKLIST = (ChecklistItem(fixed_uuid7(71), "Red ones"), ChecklistItem(fixed_uuid7(72), "Green ones", done=True))
COMMENT_ADDED = CommentAdded(WORKSPACE, PROJECT, TASK, ADA.id, "The oat one, @Cat?", mentions=(CAT.id,))
COMMENT_EDITED = CommentEdited(TASK, PROJECT, Change("The oat one, @Cat?", "The oat one"), Change((CAT.id,), ()))
COMMENT_DELETED = CommentDeleted(TASK, PROJECT, Change("The oat one, @Cat?", ""))
COMMENT_RESTORED = CommentRestored(TASK, PROJECT, Change("", "The oat one, @Cat?"), (CAT.id,), ())
COMMENT_PURGED = CommentPurged(TASK, PROJECT)
REACTION_ADDED = ReactionAdded(TASK, PROJECT, ADA.id, Change(None, "\N{THUMBS UP SIGN}"))
REACTION_REMOVED = ReactionRemoved(TASK, PROJECT, ADA.id, Change("\N{THUMBS UP SIGN}", None))
TIME_ENTRY, OTHER_TIME_ENTRY = fixed_uuid7(141), fixed_uuid7(142)
TIME_ADDED = TimeEntryAdded(WORKSPACE, PROJECT, TASK, ADA.id, 90, "2026-12-01", "Compared prices")
TIME_EDITED = TimeEntryEdited(
    TASK, PROJECT, Change(90, 60), Change("2026-12-01", "2026-12-01"), Change("Compared prices", "Compared prices")
)
TIME_DELETED = TimeEntryDeleted(TASK, PROJECT, Change(90, 0), Change("2026-12-01", None), Change("Compared prices", ""))
TIME_RESTORED = TimeEntryRestored(
    WORKSPACE, TASK, PROJECT, ADA.id, Change(0, 90), Change(None, "2026-12-01"), Change("", "Compared prices")
)
TIME_PURGED = TimeEntryPurged(TASK, PROJECT)
TASK_WATCHED = TaskWatched(TASK, PROJECT, ADA.id, Change(None, new=True))
TASK_UNWATCHED = TaskUnwatched(TASK, PROJECT, ADA.id, Change(None, new=False))
PROJECT_WATCHED = ProjectWatchSet(PROJECT, ADA.id, Change(None, "all"))
TASK_WATCH, PROJECT_WATCH = task_watch_stream_id(TASK, ADA.id), project_watch_stream_id(PROJECT, ADA.id)
"""The streams of the first user's watches."""
WEEKLY = Recurrence("FREQ=WEEKLY;BYDAY=MO")
RECURRENCE_SET = RecurrenceSet(Change(None, WEEKLY))
SMALL, LARGE = FieldOption(fixed_uuid7(121), "Small"), FieldOption(fixed_uuid7(122), "Large")


def custom_field(number: int, name: str, kind: FieldType, *options: FieldOption) -> CustomField:
    """A custom field with the id of that number."""
    return CustomField(fixed_uuid7(110 + number), name, kind, options)


CUSTOM_FIELDS = (
    custom_field(1, "Customer", "text"),
    custom_field(2, "Points", "number"),
    custom_field(3, "Delivery", "date"),
    custom_field(4, "Size", "choice", SMALL, LARGE),
    custom_field(5, "Sizes", "choices", SMALL, LARGE),
    custom_field(6, "Reviewer", "person"),
    custom_field(7, "Paid", "checkbox"),
    custom_field(8, "Site", "url"),
)
"""One of each type."""
CUSTOMER, POINTS, DELIVERY, SIZE, SIZES, REVIEWER, PAID, SITE = CUSTOM_FIELDS
FIELDS_SET = ProjectFieldsSet(Change((), CUSTOM_FIELDS))
POINTS_SET = TaskFieldSet(PROJECT, POINTS.id, Change(None, 3))
FILTER_SAVED = FilterSaved(ADA.id, "This week", "assignee:me -label:later", "due")
EVENT_SKIPPED = EventSkipped(str(TASK), 12, "The fold of 0.2 fails here")

PROPOSED = (ProposedCommand("RenameTask", TASK, {"title": "Oat milk", "expected_version": 1}),)
PLANNED = (PlannedEvent.of(TASK, TaskRenamed(Change(CREATED.title, "Oat milk")), 2),)
PROPOSAL_MADE = ProposalMade(WORKSPACE, PROPOSED, PLANNED, (SeenVersion(TASK, 1),), digest_of(PLANNED))
SESSION = fixed_uuid7(151)
SIGNED_IN = SignedIn(ADA.id, SESSION, "Mozilla/5.0", "192.0.2.7")
SIGNED_OUT = SignedOut(ADA.id, SESSION, "signed_out")
SIGN_IN_REFUSED = SignInRefused(datetime(2026, 12, 1, 8, 30, tzinfo=UTC), 3, ADA.id)
WORKSPACE_EXPORTED = WorkspaceExported(WORKSPACE, "jsonl")
REBUILD_REQUESTED = RebuildRequested("task_list", expect_changes=False)
PROJECTION_ROLLED_BACK = ProjectionRolledBack("task_list")

EVERY_EVENT: tuple[Event, ...] = (
    AdministratorAppointed(ADA.id),
    EmailReserved(ADA.id),
    UserRegistered("ada@example.org", "Ada"),
    EmailVerified(),
    PasswordChanged(Change(None, fixed_uuid7(61))),
    UserRenamed(Change("Ada", "Ada L.")),
    EmailChanged(Change("ada@example.org", "ada@example.com"), Change(old=True, new=False)),
    LanguageSet(Change(None, "de-AT")),
    UserZoneSet(Change(None, "Europe/Vienna")),
    AccountDeleted(),
    EmailReleased(ADA.id),
    TOKEN_ISSUED,
    TOKEN_REVOKED,
    SIGNED_IN,
    SIGNED_OUT,
    SIGN_IN_REFUSED,
    WORKSPACE_EXPORTED,
    REBUILD_REQUESTED,
    PROJECTION_ROLLED_BACK,
    WorkspaceCreated("Home"),
    WorkspaceRenamed(Change("Home", "House")),
    WorkspaceZoneSet(Change(None, "Europe/Vienna")),
    OwnerAppointed(BOB.id),
    WorkspaceTrashed("House"),
    WorkspaceRestored(),
    WorkspacePurged(),
    OwnerResigned(BOB.id),
    MemberJoined(ADA.id, "owner"),
    BOB_PROMOTED,
    BOB_REMOVED,
    BOB_LEFT,
    MEMBER_INVITED,
    InvitationAccepted(BOB.id),
    InvitationRevoked(),
    FormerMemberNamed(WORKSPACE, "Grace"),
    ProjectKeyReserved("HOME", PROJECT),
    ProjectCreated(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS),
    TaskNumbersTaken(1, 1),
    TaskCreated(
        WORKSPACE,
        PROJECT,
        1,
        "HOME-1",
        'Buy "milk" \N{EM DASH} или хлеб',
        "todo",
        description="two lines,\n\tone tab",
        priority="high",
        due="2026-12-01T10:00:00+01:00",
        labels=("shop", "soon"),
    ),
    RENAMED,
    TaskDescribed(Change("", "The red one")),
    TaskPrioritised(Change("none", "urgent")),
    DueDateSet(Change(None, "2026-12-01")),
    StartDateSet(Change(None, "2026-11-01")),
    TaskZoneSet(Change(None, "Europe/Vienna")),
    EstimateSet(Change(None, 90)),
    TaskColoured(Change(None, "#cc3300")),
    RECURRENCE_SET,
    OccurrenceSkipped(Change("2026-12-01", "2026-12-07"), Change("2026-11-01", "2026-11-07"), Change(WEEKLY, WEEKLY)),
    ChecklistSet(Change((), CHECKLIST)),
    ChecklistItemChecked(CHECKLIST[0].id, CHECKLIST[0].text),
    ChecklistItemUnchecked(CHECKLIST[0].id, CHECKLIST[0].text),
    COMMENT_ADDED,
    COMMENT_EDITED,
    COMMENT_DELETED,
    COMMENT_RESTORED,
    COMMENT_PURGED,
    REACTION_ADDED,
    REACTION_REMOVED,
    TIME_ADDED,
    TIME_EDITED,
    TIME_DELETED,
    TIME_RESTORED,
    ChangeReverted(COMMAND_ID, "undo"),
    ChangeReapplied(COMMAND_ID),
    TIME_PURGED,
    TASK_WATCHED,
    TASK_UNWATCHED,
    PROJECT_WATCHED,
    POINTS_SET,
    COMPLETED,
    REOPENED,
    MOVED,
    TaskRanked(Change(ordinal_rank(1), ordinal_rank(2) + "V"), "after", OTHER_TASK),
    TaskParentSet(Change(None, OTHER_TASK), (), SubtaskCount(1, 3), ancestors=(OTHER_TASK,)),
    SubtaskPlaced(TASK, Change(None, OTHER_TASK)),
    RelationAdded(PROJECT, Change(None, Relation("blocked_by", OTHER_TASK)), waits=True),
    RelationRemoved(PROJECT, Change(Relation("blocked_by", OTHER_TASK), None)),
    BlockAdded(OTHER_TASK, TASK),
    BlockRemoved(OTHER_TASK, TASK),
    RankTaken(TASK, Change(None, ordinal_rank(2) + "V")),
    RanksRebalanced(ordinal_rank(2), {TASK: ordinal_rank(2) + "U"}),
    TaskMovedToProject(
        Change(PROJECT, OTHER_PROJECT),
        Change("HOME-1", "WORK-1"),
        Change("todo", "todo"),
        Change(ordinal_rank(1), ordinal_rank(2)),
        Change({POINTS.key: 3}, {}),
        number=1,
        status="open",
        title="Buy milk",
    ),
    TaskTrashed(PROJECT, "todo", "open"),
    RESTORED,
    ARCHIVED,
    UNARCHIVED,
    PURGED,
    ARCHIVE_RULE_SET,
    ProjectRenamed(Change("Household", "Home")),
    ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED_BOARD), Change("warn", "refuse")),
    FIELDS_SET,
    ColumnCounted(1),
    ProjectArchived(),
    PROJECT_TRASHED,
    PROJECT_RESTORED,
    ProjectPurged(),
    EVENT_SKIPPED,
    ASSIGNED,
    TaskUnassigned(ADA.id, Change((ADA.id, BOB.id), (BOB.id,))),
    LABELLED,
    TaskUnlabelled("Shop", Change(("Shop", "soon"), ("soon",))),
    LABEL_COLOURED,
    ATTACHMENT_ADDED,
    ATTACHMENT_REMOVED,
    AttachmentsCounted(1),
    FILTER_SAVED,
    FilterRenamed(Change("This week", "Soon")),
    FilterRewritten(Change("assignee:me -label:later", 'assignee:me "oat milk"')),
    FilterResorted(Change("due", None)),
    FilterDeleted("Soon"),
    FiltersCounted(1),
    AgentIntroduced(ADA.id),
    PROPOSAL_MADE,
    ProposalAccepted(BOB.id),
    ProposalDeclined(BOB.id, "Too early"),
)


def user(actor: Actor = ADA, email: str = "ada@example.org", name: str = "Ada") -> Facts:
    """The first user, who is the administrator."""
    return [(INSTANCE_STREAM_ID, AdministratorAppointed(actor.id)), *another_user(actor, email, name)]


def address_streams(email: str) -> AddressStreams:
    """The guard streams of an address, under the key of the tests."""
    return AddressStreams(address_id(ADDRESS_KEY, email), former_stream_ids(email))


def another_user(actor: Actor = BOB, email: str = "bob@example.org", name: str = "Bob") -> Facts:
    return [(address_streams(email).current, EmailReserved(actor.id)), (actor.id, UserRegistered(email, name))]


def token(*later: Event, actor: Actor = ADA) -> Facts:
    """A personal token of the example user, and its later events."""
    return [(actor.id, event) for event in (TOKEN_ISSUED, *later)]


def attachment(*later: Event, attachment_id: UUID = ATTACHMENT, count: int = 1) -> Facts:
    """The example attachment of the example task, which then has `count` of them, and its later events."""
    return [
        (attachment_count_stream_id(TASK), AttachmentsCounted(count)),
        *((attachment_id, event) for event in (ATTACHMENT_ADDED, *later)),
    ]


def saved_filter(*later: Event, actor: Actor = ADA, filter_id: UUID = SAVED_FILTER, count: int = 1) -> Facts:
    """The example filter saved by an actor who then has `count` filters, and its later events."""
    saved = msgspec.structs.replace(FILTER_SAVED, user_id=actor.id)
    return [
        (filter_count_stream_id(actor.id), FiltersCounted(count)),
        *((filter_id, event) for event in (saved, *later)),
    ]


def proposal(*later: Event, proposal_id: UUID = PROPOSAL) -> Facts:
    """The example proposal of an agent, and its later events."""
    return [(TOKEN, AgentIntroduced(ADA.id)), *((proposal_id, event) for event in (PROPOSAL_MADE, *later))]


def workspace(workspace_id: UUID = WORKSPACE, owner: Actor = ADA) -> Facts:
    return [(workspace_id, WorkspaceCreated("Home")), *member(owner, "owner", workspace_id)]


def member(actor: Actor = BOB, role: Role = "member", workspace_id: UUID = WORKSPACE) -> Facts:
    return [(member_stream_id(workspace_id, actor.id), MemberJoined(actor.id, role))]


def invitation(*later: Event, role: Role = "member") -> Facts:
    """An invitation to the example workspace, and its later events."""
    return [(INVITATION, event) for event in (MemberInvited(WORKSPACE, role, ADA.id), *later)]


def project(project_id: UUID = PROJECT, key: str = "HOME", workspace_id: UUID = WORKSPACE) -> Facts:
    return [
        (project_key_stream_id(workspace_id, key), ProjectKeyReserved(key, project_id)),
        (project_id, ProjectCreated(workspace_id, "Household", key, DEFAULT_COLUMNS)),
    ]


def limited_column(wip: WipPolicy = "warn", project_id: UUID = PROJECT, tasks: int | None = None) -> Facts:
    """The middle column of the example board, limited to two tasks; its count is recorded if `tasks` is given."""
    counted = [] if tasks is None else [(column_stream_id(project_id, "doing"), ColumnCounted(tasks))]
    return [
        (column_stream_id(project_id, "doing"), ColumnCounted(None)),
        (project_id, ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED_BOARD), Change("warn", wip))),
        *counted,
    ]


def task(*later: Event, task_id: UUID = TASK, number: int = 1, title: str = CREATED.title) -> Facts:
    """A task of the example project, and its later events."""
    created = msgspec.structs.replace(CREATED, number=number, key=f"HOME-{number}", title=title)
    return [
        (task_numbers_stream_id(PROJECT), TaskNumbersTaken(number, number)),
        *((task_id, event) for event in (created, *later)),
    ]


def comment(*later: Event, comment_id: UUID = COMMENT, author: Actor = ADA, reply_to: UUID | None = None) -> Facts:
    """A comment on the example task, and its later events."""
    added = msgspec.structs.replace(COMMENT_ADDED, user_id=author.id, reply_to=reply_to)
    return [(comment_id, event) for event in (added, *later)]


def time_entry(*later: Event, entry_id: UUID = TIME_ENTRY, user: Actor = ADA) -> Facts:
    """Time that a user spent on the example task, and the later events of the entry."""
    added = msgspec.structs.replace(TIME_ADDED, user_id=user.id)
    return [(entry_id, event) for event in (added, *later)]
