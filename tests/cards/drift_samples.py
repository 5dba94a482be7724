"""A drift report and its decision in the exact shape that ScoreFlow hands to the card."""

from typing import Any

import numpy as np

ROLES = ("bets", "losses", "night_minutes", "sessions", "deposits")
MEASURES = ("level_60_days", "trend", "peak", "active_share", "dispersion")


def drift() -> dict[str, Any]:
    """A new season: half of the features moved, the score's tail grew, fewer late-labelled players were flagged."""
    scores = np.arange(51) / 50
    return {
        "reference": _about("players-2026-06-01", "2026-06-01"),
        "current": _about("players-2026-08-01", "2026-08-01"),
        "false_alarms": 0.01,
        "pairs": 5,
        "features": [_feature(name, place) for place, name in enumerate(_names())],
        "classifier": {"auc": 0.672, "null_high": 0.509, "p": 0.0, "rows": 50_000, "limit": 0.561},
        "score": {
            "scores": scores.tolist(),
            "above_before": np.exp(-6.2 * scores).tolist(),
            "above_now": np.exp(-4.9 * scores).tolist(),
            "flagged_before": 0.0098,
            "flagged_now": 0.0264,
            "ks": 0.081,
            "limit": 0.031,
            "threshold": 0.742,
        },
        "unknown_share": {"before": 0.124, "now": 0.151, "limit": 0.02},
        "recall": {
            "snapshot": "players-2026-07-01",
            "risky": 48,
            "found": 15,
            "value": 0.3125,
            "promised": 0.49,
            "p": 0.009,
        },
        "signals": {
            "features": {"size": 0.52, "beyond": True},
            "classifier": {"size": 0.672, "beyond": True},
            "score": {"size": 0.081, "beyond": True},
            "unknown_share": {"size": 0.027, "beyond": True},
            "recall": {"size": 0.1775, "beyond": True},
        },
        "flags": ["features", "classifier", "score", "unknown_share", "recall"],
    }


def decision(action: str = "retrain") -> dict[str, Any]:
    """What follows from it."""
    return {
        "action": action,
        "reasons": [
            "13 of 25 features moved beyond their limits (bets_level_60_days, bets_trend, bets_peak, ...); 2 periods "
            "in a row, only watched",
            "a classifier tells these players from those of players-2026-06-01 (AUC 0.672, limit 0.561); 2 periods in "
            "a row, retrains after 2",
        ],
        "causes": ["classifier"],
        "signals": {
            "features": _state(0.52, 0.05, True, 2, 0),
            "classifier": _state(0.672, 0.6, True, 2, 2),
            "score": _state(0.081, 0.05, True, 1, 2),
            "unknown_share": _state(0.027, 0.05, False, 0, 0),
            "recall": _state(0.1775, 0.05, True, 1, 1),
        },
        "cutoff": "2026-08-01",
        "version": 7,
    }


def _state(size: float, least: float, raised: bool, periods: int, after: int) -> dict[str, Any]:
    return {"size": size, "least": least, "raised": raised, "periods": periods, "retrain_after": after}


def _about(name: str, cutoff: str) -> dict[str, Any]:
    told = {"name": name, "cutoff": cutoff, "fingerprint": "31bf4c3cc3762a6e"}
    return told | {"players": 1_240_332, "compared": 50_000}


def _names() -> list[str]:
    return [f"{role}_{measure}" for role in ROLES for measure in MEASURES]


def _feature(name: str, place: int) -> dict[str, Any]:
    ks = 0.31 * 0.82**place
    return {
        "name": name,
        "psi": 3 * ks**2 if place != 3 else None,
        "ks": ks if place != 3 else None,
        "missing_share": 0.0 if place != 3 else 1.0,
        "missing_before": 0.0,
        "missing_now": 0.0 if place != 3 else 1.0,
        "median_before": 12.4,
        "median_now": 12.4 * (1 + ks),
        "psi_limit": 0.012,
        "ks_limit": 0.024 + 0.01 * (place % 3),
        "missing_share_limit": 0.001,
        "flagged": place < 13,
    }
