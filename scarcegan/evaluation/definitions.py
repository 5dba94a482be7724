"""Business definitions made concrete: the threshold that serves each best."""

from collections.abc import Mapping

import numpy as np

from scarcegan import words
from scarcegan.evaluation.metrics import AtThreshold, f_score, precision_of
from scarcegan.evaluation.records import BoundMeasure
from scarcegan.evaluation.scored import Scored
from scarcegan.records import Record
from scarcegan.settings import Definition

# Bounds are compared with rounding forgiven: 9 of 10 found meets a bound of 0.9.
_TOLERANCE = 1e-9


# By `Definition.constraint`: the measure of a bound.
MEASURES: Mapping[str, BoundMeasure] = {"recall": "recall", "precision": "precision", "flagged": "flagged_share"}


class Aim(Record):
    """A metric of `OperatingPoint` that a model is to be best at; `sign` is -1 where less is better."""

    metric: str
    sign: int
    words: str


# By `Definition.maximise`: thresholds, words and the comparison of runs all read this table.
AIMS = {
    "recall": Aim("recall", 1, "highest recall"),
    "fewest_flagged": Aim("flagged_share", -1, "fewest flagged"),
    "f2": Aim("f2", 1, "highest F2"),
}


class OperatingPoint(Record):
    """A threshold (score >= threshold is flagged) and what it reaches on the players it was set on."""

    threshold: float
    flagged_share: float
    recall: float
    precision: float
    f2: float


def operating_point(
    definition: Definition, scored: Scored, review_budget: float, sure: np.ndarray | None = None
) -> OperatingPoint:
    """Find the threshold that serves a business definition best.

    Tied players are flagged together. When no threshold meets the bound, the closest one is returned. Flagging nobody
    is no answer. A bound flagged share is used in full, since every further review can only find more; otherwise equals
    are settled for the fewer flagged. `sure`, float [thresholds] for `all_points`, is what the bound is compared with
    instead of the measure itself: what is promised of it.
    """
    thresholds, reached = all_points(scored)
    bound = bound_of(definition, review_budget)
    measured = getattr(reached, MEASURES[definition.constraint]) if definition.constraint else np.zeros(len(thresholds))
    # How far each threshold is on the good side of the bound; negative where it violates it.
    slack = (measured if sure is None else sure) - bound
    if definition.constraint == "flagged":
        slack = -slack
    met = bool(np.any(slack >= -_TOLERANCE))
    # Where no threshold meets the bound, those that miss it least.
    allowed = slack >= (-_TOLERANCE if met else slack.max() - _TOLERANCE)
    aim = AIMS[definition.maximise]
    gain = aim.sign * getattr(reached, aim.metric)
    best = np.flatnonzero(allowed & (gain >= gain[allowed].max() - _TOLERANCE))
    uses_all = met and (definition.maximise == "fewest_flagged" or definition.constraint == "flagged")
    # Thresholds fall: of equals the last finds most and the first flags fewest.
    at = best[-1] if uses_all else best[0]
    figures = {name: float(values[at]) for name, values in reached._asdict().items()}
    return OperatingPoint(threshold=float(thresholds[at]), **figures)


def describe(definition: Definition, review_budget: float) -> str:
    """Say a definition in a few words: `recall ≥ 85 %, fewest flagged`."""
    aim = AIMS[definition.maximise].words
    if definition.constraint is None:
        return aim
    limit = words.limit(MEASURES[definition.constraint], bound_of(definition, review_budget))
    return f"{limit}, {aim}".replace(words.GAP, " ")  # registries keep it


def bound_of(definition: Definition, review_budget: float) -> float:
    """Return the bound's number (of a flagged share without one: the review budget); 0: nothing is bound."""
    if definition.bound is not None:
        return definition.bound
    return review_budget if definition.constraint == "flagged" else 0.0


def all_points(scored: Scored) -> tuple[np.ndarray, AtThreshold[np.ndarray]]:
    """Return all distinct scores, falling, and what flagging from each of them reaches: float arrays [scores]."""
    thresholds, group = np.unique(scored.score, return_inverse=True)

    def falling_share(weights: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(group, weights, len(thresholds))[::-1]) / weights.sum()

    players = scored.in_population.astype(float) if scored.stands_for is None else scored.stands_for
    recall, flagged = falling_share(scored.is_risky.astype(float)), falling_share(players)
    prevalence = scored.prevalence
    if prevalence is None:
        prevalence = float(np.average(scored.is_risky, weights=players))
    # A labelled player may outrank all of the population: a share below one of its players cannot be told from one.
    precision = precision_of(recall, np.maximum(flagged, 1 / players.sum()), prevalence)
    return thresholds[::-1], AtThreshold(recall, precision, flagged, f_score(precision, recall))
