"""The same figures in the form of SageMaker Model Monitor: `statistics.json` and `constraints.json`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BUCKETS = 10


def statistics_json(players: int, statistics: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a snapshot's statistics as Model Monitor's `statistics.json`.

    Args:
        players: rows of the snapshot.
        statistics: column -> mean, std, low, high and quantiles at evenly spaced ranks, as its manifest has them;
            the counts of the buckets are as exact as those quantiles.
    """
    features = [{"name": name, **_numerical(players, column)} for name, column in statistics.items()]
    return _to_json({"version": 0.0, "dataset": {"item_count": players}, "features": features})


def constraints_json(statistics: Mapping[str, Mapping[str, Any]], features: Sequence[Mapping[str, Any]]) -> str:
    """Write what a later snapshot is held to as Model Monitor's `constraints.json`.

    Args:
        statistics: of the reference, column -> low.
        features: of the drift report, with `ks_limit`; Model Monitor has one threshold for all, the largest.
    """
    rows = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": column["low"] >= 0},
        }
        for name, column in statistics.items()
    ]
    comparison = {
        "perform_comparison": "Enabled",
        "comparison_threshold": max(row["ks_limit"] for row in features),
        "comparison_method": "Robust",
    }
    config = {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": comparison,
    }
    return _to_json({"version": 0.0, "features": rows, "monitoring_config": config})


def _numerical(players: int, column: Mapping[str, Any]) -> dict[str, Any]:
    edges = np.linspace(column["low"], column["high"], BUCKETS + 1)
    levels = np.linspace(0, 1, len(column["quantiles"]))
    # The last of tied quantiles: all players at or below the edge.
    below = levels[np.searchsorted(column["quantiles"], edges[1:], side="right") - 1]
    counts = np.diff(np.rint(players * np.append(below[:-1], 1.0)).astype(int), prepend=0)
    buckets = [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    numbers = {
        "common": {"num_present": players, "num_missing": 0},
        "mean": column["mean"],
        "sum": column["mean"] * players,
        "std_dev": column["std"],
        "min": column["low"],
        "max": column["high"],
        "distribution": {"kll": {"buckets": buckets}},
    }
    return {"inferred_type": "Fractional", "numerical_statistics": numbers}


def _to_json(tree: Mapping[str, Any]) -> str:
    return json.dumps(tree, indent=1, allow_nan=False) + "\n"
