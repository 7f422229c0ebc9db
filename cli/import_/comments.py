"""The comments of an imported task: texts, each with its author and time in a first line, as the file has them."""

from collections.abc import Iterator, Mapping
from typing import Final

from cli.import_.field_names import normalize_name
from cli.import_.remarks import AddRemark
from cli.import_.rich_text import plain_text_of
from cli.import_.row_fields import RowFields
from cli.import_.text_validation import MAX_CHARS, MalformedRow, require_text

COMMENT_FIELDS: Final = ("comments",)
MAX_COMMENTS_PER_TASK: Final = 500
"""They are written together with their task."""
_AUTHOR_FIELDS: Final = ("author", "user", "createdby", "creator", "by", "username", "authorname")
_NAME_FIELDS: Final = ("name", "displayname", "fullname", "login", "username", "email")
_TIME_FIELDS: Final = ("createdat", "created", "date", "postedat", "timestamp", "time")


def read_comments(row_fields: RowFields, add_remark: AddRemark) -> tuple[str, ...]:
    """The texts of the comments, in the order of the file; a field that has none stays unread."""
    name, value = row_fields.pop_first(COMMENT_FIELDS)
    found = [] if not isinstance(value, list) else [text for text in map(_text_of, value) if text]
    if not found:
        row_fields.put_back(name, value)
        return ()
    texts = tuple(_valid_texts(name, found[:MAX_COMMENTS_PER_TASK], add_remark))
    if texts:
        add_remark(f"{name} became comments of yours, which begin with the author and the time, if known")
    if len(found) < len(value):
        add_remark(f"{name} without a text were left out")
    if len(found) > MAX_COMMENTS_PER_TASK:
        add_remark(f"{name} after the first {MAX_COMMENTS_PER_TASK} of a task were left out")
    return texts


def _text_of(value: object) -> str:
    """The text of a comment with its author and time; '' if it has no text."""
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else ""
    text, _ = plain_text_of(value) or ("", "")
    members = {normalize_name(name): inner for name, inner in value.items()}
    heading = ", ".join(filter(None, (_author_of(members), _first_text(members, _TIME_FIELDS))))
    return f"{heading}:\n\n{text.strip()}" if heading and text.strip() else text.strip()


def _valid_texts(name: str, texts: list[str], add_remark: AddRemark) -> Iterator[str]:
    for text in texts:
        try:
            yield require_text(name, text[: MAX_CHARS["comment"]], "comment")
        except MalformedRow:
            add_remark(f"{name} with invalid characters were left out")
        else:
            if len(text) > MAX_CHARS["comment"]:
                add_remark(f"{name} were cut at {MAX_CHARS['comment']:,} characters")


def _author_of(members: Mapping[str, object]) -> str:
    for each in _AUTHOR_FIELDS:
        value = members.get(each)
        if isinstance(value, dict):
            value = _first_text({normalize_name(name): inner for name, inner in value.items()}, _NAME_FIELDS)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    return ""


def _first_text(members: Mapping[str, object], names: tuple[str, ...]) -> str:
    texts = (members.get(name) for name in names)
    return next((" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()), "")
