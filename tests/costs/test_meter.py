import os
import stat
import subprocess
import sys
import time

import pytest

from scarcegan.costs import meter
from scarcegan.costs.meter import Meter, together


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_cpu_and_wall_time_count_from_the_start():
    burn(0.05)
    measuring = Meter()
    burn(0.1)
    read = measuring.read()
    assert 0.1 <= read["cpu_s"] < 0.15
    assert read["wall_s"] >= 0.1


def test_children_count_once_they_have_ended():
    measuring = Meter()
    code = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert measuring.read()["cpu_s"] >= 0.2


def test_peak_memory_is_in_megabytes():
    # Not here, where the peak is that of all the tests before, nor in a child, which inherits it: in a shell's child.
    code = (
        "from scarcegan.costs.meter import Meter\n"
        "before = Meter().read()['peak_memory_mb']\n"
        "held = b'x' * (300 * 2**20)\n"
        "print(Meter().read()['peak_memory_mb'] - before)"
    )
    command = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(told.stdout) == pytest.approx(300, rel=0.2)


def test_without_a_gpu_nothing_is_said_about_it(monkeypatch):
    monkeypatch.setattr(meter.shutil, "which", lambda _: None)
    assert Meter().read()["gpu_used_share"] is None


def test_gpus_are_watched_while_the_task_runs(tmp_path, monkeypatch):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\nprintf '80\\n40\\n'\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(meter, "GPU_SAMPLE_SECONDS", 0.01)
    measuring = Meter()
    deadline = time.monotonic() + 10
    while not measuring._gpu and time.monotonic() < deadline:
        time.sleep(0.01)
    assert measuring.read()["gpu_used_share"] == pytest.approx(0.6)


def test_branches_are_joined_without_counting_twice_what_came_before_the_fork():
    before = [{"step": "start", "index": None}, {"step": "preprocess", "index": None}]
    folds = [[*before, {"step": "train", "index": index}] for index in range(3)]
    assert [(one["step"], one["index"]) for one in together(folds)] == [
        ("start", None),
        ("preprocess", None),
        ("train", 0),
        ("train", 1),
        ("train", 2),
    ]
