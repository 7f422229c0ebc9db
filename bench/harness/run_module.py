"""Elsewhere: a work in a process of its own, its plan on standard input, what came of it on standard output."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import uvloop
from msgspec import Struct

from infra.processes import gc_tuning

P = TypeVar("P", bound=Struct)
R = TypeVar("R", bound=Struct)


def run_module(module: str, plan: Struct, kind: type[R], python: str = sys.executable) -> R:
    """What came of a plan that another process carried out, busy with nothing else; by our own Python if not said."""
    argv = [python, "-m", module]
    done = subprocess.run(argv, input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=kind)


def run_plan(kind: type[P], execute: Callable[[P], Coroutine[Any, Any, Struct]]) -> None:
    """Carry out the plan that was sent here, on the event loop that our servers run on, and as sparing of cycles."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=kind)
    gc_tuning.freeze_and_relax()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(execute(plan))))
