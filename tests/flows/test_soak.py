"""Fifty retrainings in one folder leave nothing but what is registered, and all make the same models."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from statistics import median

import pytest

from scarcegan.backends import open_registry
from scarcegan.settings import load

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("SCARCEGAN_SOAK", "50"))
PRUNED_AFTER = 5  # runs
SMALL = {
    "train": {"iterations": 10, "round_iterations": 5, "families": ["small_boosting"]},
    "evaluate": {"rivals": ["logistic_regression"], "bootstrap": 20},
    "model": {"teacher": ""},
}


def size_of(folder):
    """MB of all files, archives aside: they are what is registered, and kept for good."""
    files = [file for file in folder.rglob("*") if file.is_file() and "archives" not in file.parts]
    return sum(file.stat().st_size for file in files) / 1e6


def processes_in(folder):
    """Command lines of processes that name the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [told] if str(folder) in told else []
    return found


def timed(command, folder, environment, threads):
    """Run a command; return what it printed and its largest process's memory in MB."""
    log = folder / "log"
    with log.open("w") as file:
        started = subprocess.Popen(
            command, cwd=folder, env=environment | {"OMP_NUM_THREADS": threads}, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 0, log.read_text()
    return log.read_text(), used.ru_maxrss / 1_024


@pytest.fixture(scope="module")
def soaked(flow_folder, tmp_path_factory):
    """Retrain and prune, over and over: disk after each prune, memory of each run, temporary files, digests."""
    folder, temporary = flow_folder.path, tmp_path_factory.mktemp("temporary")
    flow_folder.configure(SMALL)
    environment = dict(os.environ, PYTHONPATH=str(ROOT), TMPDIR=str(temporary), TF_CPP_MIN_LOG_LEVEL="3")
    retrain = [
        sys.executable,
        str(ROOT / "flows/retrain_flow.py"),
        "--config",
        "config",
        str(folder / "tiny.toml"),
        "run",
    ]
    scarcegan = [sys.executable, "-c", "from scarcegan.cli import app; app()"]
    own = ["--config", str(folder / "tiny.toml")]
    registry = open_registry(load({"registry": {"path": f"{folder}/registry"}}).registry)
    disk, memory, models, pending = [], [], [], []
    for number in range(RUNS):
        # Threads and workers take turns: they may change how long it takes, and nothing else.
        workers, threads = ("1", "2") if number % 2 else ("2", "1")
        _, used = timed([*retrain, "--max-workers", workers], folder, environment, threads)
        memory.append(used)
        versions = registry.versions()[-4:]
        models.append([content(registry.fetch(one.sha256)) for one in versions])
        pending += [str(one.version) for one in versions]
        if (number + 1) % PRUNED_AFTER == 0:
            timed([*scarcegan, "models", "reject", *pending, "--reason", "soak", *own], folder, environment, "1")
            timed([*scarcegan, "prune", "--remove", "--older-than", "0", *own], folder, environment, "1")
            disk.append(size_of(folder))
            pending = []
    return {"disk": disk, "memory": memory, "models": models, "temporary": temporary, "folder": folder}


def content(archive):
    """What an archive says, but for the name of its release."""
    with tarfile.open(archive) as packed:
        files = {member.name: packed.extractfile(member).read() for member in packed if member.isfile()}
    evaluation = json.loads(files.pop("evaluation.json"))
    assert evaluation.pop("release_id")
    return evaluation, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_disk_stays_as_it_is(soaked):
    disk = soaked["disk"]
    per_run = (disk[-1] - disk[0]) / max(1, RUNS - PRUNED_AFTER)
    assert per_run < 0.1, disk  # MB: lines in the registry and in the log


def test_the_memory_stays_as_it_is(soaked):
    memory = soaked["memory"]
    tenth = max(1, len(memory) // 10)
    assert median(memory[-tenth:]) < 1.1 * median(memory[:tenth]), memory


def test_no_process_is_left(soaked):
    assert processes_in(soaked["folder"]) == []


def test_no_temporary_file_is_left(soaked):
    assert [str(file) for file in soaked["temporary"].rglob("*") if file.is_file()] == []


def test_all_make_the_same_models_whatever_the_workers_and_threads(soaked):
    assert soaked["models"] == [soaked["models"][0]] * RUNS
