"""The data report: what the run was trained on, as plain numbers for the card and the audit."""

from typing import Any

import numpy as np

from scarcegan.data.fingerprint import fingerprint
from scarcegan.data.folds import in_folds, population_counts
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.validation import known_risky
from scarcegan.settings import Settings

BINS = 20
SUSPECT_AUC = 0.98
FEW_RISKY = 10


def data_report(players: Players, fold: np.ndarray, settings: Settings) -> dict[str, Any]:
    """Describe the players and their folds.

    Everything about features is taken from the pool; test players are only counted.

    Args:
        players: the players that were split.
        fold: int8 array [n], from `folds.assign_folds`.
        settings: names of the populations and the source.

    Returns:
        Plain numbers, text, lists and dicts, fit for JSON: source, cutoff, fingerprint, players, features,
        populations, folds, threshold_players, test_sets, feature_table, suspects, warnings.
    """
    features = _feature_table(players, settings)
    suspects = [{"feature": row["name"], "auc": row["auc"]} for row in features if row["auc"] >= SUSPECT_AUC]
    folds = [_fold(players.labels, fold, number, settings) for number in range(settings.folds.k)]
    return {
        "source": settings.data.source,
        "cutoff": players.cutoff,
        "fingerprint": fingerprint(players),
        "players": len(players),
        "features": len(players.feature_names),
        "populations": _populations(players, settings),
        "folds": folds,
        "threshold_players": int(np.count_nonzero(fold == settings.folds.k)),
        "test_sets": [_test_set(players, number, settings) for number in range(1, len(players.test_sets) + 1)],
        "feature_table": features,
        "suspects": suspects,
        "warnings": _warnings(players, suspects, folds, settings),
    }


def _populations(players: Players, settings: Settings) -> list[dict[str, Any]]:
    in_pool = players.test_set == 0
    pool = population_counts(players.labels[in_pool], settings)
    test = population_counts(players.labels[~in_pool], settings)
    return [{"name": name, "pool": pool[name], "test": test[name]} for name in pool]


def _fold(labels: np.ndarray, fold: np.ndarray, number: int, settings: Settings) -> dict[str, Any]:
    return {
        "fold": number,
        "train": population_counts(labels[in_folds(fold, settings.folds.k) & (fold != number)], settings),
        "validation": population_counts(labels[fold == number], settings),
    }


def _test_set(players: Players, number: int, settings: Settings) -> dict[str, Any]:
    inside = players.test_set == number
    risky = inside & known_risky(players, settings)
    return {
        "name": players.test_sets[number - 1],
        "players": int(np.count_nonzero(inside)),
        "risky": int(np.count_nonzero(risky)),
    }


def _feature_table(players: Players, settings: Settings) -> list[dict[str, Any]]:
    pool = players.test_set == 0
    rare = pool & (players.labels == len(settings.populations.negatives))
    unlabeled = pool & (players.labels == UNLABELED)
    labeled = pool & ~unlabeled
    table = []
    for number, name in enumerate(players.feature_names):
        # One pass over the strided column; the masks then read it from end to end.
        column = np.ascontiguousarray(players.features[:, number])
        table.append({"name": name, **_feature(column[rare], column[unlabeled], column[labeled])})
    return table


def _feature(rare: np.ndarray, unlabeled: np.ndarray, labeled: np.ndarray) -> dict[str, Any]:
    for values in (rare, unlabeled, labeled):
        values.sort()
    everyone = np.concatenate([unlabeled, labeled])
    everyone.sort(kind="stable")  # two runs in order are merged
    low, median, high = _percentiles(everyone, [1, 50, 99])
    return {
        "mean": float(everyone.mean(dtype=np.float64)),
        "std": float(everyone.std(dtype=np.float64)),
        "min": float(everyone[0]),
        "p50": float(median),
        "p99": float(high),
        "max": float(everyone[-1]),
        "zero_share": float(np.mean(everyone == 0)),
        "auc": _separation(rare, unlabeled),
        "histogram": _histogram(rare, unlabeled, low, high),
    }


def _percentiles(ordered: np.ndarray, percents: list[int]) -> np.ndarray:
    """Return percentiles as numpy does, float64, but without a copy of the sorted values."""
    places = np.array(percents) / 100 * (len(ordered) - 1)
    below = places.astype(int)
    values = ordered[[below, np.minimum(below + 1, len(ordered) - 1)]].astype(np.float64)
    return values[0] + (values[1] - values[0]) * (places - below)


def _separation(rare: np.ndarray, others: np.ndarray) -> float:
    """Return max(AUC, 1 - AUC) of one feature, ties counted half; both are sorted."""
    below = np.searchsorted(others, rare, "left") + np.searchsorted(others, rare, "right")
    auc = float(below.mean()) / (2 * len(others))
    return max(auc, 1 - auc)


def _histogram(rare: np.ndarray, unlabeled: np.ndarray, low: float, high: float) -> dict[str, list[float]]:
    """Return shares per bin between the 1st and 99th percentile; those beyond are in the end bins; both are sorted."""
    if low == high:
        low, high = min(rare[0], unlabeled[0]), max(rare[-1], unlabeled[-1])
    edges = np.linspace(low, high, BINS + 1)
    shares = {
        name: (np.diff(np.searchsorted(values, edges[1:-1]), prepend=0, append=len(values)) / len(values)).tolist()
        for name, values in (("rare", rare), ("unlabeled", unlabeled))
    }
    return {"edges": edges.tolist(), **shares}


def _warnings(
    players: Players, suspects: list[dict[str, Any]], folds: list[dict[str, Any]], settings: Settings
) -> list[str]:
    rare = settings.populations.rare
    warnings = [
        f"feature '{suspect['feature']}' alone tells '{rare}' from unlabelled players (AUC {suspect['auc']:.3f}):"
        " a likely leak; see how it is made, or name it in data.ignore_columns"
        for suspect in suspects
    ]
    fewest = min(fold["validation"][rare] for fold in folds)
    if fewest < FEW_RISKY:
        warnings.append(
            f"a fold validates on {fewest} '{rare}' players: its recall moves in steps of {1 / fewest:.0%}; "
            "lower folds.k or label more players"
        )
    for number, name in enumerate(players.test_sets, start=1):
        if (players.truth[players.test_set == number] == UNKNOWN_TRUTH).any():
            warnings.append(
                f"test set '{name}' has no known truth: recall is measured on its labelled '{rare}' players, "
                "flagged shares on its unlabelled ones"
            )
    return [*warnings, *players.notes]
