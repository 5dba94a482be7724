"""What outcomes tell of two champions, one of them not yet audited."""

from dataclasses import replace

from scarcegan.evaluation.figures import Interval
from scarcegan.outcomes.records import OutcomeReport, Production


def outcomes() -> OutcomeReport:
    """Two periods of version 3, which together say more than each alone, and one of version 4."""
    first = Production(
        version=3,
        definition="review_budget",
        snapshots=["players-2026-01-01"],
        cutoffs=["2026-01-01"],
        players=40_000,
        listed=360,
        reviewed=360,
        drawn=40,
        drawn_reviewed=36,
        risky=205,
        prevalence=Interval(0.011, 0.006, 0.03),
        precision=Interval(0.55, 0.5, 0.6),
        recall=Interval(0.4, 0.15, 0.8),
        precision_flagged=Interval(0.57, 0.52, 0.63),
        recall_flagged=Interval(0.38, 0.14, 0.78),
        recall_registered=0.8,
        days_to_confirm=9.5,
        cannot_tell="",
        seen_once=1,
    )
    later = replace(first, snapshots=["players-2026-02-01"], cutoffs=["2026-02-01"], recall=Interval(0.5, 0.2, 0.85))
    both = replace(
        first,
        snapshots=[*first.snapshots, *later.snapshots],
        cutoffs=["2026-01-01", "2026-02-01"],
        **{"players": 80_000, "listed": 720, "reviewed": 720, "drawn": 80, "drawn_reviewed": 72, "risky": 410},
        recall=Interval(0.45, 0.24, 0.7),
    )
    unknown = dict.fromkeys(("prevalence", "recall", "recall_flagged", "recall_registered", "days_to_confirm"))
    why = "nobody of the audit sample has a label yet: prevalence and recall cannot be told"
    fresh = replace(first, version=4, cutoffs=["2026-03-01"], drawn_reviewed=0, seen_once=0, cannot_tell=why, **unknown)
    return OutcomeReport("scarcegan", 812, 3, 790, 12, [both, fresh], [first, later, fresh])


def no_outcomes() -> OutcomeReport:
    """Nothing is reviewed yet."""
    return OutcomeReport("scarcegan", 0, 0, 0, 0, [], [])
