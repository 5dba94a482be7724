"""One fold's decision trees as a part of a model: plain arrays over raw features, from whatever library they came."""

import functools
import itertools
from typing import Any, ClassVar, Literal

import numpy as np

from scarcegan.data.log_odds import sigmoid, slope_of_sigmoid
from scarcegan.problems import RegistryProblem
from scarcegan.records import Record
from scarcegan.serving.shape import expect_array
from scarcegan.serving.wire import INT32, Graph, type_of

# Paths that are followed at once, a player's through one tree each; more only cost memory.
CHUNK_PATHS = 131_072


class Trees(Record, eq=False):
    """Trees of one family that say how risky a player is; of the other classes they say nothing.

    A player goes left where the raw value is at most the threshold, else right; where it is missing (NaN), left if
    `missing_left`. All trees' nodes lie in the same arrays, a tree's next to each other and children after their
    parent, so that every path ends.

    Attributes:
        feature: int32 [nodes], -1 in a leaf.
        threshold: float32 [nodes]; -inf sends every player to the right.
        missing_left: bool [nodes].
        left, right: int32 [nodes], the children by their place in these arrays; a leaf's are the leaf itself.
        values: float32 [nodes]; an inner node's is the mean of what lies below it, weighted as in training.
        roots: int32 [trees], ascending from 0.
        link: the risk is the `mean` of the values of the leaves that a player gets to, or their sum is its `logit`.
    """

    kind: ClassVar[str] = "trees"
    fills_missing: ClassVar[bool] = True  # every split knows a way for missing values

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray
    roots: np.ndarray
    link: Literal["mean", "logit"]

    def check(self, name: str, features: int) -> None:
        """Refuse arrays that do not fit together; a path through checked ones ends and reads no other memory."""
        expect_array(f"{name}'s values", self.values, None)
        nodes = len(self.values)
        kinds: dict[str, type] = {"threshold": np.float32, "missing_left": bool}
        kinds |= dict.fromkeys(("feature", "left", "right"), np.int32)
        for field, dtype in kinds.items():
            _expect_like(f"{name}'s {field}", getattr(self, field), dtype, nodes)
        _expect_like(f"{name}'s roots", self.roots, np.int32, self.roots.size)
        # NaN is not below infinity either.
        if not (self.threshold < np.inf).all():
            raise RegistryProblem(f"expected {name}'s thresholds below infinity, got others: convert the trees again")
        if not ((self.feature >= -1) & (self.feature < features)).all():
            raise RegistryProblem(
                f"expected {name}'s features from -1 to {features - 1}, got {self.feature.min()} to "
                f"{self.feature.max()}: give the trees of a model with these features"
            )
        self._check_paths(name)

    def _check_paths(self, name: str) -> None:
        own, is_leaf = np.arange(len(self.values)), self.feature < 0
        ends = np.append(self.roots[1:], len(own))
        if self.roots.size == 0 or self.roots[0] != 0 or not (self.roots < ends).all():
            raise RegistryProblem(
                f"expected {name}'s roots ascending from 0 and below {len(own)}, got {self.roots}: "
                "convert the trees again"
            )
        end = np.repeat(ends, ends - self.roots)
        for child in (self.left, self.right):
            if not np.where(is_leaf, child == own, (own < child) & (child < end)).all():
                raise RegistryProblem(
                    f"expected {name}'s children behind their parent in the same tree, and leaves as their own "
                    "children, got others: convert the trees again"
                )

    def add_risk(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add each player's risk; there are as many columns as `check` was told."""
        rows = np.ascontiguousarray(columns.T, dtype=np.float32)
        sums = np.zeros(len(rows))
        for tree, values in self._trees:
            sums += values.take(tree.apply(rows))
        total += self._risk(sums)

    def attributions(self, rows: np.ndarray, typical: np.ndarray) -> np.ndarray:
        """Share out the difference of the risk to the splits on a player's path.

        Each is credited with what it changes: the child's value less the node's. The typical player's credits are taken
        off, so that shares sum to the difference exactly. Credits of log-odds are all stretched by the risk's mean
        slope between the two.

        Source: Saabas (2014), Interpreting random forests; Shrikumar, Greenside and Kundaje (2017), DeepLIFT, the
        rescale rule, for the logit.
        """
        base = self._credits(typical[None, :].astype(np.float32))
        root, found = self.values[self.roots].sum(dtype=np.float64), np.empty(rows.shape, dtype=np.float32)
        size = max(1, CHUNK_PATHS // len(self.roots))
        for chunk in (slice(at, at + size) for at in range(0, len(rows), size)):
            credits = self._credits(rows[chunk].astype(np.float32))
            slope = self._slope(root + base.sum(axis=1), root + credits.sum(axis=1))
            found[chunk] = slope[:, None] * (credits - base)
        return found

    def add_risk_to(self, graph: Graph, columns: str) -> str:
        """Add the trees, all of which take one step at a time."""
        rows = graph.floats("Transpose", columns, graph.constant([1, 0], INT32))
        # A leaf is its own child, whatever it asks: it may ask for the first feature.
        feature = graph.constant(np.maximum(self.feature, 0), INT32)
        threshold = graph.constant(self.threshold)
        sides = [graph.constant(side, INT32) for side in (self.left, self.right)]
        # What a missing value counts as at each node: less than any threshold, or more.
        in_place = graph.constant(np.where(self.missing_left, -np.inf, np.inf))
        # Roots are the same for all players, [trees]; where they lead to is each player's own, [n, trees].
        node = graph.constant(self.roots, INT32)
        for batch in [0] + [1] * (self._depth() - 1):
            value = graph.take(rows, graph.take(feature, node, kind=INT32), axis=1, batch=batch)
            value = graph.floats("SelectV2", graph.is_missing(value), graph.take(in_place, node), value)
            goes_left = graph.floats("LessEqual", value, graph.take(threshold, node))
            ways = [graph.take(side, node, kind=INT32) for side in sides]
            node = graph.add("SelectV2", [goes_left, *ways], {"T": type_of(INT32)})
        reached, axis = graph.take(graph.constant(self.values), node), graph.constant(1, INT32)
        if self.link == "mean":
            return graph.floats("Mean", reached, axis)
        return graph.floats("Sigmoid", graph.floats("Sum", reached, axis))

    @functools.cached_property
    def _trees(self) -> list[tuple[Any, np.ndarray]]:
        """Each tree as scikit-learn's own, and the values of its nodes.

        A path costs a fifth of what NumPy takes for it, and two threads walk side by side: the walk holds no lock.
        """
        # Imported here: scikit-learn takes seconds, and a model without trees does without.
        from sklearn.tree._tree import Tree

        found = []
        for start, stop in itertools.pairwise([*self.roots.tolist(), len(self.values)]):
            tree, own = Tree(1, np.ones(1, dtype=np.intp), 1), slice(start, stop)
            state = tree.__getstate__()
            # Fields are set by name in this version's own layout; those that tell of training stay 0.
            nodes, is_leaf = np.zeros(stop - start, dtype=state["nodes"].dtype), self.feature[own] < 0
            for side in ("left", "right"):
                nodes[f"{side}_child"] = np.where(is_leaf, -1, getattr(self, side)[own] - start)
            nodes["feature"], nodes["threshold"] = self.feature[own], self.threshold[own]
            nodes["missing_go_to_left"] = self.missing_left[own]
            tree.__setstate__(
                {**state, "node_count": len(nodes), "nodes": nodes, "values": np.zeros((len(nodes), 1, 1))}
            )
            found.append((tree, self.values[own]))
        return found

    def _depth(self) -> int:
        """Return how many steps the longest path has; at least one, which leaves make on the spot."""
        node, depth = self.roots, 0
        while len(node := node[self.feature[node] >= 0]):
            node, depth = np.union1d(self.left[node], self.right[node]), depth + 1
        return max(1, depth)

    def _risk(self, sums: np.ndarray) -> np.ndarray:
        """Turn sums of leaves' values into risks."""
        return sums / len(self.roots) if self.link == "mean" else sigmoid(sums)

    def _slope(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the risk's mean slope between two sums of leaves' values."""
        return np.full(end.shape, 1 / len(self.roots)) if self.link == "mean" else slope_of_sigmoid(start, end)

    def _credits(self, rows: np.ndarray) -> np.ndarray:
        """Sum what the splits on each player's paths change: float64 [n, F]."""
        players, features = rows.shape
        found = np.zeros(rows.size)
        player, node = np.repeat(np.arange(players), len(self.roots)), np.tile(self.roots, players)
        while (is_inner := self.feature[node] >= 0).any():
            player, node = player[is_inner], node[is_inner]
            feature = self.feature[node]
            value = rows[player, feature]
            goes_left = np.where(np.isnan(value), self.missing_left[node], value <= self.threshold[node])
            child = np.where(goes_left, self.left[node], self.right[node])
            change = self.values[child].astype(np.float64) - self.values[node]
            found += np.bincount(player * features + feature, change, rows.size)
            node = child
        return found.reshape(rows.shape)


def _expect_like(name: str, array: np.ndarray, dtype: type, size: int) -> None:
    if array.dtype != dtype or array.shape != (size,):
        raise RegistryProblem(
            f"expected {name} as {np.dtype(dtype)} [{size}], got {array.dtype} {list(array.shape)}: "
            "convert the trees again"
        )
