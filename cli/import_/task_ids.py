"""Ids of tasks and comments derived from rows: importing the same row again gives the same ids."""

import json
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cli.import_.rows import Row


def task_id(project_id: UUID, row: Row, id_and_title: tuple[object, str], occurrence: int) -> UUID:
    """The id of the task that a row becomes, from the project, list, parents, own id and title.

    A UUIDv8 (RFC 9562, section 5.8: the bits are ours) of a SHA-256. Ids made by clients are version
    7 and those of guard streams version 5, so they never collide with it. Ids and whole rows repeat
    in real files: `occurrence` counts the rows with the same id and title up to this one.
    """
    own = json.dumps([*id_and_title, occurrence])
    parts = f"{_encode_place(project_id, row.list_name, row.parent_titles)[:-1]}, {own[1:]}"
    return _uuid8(parts)


def comment_id(task: UUID, number: int) -> UUID:
    """The id of a comment, from its task and its place among the comments of that."""
    return _uuid8(f"comment {number} on {task}")


def _uuid8(parts: str) -> UUID:
    digest = int.from_bytes(sha256(parts.encode()).digest()[:16], "big")
    version, variant = 0xF << 76, 0b11 << 62
    return UUID(int=digest & ~version & ~variant | 8 << 76 | 0b10 << 62)


@lru_cache(maxsize=1_000)
def _encode_place(project_id: UUID, list_name: str, parent_titles: tuple[str, ...]) -> str:
    return json.dumps([str(project_id), list_name, parent_titles])
