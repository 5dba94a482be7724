"""Labels of the simulated players, for the two snapshots of config/simulated_snapshot.toml."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scarcegan import settings
from scarcegan.datasets.simulated import CUTOFF, LABELED, labels_table, write_telemetry
from scarcegan.snapshots.labels import became_risky, read_labels

ROOT = Path(__file__).parents[2]
SMALL = {"players": 1_500, "days": 90, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}


class Manifest:
    """What `became_risky` asks of a snapshot: the first day of its window."""

    first_day = "2025-10-05"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    own = {"data": {"path": str(tmp_path_factory.mktemp("simulated"))}, "simulated": SMALL}
    return write_telemetry(settings.load(own))


def test_every_label_and_test_player_is_known_at_the_first_cutoff(folder):
    known = labels_table(folder).query("since == @LABELED")
    counts = known["population"].value_counts()
    assert counts["test"] == pytest.approx(0.3 * SMALL["players"], abs=3)
    assert counts.drop("test").to_dict() == {"risky": 20, "dormant": 40, "normal": 40, "heavy": 40}


def test_half_of_the_risky_test_players_become_known_before_the_second_cutoff(folder, tmp_path):
    table = labels_table(folder)
    table.to_parquet(tmp_path / "labels.parquet")
    labels = read_labels(str(tmp_path / "labels.parquet"), settings.Populations())
    found = became_risky(labels, Manifest, LABELED.isoformat(), CUTOFF)
    risky = table.query("population == 'test' and truth_risky == 1")["player_id"].astype(str)
    assert len(found) == (len(risky) + 1) // 2
    assert set(found) <= set(risky)


def test_a_labels_path_is_not_taken_for_the_folder_of_the_simulation(tmp_path, monkeypatch):
    monkeypatch.setattr("scarcegan.project.project_root", lambda: tmp_path)
    data = {"source": "snapshot", "path": str(tmp_path / "labels.parquet")}
    folder = write_telemetry(settings.load({"data": data, "simulated": SMALL}))
    assert folder.parent == tmp_path / ".scarcegan" / "simulated"


def test_the_command_writes_the_table_that_the_configuration_names(tmp_path):
    config = tmp_path / "own.toml"
    small = "\n".join(f"{name} = {value}" for name, value in SMALL.items())
    config.write_text(f'[data]\npath = "{tmp_path}/players"\n[simulated]\n{small}\n')
    command = [sys.executable, "-m", "scarcegan.datasets.simulated", str(config)]
    done = subprocess.run([*command, str(tmp_path / "labels.parquet")], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert len(pd.read_parquet(tmp_path / "labels.parquet")) > 0
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
