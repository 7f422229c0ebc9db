"""The machine of a run, and the versions of the peers: a new version is a different peer."""

import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import psutil
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.harness.durability import require_durable, require_on_disk

BUSY_LOAD_AVERAGE = 0.5
"""Above this load average before the run, latencies are not meaningful."""
_PEERS = ("eventsourcing", "umadb", "fastapi", "sqlalchemy", "pydantic", "uvicorn", "litestar")
Machine = dict[str, str | int | float]


def describe_machine() -> Machine:
    """Describe the machine. Call it before any of our processes runs."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PEERS},
        "file_system": require_on_disk(Path(tempfile.gettempdir())),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def describe_postgresql(connection: Connection[TupleRow]) -> Machine:
    """PostgreSQL's major version and the settings that make its commits durable; raises NotDurable."""
    return {"postgresql": connection.info.server_version // 10_000, **require_durable(connection)}


def machine_notes(info: Machine) -> list[str]:
    """A note if the machine was busy before the run."""
    before = float(info["load_average_before"])
    return [f"The machine was busy before it began (load average {before})."] if before > BUSY_LOAD_AVERAGE else []


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
