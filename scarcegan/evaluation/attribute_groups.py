"""Does a model serve groups alike that it knows nothing of: by attributes that are no inputs, single and crossed?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from scarcegan.evaluation.group_records import AttributeGroup, AttributeTable, ToRest
from scarcegan.evaluation.intervals import difference_of, share_of
from scarcegan.evaluation.scored import Scored
from scarcegan.evaluation.subgroups import counts_inside
from scarcegan.evaluation.suppression import withheld

LEVEL = 0.05  # of all differences to the rest, taken together


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
    flagged = scored.score >= threshold
    chances: dict[tuple[int, str], float] = {}
    groups = [AttributeGroup(cell.values) for cell in cells]
    for number in np.flatnonzero(~hidden).tolist():
        groups[number] = _measured(scored, flagged, cells[number], chances, number)
    clear = _clear(chances)
    for at, measure in chances:
        told = groups[at].to_rest
        to_rest = {**told, measure: replace(told[measure], is_clear=(at, measure) in clear)}
        groups[at] = replace(groups[at], to_rest=to_rest)
    tables = dict.fromkeys(cell.attributes for cell in cells)
    return [
        AttributeTable(names, [group for cell, group in zip(cells, groups, strict=True) if cell.attributes == names])
        for names in tables
    ], len(chances)


def _cells(attributes: Mapping[str, np.ndarray]) -> list[_Cell]:
    """Return the groups of single attributes, then those of two."""
    single = [
        _Cell((name,), (str(value),), column == value)
        for name, column in attributes.items()
        for value in np.unique(column)
    ]
    crossed = [
        _Cell((*one.attributes, *other.attributes), (*one.values, *other.values), one.inside & other.inside)
        for one, other in combinations(single, 2)
        if one.attributes != other.attributes
    ]
    order = list(combinations(attributes, 2))
    return single + sorted(crossed, key=lambda cell: order.index((cell.attributes[0], cell.attributes[1])))


def _relations(cells: Sequence[_Cell]) -> np.ndarray:
    """Return what ties the groups' sizes: those of an attribute make up all players, crossed ones a single group."""
    of = [dict(zip(cell.attributes, cell.values, strict=True)) for cell in cells]
    tables = dict.fromkeys(cell.attributes for cell in cells)
    rows = [[float(cell.attributes == names) for cell in cells] for names in tables if len(names) == 1]
    for number, single in enumerate(cells):
        if len(single.attributes) > 1:
            continue
        [(name, value)] = of[number].items()
        for names in (one for one in tables if len(one) > 1 and name in one):
            inside = [cell.attributes == names and of[at].get(name) == value for at, cell in enumerate(cells)]
            rows.append([-1.0 if at == number else float(one) for at, one in enumerate(inside)])
    return np.array(rows)


def _measured(
    scored: Scored, flagged: np.ndarray, cell: _Cell, chances: dict[tuple[int, str], float], number: int
) -> AttributeGroup:
    """Measure one group beside all others, and note how likely chance alone makes such differences."""
    ours, rest = (counts_inside(scored, flagged, side) for side in (cell.inside, ~cell.inside))
    shares, to_rest = {measure: share_of(*counted) for measure, counted in ours.items()}, {}
    for measure, own in shares.items():
        others = share_of(*rest[measure])
        if own and others:
            to_rest[measure] = ToRest(*difference_of(own, others), is_clear=False)
            chances[number, measure] = _chance(ours[measure], rest[measure])
    return AttributeGroup(
        cell.values,
        players=ours["flagged_share"][1],
        risky=ours["recall"][1],
        recall=shares["recall"],
        precision=shares.get("precision"),
        flagged_share=shares["flagged_share"],
        to_rest=to_rest,
    )


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
