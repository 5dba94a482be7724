"""Is it better than its rivals? In a number with its interval, and in words."""

from collections.abc import Mapping

import numpy as np

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.intervals import interval
from scarcegan.evaluation.metrics import at_threshold, curve, recall_at_shares
from scarcegan.evaluation.records import Comparison, Judgement, Measures, Verdict
from scarcegan.evaluation.scored import Scored

CHAMPION = "champion"
NO_RIVAL = Comparison("no rival")


def judge(
    definition: str,
    ours: Scored,
    point: OperatingPoint,
    measures: Measures,
    others: Mapping[str, Scored],
    weights: np.ndarray,
) -> Verdict:
    """Judge a model against the strongest of others: the one that finds most at the model's own flagged share.

    The others are scores of the same players by name: the rivals', and as 'champion' the approved model's. The weights
    are those of `resample_weights`.
    """
    share = measures.flagged_share.value
    found = {name: recall_at_shares(curve(scored), np.array([share])).item() for name, scored in others.items()}
    # Of equals the champion counts as the strongest, then the last by name.
    ranked = sorted(found, key=lambda name: (found[name], name == CHAMPION, name))
    shown = {*ranked[-1:], CHAMPION} & found.keys()
    against = {name: compare(ours, others[name], point.threshold, weights) for name in shown}
    rival = ranked[-1] if ranked else None
    named = []
    if CHAMPION in found:
        said = against[CHAMPION].verdict
        compared = "tie with the champion's" if said == "tie" else f"{said} than the champion's"
        # The sentence ends with the verdict against the strongest: it is not said twice.
        named.append((CHAMPION if rival == CHAMPION else compared, found[CHAMPION]))
    named += [(f"best rival {name}", found[name]) for name in [one for one in ranked if one != CHAMPION][-1:]]
    outcome = _outcome(rival, against[rival]) if rival else NO_RIVAL.verdict
    return Verdict(
        sentence=f"{_reached(definition, measures, point.constraint_met, named)}: {outcome}",
        rival=rival,
        against_rival=against[rival] if rival else NO_RIVAL,
        against_champion=against.get(CHAMPION),
    )


def compare(ours: Scored, rival: Scored, threshold: float, weights: np.ndarray) -> Comparison:
    """Compare the recall of two scores of the same players at the flagged share of our threshold.

    The rival flags just as many as we do, in every resample; the same players are drawn for both. The verdict is
    'better' or 'worse' when the interval of the difference excludes 0, else 'tie'.
    """

    def gain(drawn: np.ndarray | None) -> np.ndarray:
        share = at_threshold(ours, threshold, drawn).flagged_share[:, None]
        found, by_rival = (recall_at_shares(curve(one, drawn), share)[:, 0] for one in (ours, rival))
        return found - by_rival

    found = interval(gain(None)[0], gain(weights))
    verdict: Judgement = "better" if found.low > 0 else "worse" if found.high < 0 else "tie"
    return Comparison(verdict, found.value, found.low, found.high)


def _reached(definition: str, measures: Measures, bound_met: bool, others: list[tuple[str, float]]) -> str:
    """Say what the model finds, whether it meets its bound, and what others (name, recall) find."""
    recall, flagged = measures.recall, measures.flagged_share.value
    value, low, high = (f"{100 * share:.0f}" for share in (recall.value, recall.low, recall.high))
    share = f"{100 * flagged:.2g}" if flagged < 0.1 else f"{100 * flagged:.0f}"
    parts = [f"`{definition}` finds {value} % [{low}, {high}] of risky players at {share} % flagged"]
    if not bound_met:
        parts.append("it does not meet its bound on validation players")
    return "; ".join([*parts, *(f"{name} {100 * found:.0f} %" for name, found in others)])


def _outcome(rival: str, against: Comparison) -> str:
    if against.verdict == "tie" or against.difference is None or against.low is None or against.high is None:
        return against.verdict
    # As sizes, the ends of a negative interval change places.
    size, low, high = (100 * abs(share) for share in (against.difference, against.low, against.high))
    points = f"by {size:.1f} points [{min(low, high):.1f}, {max(low, high):.1f}]"
    return f"better than {rival} {points}" if against.verdict == "better" else f"{rival} is better {points}"
