"""LightGBM's fitted trees, read from what its booster tells of itself; the library is not imported."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.families.scaled_trees import ScaledTree, with_inner_values


def is_plain(dump: Mapping[str, Any]) -> bool:
    """Whether a booster's description is of a sum of ordinary trees whose logistic function is a probability."""
    return (
        dump["objective"] == "binary sigmoid:1"
        and not dump["average_output"]
        and all(_is_plain_node(node) for tree in dump["tree_info"] for node in _nodes(tree["tree_structure"]))
    )


def lightgbm_trees(dump: Mapping[str, Any], sign: int) -> list[ScaledTree]:
    """Return a booster's trees; values, times the sign, add up to its log-odds, as the first tree has the average."""
    return [_tree(_nodes(tree["tree_structure"]), sign) for tree in dump["tree_info"]]


def _is_plain_node(node: Mapping[str, Any]) -> bool:
    # No line in a leaf, no set of categories, and zero is a value like any other.
    return (
        "leaf_coeff" not in node
        and node.get("decision_type", "<=") == "<="
        and node.get("missing_type", "None") != "Zero"
    )


def _nodes(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List a tree's nodes, each before its children."""
    # No recursion: a tree that grows by its best leaf may be a thousand nodes deep.
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += [node[side] for side in ("right_child", "left_child") if side in node]
    return found


def _tree(nodes: list[Mapping[str, Any]], sign: int) -> ScaledTree:
    place = {id(node): number for number, node in enumerate(nodes)}
    left, right = (
        np.array([place.get(id(node.get(side)), -1) for node in nodes]) for side in ("left_child", "right_child")
    )
    inputs = np.array([node.get("split_feature", -1) for node in nodes])
    thresholds, values = (
        np.array([node.get(key, 0.0) for node in nodes], dtype=np.float64) for key in ("threshold", "leaf_value")
    )
    counts = np.array([node.get("internal_count", node.get("leaf_count", 1)) for node in nodes])
    return with_inner_values(ScaledTree(inputs, thresholds, left, right, sign * values), counts)
