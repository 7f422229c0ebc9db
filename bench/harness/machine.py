"""The machine of a run, and the versions of the peers: a new version is a different peer."""

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psutil
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.harness.durability import measure_disk_syncs_per_s, require_durable, require_on_disk

BUSY_LOAD_AVERAGE = 0.5
"""Above this load average before the run, latencies are not meaningful."""
BUSY_OTHERS_SHARE = 0.05
"""If other programs take a larger share of the processors during a run, its latencies are not meaningful."""
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
        "disk_syncs_per_s": measure_disk_syncs_per_s(Path(tempfile.gettempdir())),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def describe_postgresql(connection: Connection[TupleRow]) -> Machine:
    """PostgreSQL's major version and the settings that make its commits durable; raises NotDurable."""
    return {"postgresql": connection.info.server_version // 10_000, **require_durable(connection)}


class ProcessorClock:
    """Counts the processor time of the machine from its creation on, and how much of it this run did not take."""

    def __init__(self) -> None:
        self._all_s, self._own_s = _busy_cpu_s(), _own_cpu_s()
        self._began = time.monotonic()

    def others_share(self) -> float:
        """The share of the processors that other programs or machines took, once all processes of this run ended."""
        others_s = _busy_cpu_s() - self._all_s - (_own_cpu_s() - self._own_s)
        return round(max(0.0, others_s) / (time.monotonic() - self._began) / (os.cpu_count() or 1), 3)


def machine_notes(info: Machine) -> list[str]:
    """Notes on the disk, and on what else the machine did, before the run and meanwhile."""
    notes = []
    if (syncs := float(info.get("disk_syncs_per_s", 0))) > 0:
        notes.append(f"The disk makes {syncs:,.0f} pages a second durable for one writer alone.")
    if (before := float(info["load_average_before"])) > BUSY_LOAD_AVERAGE:
        notes.append(f"The machine was busy before it began (load average {before}).")
    if (others := float(info.get("others_cpu_share", 0))) > BUSY_OTHERS_SHARE:
        notes.append(f"Other programs took {others:.0%} of the processors during the run.")
    return notes


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _busy_cpu_s() -> float:
    """Seconds that processors have not been idle, or were taken by other virtual machines; a guest's are in `user`."""
    times = psutil.cpu_times()._asdict()
    idle = {"idle", "iowait", "guest", "guest_nice"}
    return float(sum(seconds for kind, seconds in times.items() if kind not in idle))


def _own_cpu_s() -> float:
    """Seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])
