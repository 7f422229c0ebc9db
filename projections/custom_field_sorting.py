"""Sorting by a custom field: numbers first, then texts, and tasks without a value last in both directions.

Options are sorted in the order of their field, several by the first of them; persons by when they registered.
"""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from domain.custom_field import CustomField, FieldType
from domain.errors import UnknownSortField
from projections.custom_field_sql import FieldsByName, fields_named
from projections.sorting import Sorting

_TEXT_NUMBER, _NO_NUMBER = "1e290::float8", "1e300::float8"
"""What stands for the number of a task that has a text, and of one that has neither: more than any number."""
_NO_TEXT: Final = "''"
_MAX_KEY_CHARACTERS: Final = 200
"""Texts that begin with the same characters are in no order."""
_CURSOR_TYPE: Final = tuple[int, float, Annotated[str, Meta(max_length=4 * _MAX_KEY_CHARACTERS)], UUID]
_HAS_SQL: Final = "task.field_keys is not null and task.field_keys ?| %(sort_fields)s::text[]"
"""For the index; the number says if a value is shown."""
_TEXT_SQL: Final = f"left(task.field_keys ->> %({{id}})s::text, {_MAX_KEY_CHARACTERS})"
_VALUE_SQL: Final = "task.field_keys -> %({id})s::text"
_NUMBER_SQL: Final[dict[FieldType, str]] = {
    "number": f"case jsonb_typeof({_VALUE_SQL}) when 'number' then ({_VALUE_SQL})::float8 end",
    "checkbox": f"case jsonb_typeof({_VALUE_SQL}) when 'boolean' then ({_VALUE_SQL})::boolean::int::float8 end",
    "choice": "array_position(%({options})s::text[], task.field_keys ->> %({id})s::text)::float8",
    "choices": "(select min(array_position(%({options})s::text[], one)) from jsonb_array_elements_text("  # noqa: S608 - our own text
    f"case jsonb_typeof({_VALUE_SQL}) when 'array' then {_VALUE_SQL} end) one)::float8",
}
"""By the type of the field; the other types are sorted as texts."""


def custom_field_sorting(name: str, fields: FieldsByName, *, is_descending: bool) -> Sorting:
    """The order by the custom fields of that name; raises UnknownSortField if there is none."""
    named = fields_named(fields, name)
    if not named:
        raise UnknownSortField(f"No custom field is named {name}.", field=name)
    numbers = [sql for place, field in enumerate(named) if (sql := _expression(_NUMBER_SQL.get(field.type), place))]
    texts = [_text_sql(place) for place, field in enumerate(named) if field.type not in _NUMBER_SQL]
    text = f"coalesce({', '.join((*texts, _NO_TEXT))})"
    has_text = f"case when {text} <> {_NO_TEXT} then {_TEXT_NUMBER} end"
    number = f"coalesce({', '.join((*numbers, has_text, _NO_NUMBER))})"
    parts = (f"{_HAS_SQL} and {number} < {_NO_NUMBER}", f"{number} >= {_NO_NUMBER}")
    expressions = (number, f'{text} collate "C"', "task.id")
    return Sorting(expressions, _CURSOR_TYPE, is_descending, parts, parameters=_parameters(named))


def _expression(sql: str | None, place: int) -> str | None:
    return sql and sql.format(id=f"sort_field_{place}", options=f"sort_options_{place}")


def _text_sql(place: int) -> str:
    return _TEXT_SQL.format(id=f"sort_field_{place}")


def _parameters(fields: Sequence[CustomField]) -> dict[str, object]:
    found: dict[str, object] = {f"sort_field_{place}": field.key for place, field in enumerate(fields)}
    found["sort_fields"] = [field.key for field in fields]
    return found | {
        f"sort_options_{place}": [str(option.id) for option in field.options]
        for place, field in enumerate(fields)
        if field.options
    }
