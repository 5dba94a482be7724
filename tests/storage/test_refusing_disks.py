"""A disk that is full, or a path that no disk takes, is told in words wherever something is written."""

import errno
import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest

from scarcegan.datasets.simulated import write_telemetry
from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.problems import DataProblem, Problem, SettingsProblem
from scarcegan.project import located
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import load
from scarcegan.storage import contents, find_bytes, list_names, local_file, new_file, scratch_folder, write_bytes

SMALL = 4096


@contextmanager
def full_disk():
    """A disk that takes no file beyond 4 kB; the limit is this process's own, whose log may be longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save_checkpoint(folder, releases):
    CheckpointFile(f"{folder}/fold_0.npz", "f").save({"weights": np.random.default_rng(1).random(9000)}, {})


def register(folder, releases):
    LocalRegistry(folder / "registry", "players").register_release(releases)


def simulate(folder, releases):
    few = {"players": 400, "days": 60, "labeled_risky": 5, "labeled_negatives": 20, "risky_share": 0.1}
    write_telemetry(load({"data": {"path": str(folder / "players")}, "simulated": few}))


def write(folder, releases):
    write_bytes(f"{folder}/part", b"x" * (SMALL + 1))


@pytest.mark.reliability(
    case="The disk is full: checkpoint, registry, simulated players, any file",
    sees="which place cannot be written; to free some room",
    resume="goes on once there is room",
)
@pytest.mark.parametrize("work", [save_checkpoint, register, simulate, write])
def test_a_full_disk_is_told_in_words_and_leaves_nothing_half_written(work, tmp_path, make_release):
    releases = make_release(definitions=("balanced",))
    told = pytest.raises(Problem, match=r"cannot write .*; check the path|disk is full|disk I/O error")
    with told, full_disk():
        work(tmp_path / "out", releases)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_who_fills_a_disk_is_told_to_make_room(tmp_path, number):
    def write_half():
        with new_file(str(tmp_path / "part")):
            raise OSError(number, os.strerror(number))

    with pytest.raises(DataProblem, match=rf"cannot write {tmp_path}: .*; free some room there and try again"):
        write_half()


def test_errors_that_are_not_the_disks_stay_what_they_are(tmp_path):
    def read_another():
        with new_file(str(tmp_path / "part")):
            (tmp_path / "nothing").read_bytes()

    with pytest.raises(FileNotFoundError):
        read_another()


@pytest.mark.reliability(
    case="There is no folder for temporary files",
    sees="that it cannot be written",
    resume="goes on once there is one",
)
def test_no_room_for_temporary_files_is_told_in_words(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/tmp")
    with pytest.raises(DataProblem, match="cannot write the machine's folder for temporary files: No such file"):
        scratch_folder().__enter__()


@pytest.mark.reliability(
    case="A path is too long, or has a NUL",
    sees="which place, cut short",
    resume="not needed: nothing was started",
)
@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"], ids=["too long", "NUL"])
def test_a_path_that_no_disk_takes_is_told_in_short_words(tmp_path, path):
    location = f"{tmp_path}/{path}"
    for ask in (find_bytes, list_names, lambda location: write_bytes(location, b"x")):
        with pytest.raises(DataProblem, match=r"cannot (read|write) ") as told:
            ask(location)
        assert len(str(told.value)) < 600


def test_what_lies_in_a_folder_whose_path_is_too_long_is_told_in_words(tmp_path):
    with pytest.raises(DataProblem, match=r"cannot read .*\.\.\. \(\d+ characters\): File name too long"):
        contents(f"{tmp_path}/{'x' * 300}")


def test_a_setting_that_is_no_utf_8_is_refused():
    with pytest.raises(SettingsProblem, match=r"expected a path in UTF-8, got '/data/\\udcff': rename it"):
        located("/data/\udcff")


def test_a_setting_with_a_nul_is_refused():
    with pytest.raises(SettingsProblem, match="expected a path without NUL characters"):
        located("/data/\0")


def test_a_local_file_is_given_as_it_is(tmp_path):
    with local_file(str(tmp_path)) as path:
        assert path == tmp_path
