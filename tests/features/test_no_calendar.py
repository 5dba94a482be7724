"""A population that does not change has the same features at every cut-off, whatever its weekday and the log's gaps."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from scarcegan.features.extract import extract
from scarcegan.features.prophet50 import extract_prophet50
from scarcegan.features.telemetry import Telemetry
from scarcegan.settings.data_sections import RoleNames

COUNTERS = ("sessions", "bets", "losses", "deposits", "night")
ROLES = RoleNames(activity="sessions", intensity="bets", loss="losses", deposit="deposits", night="night")
FEATURE_SETS = {"catalogue": lambda telemetry: extract(telemetry, ROLES), "prophet50": extract_prophet50}
MONDAY = np.datetime64("2023-04-03")
WINDOW_DAYS = 60
PLAYERS = 1500


def population(first_day, missing=()):
    """Other players of one stationary process: bouts, and habits of weekends or Mondays, from a first day on."""
    rng = np.random.default_rng((first_day - MONDAY).astype(int))
    weekday = ((first_day - MONDAY).astype(int) + np.arange(WINDOW_DAYS)) % 7
    habit = np.ones((PLAYERS, 7))
    habit[::2, 5:], habit[1::4, 0] = 4, 6
    habit /= habit.mean(axis=1, keepdims=True)
    bouts = rng.normal(size=(PLAYERS, WINDOW_DAYS))
    for day in range(1, WINDOW_DAYS):
        bouts[:, day] = 0.8 * bouts[:, day - 1] + 0.6 * bouts[:, day]
    rate = rng.gamma(0.6, 2, (PLAYERS, 1)) * habit[:, weekday] * np.exp(0.7 * bouts)
    sessions = rng.poisson(rate)
    sessions = sessions[(sessions > 0).sum(axis=1) >= 3]
    counters = [
        sessions,
        rng.poisson(3 * sessions),
        rng.binomial(2 * sessions, 0.3),
        20 * rng.binomial(sessions, 0.15),
        rng.binomial(sessions, 0.2),
    ]
    observed = ~np.isin(np.arange(WINDOW_DAYS), missing)
    counters = np.where(observed[:, None], np.stack(counters, axis=2), 0).astype(np.float32)
    return Telemetry(np.arange(len(counters)), counters, observed, COUNTERS)


@pytest.fixture(scope="module", params=FEATURE_SETS)
def extracted(request):
    """A function: the features of telemetry."""
    return FEATURE_SETS[request.param]


@pytest.fixture(scope="module")
def tables(extracted):
    """The features at seven cut-offs, from one Friday to the Thursday after it."""
    return [extracted(population(MONDAY + day)) for day in range(7)]


def told_apart(one, other):
    """The AUC of the drift check's classifier, which sees all features together."""
    features = np.vstack([one.features, other.features])
    is_other = np.repeat([0, 1], [len(one.ids), len(other.ids)])
    model = HistGradientBoostingClassifier(max_iter=50, max_bins=64, early_stopping=False, random_state=0)
    return roc_auc_score(is_other, cross_val_predict(model, features, is_other, cv=3, method="predict_proba")[:, 1])


def test_every_feature_is_distributed_alike_at_all_seven_weekdays(tables):
    chance = {}
    for day, table in enumerate(tables):
        rest = np.vstack([other.features for other in tables if other is not table])
        for column, name in enumerate(table.names):
            chance[name, day] = ks_2samp(table.features[:, column], rest[:, column], method="asymp").pvalue
    # One test in a thousand of such populations would fail by chance.
    moved = {key: value for key, value in chance.items() if value < 1e-3 / len(chance)}
    assert moved == {}


def test_all_features_together_do_not_tell_one_weekday_from_another(tables):
    assert told_apart(tables[0], tables[3]) == pytest.approx(0.5, abs=0.05)


def test_days_that_the_log_lacks_hardly_tell_its_players_from_others(tables, extracted):
    holed = population(MONDAY + 14, missing=(1, 2, 30))
    # Two days with the same counts a week apart are a trace, but a faint one.
    assert told_apart(tables[0], extracted(holed)) < 0.58
