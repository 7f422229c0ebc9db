"""A three-way merge of values: what becomes of the present one if a change from an old to a new one is taken back."""

from collections.abc import Iterable, Mapping
from typing import Any

from commands.revert.changed_stream import FieldChange
from domain.comment import Reaction


class Collision(Exception):
    """The present value is neither the new one nor the old one."""


def merge(present: Any, change: FieldChange) -> Any:
    """The old value if the present one is new; of several elements, those that did not change stay as they are.

    Raises Collision; also for a single value that another change has set again.
    """
    old, new = change.old, change.new
    if present == new and not (change.is_overwritten and not isinstance(new, Mapping | tuple)):
        return old
    if present == old:
        return present
    if isinstance(present, Mapping):
        return _merge_elements(present, old, new)
    if isinstance(present, tuple):
        return _from_elements(_merge_elements(*map(_elements, (present, old, new))))
    raise Collision


def _merge_elements(present: Mapping[Any, Any], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> dict[Any, Any]:
    if [key for key in old if key in new] != [key for key in new if key in old]:
        raise Collision  # their order is what changed
    changed = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    merged = dict(present)
    for key in changed:
        before, now = old.get(key), merged.get(key)
        if now == before:
            continue
        if now != new.get(key):
            raise Collision
        if before is None:
            del merged[key]
        elif key in merged:
            merged[key] = before
        else:
            merged = _with_inserted(merged, [*old].index(key), key, before)
    return merged


def _with_inserted(elements: Mapping[Any, Any], place: int, key: Any, value: Any) -> dict[Any, Any]:
    items = [*elements.items()]
    items.insert(place, (key, value))
    return dict(items)


def _elements(values: Iterable[Any]) -> dict[Any, Any]:
    """The elements by what tells them apart: their id if they have one; each user of a reaction is one."""
    elements = dict[Any, Any]()
    for value in values:
        if isinstance(value, Reaction):
            elements |= {(value.emoji, user): Reaction(value.emoji, (user,)) for user in value.users}
        else:
            elements[getattr(value, "id", value)] = value
    return elements


def _from_elements(elements: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Reactions with one emoji are one again, where the first of them is."""
    joined = dict[Any, Any]()
    for key, value in elements.items():
        if isinstance(value, Reaction):
            before = joined.get(value.emoji)
            joined[value.emoji] = Reaction(value.emoji, (*before.users, *value.users)) if before else value
        else:
            joined[key] = value
    return tuple(joined.values())
