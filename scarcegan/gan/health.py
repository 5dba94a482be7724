"""Which members still learn: the others are masked, named in words and never selected."""

from typing import Any

import numpy as np

from scarcegan.problems import TrainingCollapsed

SATURATED_GRADIENT = 1e-7  # below this norm no weight moves any more in float32
CERTAIN = 0.999
MIN_DISTINCT_SCORES = 3  # fewer than this rank nobody

_ADVICE = {
    "not_finite": "their numbers overflowed: lower train.learning_rate and train.learning_rate_generator",
    "collapsed": "they give every player the same score: lower model.prior_weight or train.learning_rate",
    "saturated": "no gradient is left: lower train.learning_rate",
}


def member_faults(figures: dict[str, np.ndarray], scores: np.ndarray) -> list[str]:
    """Return each member's fault after a round, or an empty string.

    Args:
        figures: the round's watched series, float [P] each.
        scores: float [P, n], risk scores of the validation rows.
    """
    is_finite = np.all([np.isfinite(values) for values in figures.values()], axis=0)
    is_finite &= np.isfinite(scores).all(axis=1)
    faults = []
    for member, finite in enumerate(is_finite):
        if not finite:
            faults.append("not_finite")
        elif len(np.unique(scores[member])) < MIN_DISTINCT_SCORES:
            faults.append("collapsed")
        elif figures["gradient_norm"][member] < SATURATED_GRADIENT:
            faults.append("saturated")
        else:
            faults.append("")
    return faults


def alarms(faults: list[str], figures: dict[str, np.ndarray], iteration: int) -> list[str]:
    """Say in words which members failed by this iteration and whether the game is lopsided."""
    words = []
    for fault, advice in _ADVICE.items():
        members = [str(member) for member, found in enumerate(faults) if found == fault]
        if members:
            words.append(f"{fault.replace('_', ' ')}: members {', '.join(members)} at iteration {iteration}; {advice}")
    certain = (figures["p_real"] > CERTAIN) & (figures["p_fake"] > CERTAIN)
    if certain.any():
        words.append(
            f"{int(certain.sum())} of {len(certain)} discriminators tell generated rows apart with certainty at "
            f"iteration {iteration}: their generators have little left to learn from"
        )
    return words


def require_survivors(faults: list[str], iteration: int) -> None:
    """Stop a fold in which nobody is left.

    Raises:
        TrainingCollapsed: every member has a fault; the message names the iteration and the likely setting.
    """
    if all(faults):
        counts = {fault: faults.count(fault) for fault in _ADVICE if fault in faults}
        worst = max(counts, key=lambda fault: counts[fault])
        raise TrainingCollapsed(
            f"all {len(faults)} members failed by iteration {iteration} ({_in_words(counts)}); {_ADVICE[worst]}"
        )


def _in_words(counts: dict[str, Any]) -> str:
    return ", ".join(f"{number} {fault.replace('_', ' ')}" for fault, number in counts.items())
