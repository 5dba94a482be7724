"""Does a model serve all kinds of players alike, the little and the very active, the new and the old?"""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan.evaluation.group_records import FeatureGroups, Group
from scarcegan.evaluation.intervals import share_of
from scarcegan.evaluation.scored import Scored
from scarcegan.problems import SettingsProblem

# How the feature catalogue ends the names of what tells activity and tenure.
TELLING = ("_active_share", "_tenure_days")
_CUTS = (1 / 3, 2 / 3)


def subgroup_features(names: Sequence[str], chosen: Sequence[str], activity: str = "") -> list[str]:
    """Say which of the players' features set them apart: those chosen, or what tells activity and tenure, perhaps none.

    The counter `activity`, of how much is played, is preferred to the first counter where both are there. A chosen
    feature that is not there is a SettingsProblem.
    """
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise SettingsProblem(
            f"expected evaluate.subgroup_features to name features of the players, got {unknown}: "
            f"choose among {', '.join(names[:5])} and {max(len(names) - 5, 0)} more"
        )
    if chosen:
        return list(chosen)
    telling = [[name for name in names if name.endswith(ending)] for ending in TELLING]
    preferred = {f"{activity}{ending}" for ending in TELLING}
    return [next((name for name in found if name in preferred), found[0]) for found in telling if found]


def subgroup_quality(scored: Scored, threshold: float, values: Mapping[str, np.ndarray]) -> list[FeatureGroups]:
    """Measure a model among low, middle and high players of each feature, at its one threshold.

    Groups hold about a third of the population each; where many share a value, they are fewer or unequal, and players
    whose value is missing are in none. Intervals are Wilson's, as a group may have so few risky players that resampling
    would show no doubt at all. The features' values are arrays [n].
    """
    flagged = scored.score >= threshold
    measured = []
    for feature, column in values.items():
        # Edges come from the population alone: labelled risky players would shift them.
        there = ~np.isnan(column)
        measured_on = scored.in_population & there
        edges = np.unique(np.quantile(column[measured_on], _CUTS)) if measured_on.any() else np.empty(0)
        group = np.where(there, np.searchsorted(edges, column), -1)
        groups = [_group(scored, flagged, group == one, column) for one in np.unique(group[measured_on])]
        measured.append(FeatureGroups(feature, groups))
    return measured


def counts_inside(scored: Scored, flagged: np.ndarray, inside: np.ndarray) -> dict[str, tuple[int, int]]:
    """Count (part, whole) of recall and flagged share among the players inside, bool [n]; of precision if it can be.

    With a prevalence from outside, nobody knows how many of the flagged players of one group are risky.
    """
    population, risky = inside & scored.in_population, inside & scored.is_risky
    counted = {"recall": (risky & flagged, risky), "flagged_share": (population & flagged, population)}
    if scored.prevalence is None:
        counted["precision"] = (population & flagged & risky, population & flagged)
    return {name: (int(np.count_nonzero(part)), int(np.count_nonzero(of))) for name, (part, of) in counted.items()}


def _group(scored: Scored, flagged: np.ndarray, inside: np.ndarray, column: np.ndarray) -> Group:
    counted, own = counts_inside(scored, flagged, inside), column[inside & scored.in_population]
    return Group(
        low=float(own.min()),
        high=float(own.max()),
        players=counted["flagged_share"][1],
        risky=counted["recall"][1],
        flagged_share=share_of(*counted["flagged_share"]),
        recall=share_of(*counted["recall"]),
        precision=share_of(*counted["precision"]) if "precision" in counted else None,
    )
