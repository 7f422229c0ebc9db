"""The in-process cache is bounded, and fresh values are invalidated by a change of their topics."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from infra.reading.memory_cache import MAX_ENTRY_DIVISOR, MemoryCache

MAX_BYTES = 80
KEYS, TOPICS = st.sampled_from("abcdef"), st.sampled_from("xyz")
STEPS = st.lists(
    st.tuples(st.just("set"), KEYS, st.integers(1, MAX_BYTES // MAX_ENTRY_DIVISOR + 3), TOPICS, st.booleans())
    | st.tuples(st.just("get_fresh"), KEYS)
    | st.tuples(st.just("invalidate"), TOPICS)
    | st.tuples(st.just("invalidate_all")),
    max_size=40,
)


class ModelCache:
    """A plain model of the cache: each value with its size, its topic, and whether it is fresh."""

    def __init__(self) -> None:
        self.entries = OrderedDict[str, tuple[int, int, str, bool]]()

    def set(self, key: str, value: int, size: int, topic: str, *, is_fresh: bool) -> None:
        if size > MAX_BYTES // MAX_ENTRY_DIVISOR:
            return
        self.entries.pop(key, None)
        self.entries[key] = (value, size, topic, is_fresh)
        while sum(size for _, size, *_ in self.entries.values()) > MAX_BYTES:
            self.entries.popitem(last=False)

    def get_fresh(self, key: str) -> int | None:
        if key not in self.entries or not self.entries[key][3]:
            return None
        self.entries.move_to_end(key)
        return self.entries[key][0]

    def invalidate(self, *topics: str) -> None:
        for key, (value, size, topic, is_fresh) in self.entries.items():
            self.entries[key] = (value, size, topic, is_fresh and topic not in topics)


@given(STEPS)
def test_the_memory_cache_matches_a_plain_model(steps: list[tuple[object, ...]]) -> None:
    cache, model = MemoryCache[int](MAX_BYTES), ModelCache()
    for number, (kind, *rest) in enumerate(steps, 1):
        match kind, *rest:
            case "set", str(key), int(size), str(topic), bool(is_overtaken):
                invalidation = cache.watch({topic})
                if is_overtaken:
                    cache.invalidate(topic)
                    model.invalidate(topic)
                cache.set(key, number, size, invalidation)
                cache.unwatch(invalidation)
                model.set(key, number, size, topic, is_fresh=not is_overtaken)
            case "get_fresh", str(key):
                assert cache.get_fresh(key) == model.get_fresh(key)
            case "invalidate", str(topic):
                cache.invalidate(topic)
                model.invalidate(topic)
            case _:
                cache.invalidate_all()
                model.invalidate(*"xyz")
        assert cache.size_bytes == sum(size for _, size, *_ in model.entries.values()) <= MAX_BYTES
        assert {key: cache.get_stale(key) for key in "abcdef"} == {
            key: model.entries[key][0] if key in model.entries else None for key in "abcdef"
        }
    for key in "abcdef":
        assert cache.get_fresh(key) == model.get_fresh(key)


def test_an_ended_invalidation_leaves_no_entry() -> None:
    cache = MemoryCache[int](MAX_BYTES)
    for number in range(100):
        invalidation = cache.watch({number, number + 1})
        cache.set("a", number, 1, invalidation)
        cache.unwatch(invalidation)
    cache.invalidate_all()
    assert not cache._invalidations_by_topic  # noqa: SLF001 - a leak would be here
    assert not cache._keys_by_topic  # noqa: SLF001 - as above
    assert not cache._topics_by_key  # noqa: SLF001 - as above
