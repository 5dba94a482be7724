"""Whoever knows all that is shown, and every sum, cannot tell how large a small group is."""

import numpy as np
import pytest
from scipy.optimize import linprog

from scarcegan.evaluation.groups import withheld

SMALLEST = 20


def crossed(table):
    """Sizes and relations of a table of counts, its row sums and column sums; groups of nobody are not there."""
    rows, columns = table.shape
    names = [("row", row) for row in range(rows)] + [("column", column) for column in range(columns)]
    names += [(row, column) for row in range(rows) for column in range(columns) if table[row, column]]
    sizes = [*table.sum(1), *table.sum(0), *table[table > 0]]
    relations = [[float(name[0] == side) for name in names] for side in ("row", "column")]
    for number, (side, at) in enumerate(names[: rows + columns]):
        relation = [float(name[0] not in ("row", "column") and name[side == "column"] == at) for name in names]
        relation[number] = -1
        relations.append(relation)
    return np.array(sizes), np.array(relations), names


def largest(group, sizes, relations, hidden):
    """How large a withheld group may be for all that is shown: what an attacker finds out."""
    bounds = [(1, None) if hide else (size, size) for size, hide in zip(sizes, hidden, strict=True)]
    found = linprog(-np.eye(len(sizes))[group], A_eq=relations, b_eq=relations @ sizes, bounds=bounds)
    return np.inf if found.status == 3 else -found.fun


def test_a_small_group_alone_would_be_what_is_left_of_the_total():
    hidden = withheld(np.array([500, 300, 40, 7]), np.ones((1, 4)), SMALLEST)
    assert hidden.tolist() == [False, False, True, True]


def test_two_small_groups_that_are_still_small_together_take_a_third():
    hidden = withheld(np.array([500, 300, 3, 4]), np.ones((1, 4)), SMALLEST)
    assert hidden.tolist() == [False, True, True, True]


def test_enough_small_groups_hide_each_other():
    hidden = withheld(np.array([500, 15, 15, 15]), np.ones((1, 4)), SMALLEST)
    assert hidden.tolist() == [False, True, True, True]


def test_nothing_is_withheld_where_all_are_large():
    assert not withheld(np.array([500, 20]), np.ones((1, 2)), SMALLEST).any()


def test_too_few_of_all_to_hide_among_are_all_withheld():
    assert withheld(np.array([12, 5]), np.ones((1, 2)), SMALLEST).all()


@pytest.mark.parametrize("seed", range(25))
def test_no_small_group_of_a_crossed_table_can_be_told_from_rows_columns_and_total(seed):
    rng = np.random.default_rng(seed)
    table = rng.geometric(1 / rng.choice([15, 60, 200]), rng.integers(2, 6, 2)) - 1
    table[0, 0] += 40
    table[:, 0] += 1
    table[0] += 1
    sizes, relations, _ = crossed(table)
    hidden = withheld(sizes, relations, SMALLEST)
    assert hidden[sizes < SMALLEST].all()
    if hidden.all():
        return
    for group in np.flatnonzero(sizes < SMALLEST):
        assert largest(group, sizes, relations, hidden) >= SMALLEST - 1e-6
    # Linear algebra alone does not tell it either, so that neither are counts of risky or flagged players.
    free = relations[:, hidden]
    for group in np.flatnonzero(sizes[hidden] < SMALLEST):
        own = np.eye(hidden.sum())[group]
        assert np.linalg.matrix_rank(np.vstack([free, own])) > np.linalg.matrix_rank(free)


def test_a_row_without_small_groups_of_its_own_gives_two_so_that_columns_do_not_tell():
    sizes, relations, names = crossed(np.array([[100, 90, 80], [70, 5, 60], [50, 40, 30]]))
    hidden = {name for name, hide in zip(names, withheld(sizes, relations, SMALLEST), strict=True) if hide}
    assert (1, 1) in hidden
    assert len(hidden) == 4
    assert all(isinstance(row, int) for row, _ in hidden)


def test_the_same_table_withholds_the_same_groups():
    sizes, relations, _ = crossed(np.random.default_rng(1).integers(1, 90, (4, 5)))
    assert np.array_equal(withheld(sizes, relations, SMALLEST), withheld(sizes, relations, SMALLEST))
