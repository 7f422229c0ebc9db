"""The custom fields of a task as clients see them: values by the name of their field, and options by their name."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from domain.custom_field import CustomField
from projections.question import Query

FieldsByKey: TypeAlias = Mapping[str, CustomField]
"""The custom fields of projects by id."""


class ProjectFields(Struct, frozen=True):
    """The custom fields of a project."""

    fields: tuple[CustomField, ...]


class HasFields(Protocol):
    """A project with its custom fields."""

    @property
    def fields(self) -> tuple[CustomField, ...]:
        """Those in use, in order."""


def definitions_query(condition: str) -> Query:
    """The custom fields of the projects that meet a condition and have some."""
    sql = f"select fields from {{project_list}} project where {condition} and fields <> '[]'::jsonb order by id"  # noqa: S608 - our own text
    return Query(sql, ProjectFields)


def fields_by_key(rows: Iterable[HasFields]) -> FieldsByKey:
    """Those of all these projects."""
    return {field.key: field for row in rows for field in row.fields}


def named_values(values: Mapping[str, Any], fields: FieldsByKey) -> dict[str, Any]:
    """The values by name, without those of fields and options that there are no longer."""
    shown = ((fields[key].name, _shown_value(value, fields[key])) for key, value in values.items() if key in fields)
    return {name: value for name, value in shown if value is not None}


def _shown_value(value: Any, field: CustomField) -> Any:
    if field.type not in {"choice", "choices"}:
        return value
    chosen = value if field.type == "choices" else [value]
    names = [option.name for option in field.options if str(option.id) in chosen]
    return names or None if field.type == "choices" else next(iter(names), None)
