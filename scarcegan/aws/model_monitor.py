"""A snapshot and its drift in the form of SageMaker Model Monitor: `statistics.json` and `constraints.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scarcegan.data.columns import Column, at_or_below
from scarcegan.monitoring.drift import FeatureDrift
from scarcegan.monitoring.watch import Watched
from scarcegan.records import readable_json

BUCKETS = 10


def model_monitor_files(watched: Watched) -> dict[str, str]:
    """Return `statistics` of a watched snapshot and the `constraints` of its reference, empty without one."""
    snapshot, reference, drift = watched.snapshot, watched.reference, watched.drift
    held_to = constraints_json(reference.statistics, drift.features) if reference and drift else ""
    return {"statistics": statistics_json(snapshot.players, snapshot.statistics), "constraints": held_to}


def statistics_json(players: int, columns: Mapping[str, Column]) -> str:
    """Write a snapshot's statistics as Model Monitor's `statistics.json`; counts are as exact as the quantiles."""
    features = [{"name": name, **_numerical(players, column)} for name, column in columns.items()]
    return readable_json({"version": 0.0, "dataset": {"item_count": players}, "features": features})


def constraints_json(columns: Mapping[str, Column], features: Sequence[FeatureDrift]) -> str:
    """Write what a later snapshot is held to, the columns of its reference, as Model Monitor's `constraints.json`."""
    rows = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "completeness": 1 - (column.missing_share or 0),
            "num_constraints": {"is_non_negative": column.low >= 0},
        }
        for name, column in columns.items()
    ]
    # Model Monitor has one threshold for all features: the largest limit.
    comparison = {
        "perform_comparison": "Enabled",
        "comparison_threshold": max(feature.ks_limit for feature in features),
        "comparison_method": "Robust",
    }
    config = {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": comparison,
    }
    return readable_json({"version": 0.0, "features": rows, "monitoring_config": config})


def _numerical(players: int, column: Column) -> dict[str, Any]:
    missing = round(players * (column.missing_share or 0))
    present = players - missing
    edges = np.linspace(column.low, column.high, BUCKETS + 1)
    below = at_or_below(column.stand_ins(), edges[1:-1])
    # Rounded sums, not rounded counts: the buckets then hold all players who have a value.
    counts = np.diff(np.rint(present * below).astype(int), prepend=0, append=present)
    buckets = [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    numbers = {
        "common": {"num_present": present, "num_missing": missing},
        "mean": column.mean,
        "sum": column.mean * present,
        "std_dev": column.std,
        "min": column.low,
        "max": column.high,
        "distribution": {"kll": {"buckets": buckets}},
    }
    return {"inferred_type": "Fractional", "numerical_statistics": numbers}
