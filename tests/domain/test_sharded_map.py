"""Sharded maps hold what a plain dictionary holds, and a change leaves the maps before it as they were."""

from collections.abc import Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain import sharded_map
from infra.ids import new_id

KEYS = [new_id() for _ in range(6)]


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.integers())))
def test_a_sharded_map_equals_a_plain_one(changes: list[tuple[UUID, int | None]]) -> None:
    plain, sharded = dict[UUID, int](), dict[str, Mapping[UUID, int]]()
    for key, value in changes:
        before = {each: sharded_map.get(sharded, each) for each in KEYS}
        after = sharded_map.with_value(sharded, key, value)
        assert {each: sharded_map.get(sharded, each) for each in KEYS} == before
        sharded = after
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
        assert {key: value for shard in sharded.values() for key, value in shard.items()} == plain
        assert all(sharded.values()), "an empty shard is left out"
