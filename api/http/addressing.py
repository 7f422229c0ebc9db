"""Addressing: ids and human keys in URLs, and the scope (workspace, project) of a command."""

import re
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from api.http.problems import MalformedRequest
from commands.command import Command

C = TypeVar("C", bound=Command[Any])
_PROJECT_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]{1,9}")
_TASK_KEY = re.compile(_PROJECT_KEY.pattern + "-[1-9][0-9]{0,8}")
_UUID_SCHEMA: Final[dict[str, Any]] = {"type": "string", "format": "uuid"}
ID_OR_TASK_KEY_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [_UUID_SCHEMA, {"type": "string", "pattern": f"^{_TASK_KEY.pattern}$"}]
}
ID_OR_PROJECT_KEY_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [_UUID_SCHEMA, {"type": "string", "pattern": f"^{_PROJECT_KEY.pattern}$"}]
}
TARGET_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [*ID_OR_TASK_KEY_SCHEMA["anyOf"], ID_OR_PROJECT_KEY_SCHEMA["anyOf"][1]]
}
"""The JSON Schema of a target: its id, or the human key of a task or project."""
_UUID, _TASK_NAME, _PROJECT_NAME = (
    "not a UUID",
    "neither a UUID nor a key such as PROJ-12",
    "neither a UUID nor a key such as PROJ",
)


def is_task_key(text: str) -> bool:
    """Whether a text has the form of a human key, such as PROJ-12, in any case of letters."""
    return bool(_TASK_KEY.fullmatch(text))


def is_project_key(text: str) -> bool:
    """Whether a text has the form of a project key, such as PROJ, in any case of letters."""
    return bool(_PROJECT_KEY.fullmatch(text))


def parse_task_id(text: str) -> UUID:
    """The id of a task that is not named by a key; raises MalformedRequest."""
    return _parse_uuid(text, _TASK_NAME)


def parse_project_id(text: str) -> UUID:
    """The id of a project that is not named by a key; raises MalformedRequest."""
    return _parse_uuid(text, _PROJECT_NAME)


def parse_id(text: str) -> UUID:
    """An id from an address; raises MalformedRequest."""
    return _parse_uuid(text, _UUID)


def in_scope(command: C, **scope: UUID | str) -> C:
    """The command, put in the scope of its address; raises MalformedRequest if its body names another.

    It was decoded a moment ago, and the request alone has it: a copy would check all its fields again.
    """
    for field, value in scope.items():
        named = getattr(command, field)
        if named is not None and named != value:
            raise MalformedRequest("places_differ", f"The address and {field} differ.", pointer=f"#/{field}")
        msgspec.structs.force_setattr(command, field, value)
    return command


def _parse_uuid(text: str, fault: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise MalformedRequest("invalid_id", f"This is {fault}.") from None
