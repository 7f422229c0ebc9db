"""What a process remembers is bounded, and believed only while nothing about it has changed."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from infra.reading.memory_cache import MAX_ENTRY_DIVISOR, MemoryCache

MOST = 80
KEYS, TOPICS = st.sampled_from("abcdef"), st.sampled_from("xyz")
STEPS = st.lists(
    st.tuples(st.just("keep"), KEYS, st.integers(1, MOST // MAX_ENTRY_DIVISOR + 3), TOPICS, st.booleans())
    | st.tuples(st.just("sure"), KEYS)
    | st.tuples(st.just("doubt"), TOPICS)
    | st.tuples(st.just("doubt_all")),
    max_size=40,
)


class Model:
    """The same in the plainest way: each value with its size, its topic, and whether it is believed."""

    def __init__(self) -> None:
        self.kept = OrderedDict[str, tuple[int, int, str, bool]]()

    def keep(self, key: str, value: int, size: int, topic: str, *, is_sure: bool) -> None:
        if size > MOST // MAX_ENTRY_DIVISOR:
            return
        self.kept.pop(key, None)
        self.kept[key] = (value, size, topic, is_sure)
        while sum(size for _, size, *_ in self.kept.values()) > MOST:
            self.kept.popitem(last=False)

    def sure(self, key: str) -> int | None:
        if key not in self.kept or not self.kept[key][3]:
            return None
        self.kept.move_to_end(key)
        return self.kept[key][0]

    def doubt(self, *topics: str) -> None:
        for key, (value, size, topic, is_sure) in self.kept.items():
            self.kept[key] = (value, size, topic, is_sure and topic not in topics)


@given(STEPS)
def test_it_holds_what_a_plain_list_of_the_same_size_would_hold(steps: list[tuple[object, ...]]) -> None:
    hot, model = MemoryCache[int](MOST), Model()
    for number, (kind, *rest) in enumerate(steps, 1):
        match kind, *rest:
            case "keep", str(key), int(size), str(topic), bool(is_overtaken):
                watch = hot.watch({topic})
                if is_overtaken:
                    hot.invalidate(topic)
                    model.doubt(topic)
                hot.set(key, number, size, watch)
                hot.unwatch(watch)
                model.keep(key, number, size, topic, is_sure=not is_overtaken)
            case "sure", str(key):
                assert hot.get_fresh(key) == model.sure(key)
            case "doubt", str(topic):
                hot.invalidate(topic)
                model.doubt(topic)
            case _:
                hot.invalidate_all()
                model.doubt(*"xyz")
        assert hot.size_bytes == sum(size for _, size, *_ in model.kept.values()) <= MOST
        assert {key: hot.get_stale(key) for key in "abcdef"} == {
            key: model.kept[key][0] if key in model.kept else None for key in "abcdef"
        }
    for key in "abcdef":
        assert hot.get_fresh(key) == model.sure(key)


def test_a_watch_leaves_nothing_behind() -> None:
    hot = MemoryCache[int](MOST)
    for number in range(100):
        watch = hot.watch({number, number + 1})
        hot.set("a", number, 1, watch)
        hot.unwatch(watch)
    hot.invalidate_all()
    assert not hot._invalidations_by_topic  # noqa: SLF001 - what would grow for ever
    assert not hot._keys_by_topic  # noqa: SLF001 - as above
    assert not hot._topics_by_key  # noqa: SLF001 - as above
