"""The drift report: two snapshots measured against each other, beside their limits, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.monitoring.calibration import FEATURE_MEASURES
from scarcegan.monitoring.distances import column_distances, distances
from scarcegan.monitoring.two_sample import auc_of, separation, two_sample_test

SCORE_STEPS = 50


@dataclass(frozen=True)
class Sample:
    """Players of one snapshot, scored by the champion.

    Attributes:
        name, cutoff, fingerprint: of the snapshot.
        players: how many it holds in all.
        features: float array [n, F]; NaN where a value is missing.
        score: float array [n], the champion's risk scores.
        unknown_share: share of the n players whose most probable class is 'unknown'; None without that output.
    """

    name: str
    cutoff: str
    fingerprint: str
    players: int
    features: np.ndarray
    score: np.ndarray
    unknown_share: float | None


@dataclass(frozen=True)
class Measured:
    """What was measured between two samples.

    Attributes:
        values: the measures that have limits, see `scarcegan.monitoring.calibration`.
        columns: float arrays [F] as `column_distances` returns them.
        classifier: as `two_sample_test` returns it.
    """

    values: dict[str, np.ndarray]
    columns: dict[str, np.ndarray]
    classifier: dict[str, Any]


def measure(before: Sample, now: Sample, *, seed: int, false_alarms: float) -> Measured:
    """Measure how far two samples with the same columns lie apart."""
    columns = column_distances(before.features, now.features)
    classifier = two_sample_test(before.features, now.features, seed=seed, false_alarms=false_alarms)
    score = distances(np.sort(before.score), np.sort(now.score))["ks"]
    unknown = abs((now.unknown_share or 0.0) - (before.unknown_share or 0.0))
    values = {
        "psi": columns["psi"],
        "ks": columns["ks"],
        "missing_share": np.abs(columns["missing_now"] - columns["missing_before"]),
        "classifier": np.array([separation(classifier["auc"])]),
        "score": np.array([score]),
        "unknown_share": np.array([unknown]),
    }
    return Measured(values, columns, classifier)


def realised_recall(score: np.ndarray, threshold: float, promised: float, snapshot: str) -> dict[str, Any]:
    """Say how many of the players who turned out risky had been flagged.

    Args:
        score: float array [n > 0], the champion's scores of players labelled risky after that snapshot.
        threshold: score from which a player is flagged.
        promised: the recall that the release was registered with.
        snapshot: name of the snapshot they were scored in.

    Returns:
        snapshot, risky, found, value, promised, p (chance of finding so few if the promise holds).
    """
    from scipy.stats import binom

    found = int(np.count_nonzero(score >= threshold))
    told = {"snapshot": snapshot, "risky": len(score), "found": found, "value": found / len(score)}
    return told | {"promised": promised, "p": float(binom.cdf(found, len(score), promised))}


def drift_report(
    before: Sample,
    now: Sample,
    names: Sequence[str],
    measured: Measured,
    limits: Mapping[str, np.ndarray],
    recall: Mapping[str, Any] | None,
    *,
    threshold: float,
    false_alarms: float,
    pairs: int,
) -> dict[str, Any]:
    """Lay measures and limits side by side.

    Args:
        before: the reference.
        now: the snapshot that is watched.
        names: the F features.
        measured: between the two.
        limits: of each measure, from `scarcegan.monitoring.calibration`.
        recall: from `realised_recall`; None where no labels came later.
        threshold: score from which a player is flagged.
        false_alarms: probability that the limits stand for.
        pairs: past pairs behind the limits; 0: chance alone.

    Returns:
        Plain values: reference, current, false_alarms, pairs, features (one dict each, the most moved first),
        classifier, score, unknown_share, recall, signals (name -> size, beyond: over its limit) and flags, the names
        of the signals beyond their limits.
    """
    features = _features(names, measured, limits)
    over = {name: bool(measured.values[name][0] > limits[name][0]) for name in ("classifier", "score", "unknown_share")}
    flagged = sum(row["flagged"] for row in features)
    sizes = {
        "features": (flagged / len(features), flagged > 0),
        "classifier": (measured.classifier["auc"], over["classifier"]),
        "score": (float(measured.values["score"][0]), over["score"]),
        "unknown_share": (float(measured.values["unknown_share"][0]), over["unknown_share"]),
    }
    if recall is not None:
        sizes["recall"] = (recall["promised"] - recall["value"], recall["p"] < false_alarms)
    return {
        "reference": _about(before),
        "current": _about(now),
        "false_alarms": false_alarms,
        "pairs": pairs,
        "features": features,
        "classifier": measured.classifier | {"limit": auc_of(float(limits["classifier"][0]))},
        "score": _score(before, now, threshold)
        | {"ks": sizes["score"][0], "limit": float(limits["score"][0]), "threshold": threshold},
        "unknown_share": _unknown(before, now, limits),
        "recall": dict(recall) if recall is not None else None,
        "signals": {name: {"size": size, "beyond": beyond} for name, (size, beyond) in sizes.items()},
        "flags": [name for name, (_, beyond) in sizes.items() if beyond],
    }


def _features(names: Sequence[str], measured: Measured, limits: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    ratios = np.stack([measured.values[name] / limits[name] for name in FEATURE_MEASURES])
    # A feature without a single value has no distance: its missing values speak for it.
    most = np.nanmax(ratios, axis=0)
    rows = []
    for number in np.argsort(-most, kind="stable"):
        row = {name: _plain(values[number]) for name, values in measured.columns.items()}
        row |= {name: _plain(measured.values[name][number]) for name in FEATURE_MEASURES}
        row |= {f"{name}_limit": float(limits[name][number]) for name in FEATURE_MEASURES}
        rows.append({"name": names[number], **row, "flagged": bool(most[number] > 1)})
    return rows


def _score(before: Sample, now: Sample, threshold: float) -> dict[str, Any]:
    """Return the shares of players at or above each of a grid of scores: the tail is what moderators see."""
    grid = np.arange(SCORE_STEPS + 1) / SCORE_STEPS
    above = [np.mean(one.score[:, None] >= grid, axis=0).tolist() for one in (before, now)]
    flagged = [float(np.mean(one.score >= threshold)) for one in (before, now)]
    return {
        "scores": grid.tolist(),
        "above_before": above[0],
        "above_now": above[1],
        "flagged_before": flagged[0],
        "flagged_now": flagged[1],
    }


def _unknown(before: Sample, now: Sample, limits: Mapping[str, np.ndarray]) -> dict[str, float] | None:
    if before.unknown_share is None or now.unknown_share is None:
        return None
    return {"before": before.unknown_share, "now": now.unknown_share, "limit": float(limits["unknown_share"][0])}


def _about(one: Sample) -> dict[str, Any]:
    described = {"name": one.name, "cutoff": one.cutoff, "fingerprint": one.fingerprint}
    return described | {"players": one.players, "compared": len(one.score)}


def _plain(value: np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
