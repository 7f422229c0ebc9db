"""Addressing: ids and human keys in URLs, and the scope (workspace, project) of a command."""

import re
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from api.http.problems import MalformedRequest
from commands.command import Command

C = TypeVar("C", bound=Command[Any])
_TASK_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}")
ID_OR_TASK_KEY_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "pattern": f"^{_TASK_KEY.pattern}$"}]
}
"""The JSON Schema of a target: its id, or the human key of a task."""


def is_task_key(text: str) -> bool:
    """Whether a text has the form of a human key, such as PROJ-12."""
    return bool(_TASK_KEY.fullmatch(text))


def parse_id(text: str) -> UUID:
    """An id from an address; raises MalformedRequest."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise MalformedRequest("invalid_id", "This is neither a UUID nor a key such as PROJ-12.") from None


def in_scope(command: C, **scope: UUID | str) -> C:
    """The command in the scope of its address; raises MalformedRequest if its body names another."""
    for field, value in scope.items():
        named = getattr(command, field)
        if named is not None and named != value:
            raise MalformedRequest("places_differ", f"The address and {field} differ.", pointer=f"#/{field}")
    return msgspec.structs.replace(command, **scope)
