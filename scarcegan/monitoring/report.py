"""The drift report: two snapshots measured against each other, beside the limits of what is usual."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scarcegan.evaluation.intervals import wilson
from scarcegan.monitoring.drift import DriftReport, FeatureDrift, RealisedRecall, ScoreDrift, SignalSize, UnknownDrift
from scarcegan.monitoring.measures import FEATURE_MEASURES, Measured, Measures, auc_of
from scarcegan.settings.operation_sections import SignalName


def realised_recall(flagged: np.ndarray, registered: float, snapshot: str) -> RealisedRecall:
    """Tell how many of the n > 0 players who turned out risky after a snapshot had been flagged in it, bool [n]."""
    from scipy.stats import binom

    found, risky = int(np.count_nonzero(flagged)), len(flagged)
    recall, chance = wilson(found, risky), float(binom.cdf(found, risky, registered))
    return RealisedRecall(snapshot, risky, found, recall.value, recall.low, recall.high, registered, chance)


def drift_report(
    measured: Measured,
    names: Sequence[str],
    limits: Measures,
    recall: RealisedRecall | None,
    *,
    threshold: float,
    false_alarms: float,
    pairs: int,
) -> DriftReport:
    """Lay what is measured of features, classifier and scores beside the limits from `monitoring.calibration`.

    `recall` is None where no labels came later, `pairs` is 0 where limits come from chance alone.
    """
    features = _features(measured, names, limits)
    flagged = sum(feature.flagged for feature in features)
    # One feature is enough: the limits hold for the family of all features.
    signals: dict[SignalName, SignalSize] = {"features": SignalSize(flagged / len(features), flagged > 0)}
    single: tuple[SignalName, ...] = ("classifier", "score", "unknown_share")
    for name in single:
        size = float(measured.values[name][0])
        signals[name] = SignalSize(size, bool(size > limits[name][0]))
    # The measure and its limit are separations; readers know AUCs.
    signals["classifier"] = replace(signals["classifier"], size=measured.classifier.auc)
    if recall is not None:
        signals["recall"] = SignalSize(recall.registered - recall.value, recall.p < false_alarms)
    before, now = measured.before.scored, measured.now.scored
    unknown = None
    if before.unknown_share is not None and now.unknown_share is not None:
        unknown = UnknownDrift(before.unknown_share, now.unknown_share, float(limits["unknown_share"][0]))
    return DriftReport(
        reference=measured.before.about,
        current=measured.now.about,
        false_alarms=false_alarms,
        pairs=pairs,
        features=features,
        classifier=replace(measured.classifier, limit=auc_of(float(limits["classifier"][0]))),
        score=ScoreDrift(signals["score"].size, float(limits["score"][0]), threshold, before, now),
        unknown_share=unknown,
        recall=recall,
        signals=signals,
    )


def _features(measured: Measured, names: Sequence[str], limits: Measures) -> list[FeatureDrift]:
    """Lay out each feature's measures and limits, the one that exceeds its limits most first."""
    ratios = np.stack([measured.values[name] / limits[name] for name in FEATURE_MEASURES])
    # A feature without a single value has no distance: its missing values speak for it.
    most = np.nanmax(ratios, axis=0)
    told = {**measured.columns, **{name: measured.values[name] for name in FEATURE_MEASURES}}
    told |= {f"{name}_limit": limits[name] for name in FEATURE_MEASURES}
    rows = []
    for number in np.argsort(-most, kind="stable"):
        row = {key: float(values[number]) if np.isfinite(values[number]) else None for key, values in told.items()}
        rows.append(FeatureDrift.from_plain({"name": names[number], "flagged": bool(most[number] > 1), **row}))
    return rows
