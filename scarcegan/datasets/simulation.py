r"""How simulated players behave: the generating process behind the default data set.

Kinds: dormant 45 %, heavy 15 %, risky `simulated.risky_share`, normal the rest. For player i on day t, with
r_it = max(0, t - onset_i) / 28 (the onset lies 14 to 70 days before the cut-off), eps standard normal and
every coefficient drawn once per player:

    mood        u_it = 0.8 u_i,t-1 + 0.3 eps
    week        w_it = 0.35 sin(2 pi (t + phase_i) / 7)
    sessions    s_it ~ Poisson(exp(a_i + u_it + w_it + g_i r_it + 0.3 c_i x_i,t-1))
    bets        b_it ~ Poisson(s_it exp(beta_i + 0.4 eps))
    losses      l_it = round(max(0, stake_i (0.1 b_it + 0.9 sqrt(b_it) eps)))
    shock       x_it = clip(log(1 + l_it) - m_i,t-1, 0, 2),   m_it = 0.9 m_i,t-1 + 0.1 log(1 + l_it)
    deposits    d_it ~ Poisson(delta_i (0.1 + s_it) exp(c_i x_i,t-1))
    night play  n_it ~ Poisson(30 s_it sigmoid(q_i + h_i r_it + 0.5 eps))  minutes

The level a_i ~ N(mean of the kind, 0.7) overlaps between kinds, and the risky mean lies below the heavy one:
level alone does not separate. Harm is in the shape: escalation g, chasing c and growing night play h. They
are Gamma-distributed and all present, some weakly, in a risky player; a harmless one has each of them,
independently and of the same size, with a small probability (`MIMIC_SHARE`): no single sign gives one away.
Everyone is sure to start one session in the last 28 days.

Drift (0 to 1) is a new season: levels rise by 0.4 and spread by another 0.4, everybody plays more at night
(+1 on the logit), deposits per session halve, the week flattens; escalation halves, chasing grows by a half.
"""

import numpy as np

from scarcegan.records import Record

KINDS = ("dormant", "normal", "heavy", "risky")
COUNTERS = ("sessions", "bets", "losses", "deposits", "night_minutes")
VERSION = 1  # of the process: a change of the equations or of the order of draws needs a new number

DORMANT_SHARE, HEAVY_SHARE = 0.45, 0.15
LEVEL = np.array([-1.9, -0.7, 0.7, 0.0])  # mean log sessions per day
LEVEL_SPREAD = 0.7
MIMIC_SHARE = np.array([0.03, 0.07, 0.10, 1.0])
SIGN_SCALE = {"escalation": 0.72, "chasing": 0.72, "night_growth": 1.3}
SURE_DAYS = 28
WARM_UP_DAYS = 21  # before the first day written, so that moods and memories have settled


class Habits(Record):
    """The coefficients of every player; all float32 arrays [n] but `kind` (int8 index into `KINDS`)."""

    kind: np.ndarray
    level: np.ndarray
    week: np.ndarray
    phase: np.ndarray
    escalation: np.ndarray
    chasing: np.ndarray
    night: np.ndarray
    night_growth: np.ndarray
    onset: np.ndarray
    log_bets: np.ndarray
    stake: np.ndarray
    deposits: np.ndarray


def draw_habits(players: int, risky_share: float, drift: float, rng: np.random.Generator) -> Habits:
    """Draw every player's coefficients; at least one player is risky. On `drift` see the module's docstring."""
    risky = max(1, round(risky_share * players))
    dormant, heavy = round(DORMANT_SHARE * players), round(HEAVY_SHARE * players)
    kind = rng.permutation(
        np.repeat(np.arange(4, dtype=np.int8), [dormant, players - dormant - heavy - risky, heavy, risky])
    )

    def normal(mean: float | np.ndarray, spread: float) -> np.ndarray:
        return (mean + spread * rng.standard_normal(players)).astype(np.float32)

    def sign(name: str) -> np.ndarray:
        is_present = rng.random(players) < MIMIC_SHARE[kind]
        return (is_present * rng.gamma(1.5, SIGN_SCALE[name], players)).astype(np.float32)

    return Habits(
        kind=kind,
        level=normal(LEVEL[kind], LEVEL_SPREAD) + normal(0.4 * drift, 0.4 * drift),
        week=np.full(players, 0.35 * (1 - 0.7 * drift), np.float32),
        phase=(7 * rng.random(players)).astype(np.float32),
        escalation=sign("escalation") * (1 - 0.5 * drift),
        chasing=sign("chasing") * (1 + 0.5 * drift),
        night=normal(-2.2 + drift, 0.8),
        night_growth=sign("night_growth"),
        onset=rng.uniform(14, 70, players).astype(np.float32),
        log_bets=normal(2.0, 0.5),
        stake=np.exp(normal(0.0, 0.5)),
        deposits=np.exp(normal(-1.2, 0.5)) * (1 - 0.5 * drift),
    )


def simulate(habits: Habits, days: int, rng: np.random.Generator) -> np.ndarray:
    """Run the module's equations and return the counters, int32 [players, days, 5] in the order of `COUNTERS`."""
    players = len(habits.kind)
    counters = np.zeros((players, days, len(COUNTERS)), np.int32)
    mood, memory, shock = (np.zeros(players, np.float32) for _ in range(3))
    sure_day = days - rng.integers(1, min(days, SURE_DAYS) + 1, players)
    for day in range(-WARM_UP_DAYS, days):
        mood = 0.8 * mood + 0.3 * rng.standard_normal(players, np.float32)
        ramp = np.maximum(0, day - days + habits.onset) / 28
        pull = habits.chasing * shock
        week = habits.week * np.sin(2 * np.pi * (day + habits.phase) / 7)
        log_rate = habits.level + mood + week + habits.escalation * ramp + 0.3 * pull
        # Nobody starts 100 sessions a day.
        sessions = np.maximum(rng.poisson(np.exp(np.minimum(log_rate, 4.0))), sure_day == day)
        bets = rng.poisson(sessions * np.exp(habits.log_bets + 0.4 * rng.standard_normal(players)))
        swing = 0.1 * bets + 0.9 * np.sqrt(bets) * rng.standard_normal(players)
        losses = np.rint(np.maximum(0, habits.stake * swing)).astype(np.int64)
        # The cap keeps a strong chaser below e^2 times the usual rate.
        deposits = rng.poisson(habits.deposits * (0.1 + sessions) * np.exp(np.minimum(pull, 2.0)))
        night = habits.night + habits.night_growth * ramp + 0.5 * rng.standard_normal(players)
        night_minutes = rng.poisson(30 * sessions / (1 + np.exp(-night)))
        shock = np.clip(np.log1p(losses) - memory, 0, 2)
        memory = 0.9 * memory + 0.1 * np.log1p(losses)
        if day >= 0:
            counters[:, day] = np.stack([sessions, bets, losses, deposits, night_minutes], axis=1)
    return counters
