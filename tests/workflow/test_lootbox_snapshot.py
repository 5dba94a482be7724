"""The whole way of config/lootbox_snapshot.toml on a small log: three snapshots, labels, players to train on."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scarcegan.datasets import lootbox
from scarcegan.datasets.snapshot import snapshot_report
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, load, parse
from scarcegan.snapshots import open_snapshots
from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots
from scarcegan.workflow.retraining.prepare import prepare

CUTOFFS = ("2023-02-12", "2023-03-14", "2023-04-13")
CONFIG = Path(__file__).parents[2] / "config" / "lootbox_snapshot.toml"
POPULATIONS = ("dormant", "normal", "heavy", "risky", "unlabeled", "unlabeled", "test")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """140 players with a row on about every other day of the log; the last twenty are in no cohort."""
    folder = tmp_path_factory.mktemp("data") / "lootbox"
    folder.mkdir()
    rng = np.random.default_rng(5)
    days = [date(2022, 12, 14) + timedelta(days=day) for day in range(150)]
    daily = pd.DataFrame([(player, day) for player in range(1, 141) for day in days], columns=["player_id", "date"])
    daily[["opens", "types", "burst", "night", "wins"]] = rng.poisson(2, (len(daily), 5)).astype(np.int16)
    daily = daily[rng.random(len(daily)) < 0.5].astype({"player_id": np.int32})
    daily.to_parquet(folder / "daily_counters.parquet", index=False)
    cohorts = [pd.DataFrame({"cutoff": date.fromisoformat(day), "player_id": np.arange(1, 121)}) for day in CUTOFFS]
    cohorts = pd.concat(cohorts, ignore_index=True)
    cohorts["population"] = np.resize(POPULATIONS, len(cohorts))
    cohorts["truth_risky"] = ((cohorts["population"] == "risky") | (cohorts["player_id"] % 3 == 0)).astype(np.int8)
    cohorts.to_parquet(folder / "cohorts.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def published(files):
    """The settings of the configuration, and its three snapshots published beside the files."""
    tree = parse(CONFIG.read_text())
    tree["telemetry"]["path"] = str(files / "daily_counters.parquet")
    tree["snapshots"]["folder"] = str(files / "snapshots")
    tree["folds"]["k"] = 2
    settings = load(tree)
    plans = plan_snapshots(settings, "0a1b2c3")
    sections = (settings.telemetry, settings.snapshots)
    parts = [extract_part(plan, number, *sections) for plan in plans.values() for number in range(4)]
    publish_snapshots(plans, parts, settings.snapshots)
    return tree


def write_labels(files, cutoff, folder):
    cohorts = lootbox.cohorts_of(Data(source="lootbox", path=str(files)), cutoff)
    lootbox.labels_table(cohorts, cutoff).to_parquet(folder / "labels.parquet")


def test_each_cutoff_has_its_snapshot_of_all_players(published, files):
    store = open_snapshots(str(files / "snapshots"))
    assert store.names() == [f"lootbox-{cutoff}" for cutoff in CUTOFFS]
    assert [manifest.players for manifest in store.snapshots()] == [140] * 3
    assert store.describe("lootbox-2023-04-13").frame.days_column == "opens_active_share"


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_training_sees_the_players_that_the_source_lootbox_sees(published, files, tmp_path, cutoff):
    write_labels(files, cutoff, tmp_path)
    data = published["data"] | {"snapshot": f"lootbox-{cutoff}", "path": str(tmp_path / "labels.parquet")}
    settings = load(published | {"data": data})
    prepared, report = prepare(settings)
    direct, _ = prepare(
        load(
            {
                "data": {"source": "lootbox", "path": str(files)},
                "lootbox": {"cutoff": cutoff},
                "features": {"window_days": 60},
                "folds": {"k": 2},
            }
        )
    )
    direct = direct.players
    order = np.argsort(prepared.players.ids)
    assert prepared.players.ids[order].tolist() == direct.ids.tolist()
    assert prepared.players.feature_names == direct.feature_names
    np.testing.assert_allclose(prepared.players.features[order], direct.features, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(prepared.players.labels[order], direct.labels)
    np.testing.assert_array_equal(prepared.players.test_set[order], direct.test_set)
    tested = direct.test_set == 1
    np.testing.assert_array_equal(prepared.players.truth[order][tested], direct.truth[tested])
    assert report.cutoff == cutoff
    assert (snapshot_report(prepared.players, settings).previous == "") == (cutoff == CUTOFFS[0])


def test_before_the_proxy_is_known_nothing_is_trained_on(published, files, tmp_path):
    write_labels(files, "2023-04-13", tmp_path)
    data = published["data"] | {"path": str(tmp_path / "labels.parquet"), "labels_known_by": ""}
    with pytest.raises(DataProblem, match="got none of 69 labels: 69 labels known only after 2023-04-13"):
        prepare(load(published | {"data": data}))
