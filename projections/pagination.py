"""A page of a list: its items, and a cursor that goes on after the last one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Raw, Struct

from domain.errors import BadCursor, CursorMismatch
from projections.projection import Answer

T = TypeVar("T")
_EncodedCursor = tuple[UUID, Raw, str]
"""The list, what its last item goes by, and the digest of both."""


class Page(Struct, Generic[T], frozen=True, omit_defaults=True):
    """What a list answers with; a list that has no pages has no cursor."""

    items: list[T]
    next_cursor: str | None = None


class PageCursor(Struct, frozen=True, array_like=True):
    """Where a page ended: the list it belongs to, and the place of its last item, a number or several values.

    A list is named by what it is of, or, where there are several or it can be filtered, by `list_of`. The text of a
    cursor ends in a digest, so that what was changed or cut on the way is no cursor any more.
    """

    list_id: UUID
    after: Any

    @classmethod
    def parse_number(cls, text: str | None, list_id: UUID) -> int:
        """The number to go on after; 0 without a cursor. Raises BadCursor, or CursorMismatch for another list's."""
        return cls.parse(text, list_id, int) or 0

    @classmethod
    def parse(cls, text: str | None, list_id: UUID, value_type: type[T]) -> T | None:
        """The place to go on after; None without a cursor. Raises as `read` does."""
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
        """The cursor as clients carry it: opaque, and safe in an address."""
        after = Raw(msgspec.json.encode(self.after))
        digest = blake2b(self.list_id.bytes + bytes(after), digest_size=4).hexdigest()
        return urlsafe_b64encode(msgspec.json.encode((self.list_id, after, digest))).decode().rstrip("=")


class NameSortKey(Struct, frozen=True, array_like=True, order=True):
    """A place in a list by name, in any case of letters."""

    name: str
    id: UUID


class TimeSortKey(Struct, frozen=True, array_like=True):
    """A place in a list by when things were made."""

    created_at: datetime
    id: UUID


MIN_NAME_SORT_KEY: Final = NameSortKey("", UUID(int=0))
MIN_TIME_SORT_KEY: Final = TimeSortKey(datetime.min.replace(tzinfo=UTC), UUID(int=0))


def list_id_for(owner_id: UUID, name: str, filters: Mapping[str, object]) -> UUID:
    """The name of one list of something under one filter, which no other list has."""
    return uuid5(owner_id, f"{name} {msgspec.json.encode(filters, order='sorted').decode()}")


def paginate(rows: Sequence[T], limit: int, list_id: UUID, sort_key: Callable[[T], object]) -> Answer:
    """So many rows of a list at most, and where there are more of them a cursor, made of the place of the last."""
    cursor = PageCursor(list_id, sort_key(rows[limit - 1])).encode() if len(rows) > limit else None
    return encode_answer({"items": rows[:limit], "next_cursor": cursor}, cursor)


def encode_answer(content: object, next_cursor: str | None = None) -> Answer:
    """A list, encoded once."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body), next_cursor=next_cursor)


def encode_versioned_answer(
    content: object, version: int, workspace_id: UUID | None = None, project_id: UUID | None = None
) -> Answer:
    """One thing, encoded once, and the workspace and project that it belongs to, where it belongs to any."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body, version), workspace_id, project_id)


def etag(body: bytes, version: int | None = None) -> str:
    """A strong entity tag: `"<version>-<hash>"` for a thing with a version, `"<hash>"` for a list."""
    digest = blake2b(body, digest_size=9).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def is_intact(answer: Answer) -> bool:
    """Whether the body is the one that the entity tag was made of."""
    return answer.etag[1:-1].rpartition("-")[2] == etag(answer.body)[1:-1]
