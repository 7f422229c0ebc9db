"""Two agents and a human edit the same tasks: no edit is lost, and each can be taken back without those of others.

`TASKLEDGER_TEST_EDITS=60` in the environment lets them edit for a minute.
"""

import asyncio
import os
import random
import time
from typing import Any

import pytest
from msgspec import Struct

from infra.ids import new_id
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

TASKS, SECONDS = 50, float(os.environ.get("TASKLEDGER_TEST_EDITS", "8"))
FIELDS = ("title", "description", "priority", "due", "estimate", "colour")


class Edit(Struct, frozen=True):
    """An acknowledged edit of one field."""

    version: int
    task: str
    field: str
    value: Any
    author: str


class Editor(Struct):
    """Someone who edits tasks, each time on the version that they read last."""

    name: str
    user: ApiUser
    session: str
    edits: list[Edit] = []
    conflicts: int = 0

    async def work(self, tasks: list[str], until: float) -> None:
        draw = random.Random(self.name)
        versions = dict.fromkeys(tasks, 1)
        while time.monotonic() < until:
            task, field = draw.choice(tasks), draw.choice(FIELDS)
            value = self._value(field, draw)
            headers = {"Taskledger-Session": self.session, "If-Match": f'"{versions[task]}"'}
            answer = await self.user.request("PATCH", f"/tasks/{task}", json={field: value}, headers=headers)
            if answer.status_code == 412:
                self.conflicts += 1
                versions[task] = answer.json()["current_version"]
                continue
            assert answer.status_code == 200, answer.text
            if answer.json()["version"] > versions[task]:
                self.edits.append(Edit(answer.json()["version"], task, field, value, self.name))
            versions[task] = answer.json()["version"]

    def _value(self, field: str, draw: random.Random) -> Any:
        """A value that hardly any other edit has, where the field has so many."""
        match field:
            case "priority":
                return draw.choice(["none", "low", "medium", "high", "urgent"])
            case "due":
                return f"20{draw.randrange(30, 99)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
            case "estimate":
                return draw.randrange(1, 100_000)
            case "colour":
                return f"#{draw.randrange(1 << 24):06x}"
        return f"{self.name} {draw.randrange(1 << 30)}"


async def three_edit_the_same_tasks(ann: ApiUser) -> None:
    tasks = [await ann.create_task(f"Task {number}") for number in range(TASKS)]
    agents = [await ann.with_personal_token("read", "write", kind="agent") for _ in range(2)]
    editors = [
        Editor(name, user, str(new_id()), [])
        for name, user in zip(("Robot", "Parrot", "Ann"), (*agents, ann), strict=True)
    ]
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(editor.work(tasks, until) for editor in editors))
    edits = {(edit.task, edit.version): edit for editor in editors for edit in editor.edits}
    counts = {editor.name: (len(editor.edits), editor.conflicts) for editor in editors}
    print(f"edits and conflicts: {counts}")  # noqa: T201 - shown by -s
    assert len(edits) == sum(len(editor.edits) for editor in editors), "two edits have one version"
    assert all(editor.edits for editor in editors)
    for task in tasks:
        await every_edit_is_in_the_history(ann, editors, task, [one for one in edits.values() if one.task == task])
    await a_session_is_taken_back_alone(ann, editors[0], tasks, list(edits.values()))


async def every_edit_is_in_the_history(ann: ApiUser, editors: list[Editor], task: str, edits: list[Edit]) -> None:
    """With its author; and the last edit of each field is what blame says, and what the task has."""
    items = (await ann.get(f"/tasks/{task}/history?limit=200"))["items"]
    by_version = {item["version"]: item for item in items if item["stream"] == task}
    sessions = {editor.name: editor.session for editor in editors}
    shown = await ann.get(f"/tasks/{task}")
    blamed = {item["field"]: item for item in (await ann.get(f"/tasks/{task}/blame"))["items"]}
    for edit in edits:
        item = by_version.get(edit.version)
        if item is None:
            assert len(items) == 200, f"lost: {edit}"
            continue
        assert item["changes"][edit.field][1] == edit.value, edit
        assert item["actor"]["kind"] == ("human" if edit.author == "Ann" else "agent"), edit
        assert item["correlation_id"] == sessions[edit.author], edit
    for field in FIELDS:
        if last := max((one for one in edits if one.field == field), key=lambda one: one.version, default=None):
            assert shown[field] == last.value, last
            assert blamed[field]["version"] == last.version, last


async def a_session_is_taken_back_alone(ann: ApiUser, editor: Editor, tasks: list[str], edits: list[Edit]) -> None:
    """What others set last stays; what the editor set last is gone."""
    last: dict[tuple[str, str], Edit] = {}
    for edit in sorted(edits, key=lambda one: one.version):
        last[edit.task, edit.field] = edit
    before = {task: await ann.get(f"/tasks/{task}") for task in tasks}
    reverted = await ann.request("POST", f"/sessions/{editor.session}/revert?on_conflict=skip")
    assert reverted.status_code == 200, reverted.text
    after = {task: await ann.get(f"/tasks/{task}") for task in tasks}
    others = own = 0
    for (task, field), edit in last.items():
        if edit.author != editor.name:
            assert after[task][field] == before[task][field], edit
            others += 1
        else:
            own += after[task][field] != before[task][field]
    assert others
    assert own


async def test_three_edit_the_same_tasks(ann: ApiUser) -> None:
    await three_edit_the_same_tasks(ann)


async def test_edits_that_overwrite_others_are_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a recorded edit that is in no history."""
    work = Editor.work

    async def pretending(self: Editor, tasks: list[str], until: float) -> None:
        await work(self, tasks, min(until, time.monotonic() + 2))
        self.edits.append(Edit(10_000, tasks[0], "title", "unwritten", self.name))

    monkeypatch.setattr(Editor, "work", pretending)
    with planted_defect(), pytest.raises(AssertionError):
        await three_edit_the_same_tasks(ann)
