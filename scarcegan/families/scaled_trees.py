"""A fitted library's trees, one by one, as they split scaled inputs."""

from typing import NamedTuple

import numpy as np


class ScaledTree(NamedTuple):
    """One tree, its root first and children behind their parent; arrays [nodes].

    Attributes:
        inputs: int, the number of the scaled input that a node asks, -1 in a leaf.
        thresholds: float64; a player goes left where the input is at most that.
        left, right: int, the children's places; whatever in a leaf.
        values: float64; an inner node's is the mean of what lies below it, weighted as in training.
    """

    inputs: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray


def with_inner_values(tree: ScaledTree, counts: np.ndarray) -> ScaledTree:
    """Give inner nodes the mean of their children's values, weighted by the training rows in them, [nodes]."""
    values = tree.values.copy()
    # From the end: a node's children have their values before it.
    for node in np.flatnonzero(tree.inputs >= 0)[::-1]:
        children = [tree.left[node], tree.right[node]]
        values[node] = np.average(values[children], weights=counts[children])
    return tree._replace(values=values)
