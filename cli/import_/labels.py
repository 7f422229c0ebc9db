"""The labels of a row: names as texts, numbers or objects, or as comma-separated text."""

from collections.abc import Iterable
from typing import Final

from cli.import_.remarks import AddRemark
from cli.import_.rows import describe_json_type
from cli.import_.text_validation import MalformedRow, is_uuid, require_text

LABEL_FIELDS: Final = ("tags", "labels", "categories")
_NAMES: Final = ("name", "title", "label", "text", "value", "color", "colour")
"""A label without a name may have a colour: as Trello shows it."""
_LISTS: Final = ("nodes", "items", "data")


def parse_labels(name: str, value: object, add_remark: AddRemark) -> list[str]:
    """The names of the labels, in their order; raises MalformedRow if it is no list of labels.

    The id of a label is no name of it: ids are left out, with a remark.
    """
    if isinstance(value, dict):
        value = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), value)
    if isinstance(value, str):
        return _parse_items(name, value.split(","), add_remark)
    if isinstance(value, list):
        return _parse_items(name, (_name_of(item) if isinstance(item, dict) else item for item in value), add_remark)
    raise MalformedRow(f"{name}: {describe_json_type(value)}, not a list of labels")


def _name_of(label: dict[str, object]) -> object:
    """The name; the id of a label that has none, which is left out."""
    name = next((label[key] for key in _NAMES if label.get(key) not in (None, "")), None)
    return label.get("id") if name is None and is_uuid(label.get("id")) else name


def _parse_items(name: str, items: Iterable[object], add_remark: AddRemark) -> list[str]:
    words = (str(item) if type(item) is int else item for item in items)
    stripped = [stripped for word in words if (stripped := word.strip() if isinstance(word, str) else word) != ""]
    named = [word for word in stripped if not is_uuid(word)]
    if len(named) < len(stripped):
        add_remark(f"{name} are ids of labels, which have their names elsewhere: not imported")
    return [require_text(name, word, "label") for word in named]
