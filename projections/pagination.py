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
_CURSOR = tuple[UUID, Raw, str]
"""The list, what its last item goes by, and the digest of both."""


class Page(Struct, Generic[T], frozen=True, omit_defaults=True):
    """What a list answers with; a list that has no pages has no cursor."""

    items: list[T]
    next_cursor: str | None = None


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended: the list it belongs to, and the place of its last item, a number or several values.

    A list is named by what it is of, or, where there are several or it can be filtered, by `list_of`. The text of a
    cursor ends in a digest, so that what was changed or cut on the way is no cursor any more.
    """

    of: UUID
    after: Any

    @classmethod
    def read(cls, text: str | None, of: UUID) -> int:
        """The number to go on after; 0 without a cursor. Raises BadCursor, or CursorMismatch for another list's."""
        return cls.place(text, of, int) or 0

    @classmethod
    def place(cls, text: str | None, of: UUID, kind: type[T]) -> T | None:
        """The place to go on after; None without a cursor. Raises as `read` does."""
        if text is None:
            return None
        try:
            this, after, _ = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_CURSOR)
            if cls(this, after).write() != text:
                raise BadCursor
            if this != of:
                raise CursorMismatch
            return msgspec.json.decode(after, type=kind)
        except ValueError as error:
            raise BadCursor from error

    def write(self) -> str:
        """The cursor as clients carry it: opaque, and safe in an address."""
        after = Raw(msgspec.json.encode(self.after))
        digest = blake2b(self.of.bytes + bytes(after), digest_size=4).hexdigest()
        return urlsafe_b64encode(msgspec.json.encode((self.of, after, digest))).decode().rstrip("=")


class ByName(Struct, frozen=True, array_like=True, order=True):
    """A place in a list by name, in any case of letters."""

    name: str
    id: UUID


class ByTime(Struct, frozen=True, array_like=True):
    """A place in a list by when things were made."""

    created_at: datetime
    id: UUID


START_OF_NAMES: Final = ByName("", UUID(int=0))
START_OF_TIME: Final = ByTime(datetime.min.replace(tzinfo=UTC), UUID(int=0))


def list_of(whose: UUID, name: str, chosen: Mapping[str, object]) -> UUID:
    """The name of one list of something under one filter, which no other list has."""
    return uuid5(whose, f"{name} {msgspec.json.encode(chosen, order='sorted').decode()}")


def paged(rows: Sequence[T], limit: int, this: UUID, place: Callable[[T], object]) -> Answer:
    """So many rows of a list at most, and where there are more of them a cursor, made of the place of the last."""
    cursor = Cursor(this, place(rows[limit - 1])).write() if len(rows) > limit else None
    return answer({"items": rows[:limit], "next_cursor": cursor}, cursor)


def answer(content: object, next_cursor: str | None = None) -> Answer:
    """A list, encoded once."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body), next_cursor=next_cursor)


def single(content: object, version: int, workspace_id: UUID | None = None, project_id: UUID | None = None) -> Answer:
    """One thing, encoded once, and the workspace and project that it belongs to, where it belongs to any."""
    body = msgspec.json.encode(content)
    return Answer(body, etag(body, version), workspace_id, project_id)


def etag(body: bytes, version: int | None = None) -> str:
    """A strong entity tag: `"<version>-<hash>"` for a thing with a version, `"<hash>"` for a list."""
    digest = blake2b(body, digest_size=9).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def is_whole(answer: Answer) -> bool:
    """Whether the body is the one that the entity tag was made of."""
    return answer.etag[1:-1].rpartition("-")[2] == etag(answer.body)[1:-1]
