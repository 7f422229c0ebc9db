"""Naming: what an address names, by id or by human key, and the place that a command happens in."""

import re
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.http.problems import MalformedRequest
from commands.command import Command

C = TypeVar("C", bound=Command[Any])
_TASK_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}")


def is_task_key(text: str) -> bool:
    """Whether it has the form of a human key, such as PROJ-12."""
    return bool(_TASK_KEY.fullmatch(text))


def parse_id(text: str) -> UUID:
    """An id from an address; raises Malformed."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise MalformedRequest("invalid_id", "This is neither a UUID nor a key such as PROJ-12.") from None


def in_scope(command: C, **scope: UUID | str) -> C:
    """The command in the place that its address names; raises Malformed where its body names another."""
    for field, value in scope.items():
        if getattr(command, field) not in {None, value}:
            raise MalformedRequest(
                "places_differ", f"The address and {field} name different places.", pointer=f"#/{field}"
            )
    return msgspec.structs.replace(command, **scope)
