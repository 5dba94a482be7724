import os
import stat
import subprocess
import sys
import time

import pytest

from scarcegan.costs import meter
from scarcegan.costs.meter import Meter, together
from scarcegan.settings.steps import Request

ASKED = Request("small", cpu=1, memory_mb=512)


def read(measuring):
    return measuring.read("start", None, ASKED, attempt=0)


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_cpu_and_wall_time_count_from_the_start():
    burn(0.05)
    measuring = Meter()
    burn(0.1)
    used = read(measuring)
    assert 0.1 <= used.cpu_s < 0.15
    assert used.wall_s >= 0.1


def test_children_count_once_they_have_ended():
    measuring = Meter()
    code = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert read(measuring).cpu_s >= 0.2


def test_peak_memory_is_in_megabytes():
    # Not here, where the peak is that of all the tests before, nor in a child, which inherits it: in a shell's child.
    code = (
        "from scarcegan.costs.meter import Meter\n"
        "from scarcegan.settings.steps import Request\n"
        "def peak():\n    return Meter().read('start', None, Request('small', 1, 512), 0).peak_memory_mb\n"
        "before = peak()\n"
        "held = b'x' * (300 * 2**20)\n"
        "print(peak() - before)"
    )
    command = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(told.stdout) == pytest.approx(300, rel=0.2)


def test_without_a_gpu_nothing_is_said_about_it(monkeypatch):
    monkeypatch.setattr(meter.shutil, "which", lambda _: None)
    assert read(Meter()).gpu_used_share is None


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
    assert read(measuring).gpu_used_share == pytest.approx(0.6)


def test_branches_are_joined_without_counting_twice_what_came_before_the_fork():
    def task(step, index=None):
        return Meter().read(step, index, ASKED, attempt=0)

    before, folds = [task("start"), task("preprocess")], [task("train", index) for index in range(3)]
    assert together([*before, fold] for fold in folds) == [*before, *folds]
