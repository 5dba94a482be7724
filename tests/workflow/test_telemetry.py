import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from scarcegan.datasets.snapshot import snapshot_report
from scarcegan.features import prophet50
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots
from scarcegan.workflow.features import telemetry
from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots
from scarcegan.workflow.retraining.prepare import prepare

SMALL = {"players": 600, "days": 60, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}


@pytest.fixture
def configured(tmp_path):
    def make(**sections):
        own = {
            "data": {"path": str(tmp_path / "players")},
            "simulated": SMALL,
            "folds": {"k": 2},
            "telemetry": {"shards": 3},
            "snapshots": {"folder": str(tmp_path / "snapshots")},
        }
        return load({name: own.get(name, {}) | sections.get(name, {}) for name in own | sections})

    return make


def run(settings):
    plans = plan_snapshots(settings, "0a1b2c3")
    parts = [part(plan, number, settings) for plan in plans.values() for number in range(settings.telemetry.shards)]
    return publish_snapshots(plans, parts, settings.snapshots)


def part(plan, number, settings):
    return extract_part(plan, number, settings.telemetry, settings.snapshots)


def test_telemetry_becomes_a_snapshot_that_training_reads(configured, tmp_path):
    [found] = run(configured())
    assert found.name == "players-2026-01-01"
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == [found.name]  # no telemetry is left there
    labels = pd.read_parquet(tmp_path / "players" / "labels.parquet")
    truth = pd.read_parquet(tmp_path / "players" / "truth.parquet")
    table = labels.merge(truth).assign(since="2025-12-01", source="simulation")
    table.to_parquet(tmp_path / "labels.parquet")
    data = {"source": "snapshot", "snapshot": found.name, "path": str(tmp_path / "labels.parquet")}
    settings = configured(data=data)
    prepared, _ = prepare(settings)
    direct, _ = prepare(configured())
    both, here, there = np.intersect1d(prepared.players.ids, direct.players.ids, return_indices=True)
    assert len(both) == len(direct.players) == 600
    assert prepared.players.feature_names == direct.players.feature_names
    np.testing.assert_allclose(prepared.players.features[here], direct.players.features[there], rtol=1e-4, atol=1e-4)
    for column in ("labels", "test_set"):
        np.testing.assert_array_equal(getattr(prepared.players, column)[here], getattr(direct.players, column)[there])
    tested = prepared.players.test_set[here] == 1
    np.testing.assert_array_equal(prepared.players.truth[here][tested], direct.players.truth[there][tested])
    few, _ = prepare(configured(data=data | {"max_unlabeled": 50}))
    assert np.count_nonzero((few.players.labels == -1) & (few.players.test_set == 0)) == 50
    assert few.unlabeled == pytest.approx(prepared.unlabeled)  # the sample stands for everybody
    held = dict(zip(prepared.players.ids, prepared.players.features, strict=True))
    names = [prepared.players.feature_names.index(name) for name in few.players.feature_names]
    np.testing.assert_array_equal(few.players.features, [held[player][names] for player in few.players.ids])
    report = snapshot_report(prepared.players, settings)
    assert (report.previous, report.moves) == ("", [])
    assert report.quiet_days["dormant"] > report.quiet_days["heavy"] > 0
    assert snapshot_report(direct.players, configured()) is None


def test_publishing_again_is_the_same_snapshot(configured):
    assert run(configured()) == run(configured())


PUBLISH = """
import json, sys
from scarcegan.settings import load
from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots

settings = load(json.loads(sys.argv[1]))
plans = plan_snapshots(settings, "")
parts = [extract_part(plan, 0, settings.telemetry, settings.snapshots) for plan in plans.values()]
print(*(one.fingerprint for one in publish_snapshots(plans, parts, settings.snapshots)))
"""


def test_publishing_again_on_another_machine_is_the_same_snapshot(tmp_path):
    tree = {
        "data": {"path": str(tmp_path / "players")},
        "simulated": SMALL,
        "telemetry": {"shards": 1},
        "snapshots": {"folder": str(tmp_path / "snapshots")},
    }
    older = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
    machines = (
        {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell"},
        {"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": older},
    )
    command = [sys.executable, "-W", "ignore", "-c", PUBLISH, json.dumps(tree)]
    found = [
        subprocess.run(command, env=os.environ | machine, check=True, capture_output=True, text=True).stdout
        for machine in machines
    ]
    assert found[0] == found[1]


def test_the_rows_stay_until_the_snapshots_are_published_and_are_missed_afterwards(configured, monkeypatch):
    settings = configured()
    [plan] = (plans := plan_snapshots(settings, "")).values()
    parts = [part(plan, number, settings) for number in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(telemetry, "describe_snapshot", refuse)
        with pytest.raises(DataProblem, match="refused"):
            publish_snapshots(plans, parts, settings.snapshots)
    assert part(plan, 2, settings).part.players == parts[2].part.players > 0
    publish_snapshots(plans, parts, settings.snapshots)
    with pytest.raises(DataProblem, match="another resume has published and removed it"):
        part(plan, 2, settings)


def test_a_shard_needs_its_own_rows_and_not_the_telemetry(configured, tmp_path):
    settings = configured()
    [plan] = plan_snapshots(settings, "").values()
    shutil.rmtree(tmp_path / "players")
    assert part(plan, 0, settings).part.players > 0
    assert not (tmp_path / "players").exists()  # nobody has simulated it anew


def refuse(*_):
    raise DataProblem("refused")


def test_more_shards_hold_the_same_players(configured, tmp_path):
    [few] = run(configured())
    [many] = run(configured(telemetry={"shards": 7}, snapshots={"prefix": "many-"}))
    store = open_snapshots(str(tmp_path / "snapshots"))
    first, second = store.read(few.name), store.read(many.name)
    one, other = np.argsort(first.ids), np.argsort(second.ids)
    np.testing.assert_array_equal(first.ids[one], second.ids[other])
    np.testing.assert_allclose(first.features[one], second.features[other], rtol=1e-4, atol=1e-4)


def test_the_published_fifty_are_a_feature_set(configured):
    [found] = run(configured(telemetry={"feature_set": "prophet50"}))
    assert len(found.frame.columns) == 50
    assert found.frame.columns == prophet50.names(("sessions", "bets", "losses", "deposits", "night_minutes"))
    assert found.frame.days_column == ""


def test_a_cutoff_outside_the_data_is_refused_with_the_file(configured):
    with pytest.raises(DataProblem, match=r"telemetry.parquet: column 'date': none of \d+ rows lies in the 60 days"):
        plan_snapshots(configured(telemetry={"cutoffs": ["2030-01-01"]}), "")


def test_a_role_that_names_no_counter_is_refused_before_any_shard(configured):
    with pytest.raises(DataProblem, match=r"got \{'win': 'jackpots'\}"):
        plan_snapshots(configured(telemetry={"roles": {"win": "jackpots"}}), "")


def test_training_on_a_snapshot_needs_its_name_and_the_labels(configured):
    run(configured())
    with pytest.raises(SettingsProblem, match=r"data.snapshot .*: name one of \['players-2026-01-01'\]"):
        prepare(configured(data={"source": "snapshot"}))
