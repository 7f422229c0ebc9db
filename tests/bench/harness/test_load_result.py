"""The result of a load: consecutive loads merge."""

import pytest

from bench.harness.load_result import LoadResult, merge_loads

pytestmark = pytest.mark.slow


def test_consecutive_loads_merge_into_one() -> None:
    one = LoadResult(1.0, [1, 2], {503: 1}, [5.0, 6.0, 7.0], 1, 0.3, unsent=2, wrong=1, under_way_ms=[9.0], cpu_s=0.5)
    other = LoadResult(2.0, [3, 0], {503: 2, 409: 1}, [1.0, 2.0, 3.0], 0, 0.5, warm_up_answers=4, cpu_s=0.25)
    both = merge_loads([one, other])
    assert (both.seconds, both.answered, both.refused) == (3.0, [4, 2], {503: 3, 409: 1})
    assert (len(both.latencies_ms), both.unanswered, both.busy_share, both.unsent, both.wrong) == (6, 1, 0.5, 2, 1)
    assert (both.under_way_ms, both.warm_up_answers, both.cpu_s) == ([9.0], 4, 0.75)
    assert both.per_second() == 2
    assert both.all_answers() == 6 + 1 + 4, "processor time was spent on answers that are not counted, too"
