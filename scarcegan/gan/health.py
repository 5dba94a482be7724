"""Which members still learn: the others are masked, named in words and never selected."""

from typing import Any

import numpy as np

from scarcegan.problems import TrainingCollapsed

SATURATED_GRADIENT = 1e-7  # below this norm no weight moves any more in float32
CERTAIN = 0.999
MIN_DISTINCT_SCORES = 3  # fewer than this rank nobody
MEMBERS_NAMED = 8  # in one alarm

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


def note_troubles(
    troubles: dict[str, Any], faults: list[str], figures: dict[str, np.ndarray], iteration: int
) -> dict[str, Any]:
    """Add what a round shows to the troubles noted so far.

    Args:
        troubles: by kind (a fault, or 'certain'): the `members` concerned, and the `first` and `last` iteration.
        faults: of `member_faults`.
        figures: the round's watched series, float [P] each.
        iteration: reached with this round.

    Returns:
        The troubles as of now, plain data.
    """
    found = {kind: [member for member, fault in enumerate(faults) if fault == kind] for kind in _ADVICE}
    certain = (figures["p_real"] > CERTAIN) & (figures["p_fake"] > CERTAIN)
    found["certain"] = np.flatnonzero(certain).tolist()
    noted = dict(troubles)
    for kind, members in found.items():
        if members:
            before = troubles.get(kind, {"members": [], "first": iteration})
            noted[kind] = before | {"members": sorted({*before["members"], *members}), "last": iteration}
    return noted


def alarms(troubles: dict[str, Any]) -> list[str]:
    """Say in words, one sentence per kind of trouble, which members had it, when, and what may help."""
    words = []
    for kind, noted in troubles.items():
        when = f"at iteration {noted['first']}"
        if noted["last"] > noted["first"]:
            when = f"first at iteration {noted['first']}, last at {noted['last']}"
        if kind == "certain":
            words.append(
                f"{_listed(noted['members'])} told generated rows apart with certainty, {when}: "
                "the generator has little left to learn from there"
            )
        else:
            words.append(f"{kind.replace('_', ' ')}: {_listed(noted['members'])}, {when}; {_ADVICE[kind]}")
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


def _listed(members: list[int]) -> str:
    shown = ", ".join(str(member) for member in members[:MEMBERS_NAMED])
    more = f" and {len(members) - MEMBERS_NAMED} more" if len(members) > MEMBERS_NAMED else ""
    return f"member{'s' if len(members) > 1 else ''} {shown}{more}"
