"""How far the training data of two runs are apart, from their data reports alone: no player is loaded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

# An empty bin would make the index infinite; no share of a report's twenty bins is known better than this.
LEAST_SHARE = 1e-3
COLUMNS = ["feature", "psi", "ks", "median_before", "median_now", "zero_share_before", "zero_share_now"]


def data_drift(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> pd.DataFrame:
    """Compare the unlabelled players of two data reports, the most moved feature first.

    Args:
        before: the artifact `data_report` of the run to compare with; None while it has made none.
        now: of the other run.

    Returns:
        feature, psi (population stability index over the earlier report's bins), ks (largest distance of the two
        distribution functions), both at least as large as said; medians and shares of zeros.
        Empty for the same data. A feature that only one of the reports has is left out.
    """
    if before is None or now is None or before["fingerprint"] == now["fingerprint"]:
        return pd.DataFrame(columns=COLUMNS)
    old = {row["name"]: row for row in before["feature_table"]}
    rows = [_moved(old[row["name"]], row) for row in now["feature_table"] if row["name"] in old]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("psi", ascending=False, ignore_index=True)


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    before, now = _Histogram(old["histogram"]), _Histogram(new["histogram"])
    expected = before.at_edges[1:-1]
    shares = (np.diff(below, prepend=0, append=1) for below in (expected, now.nearest(before.edges[1:-1], expected)))
    earlier, later = (np.maximum(share, LEAST_SHARE) for share in shares)
    return {
        "feature": old["name"],
        "psi": float(np.sum((later - earlier) * np.log(later / earlier))),
        "ks": max(before.distance(now), now.distance(before)),
        "median_before": old["p50"],
        "median_now": new["p50"],
        "zero_share_before": old["zero_share"],
        "zero_share_now": new["zero_share"],
    }


class _Histogram:
    """The distribution function of unlabelled players as far as a histogram tells it: exact at its edges.

    Between them it lies between the two edges' values. Counters have few values, all of a bin may sit on one: a
    straight line in between would find drift where only the bins differ.
    """

    def __init__(self, histogram: Mapping[str, Any]) -> None:
        self.edges = np.array(histogram["edges"])
        self.at_edges = np.concatenate([[0.0], np.cumsum(histogram["unlabeled"])])

    def nearest(self, values: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Return the possible shares of players below some values that are nearest to given ones."""
        inner = self.edges[1:-1]  # the end bins also hold everybody beyond them
        left = np.searchsorted(inner, values, "right")
        is_edge = np.isin(values, inner)
        return np.clip(below, self.at_edges[left], self.at_edges[np.where(is_edge, left, left + 1)])

    def distance(self, other: "_Histogram") -> float:
        """Return how far the other function is at least away at this one's edges."""
        below = self.at_edges[1:-1]
        return float(np.abs(other.nearest(self.edges[1:-1], below) - below).max())
