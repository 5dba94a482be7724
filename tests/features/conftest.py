"""Small telemetry for the feature tests."""

import numpy as np
import pandas as pd
import pytest

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
    cutoff = (pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=days)).date().isoformat()
    if observed is None:
        observed = np.ones(days, bool)
    return Telemetry(np.arange(len(series)), counters, observed, names, FIRST_DAY, cutoff)


@pytest.fixture(scope="session")
def long_form():
    return _long_form


@pytest.fixture(scope="session")
def block():
    return _block
