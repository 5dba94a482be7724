"""From telemetry and a table to labels and outcomes with a key of the ids: nothing that is kept names a player."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.data.ids import keyed_id
from scarcegan.outcomes.store import as_records, open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import join_labels, read_labels
from scarcegan.workflow.features.table import publish_table
from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots

KEY, ID_KEY = "5d1f0a77c2b94e0c8a6e3b7d9f10a2b4", "env:SCARCEGAN_TEST_KEY"
MARK = "gambler7f3a"
PLAYERS = 40


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", KEY)


@pytest.fixture
def chosen(tmp_path):
    return load(
        {
            "data": {"source": "snapshot", "id_key": ID_KEY, "snapshot": "players-2026-01-01"},
            "telemetry": {"path": str(tmp_path / "telemetry.csv"), "shards": 2, "roles": {"activity": "stakes"}},
            "snapshots": {"folder": str(tmp_path / "snapshots")},
            "outcomes": {"folder": str(tmp_path / "outcomes"), "decisions": {"harm": "risky", "fine": "harmless"}},
        }
    )


@pytest.fixture
def names():
    return [f"{MARK}-{number}" for number in range(PLAYERS)]


@pytest.fixture
def from_telemetry(chosen, names, tmp_path):
    """The ids of a snapshot that FeaturesFlow's steps make."""
    days = pd.date_range("2025-09-01", "2026-01-05").strftime("%Y-%m-%d")
    rows = pd.DataFrame({"player_id": np.repeat(names, len(days)), "date": list(days) * PLAYERS})
    rows["stakes"] = np.random.default_rng(0).integers(0, 9, len(rows))
    rows.to_csv(chosen.telemetry.path, index=False)
    plans = plan_snapshots(chosen, "0a1b2c3")
    [plan] = plans.values()
    sorted_copy = b"".join(path.read_bytes() for path in (tmp_path / "snapshots").rglob("*") if path.is_file())
    parts = [extract_part(plan, number, chosen.telemetry, chosen.snapshots) for number in range(2)]
    publish_snapshots(plans, parts, chosen.snapshots)
    return sorted_copy


def everything(folder):
    """What all files of a folder hold, tables unpacked."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    tables = [pq.read_table(path).to_pandas().to_csv().encode() for path in files if path.suffix == ".parquet"]
    return b"".join([*tables, *(path.read_bytes() for path in files)])


def test_telemetry_and_a_table_of_features_give_the_same_unreadable_ids(from_telemetry, chosen, names, tmp_path):
    table = pd.DataFrame({"player_id": names, "stakes": np.arange(PLAYERS)})
    table.to_csv(tmp_path / "table.csv", index=False)
    publish_table(str(tmp_path / "table.csv"), "own-2026-01-01", chosen)
    store, wanted = open_snapshots(chosen.snapshots.folder), sorted(keyed_id(name, ID_KEY) for name in names)
    assert sorted(store.read("players-2026-01-01").ids) == wanted
    assert sorted(store.read("own-2026-01-01").ids) == wanted
    assert MARK.encode() not in from_telemetry + everything(tmp_path / "snapshots")


def test_labels_with_the_sources_ids_are_joined(from_telemetry, chosen, names, tmp_path):
    labels = pd.DataFrame({"player_id": names[:4], "population": "risky", "since": "2025-12-20", "source": "support"})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    read = read_labels(str(tmp_path / "labels.csv"), chosen.populations, ID_KEY)
    joined = join_labels(open_snapshots(chosen.snapshots.folder).read("players-2026-01-01"), read, chosen.data, 0)
    found = {joined.ids[row] for row in np.flatnonzero(joined.labels >= 0)}
    assert found == {keyed_id(name, ID_KEY) for name in names[:4]}


def test_outcomes_are_handed_in_by_the_sources_id_or_by_that_of_the_list(from_telemetry, chosen, names, tmp_path):
    config = tmp_path / "config.toml"
    lines = [f"[data]\nid_key = {json.dumps(ID_KEY)}", f"[snapshots]\nfolder = {json.dumps(chosen.snapshots.folder)}"]
    lines += [f"[outcomes]\nfolder = {json.dumps(chosen.outcomes.folder)}"]
    lines += ["[outcomes.decisions]\nharm = 'risky'\nfine = 'harmless'"]
    config.write_text("\n".join(lines))
    told = ["--snapshot", "players-2026-01-01", "--reviewer", "rita", "--config", str(config)]
    for player, decision in ((names[0], "harm"), (keyed_id(names[1], ID_KEY), "fine")):
        done = CliRunner().invoke(app, ["outcomes", "add", "--player", player, "--decision", decision, *told])
        assert done.exit_code == 0, done.output
        assert KEY not in done.output
    listed = as_records(open_outcomes(chosen.outcomes, chosen.registry.group).table())
    assert {one.player_id for one in listed} == {keyed_id(name, ID_KEY) for name in names[:2]}
    kept = everything(tmp_path / "outcomes")
    assert MARK.encode() not in kept
    assert KEY.encode() not in kept


def test_explain_looks_for_the_player_by_the_same_hash(tmp_path, monkeypatch):
    asked = []

    def note(player, *_):
        asked.append(player)
        raise DataProblem("no such player")

    monkeypatch.setattr("scarcegan.workflow.scoring.decision_record.explain_player", note)
    config = tmp_path / "config.toml"
    config.write_text(f"[data]\nid_key = {json.dumps(ID_KEY)}\n[registry]\npath = {json.dumps(str(tmp_path))}\n")
    CliRunner().invoke(app, ["explain", f" {MARK}-1", "--snapshot", "players-2026-01-01", "--config", str(config)])
    assert asked == [keyed_id(f"{MARK}-1", ID_KEY)]
