"""The operation object: summary, parameters, request body and responses of one operation."""

import inspect
from typing import Any

import msgspec

from api.http.body import JSON_MEDIA_TYPES, PATCH_MEDIA_TYPES
from api.openapi import examples, parameters, responses
from api.openapi.operation import Operation
from api.openapi.schemas import BINARY, Schema
from commands import permissions
from commands.permissions import RequiredPermission


def operation_object(operation: Operation, schemas: dict[Any, Schema]) -> Schema:
    """The OpenAPI operation object."""
    summary, _, more = inspect.cleandoc(operation.endpoint.text or operation.name).partition("\n\n")
    text = "\n\n".join(filter(None, (" ".join(more.split()), _permission_text(operation))))
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": " ".join(summary.split()),
        **({"description": text} if text else {}),
        **({"security": []} if operation.endpoint.is_public else {}),
        "parameters": list(parameters.parameters_of(operation)),
        **({"requestBody": _request_body(operation, schemas)} if operation.has_body else {}),
        "responses": responses.responses_of(operation, schemas),
    }


def _request_body(operation: Operation, schemas: dict[Any, Schema]) -> Schema:
    """One media type: a client that is generated from two has the same body twice."""
    if operation.endpoint.takes_bytes:
        content: Schema = {BINARY: {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7"}}
        return {"description": "The file, of any type.", "required": True, "content": content}
    required = any(field.required for field in msgspec.structs.fields(operation.endpoint.body_type))
    content = {
        "schema": schemas[operation.endpoint.body_type],
        "example": examples.example_of(operation.endpoint.body_type),
    }
    others = sorted(PATCH_MEDIA_TYPES - JSON_MEDIA_TYPES) if operation.method == "patch" else []
    description = {"description": f"Also accepted as `{others[0]}`."} if others else {}
    return {**description, "required": required, "content": {"application/json": content}}


def _permission_text(operation: Operation) -> str:
    """The required permission, in a sentence."""
    if operation.endpoint.is_public:
        return "Public: needs no token."
    if operation.is_batch:
        return "Each command needs the same role and scope as on its own."
    if permissions.REQUIRED_PERMISSIONS["Operate"] in operation.required_permissions:
        scope = _token_scope_text(permissions.REQUIRED_PERMISSIONS["Operate"])
        return f"For the administrator of this installation, with {scope}"
    if len(operation.command_types) > 1:
        return " ".join(
            f"{kind.__name__}: {_required_permission_text(permissions.REQUIRED_PERMISSIONS[kind.__name__])}"
            for kind in operation.command_types
        )
    return " ".join(
        map(
            _required_permission_text,
            [permissions.REQUIRED_PERMISSIONS[kind.__name__] for kind in operation.command_types]
            or operation.required_permissions,
        )
    )


def _required_permission_text(required: RequiredPermission) -> str:
    """The required role and scope, in a sentence."""
    role = f"the role `{required.role}` in the workspace, and " if required.role else ""
    return f"Needs {role}{_token_scope_text(required)}"


def _token_scope_text(required: RequiredPermission) -> str:
    return f"a token of scope `{required.scope}`."
