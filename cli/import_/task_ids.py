"""Identity: the same row of the same list is the same task, however often it is imported."""

import json
from hashlib import sha256
from uuid import UUID

from cli.import_.rows import Row


def task_id(project_id: UUID, row: Row, id_and_title: tuple[object, str], occurrence: int) -> UUID:
    """The id of the task that a row becomes; `name` is the row's own id, if any, and its title.

    A UUIDv8 (RFC 9562, section 5.8: the bits are ours) of a SHA-256. The clients' own ids are version
    7 and the guard streams version 5, so neither can ever meet it. Ids repeat in real files, and
    so do whole rows: `occurrence` counts the rows before this one that are named the same.
    """
    parts = [str(project_id), row.list_name, row.parent_titles, *id_and_title, occurrence]
    digest = int.from_bytes(sha256(json.dumps(parts).encode()).digest()[:16], "big")
    version, variant = 0xF << 76, 0b11 << 62
    return UUID(int=digest & ~version & ~variant | 8 << 76 | 0b10 << 62)
