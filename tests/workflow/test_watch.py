"""Watching snapshots in the store: reports, recall on later labels, records that are written once."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.scaling import Scaler
from scarcegan.monitoring.watch import Champion, records_of, watch_snapshot
from scarcegan.registry import ModelVersion
from scarcegan.serving.forward import Layer
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.manifest import Frame, describe_snapshot

COLUMNS = ("spare", "level", "night", "losses")
FEATURES = ("losses", "level", "night")  # the champion's own order, without a column that it does not know
MONTHS = tuple(f"2026-{month:02d}-01" for month in range(1, 8))


def champion(snapshot=MONTHS[3], version=1, **facts):
    """A model whose risk grows with losses, flags one player in ten, and promises to find nearly all risky ones."""
    weights = np.zeros((1, 3, 3), np.float32)
    weights[0, 0] = [-1, 2, 0]
    knots, values = (np.tile(np.linspace(*ends, 9, dtype=np.float32), (3, 1)) for ends in ((0, 30), (-2, 2)))
    layer = Layer(weights, np.zeros((1, 3), np.float32))
    part = Networks(Scaler("quantile_normal", knots, values), (layer,), 0.2)
    model = Model(("normal", "risky", "unknown"), 1, FEATURES, 0.9, "review_budget", (part,))
    names = ("release_id", "origin_run_id", "run_pathspec", "description", "location", "sha256", "token", "created_at")
    told = ModelVersion(
        version=version,
        group="shelf",
        definition="review_budget",
        status="Approved",
        is_champion=True,
        threshold=0.9,
        constraint_met=True,
        release_size=1,
        metrics={"recall": 0.95},
        metadata={"snapshot": f"players-{snapshot}"} | facts if snapshot else facts,
        **dict.fromkeys(names, ""),
    )
    return Champion(model, told)


def publish(store, cutoff, seed, factor=1.0, players=1_200):
    """Publish a month's players; a third of them are the first, whose losses are high."""
    rng = np.random.default_rng(seed)
    features = (rng.gamma(2, 3, (players, len(COLUMNS))) * factor).astype(np.float32)
    features[: players // 10, 3] += 20 * factor
    ids, shards = np.arange(1, players + 1), 3
    parts = [
        store.write_part(f"players-{cutoff}", shard, ids[shard::shards], features[shard::shards], COLUMNS)
        for shard in range(shards)
    ]
    return store.publish(describe_snapshot(f"players-{cutoff}", Frame(cutoff, 60, COLUMNS), parts))


@pytest.fixture
def store(tmp_path):
    """Seven months; from the fifth on, everything is two and a half times as large."""
    store = open_snapshots(str(tmp_path / "snapshots"))
    for number, cutoff in enumerate(MONTHS):
        publish(store, cutoff, number, 2.5 if number > 3 else 1.0)
    return store


@pytest.fixture
def settings(tmp_path):
    def make(labels="", **monitoring):
        source = {"data": {"source": "snapshot", "path": labels}} if labels else {}
        tree = {"snapshots": {"folder": str(tmp_path / "snapshots")}, "monitoring": monitoring}
        return load(tree | source)

    return make


def write_labels(path, snapshot_cutoff, known_at, players):
    """Labels of risky players that describe them from a snapshot's cut-off on."""
    table = pd.DataFrame({"player_id": players, "population": "risky", "since": snapshot_cutoff, "source": "review"})
    table.assign(known_at=known_at).to_parquet(path)
    return str(path)


def test_a_moved_snapshot_is_watched_first_and_retrained_on_when_it_stays(store, settings):
    watched = [watch_snapshot(champion(), f"players-{cutoff}", settings()) for cutoff in MONTHS[4:6]]
    assert [one.decision["action"] for one in watched] == ["watch", "retrain"]
    assert set(watched[1].decision["causes"]) <= {"classifier", "score"}
    assert [row["name"] for row in watched[0].drift["features"]] != []
    assert {"features", "classifier", "score"} <= set(watched[0].drift["flags"])
    assert watched[0].drift["reference"]["name"] == "players-2026-04-01"


def test_the_champions_features_are_compared_by_name(store, settings):
    drift = watch_snapshot(champion(), "players-2026-05-01", settings()).drift
    assert {row["name"] for row in drift["features"]} == set(FEATURES)


def test_what_the_champion_was_trained_on_has_not_drifted(store, settings):
    watched = watch_snapshot(champion(), "players-2026-04-01", settings())
    assert (watched.drift["flags"], watched.decision["action"]) == ([], "no action")


def test_limits_come_from_the_pairs_before_the_reference(store, settings):
    assert watch_snapshot(champion(), "players-2026-05-01", settings()).drift["pairs"] == 3
    assert watch_snapshot(champion(MONTHS[2], 2), "players-2026-05-01", settings()).drift["pairs"] == 0


def test_snapshots_that_are_published_late_set_limits_from_then_on(store, settings):
    assert watch_snapshot(champion(MONTHS[2], 2), "players-2026-04-01", settings()).drift["pairs"] == 0
    publish(store, "2025-12-01", 9)
    assert watch_snapshot(champion(MONTHS[2], 2), "players-2026-05-01", settings()).drift["pairs"] == 3


def test_the_pair_across_which_the_players_moved_is_not_what_is_usual(store, settings):
    """Six pairs end with July; the one from April to May is left out, May to June is as stable as any."""
    for cutoff in MONTHS[4:6]:
        watch_snapshot(champion(), f"players-{cutoff}", settings())
    publish(store, "2026-08-01", 9, 1.0)
    watched = watch_snapshot(champion(MONTHS[6], 2), "players-2026-08-01", settings())
    assert watched.drift["pairs"] == 5
    assert {"features", "classifier", "score"} <= set(watched.drift["flags"])


def test_watching_again_gives_what_is_on_record(store, settings):
    first = watch_snapshot(champion(), "players-2026-05-01", settings())
    again = watch_snapshot(champion(), "players-2026-05-01", settings(false_alarms=0.2))
    assert again == first
    assert len(records_of(champion().version, settings()).before("2027-01-01")) == 1


def test_a_later_period_does_not_change_an_earlier_decision(store, settings):
    """A snapshot that is scored late counts the periods before its own cut-off, none after it."""
    watch_snapshot(champion(), "players-2026-06-01", settings())
    assert watch_snapshot(champion(), "players-2026-05-01", settings()).decision["action"] == "watch"


def test_another_champion_counts_its_own_periods(store, settings):
    watch_snapshot(champion(), "players-2026-05-01", settings())
    decision = watch_snapshot(champion(version=2), "players-2026-06-01", settings()).decision
    assert (decision["action"], decision["signals"]["classifier"]["periods"]) == ("watch", 1)


def test_recall_is_measured_on_labels_that_came_after_the_scoring(store, settings, tmp_path):
    """Of 40 players labelled in May, the champion had flagged most of the 10 with high losses in April."""
    players = [*range(1, 11), *range(700, 730)]
    labels = write_labels(tmp_path / "labels.parquet", "2026-04-01", "2026-04-20", players)
    watched = watch_snapshot(champion(), "players-2026-05-01", settings(labels))
    recall = watched.drift["recall"]
    assert (recall["snapshot"], recall["risky"], recall["promised"]) == ("players-2026-04-01", 40, 0.95)
    april = store.read("players-2026-04-01")
    rows = np.flatnonzero(np.isin(april.ids, players))
    columns = [april.manifest.frame.columns.index(name) for name in FEATURES]
    found = np.count_nonzero(champion().model.risk(april.features[np.ix_(rows, columns)]) >= 0.9)
    assert 0 < recall["found"] == found < 15
    assert (watched.decision["action"], watched.decision["causes"]) == ("retrain", ["recall"])


@pytest.mark.parametrize(
    ("known_at", "facts"),
    [
        ("2026-05-20", {}),  # not known yet
        ("2026-04-20", {"labels_known_by": "2026-04-25"}),  # the champion was trained on it
    ],
)
def test_labels_of_another_time_tell_nothing_of_recall(store, settings, tmp_path, known_at, facts):
    labels = write_labels(tmp_path / "labels.parquet", "2026-04-01", known_at, range(1, 40))
    assert watch_snapshot(champion(**facts), "players-2026-05-01", settings(labels)).drift["recall"] is None


def test_a_player_known_before_is_no_discovery(store, settings, tmp_path):
    labels = write_labels(tmp_path / "labels.parquet", "2026-04-01", "2026-04-20", range(1, 40))
    both = pd.concat([pd.read_parquet(labels)] * 2, ignore_index=True)
    both.loc[: len(both) // 2 - 1, ["since", "known_at"]] = "2026-03-15"
    both.to_parquet(labels)
    assert watch_snapshot(champion(), "players-2026-05-01", settings(labels)).drift["recall"] is None


def test_a_champion_that_names_no_snapshot_is_watched_by_a_person(store, settings):
    watched = watch_snapshot(champion(snapshot=""), "players-2026-05-01", settings())
    assert (watched.drift, watched.decision["action"], watched.constraints) == (None, "watch", "")
    assert "name one in monitoring.reference" in watched.decision["reasons"][0]


def test_a_reference_can_be_named_afterwards(store, settings):
    assert watch_snapshot(champion(snapshot=""), "players-2026-05-01", settings()).drift is None
    named = settings(reference="players-2026-03-01")
    watched = watch_snapshot(champion(snapshot=""), "players-2026-05-01", named)
    assert watched.drift["reference"]["name"] == "players-2026-03-01"


def test_a_reference_without_the_champions_features_is_none(store, settings):
    strange = champion()
    strange = replace(strange, model=replace(strange.model, feature_names=("stakes", *FEATURES[1:])))
    watched = watch_snapshot(strange, "players-2026-05-01", settings())
    assert "lacks features of the champion, such as 'stakes'" in watched.decision["reasons"][0]


def test_a_reference_that_is_gone_is_told_and_another_can_be_named(store, settings):
    """Scores are written by now: they shall not be lost for it."""
    gone = champion("2020-01-01")
    watched = watch_snapshot(gone, "players-2026-05-01", settings())
    assert (watched.drift, watched.decision["action"]) == (None, "watch")
    assert "there is no snapshot 'players-2020-01-01'" in watched.decision["reasons"][0]
    assert watch_snapshot(gone, "players-2026-05-01", settings(reference="players-2026-03-01")).drift is not None


def test_model_monitors_files_come_along(store, settings):
    watched = watch_snapshot(champion(), "players-2026-05-01", settings())
    assert json.loads(watched.statistics)["dataset"]["item_count"] == 1_200
    assert len(json.loads(watched.constraints)["features"]) == len(COLUMNS)


def test_only_so_many_players_are_compared(store, settings):
    drift = watch_snapshot(champion(), "players-2026-05-01", settings(rows=500)).drift
    assert (drift["current"]["compared"], drift["current"]["players"]) == (500, 1_200)
    assert drift["reference"]["compared"] == 500
