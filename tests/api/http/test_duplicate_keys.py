"""Duplicate keys are found at any depth and in any spelling, and never where there are none."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from api.http import duplicate_keys
from api.http.duplicate_keys import DuplicateKey, find_duplicate_key
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.law import law
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["a", "b", "ab", "ä", ":", '"', '":', "~/", "\\", "\U0001f600"]) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))
SPACES = st.text(alphabet=" \t\r\n", max_size=2)
LONG_NUMBER = "9" * 5000


def as_json(value: Any, spelled: Callable[[str], str], space: str) -> str:
    if isinstance(value, dict):
        members = (f"{spelled(key)}{space}:{space}{as_json(each, spelled, space)}" for key, each in value.items())
        return "{" + f"{space},{space}".join(members) + "}"
    if isinstance(value, list):
        return f"[{','.join(as_json(each, spelled, space) for each in value)}]"
    return json.dumps(value)


def escaped(name: str) -> str:
    """The name as JSON with every character escaped."""
    units = name.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'


def unescaped(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def objects_in(value: Any) -> list[dict[str, Any]]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [
        *([value] if value and isinstance(value, dict) else []),
        *(one for each in children for one in objects_in(each)),
    ]


@law(DOCUMENTS, SPACES, st.booleans(), examples=300)
def distinct_keys_are_accepted(document: Any, space: str, is_escaped: bool) -> None:  # noqa: FBT001 - drawn
    text = as_json(document, escaped if is_escaped else json.dumps, space)
    assert find_duplicate_key(space.encode() + text.encode()) is None, text


@law(DOCUMENTS, NAMES, SPACES, st.data(), examples=300)
def a_repeated_key_is_found(document: Any, name: str, space: str, data: st.DataObject) -> None:
    """A member is added to one object, with its key once escaped and once not."""
    document = {"outer": [document, {name: 1}]}
    target = data.draw(st.sampled_from(objects_in(document)))
    key = data.draw(st.sampled_from(sorted(target)))
    target["<again>"] = data.draw(SCALARS)
    text = as_json(document, unescaped, space).replace('"<again>"', escaped(key)).encode("utf-8", "surrogatepass")
    if b"\xed" in text:  # perhaps a lone surrogate, which is no JSON
        return
    found = find_duplicate_key(text)
    assert found is not None, text
    assert found.key == key


def test_distinct_keys_are_accepted() -> None:
    distinct_keys_are_accepted()


def test_a_repeated_key_is_found() -> None:
    a_repeated_key_is_found()


def test_a_detector_that_only_counts_colons_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_keys, "_member_count", lambda document: document.count(b'":'))
    assert_check_fails(a_repeated_key_is_found)


def test_a_detector_that_overlooks_spaces_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_keys, "_SPACED_COLON", re.compile(b"never"))
    assert_check_fails(a_repeated_key_is_found)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', DuplicateKey("c", "#/b/c")),
        ('{"a": [0, {"~/": 1, "~/": 2}]}', DuplicateKey("~/", "#/a/1/~0~1")),
        ('{"a": 1, "\\u0061": 2}', DuplicateKey("a", "#/a")),
        ('{"": 1, "" : 2}', DuplicateKey("", "#/")),
        ('{"a": {"b": 1, "b": 2}, "a": 3}', DuplicateKey("a", "#/a")),
        ('{"a": "\\":", "b": "2026-12-01T10:00:00Z"}', None),
        ('{"a": {"a": {"a": 1}}, "b": {"a": 1}}', None),
        (f'{{"a": "x:", "b": {LONG_NUMBER}, "c": {{"b": {LONG_NUMBER}}}}}', None),
    ],
)
def test_the_key_is_named_with_its_pointer(document: str, found: DuplicateKey | None) -> None:
    assert find_duplicate_key(document.encode()) == found


@pytest.mark.asyncio(loop_scope="package")
async def test_a_key_that_is_repeated_in_a_batch_is_named(shared_user: ApiUser) -> None:
    content = b'{"commands": [{"type": "CreateTask", "data": {"title": "a", "title": "b"}}]}'
    answer = await shared_user.request(
        "POST", "/commands", content=content, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "duplicate_key")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/commands/0/data/title", "duplicate_key")
