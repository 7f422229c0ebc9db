"""A project with a past: what it writes fits its streams."""

import pytest

from bench.data import past_project
from bench.data.past_project import PastProject
from domain.task import TaskCreated
from infra.ids import new_id


def test_its_tasks_are_created_first_and_then_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_project, "TASK_COUNT", 20)
    monkeypatch.setattr(past_project, "CHANGES_PER_PART", 30)
    past, versions = PastProject(new_id()), dict[object, int]()
    created = list(past.creation_events())
    changed = [*past.change_events(), *past.change_events()]
    for one in (*created, *changed):
        versions[one.stream] = versions.get(one.stream, 0) + 1
        assert one.version == versions[one.stream]
    tasks = {one.stream for one in created if isinstance(one.event, TaskCreated)}
    assert len(tasks) == 20
    assert len(changed) == 60
    assert {one.stream for one in changed} <= tasks
