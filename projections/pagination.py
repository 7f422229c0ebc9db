"""A page of a list: its items, and a cursor for the next page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Raw, Struct

from domain.errors import BadCursor, CursorMismatch
from projections import page_bytes
from projections.question import Answer

T = TypeVar("T")
_EncodedCursor = tuple[UUID, Raw, str]
"""The id of the list, the sort key of the page's last item, and a digest of both."""


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; the last one, and a list that is not paginated, has no cursor."""

    items: list[T]
    next_cursor: str | None = None


class PageCursor(Struct, frozen=True, array_like=True):
    """Where a page ended: the id of its list, and the sort key of its last item, a number or several values.

    The list id is that of the list's owner, or, if the owner has several lists or the list has filters, the result of
    `list_id_for`. The text of a cursor ends in a digest, so an altered or truncated cursor is rejected.
    """

    list_id: UUID
    after: Any

    @classmethod
    def parse_number(cls, text: str | None, list_id: UUID) -> int:
        """The number to continue after; 0 without a cursor. Raises BadCursor, or CursorMismatch for another list's."""
        return cls.parse(text, list_id, int) or 0

    @classmethod
    def parse(cls, text: str | None, list_id: UUID, value_type: type[T]) -> T | None:
        """The sort key to continue after; None without a cursor. Raises as `parse_number` does."""
        if text is None:
            return None
        try:
            encoded_list_id, after, _ = msgspec.json.decode(
                urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_EncodedCursor
            )
            if cls(encoded_list_id, after).encode() != text:
                raise BadCursor
            if encoded_list_id != list_id:
                raise CursorMismatch
            return msgspec.json.decode(after, type=value_type)
        except ValueError as error:
            raise BadCursor from error

    def encode(self) -> str:
        """The cursor as clients receive it: opaque, and safe in a URL."""
        after = Raw(msgspec.json.encode(self.after))
        digest = blake2b(self.list_id.bytes + bytes(after), digest_size=4).hexdigest()
        return urlsafe_b64encode(msgspec.json.encode((self.list_id, after, digest))).decode().rstrip("=")


class NameSortKey(Struct, frozen=True, array_like=True, order=True):
    """The sort key of a list by name, with the name in folded case."""

    name: str
    id: UUID


class TimeSortKey(Struct, frozen=True, array_like=True):
    """The sort key of a list by creation time."""

    created_at: datetime
    id: UUID


MIN_NAME_SORT_KEY: Final = NameSortKey("", UUID(int=0))
MIN_TIME_SORT_KEY: Final = TimeSortKey(datetime.min.replace(tzinfo=UTC), UUID(int=0))


def list_id_for(owner_id: UUID, name: str, filters: Mapping[str, object]) -> UUID:
    """The id of an owner's list under one filter, unique to that list and filter."""
    return uuid5(owner_id, f"{name} {msgspec.json.encode(filters, order='sorted').decode()}")


def paginate(rows: Sequence[T], limit: int, list_id: UUID, sort_key: Callable[[T], object]) -> Answer:
    """At most `limit` rows of a list and, if there are more, a cursor with the sort key of the last one."""
    return encode_page(rows[:limit], len(rows), lambda count: PageCursor(list_id, sort_key(rows[count - 1])))


def encode_page(
    items: Sequence[object], found: int, cursor_after: Callable[[int], PageCursor], **members: object
) -> Answer:
    """The answer with these items, or with those of them that fit a page, and with other members.

    It has a cursor if it has fewer items than were found; `cursor_after` is given the number of items before it.
    """

    def encode_first(shown: Sequence[object]) -> Answer:
        cursor = cursor_after(len(shown)).encode() if len(shown) < found else None
        return encode_answer({"items": shown, "next_cursor": cursor, **members}, cursor)

    answer = encode_first(items)
    if len(answer.body) <= page_bytes.MAX_PAGE_BYTES:  # no item is encoded twice for a page of the usual size
        return answer
    encoded = [Raw(msgspec.json.encode(item)) for item in items]
    return encode_first(encoded[: page_bytes.count_within_bytes(encoded)])


def encode_answer(content: object, next_cursor: str | None = None) -> Answer:
    """The answer for a list, encoded once."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body), next_cursor=next_cursor)


def encode_versioned_answer(
    content: object, version: int, workspace_id: UUID | None = None, project_id: UUID | None = None
) -> Answer:
    """The answer for one document, encoded once, with the workspace and project that it belongs to, if any."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body, version), workspace_id, project_id)


def etag(body: bytes, version: int | None = None) -> str:
    """A strong entity tag: `"<version>-<hash>"` for a document with a version, `"<hash>"` for a list."""
    digest = blake2b(body, digest_size=9).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def is_intact(answer: Answer) -> bool:
    """Whether the entity tag matches the body."""
    return answer.etag[1:-1].rpartition("-")[2] == etag(answer.body)[1:-1]
