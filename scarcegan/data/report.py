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
    rare = np.flatnonzero(pool & (players.labels == len(settings.populations.negatives)))
    unlabeled = np.flatnonzero(pool & (players.labels == UNLABELED))
    labeled = np.flatnonzero(pool & (players.labels != UNLABELED))
    table = []
    for number, name in enumerate(players.feature_names):
        column = players.features[:, number]
        table.append({"name": name, **_feature(column[rare], column[unlabeled], column[labeled])})
    return table


def _feature(rare: np.ndarray, unlabeled: np.ndarray, labeled: np.ndarray) -> dict[str, Any]:
    everyone = np.sort(np.concatenate([unlabeled, labeled])).astype(np.float64)
    median, high = np.percentile(everyone, [50, 99])
    return {
        "mean": float(everyone.mean()),
        "std": float(everyone.std()),
        "min": float(everyone[0]),
        "p50": float(median),
        "p99": float(high),
        "max": float(everyone[-1]),
        "zero_share": float(np.mean(everyone == 0)),
        "auc": _separation(rare, np.sort(unlabeled)),
        "histogram": _histogram(rare, unlabeled, *np.percentile(everyone, [1, 99])),
    }


def _separation(rare: np.ndarray, ordered: np.ndarray) -> float:
    """Return max(AUC, 1 - AUC) of one feature, ties counted half; `ordered` are the sorted other values."""
    below = np.searchsorted(ordered, rare, "left") + np.searchsorted(ordered, rare, "right")
    auc = float(below.mean()) / (2 * len(ordered))
    return max(auc, 1 - auc)


def _histogram(rare: np.ndarray, unlabeled: np.ndarray, low: float, high: float) -> dict[str, list[float]]:
    """Return shares per bin between the 1st and 99th percentile; values beyond count in the end bins."""
    if low == high:
        low, high = min(rare.min(), unlabeled.min()), max(rare.max(), unlabeled.max())
    edges = np.linspace(low, high, BINS + 1)
    shares = {
        name: (np.histogram(np.clip(values, low, high), edges)[0] / len(values)).tolist()
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
