"""A retraining on tables with a key of the ids: everything that it wrote is searched for players and for the key."""

import sys
from pathlib import Path

import numpy as np
import pytest

from scarcegan.data.ids import keyed_id
from scarcegan.project import project_root

sys.path.insert(0, str(Path(__file__).parent))  # the tables and the search of another test are imported by name
from test_no_ids_left import COUNTS, FORMS, MARK, inside, table

pytestmark = pytest.mark.slow

KEY, ID_KEY = "5d1f0a77c2b94e0c8a6e3b7d9f10a2b4", "env:SCARCEGAN_TEST_KEY"


@pytest.fixture(scope="module")
def keyed_run(flow_folder):
    """The files of a run that has the key and of one that lacks it, and what both have printed."""
    folder, rng = flow_folder.path, np.random.default_rng(0)
    (folder / "tables").mkdir()
    for number, name in enumerate(COUNTS):
        table(name, 1000 * number, rng).to_csv(folder / f"tables/{name}.csv", index=False)
    flow_folder.configure({"data": {"source": "tables", "id_column": "account", "id_key": ID_KEY}})
    asked = ("run", "--data", str(folder / "tables"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SCARCEGAN_TEST_KEY", raising=False)
        refused, _ = flow_folder.launch(*asked, expect=1)
        patch.setenv("SCARCEGAN_TEST_KEY", KEY)
        printed, run_id = flow_folder.launch(*asked)
    files = [path for path in folder.rglob("*") if path.is_file() and "tables" not in path.parts]
    checkpoints = project_root() / ".scarcegan/checkpoints/RetrainFlow" / run_id
    return [*files, *checkpoints.rglob("*.npz")], refused, printed, flow_folder.run(run_id)


def test_no_file_names_a_player_or_holds_the_key(keyed_run):
    files, refused, printed, _ = keyed_run
    assert len(files) > 50
    for form in (*FORMS, KEY.encode()):
        assert [path for path in files if form in inside(path)] == []
    assert MARK not in refused + printed
    assert KEY not in refused + printed


def test_players_are_told_apart_by_their_keyed_hashes(keyed_run, monkeypatch):
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", KEY)
    ids = keyed_run[-1]["preprocess"].task["players"].data["ids"]
    assert keyed_id(f"{MARK}-3000", ID_KEY) in ids


def test_without_the_key_the_first_step_says_so_once(keyed_run):
    refused = keyed_run[1]
    assert refused.count("in env:SCARCEGAN_TEST_KEY, as data.id_key names it, got none") == 1
    assert "Traceback" not in refused
