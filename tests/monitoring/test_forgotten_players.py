"""The watch knows a snapshot again from which a player was forgotten: nothing is measured or counted twice."""

import json
from pathlib import Path

import numpy as np
import pytest

from scarcegan.monitoring.watch import Watch
from scarcegan.settings import Monitoring
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.forgetting import forget

MONTHS = tuple(f"2026-{month:02d}-01" for month in range(4, 8))


@pytest.fixture
def store(tmp_path, publish_snapshot):
    """Four months of 1,200 players; from the second on, everything is two and a half times as large."""
    store = open_snapshots(str(tmp_path / "snapshots"))
    for number, cutoff in enumerate(MONTHS):
        features = (np.random.default_rng(number).gamma(2, 3, (1_200, 3)) * (2.5 if number else 1)).astype(np.float32)
        publish_snapshot(store, f"players-{cutoff}", cutoff, features, ("losses", "level", "night"), shards=3)
    return store


@pytest.fixture
def watch(store):
    from test_watch import champion, risk_by_losses

    def watch(number):
        champion_of_april = Watch(risk_by_losses(), champion(MONTHS[0]), store, Monitoring(), 7)
        return champion_of_april.watch(f"players-2026-{number:02d}-01")

    return watch


def test_a_period_is_known_again_and_counts_once(watch, store):
    first = watch(5)
    kept = {file: json.loads(file.read_text()) for file in Path(store.folder, "_drift").rglob("*.json")}
    for name in ("players-2026-04-01", "players-2026-05-01"):
        forget(store, name, "7")
    again = watch(5)
    assert again.drift == first.drift
    assert again.decision == first.decision
    assert {file: json.loads(file.read_text()) for file in Path(store.folder, "_drift").rglob("*.json")} == kept
    second = watch(6)
    assert {one.periods for one in second.decision.signals.values() if one.periods} == {2}


def test_a_snapshot_without_the_player_can_be_watched_for_the_first_time(watch, store):
    for month in MONTHS:
        forget(store, f"players-{month}", "7")
    assert watch(5).drift.current.players == 1_199
