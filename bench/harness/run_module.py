"""Run a module in a separate process: its plan on standard input, its result on standard output."""

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
    """Execute a plan in a separate process that does nothing else, and return its result."""
    argv = [python, "-m", module]
    done = subprocess.run(argv, input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=kind)


def run_plan(kind: type[P], execute: Callable[[P], Coroutine[Any, Any, Struct]]) -> None:
    """Execute the plan on standard input, with the event loop and the GC tuning of our servers."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=kind)
    gc_tuning.freeze_and_relax()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(execute(plan))))
