"""What a process remembers is bounded, and believed only while nothing about it has changed."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from infra.reading.memory_cache import MAX_ENTRY_DIVISOR, MemoryCache

MAX_BYTES = 80
KEYS, TOPICS = st.sampled_from("abcdef"), st.sampled_from("xyz")
STEPS = st.lists(
    st.tuples(st.just("keep"), KEYS, st.integers(1, MAX_BYTES // MAX_ENTRY_DIVISOR + 3), TOPICS, st.booleans())
    | st.tuples(st.just("sure"), KEYS)
    | st.tuples(st.just("doubt"), TOPICS)
    | st.tuples(st.just("doubt_all")),
    max_size=40,
)


class ModelCache:
    """The same in the plainest way: each value with its size, its topic, and whether it is believed."""

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
        for key, (value, size, topic, is_sure) in self.entries.items():
            self.entries[key] = (value, size, topic, is_sure and topic not in topics)


@given(STEPS)
def test_the_memory_cache_matches_a_plain_model(steps: list[tuple[object, ...]]) -> None:
    hot, model = MemoryCache[int](MAX_BYTES), ModelCache()
    for number, (kind, *rest) in enumerate(steps, 1):
        match kind, *rest:
            case "keep", str(key), int(size), str(topic), bool(is_overtaken):
                watch = hot.watch({topic})
                if is_overtaken:
                    hot.invalidate(topic)
                    model.invalidate(topic)
                hot.set(key, number, size, watch)
                hot.unwatch(watch)
                model.set(key, number, size, topic, is_fresh=not is_overtaken)
            case "sure", str(key):
                assert hot.get_fresh(key) == model.get_fresh(key)
            case "doubt", str(topic):
                hot.invalidate(topic)
                model.invalidate(topic)
            case _:
                hot.invalidate_all()
                model.invalidate(*"xyz")
        assert hot.size_bytes == sum(size for _, size, *_ in model.entries.values()) <= MAX_BYTES
        assert {key: hot.get_stale(key) for key in "abcdef"} == {
            key: model.entries[key][0] if key in model.entries else None for key in "abcdef"
        }
    for key in "abcdef":
        assert hot.get_fresh(key) == model.get_fresh(key)


def test_an_ended_invalidation_leaves_no_entry() -> None:
    hot = MemoryCache[int](MAX_BYTES)
    for number in range(100):
        watch = hot.watch({number, number + 1})
        hot.set("a", number, 1, watch)
        hot.unwatch(watch)
    hot.invalidate_all()
    assert not hot._invalidations_by_topic  # noqa: SLF001 - what would grow for ever
    assert not hot._keys_by_topic  # noqa: SLF001 - as above
    assert not hot._topics_by_key  # noqa: SLF001 - as above
