"""The priorities of tasks, and whether one is done."""

from typing import Literal

from domain.event import Change

Priority = Literal["none", "low", "medium", "high", "urgent"]


TaskStatus = Literal["open", "done"]


OPEN_TO_DONE: Change[TaskStatus] = Change("open", "done")


DONE_TO_OPEN: Change[TaskStatus] = Change("done", "open")
