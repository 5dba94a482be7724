from dataclasses import fields, replace

import numpy as np
import pytest

from scarcegan.datasets import simulation
from scarcegan.datasets.simulation import KINDS, draw_habits, simulate

DAYS = 60
SESSIONS, BETS, LOSSES, DEPOSITS, NIGHT = range(5)


@pytest.fixture(scope="module")
def habits():
    return draw_habits(4_000, 0.05, 0.0, np.random.default_rng(3))


@pytest.fixture(scope="module")
def counters(habits):
    return simulate(habits, DAYS, np.random.default_rng(4))


def alike(habits, players, **changes):
    """Players with the same, harmless habits but for `changes`."""
    same = {field.name: np.full(players, getattr(habits, field.name).mean(), np.float32) for field in fields(habits)}
    harmless = {name: np.zeros(players, np.float32) for name in ("escalation", "chasing", "night_growth")}
    given = {name: np.full(players, value, np.float32) for name, value in changes.items()}
    return replace(habits, **(same | harmless | given))


def test_kinds_have_their_shares(habits):
    assert np.bincount(habits.kind).tolist() == [1_800, 1_400, 600, 200]


def test_the_same_seed_gives_the_same_counters_and_another_seed_others(habits, counters):
    assert np.array_equal(counters, simulate(habits, DAYS, np.random.default_rng(4)))
    assert not np.array_equal(counters, simulate(habits, DAYS, np.random.default_rng(5)))


def test_counters_are_counts_and_vanish_together_with_the_sessions(counters):
    assert counters.shape == (4_000, DAYS, 5)
    assert counters.min() == 0
    idle = counters[..., SESSIONS] == 0
    assert 0.1 < idle.mean() < 0.9
    assert not counters[idle][:, [BETS, LOSSES, NIGHT]].any()


def test_everybody_plays_in_the_last_four_weeks(counters):
    assert counters[:, -28:, SESSIONS].any(axis=1).all()


def test_kinds_overlap_in_level(habits, counters):
    level = counters[..., SESSIONS].mean(axis=1)
    of = {name: level[habits.kind == index] for index, name in enumerate(KINDS)}
    assert np.mean(of["heavy"] > np.median(of["risky"])) > 0.25
    assert np.mean(of["normal"] > np.quantile(of["risky"], 0.2)) > 0.1
    assert np.mean(of["dormant"] > np.median(of["normal"])) > 0.02


def test_every_risky_player_has_all_signs_and_few_harmless_ones_have_several(habits):
    signs = np.stack([habits.escalation, habits.chasing, habits.night_growth], axis=1) > 0
    is_risky = habits.kind == KINDS.index("risky")
    assert signs[is_risky].all()
    assert 0.05 < signs[~is_risky].any(axis=1).mean() < 0.3
    assert signs[~is_risky].all(axis=1).mean() < 0.005


@pytest.mark.parametrize("counter", [SESSIONS, DEPOSITS])
def test_chasers_do_more_on_the_day_after_a_loss(habits, counter):
    def lift(chasing):
        players = alike(habits, 600, level=0.5, chasing=chasing)
        counts = simulate(players, DAYS, np.random.default_rng(1))
        lost = counts[:, :-1, LOSSES] > 6
        return counts[:, 1:, counter][lost].mean() / counts[:, 1:, counter][~lost].mean()

    assert lift(1.0) > 1.2 * lift(0.0)


def test_escalation_raises_activity_towards_the_cutoff(habits):
    def rise(escalation):
        players = alike(habits, 600, level=0.0, escalation=escalation)
        sessions = simulate(players, DAYS, np.random.default_rng(1))[..., SESSIONS]
        return sessions[:, -14:].mean() / sessions[:, :14].mean()

    assert rise(0.0) == pytest.approx(1.0, abs=0.15)
    assert rise(0.7) > 1.7


def test_night_growth_moves_play_into_the_night(habits):
    def late_share(growth):
        players = alike(habits, 600, level=0.0, night_growth=growth)
        late = simulate(players, DAYS, np.random.default_rng(1))[:, -14:]
        return late[..., NIGHT].sum() / (30 * late[..., SESSIONS].sum())

    assert late_share(1.3) > 1.5 * late_share(0.0)


def test_drift_changes_habits_but_not_who_is_risky(habits, counters):
    drifted = draw_habits(4_000, 0.05, 1.0, np.random.default_rng(3))
    later = simulate(drifted, DAYS, np.random.default_rng(4))
    assert np.array_equal(drifted.kind, habits.kind)

    def per_session(counts, counter):
        return counts[..., counter].sum() / counts[..., SESSIONS].sum()

    assert later[..., SESSIONS].mean() > 1.2 * counters[..., SESSIONS].mean()
    assert per_session(later, NIGHT) > 1.2 * per_session(counters, NIGHT)
    assert per_session(later, DEPOSITS) < 0.8 * per_session(counters, DEPOSITS)


def test_the_docstring_names_the_constants_of_the_process():
    text = simulation.__doc__
    assert f"dormant {simulation.DORMANT_SHARE:.0%}".replace("%", " %") in text
    assert f"heavy {simulation.HEAVY_SHARE:.0%}".replace("%", " %") in text
    assert f"N(mean of the kind, {simulation.LEVEL_SPREAD})" in text
    assert f"last {simulation.SURE_DAYS} days" in text
