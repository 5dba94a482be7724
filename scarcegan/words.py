"""Numbers and names as people read them: 41 %, 0.41 [0.35, 0.48], 1 min 12 s."""

import math
from collections.abc import Mapping
from typing import Any

MISSING = "–"
GAP = "\N{NO-BREAK SPACE}"

METRICS = {
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "recall": "Recall",
    "precision": "Precision",
    "flagged_share": "Flagged share",
    "f2": "F2",
    "unknown_share": "Share unknown",
    "recall_low": "Recall, 95 % from",
    "recall_high": "Recall, 95 % to",
    "recall_at_1": "Recall at 1 % flagged",
    "recall_at_2": "Recall at 2 % flagged",
    "recall_at_5": "Recall at 5 % flagged",
    "recall_at_budget": "Recall at the review budget",
    "precision_at_budget": "Precision at the review budget",
}
SCORES = frozenset({"pr_auc", "roc_auc", "f2"})


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def percent(share: float | None) -> str:
    """Write a share in [0, 1] as a percentage with about two significant digits."""
    if share is None or not is_number(share):
        return MISSING
    return f"{_rounded(100 * share, _percent_decimals(share))}{GAP}%"


def score(value: float | None, decimals: int = 2) -> str:
    """Write a score such as PR-AUC with fixed decimals."""
    return f"{value:.{decimals}f}" if value is not None and is_number(value) else MISSING


def share_interval(interval: Mapping[str, float] | None) -> str:
    """Write {"value", "low", "high"} of a share as `41 % [35, 48]`."""
    if interval is None or not is_number(interval["value"]):
        return MISSING
    decimals = _percent_decimals(interval["value"] or interval["high"])
    low, high = (_rounded(100 * interval[end], decimals) for end in ("low", "high"))
    if interval["low"] == interval["high"]:
        return percent(interval["value"])  # set, not measured: a rival is cut off at the review budget
    return f"{percent(interval['value'])} [{low},{GAP}{high}]"


def share_spread(mean: float, std: float) -> str:
    """Write a share's mean and standard deviation with the same decimals: `31 ± 4 %`."""
    if not is_number(mean) or not is_number(std):
        return MISSING
    decimals = _percent_decimals(mean)
    return f"{_rounded(100 * mean, decimals)} ± {_rounded(100 * std, decimals)}{GAP}%"


def score_interval(interval: Mapping[str, float] | None) -> str:
    """Write {"value", "low", "high"} of a score as `0.41 [0.35, 0.48]`."""
    if interval is None or not is_number(interval["value"]):
        return MISSING
    return f"{score(interval['value'])} [{score(interval['low'])},{GAP}{score(interval['high'])}]"


def interval(metric: str, value: Mapping[str, float] | None) -> str:
    """Write a metric's interval the way that metric is read: a percentage or a score."""
    return score_interval(value) if metric in SCORES else share_interval(value)


def metric_value(metric: str, value: Any) -> str:
    """Write a bare metric value: known shares as percentages, everything else as a number."""
    if not is_number(value):
        return MISSING if value is None else str(value)
    if metric in METRICS:
        return score(value, 3) if metric in SCORES else percent(value)
    return count(value) if isinstance(value, int) else number(value)


def metric_name(metric: str) -> str:
    """Name a metric for people: `pr_auc` -> PR-AUC."""
    return METRICS.get(metric, metric.replace("_", " ").capitalize())


def feature_name(feature: str) -> str:
    """Name a feature for people: sessions_active_share -> sessions active share."""
    return feature.replace("_", " ")


def count(value: float | None) -> str:
    """Write a whole number with thousands separated: 20,000."""
    return f"{value:,.0f}" if value is not None and is_number(value) else MISSING


def number(value: float | None) -> str:
    """Write any quantity with three significant digits, large ones with thousands separated."""
    if value is None or not is_number(value):
        return MISSING
    size = abs(value)
    if size >= 1_000_000 or 0 < size < 0.001:
        return f"{value:.2e}"
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Write a time span in its two largest units: 45 s, 1 min 12 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{GAP}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{GAP}min {rest}{GAP}s"
    return f"{minutes // 60}{GAP}h {minutes % 60}{GAP}min"


def plural(number_of: int, noun: str) -> str:
    """Write a count with its noun: 1 player, 2 players."""
    return f"{count(number_of)} {noun}{'' if number_of == 1 else 's'}"


def _percent_decimals(share: float) -> int:
    size = abs(100 * share)
    if size == 0 or size >= 9.95:
        return 0
    return min(4, 1 - math.floor(math.log10(size)))


def _rounded(value: float, decimals: int) -> str:
    """Round to `decimals` places without trailing zeros, so that 1.0 % reads 1 %."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
