"""The checklist of an imported task: one, of all the checklists that the file has for it."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from cli.import_.field_names import TITLE_FIELDS, normalize_name
from cli.import_.progress_claims import read_claims, read_overriding_claims
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.text_validation import MAX_CHARS, MalformedRow, require_text, to_one_line
from commands.checklist import MAX_CHECKLIST_ITEMS, ChecklistItemSpec

CHECKLIST_FIELDS: Final = ("checklist", "checklists", "checklistitems")
_ITEM_FIELDS: Final = ("items", "checkitems", "checklistitems", "nodes", "data")
_TEXT_FIELDS: Final = (*TITLE_FIELDS, "displayname", "content", "description")
_MAX_DEPTH: Final = 4
"""How deep items stand in the lists of one field."""


class _Item(Struct, frozen=True):
    """An item as the file has it: '' for one without a text."""

    text: str
    done: bool = False


def read_checklist(row_fields: RowFields, add_remark: AddRemark) -> tuple[ChecklistItemSpec, ...]:
    """The items of all checklists, in the order of the file; a field that has none stays unread."""
    specs: list[ChecklistItemSpec] = []
    for name, value in row_fields.pop_all(CHECKLIST_FIELDS):
        items = list(_items_in(value))
        found = [item for item in items if item.text]
        if not found:
            row_fields.put_back(name, value)
            continue
        if len(found) < len(items):
            add_remark(f"{name}: items without a text were left out")
        if _names_in(value):
            add_remark(f"{name} became one checklist, without the names of the lists")
        specs += _valid_items(name, found, add_remark)
    if len(specs) > MAX_CHECKLIST_ITEMS:
        add_remark(f"items of a checklist after the first {MAX_CHECKLIST_ITEMS} of a task were left out")
    return tuple(specs[:MAX_CHECKLIST_ITEMS])


def _items_in(value: object, depth: int = 0) -> Iterator[_Item]:
    """The items in a list of items or of checklists, or in an object that wraps one."""
    if isinstance(value, list):
        for inner in value:
            yield from _items_in(inner, depth + 1) if depth < _MAX_DEPTH else [_Item("")]
        return
    if isinstance(value, dict):
        members = {normalize_name(name): inner for name, inner in value.items()}
        lists = [members[name] for name in _ITEM_FIELDS if isinstance(members.get(name), list)]
        if lists:
            for inner in lists:
                yield from _items_in(inner, depth + 1) if depth < _MAX_DEPTH else [_Item("")]
            return
        text = next((text for name in _TEXT_FIELDS if isinstance(text := members.get(name), str) and text.strip()), "")
        yield _Item(text.strip(), done=_is_done(value))
        return
    yield _Item(value.strip() if isinstance(value, str) else "")


def _is_done(item: Mapping[str, object]) -> bool:
    try:
        row_fields = RowFields(item)
        claims = [*read_claims(row_fields), *read_overriding_claims(row_fields)]
    except MalformedRow:
        return False
    return any(claim.status.is_done for claim in claims)


def _names_in(value: object) -> bool:
    """Whether lists of items have names."""
    lists = value if isinstance(value, list) else [value]
    return any(
        isinstance(one, dict)
        and any(normalize_name(name) in _ITEM_FIELDS for name in one)
        and any(normalize_name(name) in TITLE_FIELDS and inner for name, inner in one.items())
        for one in lists
    )


def _valid_items(name: str, items: list[_Item], add_remark: AddRemark) -> Iterator[ChecklistItemSpec]:
    for item in items:
        text = to_one_line(item.text)
        try:
            short = require_text(name, text[: MAX_CHARS["checklist item"]].strip(), "checklist item")
        except MalformedRow:
            add_remark(f"{name}: items with invalid characters were left out")
            continue
        if len(text) > MAX_CHARS["checklist item"]:
            add_remark(f"{name}: items were cut at {MAX_CHARS['checklist item']} characters")
        yield ChecklistItemSpec(short, done=item.done)
