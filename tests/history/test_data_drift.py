import numpy as np
import pytest

from scarcegan.data.folds import split
from scarcegan.data.players import Players
from scarcegan.data.report import data_report
from scarcegan.history.data_drift import data_drift
from scarcegan.settings import load

SETTINGS = load({"folds": {"k": 2}})


def report(values):
    """The data report of players whose one feature is `values`; a tenth of each harmless population are labelled."""
    labels = np.resize(np.array([0, 1, 2, 3] + [-1] * 6, np.int8), len(values))
    truth, test_set = np.full(len(values), -1, np.int8), np.zeros(len(values), np.int8)
    features = values.astype(np.float32)[:, np.newaxis]
    players = Players(np.arange(len(values)), features, ("bets",), labels, truth, test_set)
    return data_report(*split(players, SETTINGS, np.random.default_rng(0)), SETTINGS)


def test_a_moved_feature_is_told_with_its_medians_and_shares_of_zeros():
    rng = np.random.default_rng(2)
    before, now = (report(rng.poisson(rate, 20_000)) for rate in (1.5, 4.0))
    [found] = data_drift("second", now, before)
    assert (found.run, found.feature) == ("second", "bets")
    assert found.psi > 0.5
    assert found.ks == pytest.approx(0.57, abs=0.05)
    assert (found.median_before, found.median_now) == (1, 4)
    assert found.zero_share_before == pytest.approx(np.exp(-1.5), abs=0.01)
    assert found.zero_share_now == pytest.approx(np.exp(-4), abs=0.01)


def test_the_same_data_and_data_not_yet_made_have_no_drift():
    one = report(np.arange(100.0))
    assert data_drift("second", one, one) == data_drift("second", one, None) == []
