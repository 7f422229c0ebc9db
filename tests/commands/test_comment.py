"""Commands on comments."""

import pytest

from commands.comment import (
    MAX_REACTIONS_PER_COMMENT,
    AddComment,
    AddReaction,
    DeleteComment,
    EditComment,
    RemoveReaction,
)
from commands.handling.command_on import CommandOn
from commands.trash import PurgeComment, PurgeTask
from domain.comment import CommentAdded, CommentDeleted, CommentEdited, ReactionAdded
from domain.errors import (
    CommentIsAnothers,
    CommentIsReply,
    Forbidden,
    NotFound,
    NotTrashed,
    ProjectIsArchived,
    Purged,
    TaskIsTrashed,
    TooManyReactions,
    UnknownComment,
    VersionRequired,
)
from domain.event import Actor, Change, Event
from domain.instance import RULE_ACTOR
from domain.member import Role
from domain.project import ProjectArchived
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    CAT,
    COMMENT,
    COMMENT_ADDED,
    COMMENT_DELETED,
    COMMENT_EDITED,
    COMMENT_PURGED,
    OTHER_COMMENT,
    OTHER_TASK,
    PROJECT,
    PURGED,
    REACTION_ADDED,
    REACTION_REMOVED,
    REPLY,
    TASK,
    TRASHED,
    WORKSPACE,
    Facts,
    another_user,
    comment,
    member,
    project,
    task,
    user,
    workspace,
)
from tests.given import EventHistory, Given, given

THUMBS_UP, HEART = "\N{THUMBS UP SIGN}", "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"


def place(*of_task: Event) -> Facts:
    """A task in a workspace of Ada's with Cat, whose names are known."""
    people = [*user(), *another_user(CAT, "cat@example.org", "Cat")]
    return [*people, *workspace(), *member(CAT), *project(), *task(*of_task)]


def given_comment(*later: Event, author: Actor = ADA) -> Given:
    return given(place(), comment(*later, author=author))


def added(text: str, *mentions: Actor, author: Actor = ADA) -> CommentAdded:
    ids = tuple(actor.id for actor in mentions)
    return CommentAdded(WORKSPACE, PROJECT, TASK, author.user_id, text, mentions=ids)


def test_a_comment_has_its_text_and_its_place() -> None:
    given(place()).when(AddComment(task_id=TASK, text="Which one?")).then(added("Which one?"))


def test_a_comment_mentions_the_members_that_it_names() -> None:
    given(place()).when(AddComment(task_id=TASK, text="@cat or @Ada?")).then(added("@cat or @Ada?", CAT, ADA))


def test_a_name_of_no_member_stays_text() -> None:
    not_here = another_user(BOB, "bob@example.org", "Bob")
    given(place(), not_here).when(AddComment(task_id=TASK, text="@Bob, @Eve")).then(added("@Bob, @Eve"))


def test_an_imported_comment_mentions_nobody_again() -> None:
    imported = Actor(ADA.id, "import")
    given(place()).when(AddComment(task_id=TASK, text="@Cat"), actor=imported).then(added("@Cat"))


def test_the_comment_of_an_agent_is_its_users() -> None:
    given(place()).when(AddComment(task_id=TASK, text="Done"), actor=AGENT).then(added("Done"))
    given_comment().when(EditComment(text="Done", expected_version=1), actor=AGENT).then(
        CommentEdited(TASK, PROJECT, Change(COMMENT_ADDED.text, "Done"), Change((CAT.id,), ()))
    )


def test_a_reply_is_to_a_comment_on_the_same_task() -> None:
    reply = AddComment(task_id=TASK, text="Yes", reply_to=COMMENT)
    given_comment().when(reply, on=REPLY).then(CommentAdded(WORKSPACE, PROJECT, TASK, ADA.id, "Yes", COMMENT))
    for unknown in (given(place()), given_comment(COMMENT_DELETED)):
        unknown.when(reply, on=REPLY).then_refused(UnknownComment, reply_to=COMMENT)
    elsewhere = given(place(), task(task_id=OTHER_TASK, number=2), comment())
    elsewhere.when(AddComment(task_id=OTHER_TASK, text="Yes", reply_to=COMMENT), on=REPLY).then_refused(UnknownComment)
    given(place()).when(AddComment(task_id=TASK, text="Yes", reply_to=TASK), on=REPLY).then_refused(UnknownComment)


def test_replies_are_one_level_deep() -> None:
    answered = given(place(), comment(), comment(comment_id=REPLY, reply_to=COMMENT))
    to_reply = AddComment(task_id=TASK, text="No", reply_to=REPLY)
    answered.when(to_reply, on=OTHER_COMMENT).then_refused(CommentIsReply, reply_to=COMMENT)


def test_an_edit_keeps_both_texts_and_mentions_anew() -> None:
    given_comment().when(EditComment(text="The oat one", expected_version=1)).then(COMMENT_EDITED)
    given_comment().when(EditComment(text=COMMENT_ADDED.text, expected_version=1)).then_nothing()
    given_comment().when(EditComment(text="The oat one")).then_refused(VersionRequired)


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_only_its_author_edits_a_comment(role: Role) -> None:
    theirs = given(place(), member(BOB, role), comment(author=CAT))
    theirs.when(EditComment(text="I agree", expected_version=1), actor=BOB).then_refused(CommentIsAnothers)


def test_a_deleted_text_is_in_the_event() -> None:
    given_comment().when(DeleteComment(expected_version=1)).then(COMMENT_DELETED)
    given_comment(COMMENT_DELETED).when(DeleteComment(expected_version=2)).then_nothing()
    given_comment().when(DeleteComment()).then_refused(VersionRequired)


@pytest.mark.parametrize(("role", "may"), [("member", False), ("admin", True), ("owner", True)])
def test_an_administrator_deletes_the_comments_of_others(role: Role, may: bool) -> None:  # noqa: FBT001 - a table
    outcome = given(place(), member(BOB, role), comment(author=CAT)).when(DeleteComment(expected_version=1), actor=BOB)
    if may:
        outcome.then(CommentDeleted(TASK, PROJECT, Change(COMMENT_ADDED.text, "")))
    else:
        outcome.then_refused(Forbidden, needed="admin")


def test_a_reaction_is_added_and_removed_once() -> None:
    given_comment().when(AddReaction(emoji=THUMBS_UP)).then(REACTION_ADDED)
    given_comment(REACTION_ADDED).when(AddReaction(emoji=THUMBS_UP)).then_nothing()
    given_comment(REACTION_ADDED).when(RemoveReaction(emoji=THUMBS_UP)).then(REACTION_REMOVED)
    given_comment(REACTION_ADDED).when(RemoveReaction(emoji=HEART)).then_nothing()
    given_comment(REACTION_ADDED).when(RemoveReaction(emoji=THUMBS_UP), actor=CAT).then_nothing()


def test_everybody_reacts_for_themselves() -> None:
    by_cat = ReactionAdded(TASK, PROJECT, CAT.id, Change(None, THUMBS_UP))
    decision = given_comment(REACTION_ADDED).when(AddReaction(emoji=THUMBS_UP), actor=CAT).decision()
    assert decision.new_events == [(COMMENT, by_cat)]


def test_a_comment_has_a_limited_number_of_reactions() -> None:
    flags = [chr(0x1F1E6 + at // 26) + chr(0x1F1E6 + at % 26) for at in range(MAX_REACTIONS_PER_COMMENT)]
    full = given_comment(*(ReactionAdded(TASK, PROJECT, CAT.id, Change(None, flag)) for flag in flags))
    full.when(AddReaction(emoji=THUMBS_UP)).then_refused(TooManyReactions, most=MAX_REACTIONS_PER_COMMENT)
    full.when(AddReaction(emoji=flags[0])).then(ReactionAdded(TASK, PROJECT, ADA.id, Change(None, flags[0])))


@pytest.mark.parametrize(
    "command",
    [EditComment(text="x", expected_version=2), AddReaction(emoji=HEART), RemoveReaction(emoji=THUMBS_UP)],
)
def test_a_deleted_comment_is_not_found(command: EditComment | AddReaction | RemoveReaction) -> None:
    given_comment(COMMENT_DELETED).when(command).then_refused(NotFound)


@pytest.mark.parametrize(
    "command",
    [
        AddComment(task_id=TASK, text="x"),
        EditComment(text="x", expected_version=1),
        DeleteComment(expected_version=1),
        AddReaction(emoji=HEART),
        RemoveReaction(emoji=HEART),
    ],
)
def test_comments_change_as_long_as_their_task_does(
    command: AddComment | EditComment | DeleteComment | AddReaction | RemoveReaction,
) -> None:
    target = OTHER_COMMENT if isinstance(command, AddComment) else COMMENT
    given(place(TRASHED), comment()).when(command, on=target).then_refused(TaskIsTrashed)
    given(place(TRASHED, PURGED), comment()).when(command, on=target).then_refused(Purged)
    archived = given(place(), [(PROJECT, ProjectArchived())], comment())
    archived.when(command, on=target).then_refused(ProjectIsArchived)


@pytest.mark.parametrize("emoji", ["", "a", "1", THUMBS_UP * 2, "\N{HEAVY BLACK HEART}", "\u200d"])
def test_a_reaction_is_one_emoji(emoji: str) -> None:
    for command in (AddReaction, RemoveReaction):
        with pytest.raises(ValueError, match="emoji"):
            command(emoji=emoji)


def test_a_comment_that_does_not_exist_is_not_found() -> None:
    given(place()).when(AddReaction(emoji=HEART)).then_refused(NotFound)
    given(place()).when(AddComment(task_id=OTHER_TASK, text="x")).then_refused(NotFound)
    given(place()).when(AddComment(text="x")).then_refused(NotFound)


def test_a_comment_is_purged_with_its_task() -> None:
    by_rule = given(place(TRASHED), comment()).when(PurgeComment(), actor=RULE_ACTOR)
    by_rule.then_refused(NotTrashed)
    history = EventHistory([*place(TRASHED), *comment()])
    commands = CommandOn(TASK, PurgeTask(expected_version=2)), CommandOn(COMMENT, PurgeComment())
    written = history.decide(*commands, actor=RULE_ACTOR).new_events
    assert written == [(TASK, PURGED), (COMMENT, COMMENT_PURGED)]
    purged = given(place(TRASHED, PURGED), comment(COMMENT_PURGED))
    purged.when(PurgeComment(), actor=RULE_ACTOR).then_refused(Purged)
    given(place(TRASHED, PURGED), comment()).when(PurgeComment(), actor=ADA).then_refused(NotFound)
