"""Comments over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.command_endpoint import command
from api.function_endpoint import get
from api.history import read_history
from api.http import history_items
from api.http.parameters import PageQuery, PastPageQuery, PastQuery
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.question_endpoint import question
from commands.command import require_found
from commands.comment import AddComment, AddReaction, DeleteComment, EditComment, RemoveReaction
from commands.emoji import Emoji
from commands.validation import describe, find_errors
from domain.comment import Comment
from projections import comment_list
from projections.comment_list import CommentRow
from projections.pagination import Page

EmojiInPath = Annotated[Emoji, Meta(description="One emoji, percent-encoded.", examples=["👍"])]


def _parse_emoji(text: str) -> EmojiInPath:
    """The emoji; raises MalformedRequest."""
    if errors := find_errors(text, Emoji, "#/emoji"):
        raise MalformedRequest("invalid_emoji", describe(errors))
    return text


list_comments = question(
    "/tasks/{task}/comments",
    comment_list.page,
    Page[CommentRow],
    "List the comments on a task and the replies to them, oldest first; a deleted one is listed while it has replies.",
    PastPageQuery,
)
add_comment = command(
    "POST",
    "/tasks/{task}/comments",
    AddComment,
    """Comment on a task, or reply to a comment on it.

    The text is Markdown. `@` and the name of a member of the workspace, one word of it that no other member shares, or
    their e-mail address mentions them; any other text after an `@` stays text.
    """,
)


@get("/comments/{comment}")
async def show_comment(comment: UUID, request: AuthedRequest, ledger: Ledger, query: PastQuery) -> Response[CommentRow]:
    """Show one comment."""
    task = await _task_of(ledger, comment)
    moment = await ledger.moment(request, query.as_of, query.at_position)
    return await ledger.read(request, comment_list.by_id(task, comment).as_of(moment), query.min_position)


@get("/comments/{comment}/history")
async def show_comment_history(
    comment: UUID, request: AuthedRequest, ledger: Ledger, query: PageQuery
) -> Response[Page[history_items.HistoryItem]]:
    """List the events of a comment, newest first, with every text that it had, also after it was deleted."""
    task = await _task_of(ledger, comment)
    return await read_history(request, ledger, comment, query, task=task)


edit_comment = command(
    "PATCH",
    "/comments/{comment}",
    EditComment,
    "Edit your own comment; send the version you last read. It mentions whom the new text mentions.",
)
delete_comment = command(
    "DELETE",
    "/comments/{comment}",
    DeleteComment,
    "Delete your own comment, or as an administrator of the workspace any; send the version you last read.",
)
add_reaction = command(
    "PUT",
    "/comments/{comment}/reactions/{emoji}",
    AddReaction,
    "React to a comment with an emoji, unless you have already.",
    emoji=_parse_emoji,
)
remove_reaction = command(
    "DELETE",
    "/comments/{comment}/reactions/{emoji}",
    RemoveReaction,
    "Take back your reaction to a comment.",
    emoji=_parse_emoji,
)


async def _task_of(ledger: Ledger, comment: UUID) -> UUID:
    """The task that a comment is on; raises NotFound."""
    return require_found(await ledger.log.load_state(Comment, comment)).task_id
