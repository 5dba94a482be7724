"""The thresholds of the final models, what they promise, and whether a test set kept it.

A bound on recall or precision holds with a stated confidence: it is compared with an exact lower limit, not with the
figure of a few dozen players. A flagged share is a budget that is to be used: it is kept on average, neither more nor
less. What these labels cannot promise is said, with what would help.
"""

import math
from dataclasses import replace

import numpy as np

from scarcegan import words
from scarcegan.evaluation.definitions import MEASURES, OperatingPoint, all_points, bound_of, operating_point
from scarcegan.evaluation.intervals import lower_bound, precision_limits, upper_bound
from scarcegan.evaluation.metrics import at_threshold
from scarcegan.evaluation.prevalence import LEVELS
from scarcegan.evaluation.records import Prevalence, Promise
from scarcegan.evaluation.scored import Scored
from scarcegan.problems import DataProblem
from scarcegan.records import Bound, BoundState
from scarcegan.settings import Definition, Settings
from scarcegan.settings.words_section import Words

# A budget counts as kept if, with the promise's confidence, no more than this many times the budget is flagged.
WITHIN = 1.5


def promised_point(
    definition: Definition,
    pooled: Scored,
    prevalence: Prevalence,
    background: np.ndarray,
    by_fold: np.ndarray,
    settings: Settings,
) -> tuple[OperatingPoint, Promise | None]:
    """Set the threshold of a final model so that its bound can be promised, or as well as can be.

    Pooled are the validation rows of all folds, each scored by its own fold's members and standing for its part of all
    players; background are the final model's scores of unlabelled players whom no fold has seen, [n], `by_fold` those
    of the folds' members alone, [k, n]. The final model joins the folds' members and is scaled differently: it flags as
    many of the background as the folds flag there, on average, from the threshold that pooled scores give. The joined
    model finds rather more at the same share, and labels that are wrong hide some of what it finds: recall is promised
    on the safe side. See `share_threshold` on errors.
    """
    promise, sure = _promise(definition, pooled, prevalence, background, settings)
    point = operating_point(definition, pooled, settings.review_budget, sure)
    return replace(point, threshold=share_threshold(background, float(np.mean(by_fold >= point.threshold)))), promise


def share_threshold(scores: np.ndarray, share: float) -> float:
    """Return the threshold that further players like these pass with probability `share`, as nearly as can be.

    The k-th highest of n scores is passed by a further one with probability k / (n + 1) (ties are flagged together: no
    more than that). The highest score is always flagged: flagging nobody is no answer. A score that is not finite, or
    none at all, is a DataProblem.

    Source: A. N. Angelopoulos et al., Conformal risk control, 2024.
    """
    if not len(scores) or not np.isfinite(scores).all():
        raise DataProblem(
            f"expected finite scores to set a threshold on, got {np.count_nonzero(np.isfinite(scores))} "
            f"of {len(scores)}: score unlabelled players with healthy members"
        )
    distinct, counts = np.unique(scores, return_counts=True)
    flagged = np.cumsum(counts[::-1])[::-1]
    within = np.flatnonzero(flagged <= round(share * (len(scores) + 1)))
    return float(distinct[within[0]] if len(within) else distinct[-1])


def bound_on_test(promise: Promise, scored: Scored, threshold: float, prevalence: Prevalence) -> Bound:
    """Say what test players tell of a bound: kept, missed, or too few players to tell.

    Where nobody knows who of them is risky, precision follows from the prevalence, within its limits.
    """
    flagged = scored.score >= threshold
    found, risky, shown, players = (
        int(np.count_nonzero(rows))
        for rows in (flagged & scored.is_risky, scored.is_risky, flagged & scored.in_population, scored.in_population)
    )
    value = float(getattr(at_threshold(scored, threshold), promise.measure)[0])
    sure = promise.confidence
    if promise.measure == "precision" and scored.prevalence is not None:
        half = 1 - (1 - sure) / 2  # two limits hold together
        least, most = (prevalence.value if end is None else end for end in (prevalence.low, prevalence.high))
        low, high = precision_limits(_limits(found, risky, half), _limits(shown, players, half), least, most)
    else:
        part, whole = {"recall": (found, risky), "precision": (found, shown), "flagged_share": (shown, players)}[
            promise.measure
        ]
        low, high = _limits(part, whole, sure) if whole else (0.0, 1.0)
    if promise.measure == "flagged_share":
        is_missed, is_kept = low > promise.bound, high <= WITHIN * promise.bound
    else:
        is_missed, is_kept = high < promise.bound, low >= promise.bound
    state: BoundState = "missed" if is_missed else "kept" if is_kept else "cannot be told"
    return Bound(state, promise.measure, promise.bound, sure, value, low, high, promise.is_given)


def _limits(part: int, whole: int, confidence: float) -> tuple[float, float]:
    return float(lower_bound(part, whole, confidence)), float(upper_bound(part, whole, confidence))


def _promise(
    definition: Definition, pooled: Scored, prevalence: Prevalence, background: np.ndarray, settings: Settings
) -> tuple[Promise | None, np.ndarray | None]:
    """Say what can be promised, and by which lower limits, [thresholds]; None: by the figures as they are."""
    if definition.constraint is None:
        return None, None
    their, confidence = settings.words, settings.confidence
    bound, risky = bound_of(definition, settings.review_budget), int(np.count_nonzero(pooled.is_risky))
    told = Promise(MEASURES[definition.constraint], bound, confidence)
    labelled = f"{words.count(risky)} labelled {their.rare_rows}"
    if definition.constraint == "flagged":
        return replace(told, why_not=_why_no_budget(bound, background, their)), None
    if definition.constraint == "recall":
        # If all n are found, recall is at least (1 - confidence) ** (1 / n).
        needed = math.ceil(math.log(1 - confidence) / math.log(bound))
        if risky < needed:
            return replace(told, why_not=f"{labelled} are too few: {needed} are needed"), None
        _, reached = all_points(pooled)
        return told, lower_bound(np.round(reached.recall * risky), risky, confidence)
    if not prevalence.is_known:
        return replace(told, why_not=f"the share of {their.rare_rows} is not known: set data.prevalence"), None
    sure, best = _sure_precision(pooled, prevalence, confidence)
    if best < bound:
        finding = f"no threshold that finds {words.percent(LEVELS[0])} of the {their.rare_rows}"
        why = f"on validation {their.rows} {finding} reaches more than {words.percent(best)}"
        return replace(told, why_not=why), None
    if sure.max() < bound:
        return replace(told, why_not=f"{labelled} are too few for any threshold"), None
    return told, sure


def _why_no_budget(bound: float, background: np.ndarray, their: Words) -> str:
    """Say why players of these scores, [n], cannot use a budget, neither more nor less; empty if they can."""
    room, highest = bound * (len(background) + 1), int(np.count_nonzero(background == background.max()))
    of_all = f"of the {their.counted(len(background))} that set the threshold"
    if room < 1:
        return f"{words.percent(bound)} {of_all} are {their.nobody}"
    # They are flagged together, and always.
    return f"{words.percent(highest / len(background))} {of_all} share the highest score" if highest > room else ""


def _sure_precision(pooled: Scored, prevalence: Prevalence, confidence: float) -> tuple[np.ndarray, float]:
    """Bound precision = recall x prevalence / flagged share from below at nine recalls, elsewhere by 0: [thresholds].

    All limits hold together, so that the best of the nine may be chosen. With it comes the highest precision itself, of
    thresholds with the least of these recalls or more.
    """
    _, reached = all_points(pooled)
    risky, players = int(np.count_nonzero(pooled.is_risky)), int(np.count_nonzero(pooled.in_population))
    at = np.unique(np.searchsorted(reached.recall, LEVELS - 1e-9))
    each = 1 - (1 - confidence) / (2 * len(LEVELS))
    recall = lower_bound(np.round(reached.recall[at] * risky), risky, each)
    flagged = upper_bound(reached.flagged_share[at] * players, players, each)
    least = prevalence.value if prevalence.low is None else prevalence.low
    sure = np.zeros(len(reached.recall))
    sure[at] = np.minimum(1.0, recall * least / flagged)
    return sure, float(reached.precision[reached.recall >= LEVELS[0] - 1e-9].max())
