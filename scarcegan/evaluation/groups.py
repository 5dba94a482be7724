"""Does a model serve all kinds of players alike: by ranges of their features, and by attributes that are no inputs?"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

import numpy as np

from scarcegan import words
from scarcegan.evaluation.figures import AttributeGroup, AttributeTable, FeatureGroups, Group, ToRest
from scarcegan.evaluation.intervals import difference_of, share_of
from scarcegan.evaluation.scored import Scored
from scarcegan.problems import SettingsProblem

# How the feature catalogue ends the names of what tells activity and tenure.
TELLING = ("_active_share", "_tenure_days")
_CUTS = (1 / 3, 2 / 3)
LEVEL = 0.05  # of all differences to the rest, taken together
_TOLERANCE = 1e-6
# By measure: how many players it counts, of how many.
_Counts = dict[str, tuple[int, int]]


def subgroup_features(names: Sequence[str], chosen: Sequence[str], activity: str = "") -> list[str]:
    """Say which of the players' features set them apart: those chosen, or what tells activity and tenure, perhaps none.

    The counter `activity`, of how much is played, is preferred to the first counter where both are there. A chosen
    feature that is not there is a SettingsProblem.
    """
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise SettingsProblem(
            f"expected evaluate.subgroup_features to name features of the players, got {unknown}: choose among "
            f"{words.first(list(names), 5)}"
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
    measured = []
    for feature, column in values.items():
        # Edges come from the population alone: labelled risky players would shift them.
        there = ~np.isnan(column)
        measured_on = scored.in_population & there
        edges = np.unique(np.quantile(column[measured_on], _CUTS)) if measured_on.any() else np.empty(0)
        group = np.where(there, np.searchsorted(edges, column), -1)
        groups = []
        for inside in (group == one for one in np.unique(group[measured_on])):
            own = column[inside & scored.in_population]
            figures = _figures(_counted(scored, threshold, inside))
            groups.append(Group(low=float(own.min()), high=float(own.max()), **figures))
        measured.append(FeatureGroups(feature, groups))
    return measured


@dataclass(frozen=True)
class _Cell:
    """A group: which attributes, their values, and who is in it, bool [n]."""

    attributes: tuple[str, ...]
    values: tuple[str, ...]
    inside: np.ndarray


def attribute_tables(
    scored: Scored, threshold: float, attributes: Mapping[str, np.ndarray], smallest: int
) -> tuple[list[AttributeTable], int]:
    """Measure a model in the groups of each attribute and of each two crossed, at its one threshold.

    Each shown group is set beside all other players. Attributes are str arrays [n]. The second value is the number of
    differences. Groups of fewer than `smallest` players, and those that would give them away, have no figures.
    """
    # Labelled harmless players tell nothing, neither of recall nor of the flagged share.
    counts = scored.in_population | scored.is_risky
    cells = [cell for cell in _cells(attributes) if (cell.inside & counts).any()]
    sizes = np.array([np.count_nonzero(cell.inside & counts) for cell in cells])
    hidden = withheld(sizes, _relations(cells), smallest)
    sides = {
        number: (_counted(scored, threshold, cells[number].inside), _counted(scored, threshold, ~cells[number].inside))
        for number in np.flatnonzero(~hidden).tolist()
    }
    chances = {
        (number, measure): _chance(ours[measure], rest[measure])
        for number, (ours, rest) in sides.items()
        for measure in ours
        if ours[measure][1] and rest[measure][1]
    }
    clear = _clear(chances)
    tables: dict[tuple[str, ...], list[AttributeGroup]] = {cell.attributes: [] for cell in cells}
    for number, cell in enumerate(cells):
        own = [measure for at, measure in clear if at == number]
        shown = _beside_rest(*sides[number], own) if number in sides else {}
        tables[cell.attributes].append(AttributeGroup(cell.values, **shown))
    return [AttributeTable(names, groups) for names, groups in tables.items()], len(chances)


def _cells(attributes: Mapping[str, np.ndarray]) -> Iterator[_Cell]:
    """Yield the groups of single attributes, then those of two."""
    for names in chain(combinations(attributes, 1), combinations(attributes, 2)):
        for values in product(*(np.unique(attributes[name]).tolist() for name in names)):
            pairs = zip(names, values, strict=True)
            yield _Cell(names, values, np.logical_and.reduce([attributes[name] == value for name, value in pairs]))


def _relations(cells: Sequence[_Cell]) -> np.ndarray:
    """Return what ties the groups' sizes: those of an attribute make up all players, crossed ones a single group."""
    tables = dict.fromkeys(cell.attributes for cell in cells)
    rows = [[float(cell.attributes == names) for cell in cells] for names in tables if len(names) == 1]
    singles = [cell for cell in cells if len(cell.attributes) == 1]
    for single, names in product(singles, (names for names in tables if len(names) > 1)):
        if single.attributes[0] in names:
            at = names.index(single.attributes[0])
            parts = (cell.attributes == names and cell.values[at] == single.values[0] for cell in cells)
            rows.append([float(is_part) - (cell is single) for cell, is_part in zip(cells, parts, strict=True)])
    return np.array(rows)


def _counted(scored: Scored, threshold: float, inside: np.ndarray) -> _Counts:
    """Count (part, whole) of recall and flagged share among the players inside, bool [n]; of precision if it can be.

    With a prevalence from outside, nobody knows how many of the flagged players of one group are risky.
    """
    flagged = scored.score >= threshold
    population, risky = inside & scored.in_population, inside & scored.is_risky
    counted = {"recall": (risky & flagged, risky), "flagged_share": (population & flagged, population)}
    if scored.prevalence is None:
        counted["precision"] = (population & flagged & risky, population & flagged)
    return {name: (int(np.count_nonzero(part)), int(np.count_nonzero(of))) for name, (part, of) in counted.items()}


def _figures(counted: _Counts) -> dict[str, Any]:
    shares = {measure: share_of(*counts) for measure, counts in counted.items()}
    return {"players": counted["flagged_share"][1], "risky": counted["recall"][1], **shares}


def _beside_rest(ours: _Counts, rest: _Counts, clear: Collection[str]) -> dict[str, Any]:
    """Return a group's figures, and their differences to those of all others, of which some are clear."""
    own, others = _figures(ours), _figures(rest)
    to_rest = {
        measure: ToRest(*difference_of(own[measure], others[measure]), is_clear=measure in clear)
        for measure in ours
        if own[measure] and others[measure]
    }
    return {**own, "to_rest": to_rest}


def _chance(ours: tuple[int, int], rest: tuple[int, int]) -> float:
    """Return how often chance alone makes two shares (part, whole) differ so much: Fisher's exact test."""
    from scipy.stats import fisher_exact

    counted = np.array([[part, whole - part] for part, whole in (ours, rest)])
    return float(fisher_exact(counted)[1])


def _clear(chances: Mapping[tuple[int, str], float]) -> set[tuple[int, str]]:
    """Return what stays beyond chance when all is looked at together.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    clear: set[tuple[int, str]] = set()
    for key in sorted(chances, key=lambda one: chances[one]):
        if chances[key] > LEVEL / (len(chances) - len(clear)):
            break
        clear.add(key)
    return clear


def withheld(sizes: np.ndarray, relations: np.ndarray, smallest: int) -> np.ndarray:
    """Return a mask, bool [n], of groups to withhold: the small ones, and others that hide them.

    For all that is shown, each group of fewer than `smallest` members might have that many: some other table with the
    same sums fits. Groups with few members are withheld rather than larger ones.

    Args:
        sizes: members of each group, int [n], at least 1.
        relations: float [r, n]; what everybody knows of the sizes, as a total or a group that others make up:
            `relations @ sizes` is known, whichever groups are withheld.
        smallest: the fewest members of a group that may be shown.

    Source: M. Fischetti and J. J. Salazar, Solving the cell suppression problem on tabular data with linear
    constraints, 2001; one linear program for each small group, as in its heuristics.
    """
    hidden = sizes < smallest
    is_hidden_well = ~hidden
    for group in sorted(np.flatnonzero(hidden).tolist(), key=lambda one: int(sizes[one])):
        if is_hidden_well[group]:
            continue
        change = _cheapest_change(group, smallest - int(sizes[group]), sizes, relations, hidden)
        if change is None:  # there are too few of all to hide among
            return np.ones(len(sizes), bool)
        hidden |= np.abs(change) > _TOLERANCE
        # The same other table may hide further small groups.
        is_hidden_well |= sizes + change >= smallest - _TOLERANCE
    return hidden


def _cheapest_change(
    group: int, need: int, sizes: np.ndarray, relations: np.ndarray, hidden: Sequence[bool] | np.ndarray
) -> np.ndarray | None:
    """Change the sizes so that the group grows by `need` and all sums stay, touching few members of shown groups."""
    from scipy.optimize import linprog

    # No group may vanish: whoever reads the table sees that it is there.
    bounds = [(0.0, None)] * len(sizes) + [(0.0, size - 1.0) for size in sizes]
    bounds[group], bounds[len(sizes) + group] = (need, need), (0.0, 0.0)
    cost = np.tile(np.where(hidden, 0.0, sizes), 2)
    found = linprog(cost, A_eq=np.hstack([relations, -relations]), b_eq=np.zeros(len(relations)), bounds=bounds)
    up_and_down = found.x
    return None if up_and_down is None else up_and_down[: len(sizes)] - up_and_down[len(sizes) :]
