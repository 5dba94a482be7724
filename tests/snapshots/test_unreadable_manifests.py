"""One manifest that cannot be read does not hide the other snapshots."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.problems import DataProblem
from scarcegan.snapshots import SnapshotStore
from scarcegan.snapshots.forgetting import forget


@pytest.fixture
def store(tmp_path, publish_snapshot):
    store = SnapshotStore(str(tmp_path))
    for cutoff in ("2026-01-01", "2026-02-01"):
        publish_snapshot(store, f"players-{cutoff}", cutoff, np.ones((4, 1), np.float32), ["a"])
    return store


def changed(content, **keys):
    return json.dumps(json.loads(content) | keys).encode()


DAMAGES = {
    "nothing": lambda _: b"",
    "no text": lambda _: b"\xff\xfe",
    "a list": lambda _: b"[1]",
    "no object": lambda _: b"null",
    "endless": lambda _: b"[" * 100_000,
    "other keys": lambda _: b'{"format": 1}',
    "another format": lambda content: changed(content, format=9),
    "parts of another shape": lambda content: changed(content, parts=[{"file": 3}]),
    "no statistics": lambda content: changed(content, statistics={}),
    "no date": lambda content: changed(content, cutoff="soon"),
    "that of another folder": lambda content: changed(content, name="players-2026-01-01"),
    "parts elsewhere": lambda content: content.replace(b'"part-', b'"../players-2026-01-01/part-'),
    "another fingerprint": lambda content: changed(content, fingerprint="0" * 16),
}


@pytest.mark.reliability(
    case="A snapshot's manifest cannot be read",
    sees="the other snapshots; which one is left out and why",
    resume="is stopped only if it needs that snapshot",
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_left_out_and_named(store, damage):
    file = Path(store.folder, "players-2026-02-01", "manifest.json")
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert store.names() == ["players-2026-01-01"]
    assert store.latest("players-").name == "players-2026-01-01"
    [told] = store.left_out
    assert told.startswith("snapshot 'players-2026-02-01' is left out: ")
    with pytest.raises(DataProblem, match="publish"):
        store.describe("players-2026-02-01")


def test_the_list_of_snapshots_names_it_beside_its_answer(store):
    Path(store.folder, "players-2026-02-01", "manifest.json").write_text("{}")
    done = CliRunner().invoke(app, ["snapshots", "list", "--json", "--folder", store.folder])
    assert done.exit_code == 0
    assert [one["name"] for one in json.loads(done.stdout)] == ["players-2026-01-01"]
    assert "snapshot 'players-2026-02-01' is left out" in done.stderr


def test_a_copied_folder_is_no_snapshot_and_forgetting_leaves_that_of_its_manifest_alone(store):
    before = store.describe("players-2026-01-01")
    shutil.copytree(Path(store.folder, before.name), Path(store.folder, "copy-2026-01-01"))
    with pytest.raises(DataProblem, match=r"'copy-2026-01-01'.* got that of 'players-2026-01-01': give the folder"):
        forget(store, "copy-2026-01-01", "1")
    assert store.describe(before.name) == before
    assert store.names() == ["players-2026-01-01", "players-2026-02-01"]
