"""Tasks that a command names in its body, by id or by key: their keys are looked up before it is carried out."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from api.http.addressing import is_task_key
from api.ledger import AuthedRequest, Ledger
from commands.command import Command
from domain.errors import Refusal

C = TypeVar("C", bound=Command[Any])


async def with_task_ids(ledger: Ledger, request: AuthedRequest, command: C, pointer: str = "#") -> C:
    """The command with ids for the keys of tasks; raises NotFound or AmbiguousKey, with a pointer."""
    found = dict[str, str]()
    for name in task_name_fields(type(command)):
        named = getattr(command, name)
        if isinstance(named, str) and is_task_key(named):
            try:
                found[name] = str(await ledger.resolve_task_id(request, named))
            except Refusal as refusal:
                refusal.pointer = f"{pointer}/{name}"
                raise
    return msgspec.structs.replace(command, **found) if found else command


@cache
def task_name_fields(command_type: type[Command[Any]]) -> Sequence[str]:
    """The fields of a command that name a task."""
    hints = get_type_hints(command_type, include_extras=True)
    return [name for name in command_type.__struct_fields__ if _names_task(hints[name])]


def _names_task(hint: Any) -> bool:
    metas = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Meta)]
    return any((meta.extra or {}).get("names") == "task" for meta in metas) or any(map(_names_task, get_args(hint)))
