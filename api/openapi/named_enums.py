"""Named enumerations: a set of values that several types share is one schema, and so one type in generated clients.

A value that was read can then be sent: the priority of a task and that of an edit are of the same type.
"""

from typing import Any, Final, Literal, get_args

from api.openapi.schemas import SCHEMA_REF_PREFIX, Schema
from domain.custom_field import FieldType
from domain.event import ActorKind
from domain.member import Role
from domain.project import WipPolicy
from domain.proposal import ProposalStatus
from domain.recurrence import RecurrenceStart
from domain.relation import RelationKind
from domain.saved_filter import SavedFilterSort
from domain.task import Priority, TaskStatus
from domain.user import TokenKind, TokenScope
from domain.watch import WatchLevel
from infra.health.dependencies import Status
from infra.rebuilding.projection_status import ProjectionState
from projections.charts.spans import Bucket
from projections.task_sorting import TaskSort
from projections.trash import TrashKind

_ENUMS: Final[dict[str, Any]] = {
    "ActorKind": ActorKind,
    "ChartBucket": Bucket,
    "CollisionMode": Literal["skip"],
    "CountMode": Literal["exact"],
    "CustomFieldType": FieldType,
    "HealthStatus": Literal["ok", "degraded"],
    "Priority": Priority,
    "ProposalStatus": ProposalStatus,
    "ProjectionState": ProjectionState,
    "RecurrenceStart": RecurrenceStart,
    "RelationKind": RelationKind,
    "Role": Role,
    "SavedFilterSort": SavedFilterSort,
    "ServerStatus": Status,
    "TaskSort": TaskSort,
    "TaskStatus": TaskStatus,
    "TokenKind": TokenKind,
    "TokenScope": TokenScope,
    "TrashKind": TrashKind,
    "WatchLevel": WatchLevel,
    "WipPolicy": WipPolicy,
}
_NAME_BY_VALUES: Final = {frozenset(get_args(kind)): name for name, kind in _ENUMS.items()}


def with_named_enums(document: Schema) -> Schema:
    """The document with references instead of these enumerations, which are schemas of their own."""
    used = set[str]()
    named: Schema = _with_references(document, used)
    enums = {name: {"title": name, "type": "string", "enum": list(get_args(_ENUMS[name]))} for name in used}
    schemas = dict(sorted((named["components"]["schemas"] | enums).items()))
    return {**named, "components": {**named["components"], "schemas": schemas}}


def _with_references(node: Any, used: set[str]) -> Any:
    if isinstance(node, list):
        return [_with_references(each, used) for each in node]
    if not isinstance(node, dict):
        return node
    replaced = {key: _with_references(each, used) for key, each in node.items()}
    values = node.get("enum")
    name = _NAME_BY_VALUES.get(frozenset(values)) if isinstance(values, list) else None
    if name is None:
        return replaced
    used.add(name)
    return {"$ref": SCHEMA_REF_PREFIX + name} | {
        key: each for key, each in replaced.items() if key not in {"enum", "type"}
    }
