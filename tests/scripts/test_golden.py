"""Recording golden digests: adds what is missing, changes nothing."""

import json

from projections.fingerprint import golden_history
from scripts.golden import GOLDEN_DIGESTS_FILE, with_missing_digests

RECORDED = json.loads(GOLDEN_DIGESTS_FILE.read_bytes())


def test_all_digests_are_recorded() -> None:
    assert with_missing_digests(RECORDED) == RECORDED


def test_a_missing_projection_is_recorded() -> None:
    without = {name: versions for name, versions in RECORDED.items() if name != "task_list"}
    added = with_missing_digests(without)
    assert added.keys() == RECORDED.keys()
    version, total = max(RECORDED["task_list"], key=int), str(len(golden_history()))
    assert added["task_list"] == {version: {total: RECORDED["task_list"][version][total]}}


def test_a_digest_that_differs_is_kept() -> None:
    version = max(RECORDED["task_list"], key=int)
    changed = RECORDED | {"task_list": {version: dict.fromkeys(RECORDED["task_list"][version], "another")}}
    assert with_missing_digests(changed) == changed
