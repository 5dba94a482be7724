"""Which groups of a table are withheld so that nobody can compute the small ones from what is shown."""

from collections.abc import Sequence

import numpy as np

_TOLERANCE = 1e-6


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
