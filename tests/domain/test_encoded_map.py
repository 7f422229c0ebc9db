"""Encoded maps hold what a plain dictionary holds, also read from a snapshot, and a change leaves older maps alone."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import encoded_map
from domain.encoded_map import EncodedMap, EncodedParts
from tests.examples import fixed_uuid7

KEYS = [*map(fixed_uuid7, range(1, 5)), *(fixed_uuid7(4_096 + number) for number in range(1, 4))]
"""Some of them in one part."""
NUMBERS = EncodedMap(dict[UUID, int])


@pytest.mark.parametrize("max_cached_bytes", [0, 16_384])
@given(changes=st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.integers(0, 9))))
def test_an_encoded_map_equals_a_plain_one(max_cached_bytes: int, changes: list[tuple[UUID, int | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded_map, "_MAX_CACHED_PART_BYTES", max_cached_bytes)
        assert_equals_a_plain_one(changes)


def assert_equals_a_plain_one(changes: list[tuple[UUID, int | None]]) -> None:
    encoded: EncodedParts
    plain, encoded = dict[UUID, int](), {}
    for key, value in changes:
        before = values(encoded)
        after = NUMBERS.with_values(encoded, {key: value})
        assert values(encoded) == before
        encoded = after
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
        assert values(encoded) == values(from_snapshot(encoded)) == [plain.get(each) for each in KEYS]
        assert bool(encoded) == bool(plain), "an empty part is left out"


def values(encoded: EncodedParts) -> list[int | None]:
    return [NUMBERS.get(encoded, key) for key in KEYS]


def from_snapshot(encoded: EncodedParts) -> EncodedParts:
    parts: EncodedParts = msgspec.json.decode(msgspec.json.encode(encoded), type=EncodedParts)
    return parts
