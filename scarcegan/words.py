"""Numbers and names as people read them, one function for each kind of thing: 41 %, 0.41 [0.35, 0.48], 1 min 12 s.

Cards, terminal and sentences all write their figures here. A function returns `MISSING` for None and for NaN: what
was not measured is a dash everywhere.
"""

import math
from typing import Any, Protocol, TypeGuard

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
    "recall_at_1": "Recall at 1 % flagged",
    "recall_at_2": "Recall at 2 % flagged",
    "recall_at_5": "Recall at 5 % flagged",
    "recall_at_budget": "Recall at the review budget",
    "precision_at_budget": "Precision at the review budget",
}
STATES = {
    "kept": "kept on test players",
    "missed": "missed on test players",
    "cannot be told": "cannot be told from this test",
}
# Metrics that are no shares of players: written 0.41, not 41 %.
SCORES = frozenset({"pr_auc", "roc_auc", "f2"})


class WithInterval(Protocol):
    """A figure with its interval, such as `scarcegan.evaluation.records.Interval`."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


class Bounded(Protocol):
    """A measure with its bound, such as `scarcegan.evaluation.records.Promise`."""

    @property
    def measure(self) -> str: ...  # noqa: D102
    @property
    def bound(self) -> float: ...  # noqa: D102


class Bound(Bounded, WithInterval, Protocol):
    """What test players say of a bound, such as `scarcegan.evaluation.records.BoundOnTest`."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def is_promised(self) -> bool: ...  # noqa: D102


class Compared(Protocol):
    """A difference with its interval, such as `scarcegan.evaluation.records.Comparison`."""

    @property
    def measure(self) -> str: ...  # noqa: D102
    @property
    def difference(self) -> float | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a finite number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def percent(share: float | None) -> str:
    """Write a share in [0, 1] with about two significant digits: 41 %, 1.2 %."""
    return f"{_rounded(100 * share, _percent_decimals(share))}{GAP}%" if is_number(share) else MISSING


def score(value: float | None, decimals: int = 2) -> str:
    """Write a score such as PR-AUC or a threshold with fixed decimals: 0.41."""
    return f"{value:.{decimals}f}" if is_number(value) else MISSING


def count(value: float | None) -> str:
    """Write a whole number with thousands separated: 20,000."""
    return f"{value:,.0f}" if is_number(value) else MISSING


def number(value: float | None) -> str:
    """Write any quantity with three significant digits, large ones with thousands separated: 6.61, 1,500."""
    if not is_number(value):
        return MISSING
    size = abs(value)
    if size >= 1_000_000 or 0 < size < 0.001:
        return f"{value:.2e}"
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def plain_number(value: float | None) -> str:
    """Write any quantity without powers of ten: 6.61, 1,500,000, −0.00008, about 0 (at six decimals)."""
    if not is_number(value):
        return MISSING
    size = abs(value)
    if size >= 100 or value == int(value):
        told = f"{value:,.0f}"
    elif size >= 0.001:
        told = f"{value:.3g}"
    else:
        told = _rounded(value, 6) if size >= 5e-7 else "about 0"
    return told.replace("-", "\N{MINUS SIGN}")


def plural(number_of: int, noun: str) -> str:
    """Write a count with its noun: 1 player, 2 players."""
    return f"{count(number_of)} {noun}{'' if number_of == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time span in its two largest units: 45 s, 1 min 12 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{GAP}min {rest}{GAP}s" if minutes else f"{rest}{GAP}s"
    return f"{minutes // 60}{GAP}h {minutes % 60}{GAP}min"


def moment(iso: str) -> str:
    """Write an ISO time to the minute: 2024-07-01 09:14."""
    return iso[:16].replace("T", " ")


def money(amount: float, currency: str) -> str:
    """Write an amount of money: 1.35 USD."""
    return f"{amount:.2f}{GAP}{currency}"


def gigabytes(megabytes: float) -> str:
    """Write a size in memory: 13.8 GB."""
    return f"{number(megabytes / 1024)}{GAP}GB"


def interval(metric: str, found: WithInterval | None) -> str:
    """Write a metric with its interval, as a percentage or a score: 41 % [35, 48], 0.41 [0.35, 0.48]."""
    if found is None or not is_number(found.value):
        return MISSING
    if metric in SCORES:
        return f"{score(found.value)} [{score(found.low)},{GAP}{score(found.high)}]"
    if found.low == found.high:
        return percent(found.value)  # set, not measured: a rival is cut off at the review budget
    decimals = _percent_decimals(found.value or found.high)
    low, high = (_rounded(100 * end, decimals) for end in (found.low, found.high))
    return f"{percent(found.value)} [{low},{GAP}{high}]"


def share(found: WithInterval | None) -> str:
    """Write a counted share with its interval, as exact as the interval is narrow: 12.1 % [11.9, 12.3]."""
    if found is None or not is_number(found.value):
        return MISSING
    width = 100 * (found.high - found.low)
    decimals = max(_percent_decimals(found.value), math.ceil(-math.log10(width / 2)) if width > 0 else 0)
    value, low, high = (f"{100 * one:.{min(decimals, 4)}f}" for one in (found.value, found.low, found.high))
    return f"{value}{GAP}% [{low},{GAP}{high}]"


def spread(metric: str, mean: float, std: float) -> str:
    """Write a metric's mean and standard deviation with the same decimals: 31 ± 4 %, 0.41 ± 0.03."""
    if not is_number(mean) or not is_number(std):
        return MISSING
    if metric in SCORES:
        return f"{score(mean)} ± {score(std)}"
    decimals = _percent_decimals(mean)
    return f"{_rounded(100 * mean, decimals)} ± {_rounded(100 * std, decimals)}{GAP}%"


def bounded(by: Bounded) -> str:
    """Write a measure with its bound: recall >= 85 %."""
    return f"{metric_name(by.measure).lower()} {'<=' if by.measure == 'flagged_share' else '>='} {percent(by.bound)}"


def bound(found: Bound | None) -> str:
    """Say what test players tell of a bound: recall >= 85 %: kept on test players (86 % to 95 %, 90 % confidence)."""
    if found is None:
        return MISSING
    told = f"{bounded(found)}: {STATES[found.state]} ({percent(found.low)} to {percent(found.high)}, "
    told += f"{percent(found.confidence)} confidence)"
    return told if found.is_promised else f"{told}; not promised"


def points(difference: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a difference of two shares in percentage points, perhaps with its interval: +2.1 [−3.4, +7.1] points."""
    if not is_number(difference):
        return MISSING
    told = _signed(100 * difference, 1)
    bounds = f" [{_signed(100 * low, 1)},{GAP}{_signed(100 * high, 1)}]" if is_number(low) and is_number(high) else ""
    return f"{told}{bounds}{GAP}points"


def gain(compared: Compared) -> str:
    """Write a measured difference with its interval: +2.1 [−3.4, +7.1] points of recall, +0.05 [...] in PR-AUC."""
    if compared.measure == "recall":
        return points(compared.difference, compared.low, compared.high)
    if not is_number(compared.difference) or not is_number(compared.low) or not is_number(compared.high):
        return MISSING
    value, low, high = (_signed(one, 3) for one in (compared.difference, compared.low, compared.high))
    return f"{value} [{low},{GAP}{high}] {metric_name(compared.measure)}"


def difference(metric: str, value: float | None, around: float | None = None) -> str:
    """Write a difference of two values of a metric, and what it varies by: +4.6 points, +0.046 ± 0.031."""
    if not is_number(value):
        return MISSING
    is_score = metric in SCORES
    scale, decimals, unit = (1, 3, "") if is_score else (100, max(1, _percent_decimals(value)), f"{GAP}points")
    varies = "" if around is None else f" ± {scale * around:.{decimals}f}"
    return f"{_signed(scale * value + 0.0, decimals)}{varies}{unit}"  # never -0.0


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


def setting(value: Any) -> str:
    """Write the value of a setting: 0.5, `a, b` for a list."""
    if value is None:
        return MISSING
    if isinstance(value, list | tuple):
        return ", ".join(map(setting, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _signed(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _percent_decimals(share: float) -> int:
    size = abs(100 * share)
    if size == 0 or size >= 9.95:
        return 0
    return min(4, 1 - math.floor(math.log10(size)))


def _rounded(value: float, decimals: int) -> str:
    """Round to `decimals` places without trailing zeros, so that 1.0 % reads 1 %."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
