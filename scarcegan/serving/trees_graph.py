"""Decision trees as operations of a TensorFlow graph: all trees of a part take one step at a time."""

from typing import TYPE_CHECKING

import numpy as np

from scarcegan.serving.wire import INT32, Graph, Type

if TYPE_CHECKING:
    from scarcegan.serving.trees import Trees


def add_trees(graph: Graph, columns: str, trees: "Trees") -> str:
    """Add trees to a graph with raw columns [F, n] and return the risk, [n]."""
    rows = graph.floats("Transpose", columns, graph.constant([1, 0], INT32))
    # A leaf is its own child, whatever it asks: it may ask for the first feature.
    feature = graph.constant(np.maximum(trees.feature, 0), INT32)
    threshold = graph.constant(trees.threshold)
    sides = [graph.constant(side, INT32) for side in (trees.left, trees.right)]
    # What a missing value counts as at each node: less than any threshold, or more.
    in_place = graph.constant(np.where(trees.missing_left, -np.inf, np.inf))
    # Roots are the same for all players, [trees]; where they lead to is each player's own, [n, trees].
    node = graph.constant(trees.roots, INT32)
    for batch in [0] + [1] * (_depth(trees) - 1):
        value = graph.take(rows, graph.take(feature, node, kind=INT32), axis=1, batch=batch)
        value = graph.floats("SelectV2", graph.is_missing(value), graph.take(in_place, node), value)
        goes_left = graph.floats("LessEqual", value, graph.take(threshold, node))
        ways = [graph.take(side, node, kind=INT32) for side in sides]
        node = graph.add("SelectV2", [goes_left, *ways], {"T": Type(INT32)})
    reached, axis = graph.take(graph.constant(trees.values), node), graph.constant(1, INT32)
    if trees.link == "mean":
        return graph.floats("Mean", reached, axis)
    return graph.floats("Sigmoid", graph.floats("Sum", reached, axis))


def _depth(trees: "Trees") -> int:
    """Return how many steps the longest path has; at least one, which leaves make on the spot."""
    node, depth = trees.roots, 0
    while len(node := node[trees.feature[node] >= 0]):
        node, depth = np.union1d(trees.left[node], trees.right[node]), depth + 1
    return max(1, depth)
