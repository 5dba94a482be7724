"""Every place that a run writes to is tried in its first step, before anything is computed."""

import sqlite3
from contextlib import closing

import pytest

from scarcegan.preflight import inside_features, inside_run, inside_scoring
from scarcegan.problems import DataProblem, PreflightProblem
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import load
from scarcegan.storage import list_names, require_writable

LAPTOP = {"METAFLOW_DEFAULT_DATASTORE": "local"}


@pytest.fixture
def tree(tmp_path):
    """Settings whose places are folders that are not there yet."""
    return {
        "data": {"path": str(tmp_path / "players")},
        "registry": {"path": str(tmp_path / "registry"), "group": "players"},
        "snapshots": {"folder": str(tmp_path / "snapshots")},
        "scoring": {"folder": str(tmp_path / "scores")},
    }


def test_where_all_can_be_written_nothing_is_left_behind(tree, tmp_path):
    for inside in (inside_run, inside_scoring, inside_features):
        inside(load(tree), LAPTOP)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.reliability(
    case="A place that the run will write to cannot be written",
    sees="each of them, in the first step",
    resume="starts where the mended place is tried again",
)
@pytest.mark.parametrize(
    ("inside", "section", "key", "what"),
    [
        (inside_run, "data", "path", "simulated players"),
        (inside_run, "registry", "path", "registry"),
        (inside_scoring, "snapshots", "folder", "records of drift"),
        (inside_scoring, "scoring", "folder", "scores"),
        (inside_features, "snapshots", "folder", "snapshots"),
        (inside_features, "data", "path", "simulated players"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_before_anything_is_computed(
    tree, tmp_path, inside, section, key, what
):
    (tmp_path / "file").touch()
    tree[section] |= {key: str(tmp_path / "file" / "inside")}
    with pytest.raises(PreflightProblem, match=rf"{what}: (cannot (write|read)|expected).*Not a directory"):
        inside(load(tree), LAPTOP)


def test_all_places_are_named_at_once(tree, tmp_path):
    (tmp_path / "file").touch()
    for section, key in (("snapshots", "folder"), ("scoring", "folder")):
        tree[section] |= {key: str(tmp_path / "file" / section)}
    with pytest.raises(PreflightProblem) as told:
        inside_scoring(load(tree), LAPTOP)
    lines = str(told.value).split("\n")
    assert [line.partition(": cannot write")[0] for line in lines] == ["records of drift", "scores"]
    assert all(line.endswith("; check the path and its permissions") for line in lines)


def test_a_registry_file_that_cannot_be_written_is_named(tree, tmp_path, make_release, monkeypatch):
    LocalRegistry(tmp_path / "registry", "players").register_release(make_release())
    inside_run(load(tree), LAPTOP)
    connect = sqlite3.connect

    def read_only(path, **options):
        return connect(f"file:{path}?mode=ro", uri=True, **options)

    monkeypatch.setattr("sqlite3.connect", read_only)
    with pytest.raises(
        PreflightProblem, match=r"registry: expected a registry that can .* attempt to write a readonly"
    ):
        inside_run(load(tree), LAPTOP)


@pytest.mark.reliability(
    case="The registry's file is gone, its archives are there",
    sees="how to restore it, or to begin anew on purpose; before training",
    resume="starts once it is restored",
)
def test_a_registry_that_is_lost_stops_a_run_before_it_trains(tree, tmp_path, make_release):
    LocalRegistry(tmp_path / "registry", "players").register_release(make_release())
    (tmp_path / "registry" / "registry.sqlite").unlink()
    with pytest.raises(PreflightProblem, match="restore it from a backup"):
        inside_run(load(tree), LAPTOP)


def test_a_version_that_cannot_be_read_is_a_warning(tree, tmp_path, make_release):
    LocalRegistry(tmp_path / "registry", "players").register_release(make_release())
    with closing(sqlite3.connect(tmp_path / "registry" / "registry.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER version_stays")
        connection.execute("UPDATE version SET metrics = '' WHERE version = 2")
    [warning] = inside_run(load(tree), LAPTOP)
    assert warning.startswith("registry: version 2, PendingManualApproval, of group 'players' cannot be read")


def test_a_folder_on_s3_is_tried_and_left_as_it_was(bucket, monkeypatch):
    require_writable("s3://models/out")
    assert list(bucket.objects.all()) == []
    # A role that may write, but not remove, leaves one hidden empty object, and may try again.
    monkeypatch.setattr("scarcegan.storage.remove", refuse)
    for _ in range(2):
        require_writable("s3://models/out")
    assert [one.key for one in bucket.objects.all()] == ["out/.writable"]
    assert list_names("s3://models/out") == []
    with pytest.raises(DataProblem, match="cannot write s3://nobodys"):
        require_writable("s3://nobodys/out")


def refuse(location):
    raise DataProblem("denied")
