"""No value of an export is lost in silence: it is carried over, or known to be noise, or counted by field."""

import json
from typing import Any

import pytest

from cli.import_.trello import leaves
from cli.import_.trello.leaves import CARRIED_ACTIONS, count_not_carried
from tests.cli.import_.boards import trello_export as trello
from tests.planted_defects import assert_check_fails

PLANTED = "a value that no reader knows"
EXPORT = trello.export()


def objects_in(value: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Each object with its path, but those of actions that are counted as they are."""
    if isinstance(value, list):
        return [found for inner in value for found in objects_in(inner, f"{path}[]")]
    if not isinstance(value, dict) or ("date" in value and value["type"] not in CARRIED_ACTIONS):
        return []
    inside = [found for name, inner in value.items() for found in objects_in(inner, f"{path}.{name}".removeprefix("."))]
    return [(path, value), *inside]


def test_every_value_is_carried_over_or_noise_or_counted() -> None:
    """A new member of any object in the file, also one in a value that is carried over."""
    before = count_not_carried(EXPORT)
    for place in range(len(objects_in(EXPORT))):
        export = json.loads(json.dumps(EXPORT))
        path, planted_in = objects_in(export)[place]
        planted_in["new"] = {"inner": [PLANTED]}
        found = f"{path}.new.inner[]".removeprefix(".")
        is_of_used_label = path == "labels[]" and planted_in["id"] != "l3"
        is_noise = is_of_used_label or found.startswith(noise())
        assert count_not_carried(export) - before == ({} if is_noise else {found: 1})


def noise() -> tuple[str, ...]:
    """The beginnings of paths that are noise with all that is in them."""
    return tuple(f"{name}." for name in leaves.NOISE)


def test_actions_of_other_types_are_counted_as_they_are() -> None:
    assert count_not_carried(EXPORT)["actions[] of type enablePlugin"] == 1


def test_a_value_that_is_taken_for_known_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "_is_known", lambda _: True)
    assert_check_fails(test_every_value_is_carried_over_or_noise_or_counted)


def test_what_the_file_has_beyond_text_is_counted_too() -> None:
    export = json.loads(json.dumps(EXPORT))
    export["cards"][0]["customFieldItems"] = [{"value": {"number": 7}, "idValue": None, "checked": True}]
    counted = count_not_carried(export) - count_not_carried(EXPORT)
    assert counted == {"cards[].customFieldItems[].value.number": 1, "cards[].customFieldItems[].checked": 1}
