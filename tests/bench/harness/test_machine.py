"""The machine: what it did besides the run, and how fast its disk is."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.harness import durability, machine

pytestmark = pytest.mark.slow


def test_a_busy_machine_is_noted() -> None:
    assert machine.machine_notes({"load_average_before": 3.5})
    assert not machine.machine_notes({"load_average_before": 0.1})


def test_other_programs_and_the_speed_of_the_disk_are_noted() -> None:
    quiet: machine.Machine = {"load_average_before": 0.1, "disk_syncs_per_s": 1_500.0, "others_cpu_share": 0.01}
    disk = "The disk makes 1,500 pages a second durable for one writer alone."
    assert machine.machine_notes(quiet) == [disk]
    others = "Other programs took 31% of the processors during the run."
    assert machine.machine_notes(quiet | {"others_cpu_share": 0.31}) == [disk, others]


def test_the_processor_time_of_other_programs_is_measured() -> None:
    """A child that has not ended is not ours yet."""
    clock = machine.ProcessorClock()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        while psutil.Process(other.pid).cpu_times().user < 0.5:
            time.sleep(0.01)
        assert clock.others_share() > 0.1
        other.kill()


def test_the_disk_is_tested_with_real_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "_SYNC_TEST_S", 0.05)
    assert durability.measure_disk_syncs_per_s(tmp_path) > 0
    monkeypatch.setattr(os, "fdatasync", lambda _: time.sleep(0.01))
    assert durability.measure_disk_syncs_per_s(tmp_path) < 101, "no faster than its syncs"
