"""Which members still learn: the others are masked, named in words and never selected."""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan.problems import TrainingCollapsed

SATURATED_GRADIENT = 1e-7  # below this norm no weight moves any more in float32
CERTAIN = 0.999  # mean probability of the right answer over a round
MIN_DISTINCT_SCORES = 3  # fewer than this rank nobody
MEMBERS_NAMED = 8  # in one alarm

_ADVICE = {
    "not_finite": "their numbers overflowed: lower train.learning_rate and train.learning_rate_generator",
    "collapsed": "they give every player the same score: lower model.prior_weight or train.learning_rate",
    "saturated": "no gradient is left: lower train.learning_rate",
}


def member_faults(figures: dict[str, np.ndarray], scores: np.ndarray) -> list[str]:
    """Return each member's fault after a round, or an empty string.

    Watched series are float [P] each, risk scores of the validation rows float [P, n].
    """
    is_finite = np.all([np.isfinite(values) for values in figures.values()], axis=0)
    is_finite &= np.isfinite(scores).all(axis=1)
    distinct = np.array([len(np.unique(of_member)) for of_member in scores])
    # Not finite first, as NaN counts as one distinct score: the member would be called collapsed.
    signs = [~is_finite, distinct < MIN_DISTINCT_SCORES, figures["gradient_norm"] < SATURATED_GRADIENT]
    faults: list[str] = np.select(signs, ["not_finite", "collapsed", "saturated"], "").tolist()
    return faults


def alarms(
    iteration: Sequence[int], faults: Sequence[Sequence[str]], series: Mapping[str, Sequence[Sequence[float]]]
) -> list[str]:
    """Say in words, one sentence per kind of trouble, which members had it, when, and what may help.

    All by round; faults are those of `member_faults`.
    """
    found = {kind: np.array(faults) == kind for kind in _ADVICE}
    words = [
        f"{kind.replace('_', ' ')}: {_who(hit)}, {_when(hit, iteration)}; {_ADVICE[kind]}"
        for kind, hit in found.items()
        if hit.any()
    ]
    # A warning and no fault: the supervised head still learns from labels.
    certain = (np.array(series["p_real"]) > CERTAIN) & (np.array(series["p_fake"]) > CERTAIN)
    if certain.any():
        words.append(
            f"{_who(certain)} told generated rows apart with certainty, {_when(certain, iteration)}: "
            "the generator has little left to learn from there"
        )
    return words


def require_survivors(faults: list[str], iteration: int) -> None:
    """Raise TrainingCollapsed where every member has a fault, with the iteration and the likely setting."""
    if all(faults):
        counts = {fault: faults.count(fault) for fault in _ADVICE if fault in faults}
        worst = max(counts, key=lambda fault: counts[fault])
        in_words = ", ".join(f"{number} {fault.replace('_', ' ')}" for fault, number in counts.items())
        raise TrainingCollapsed(
            f"all {len(faults)} members failed by iteration {iteration} ({in_words}); {_ADVICE[worst]}"
        )


def _who(hit: np.ndarray) -> str:
    members = np.flatnonzero(hit.any(axis=0)).tolist()
    shown = ", ".join(str(member) for member in members[:MEMBERS_NAMED])
    more = f" and {len(members) - MEMBERS_NAMED} more" if len(members) > MEMBERS_NAMED else ""
    return f"member{'s' if len(members) > 1 else ''} {shown}{more}"


def _when(hit: np.ndarray, iteration: Sequence[int]) -> str:
    rounds = np.flatnonzero(hit.any(axis=1))
    first, last = iteration[rounds[0]], iteration[rounds[-1]]
    return f"first at iteration {first}, last at {last}" if last > first else f"at iteration {first}"
