"""Small telemetry for the feature tests."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scarcegan.features.partition import read_shard, write_partition
from scarcegan.features.survey import survey
from scarcegan.features.telemetry import Telemetry

FIRST_DAY = "2023-01-02"  # a Monday


def _long_form(players: int, days: int, seed: int = 0, first_day: str = FIRST_DAY) -> pd.DataFrame:
    """One row per active player-day, counters bets, losses, nights; rows shuffled."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "player_id": np.repeat(np.arange(players, dtype=np.int64), days),
            "date": np.tile(pd.date_range(first_day, periods=days).to_numpy(), players),
        }
    )
    rate = np.repeat(rng.gamma(2, 2, players), days)
    for name, share in (("bets", 1.0), ("losses", 0.5), ("nights", 0.2)):
        frame[name] = rng.poisson(rate * share)
    return frame[frame["bets"] > 0].sample(frac=1, random_state=seed)


def _block(series: np.ndarray, names: tuple[str, ...] = ("bets",), observed: np.ndarray | None = None) -> Telemetry:
    """A block of [players, days] (one counter) or [players, days, counters]; the first day is a Monday."""
    counters = np.asarray(series, np.float32).reshape(*np.shape(series)[:2], len(names))
    days = counters.shape[1]
    if observed is None:
        observed = np.ones(days, bool)
    return Telemetry(np.arange(len(series)), counters, observed, names)


@pytest.fixture(scope="session")
def long_form():
    return _long_form


@pytest.fixture(scope="session")
def block():
    return _block


@pytest.fixture
def read_sorted(tmp_path):
    """Survey telemetry, sort it by shard, and read each shard in each window: a list of blocks for each window."""
    folders = (str(tmp_path / f"sorted-{number}") for number in itertools.count())

    def read(source, shards, *windows, folder=None):
        folder, surveys = folder or next(folders), survey(source, windows)
        write_partition(replace(source, counters=surveys[0].counters), windows, shards, folder)
        return [
            [read_shard(folder, number, window, found.observed, source.location) for number in range(shards)]
            for window, found in zip(windows, surveys, strict=True)
        ]

    return read
