"""The description of one operation: what it takes, does and answers."""

import inspect
from typing import Any

import msgspec

from api.http.body import PATCH_MEDIA_TYPES
from api.openapi import answers, examples, parameters
from api.openapi.operation import Operation
from api.openapi.schemas import Schema
from commands import permissions
from commands.permissions import RequiredPermission


def described(one: Operation, schemas: dict[Any, Schema]) -> Schema:
    """The operation object."""
    summary, _, more = inspect.cleandoc(one.handler.fn.__doc__ or one.name).partition("\n\n")
    text = "\n\n".join(filter(None, (" ".join(more.split()), _rights(one))))
    return {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": " ".join(summary.split()),
        **({"description": text} if text else {}),
        **({"security": [{}]} if one.is_public else {}),
        "parameters": list(parameters.of(one)),
        **({"requestBody": _request(one, schemas)} if one.body is not None else {}),
        "responses": answers.of(one, schemas),
    }


def _request(one: Operation, schemas: dict[Any, Schema]) -> Schema:
    media = sorted(PATCH_MEDIA_TYPES) if one.method == "patch" else ["application/json"]
    required = any(field.required for field in msgspec.structs.fields(one.body))
    content = {"schema": schemas[one.body], "example": examples.of(one.body)}
    return {"required": required, "content": dict.fromkeys(media, content)}


def _rights(one: Operation) -> str:
    """Who may, in a sentence."""
    if one.is_public:
        return "For everybody, without a token."
    if one.is_batch:
        return "Each command asks for the role and the scope that it asks for alone."
    if permissions.REQUIRED_PERMISSIONS["Operate"] in one.needs:
        return f"For whoever administers this installation, with {_scope(permissions.REQUIRED_PERMISSIONS['Operate'])}"
    if len(one.commands) > 1:
        return " ".join(
            f"{kind.__name__}: {_needs(permissions.REQUIRED_PERMISSIONS[kind.__name__])}" for kind in one.commands
        )
    return " ".join(
        map(_needs, [permissions.REQUIRED_PERMISSIONS[kind.__name__] for kind in one.commands] or one.needs)
    )


def _needs(needs: RequiredPermission) -> str:
    """The least that is asked for, in a sentence."""
    role = f"the role `{needs.role}` in the workspace, and " if needs.role else ""
    return f"Asks for {role}{_scope(needs)}"


def _scope(needs: RequiredPermission) -> str:
    return f"a token of scope `{needs.scope}`."
