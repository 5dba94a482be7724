"""Numbers and names as people read them, one function for each kind of thing: 41 %, 0.41 [0.35, 0.48], 1 min 12 s.

Cards, terminal and sentences all write their figures here. A function returns `MISSING` for None and for NaN: what
was not measured is a dash everywhere. What is not nothing is never written as nothing, and what is not all never as
all: < 0.0001 %, > 99 %.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any, Protocol, TypeGuard, TypeVar

from scarcegan.records import Bound, Comparison

# Is told, before each part of a step that may take long, what is done now.
Say = Callable[[str], None]
Named = TypeVar("Named")

MISSING = "–"
SMALLEST = 0.00001
# Above it whole numbers have more digits than anybody has measured.
LARGEST_PLAIN = 1e15
MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"

METRICS = {
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "recall": "Recall at its threshold",
    "precision": "Precision at its threshold",
    "flagged_share": "Flagged share at its threshold",
    "f2": "F2 at its threshold",
    "unknown_share": "Share unknown",
    "recall_at_1": "Recall at 1 % flagged",
    "recall_at_2": "Recall at 2 % flagged",
    "recall_at_5": "Recall at 5 % flagged",
    "recall_at_budget": "Recall at the review budget",
    "precision_at_budget": "Precision at the review budget",
}
STATES = {
    "kept": "kept on test {rows}",
    "missed": "missed on test {rows}",
    "cannot be told": "cannot be told from this test",
}
# Metrics that are no shares of players: written 0.41, not 41 %.
SCORES = frozenset({"pr_auc", "roc_auc", "f2"})


class WithInterval(Protocol):
    """A figure with its interval, such as `scarcegan.evaluation.figures.Interval`."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a finite number, NumPy's included (booleans are not)."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def percent(share: float | None) -> str:
    """Write a share in [0, 1] with about two significant digits: 41 %, 1.2 %."""
    return f"{_of_all(100 * share, 100, 0, 4)}{GAP}%" if is_number(share) else MISSING


def score(value: float | None, decimals: int = 2) -> str:
    """Write a score such as PR-AUC with fixed decimals, a small one with two significant digits: 0.41, 0.072."""
    return _of_all(value, 1, decimals, 5) if is_number(value) else MISSING


def count(value: float | None) -> str:
    """Write a whole number with thousands separated: 20,000."""
    return f"{value:,.0f}" if is_number(value) else MISSING


def number(value: float | None) -> str:
    """Write any quantity with three significant digits, large ones with thousands separated: 6.61, 1,500, 0.00012."""
    if not is_number(value):
        return MISSING
    size = abs(value)
    if size >= 100 or value == int(value):
        return _fixed(value, 0)
    if size < SMALLEST:
        return f"< {SMALLEST:.5f}" if value > 0 else f"> {MINUS}{SMALLEST:.5f}"
    # Not as a power of ten: 0.00008.
    return _shortened(_fixed(value, min(5, 2 - math.floor(math.log10(size)))))


def feature_value(value: float | None) -> str:
    """Write a feature's value with three significant digits in whatever unit it is: 6.61, 1,500, 1.2e−30, 2.75e+30."""
    if is_number(value) and (0 < abs(value) < SMALLEST or abs(value) >= LARGEST_PLAIN):
        return f"{value:.3g}".replace("-", MINUS)
    return number(value)


def plural(number_of: int, noun: str, nouns: str = "") -> str:
    """Write a count with its noun: 1 player, 2 players; `nouns` are more than one where that is no s."""
    return f"{count(number_of)} {noun if number_of == 1 else nouns or f'{noun}s'}"


def duration(seconds: float) -> str:
    """Write a time span in its two largest units, of which none is 0: 45 s, 1 min 12 s, 30 min, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, past = divmod(minutes, 60)
    units = {"h": hours, "min": past} if hours else {"min": minutes, "s": rest}
    return " ".join(f"{count}{GAP}{unit}" for unit, count in units.items() if count) or f"0{GAP}s"


def moment(iso: str) -> str:
    """Write an ISO time to the minute: 2024-07-01 09:14."""
    return iso[:16].replace("T", " ")


def money(amount: float, currency: str) -> str:
    """Write an amount of money: 1.35 USD, < 0.01 USD."""
    return f"{f'{amount:.2f}' if amount >= 0.005 or amount <= 0 else '< 0.01'}{GAP}{currency}"


def gigabytes(megabytes: float) -> str:
    """Write a size in memory: 13.8 GB."""
    return f"{number(megabytes / 1024)}{GAP}GB"


def interval(metric: str, found: WithInterval | None) -> str:
    """Write a metric with its interval, as a percentage or a score: 41 % [35, 48], 0.41 [0.35, 0.48]."""
    if found is None or not is_number(found.value):
        return MISSING
    if found.low == found.high and metric not in SCORES:
        return percent(found.value)  # set, not measured: a rival is cut off at the review budget
    scale, least, most, unit = _scale(metric)
    decimals = _decimals_below(scale, scale * (found.value or found.high), least, most)
    low, high = (_fixed(scale * end, decimals) for end in (found.low, found.high))
    return f"{_of_all(scale * found.value, scale, decimals, most)}{unit} [{low},{GAP}{high}]"


def share(found: WithInterval | None) -> str:
    """Write a counted share with its interval, as exact as the interval is narrow: 12.1 % [11.9, 12.3]."""
    if found is None or not is_number(found.value):
        return MISSING
    width = 100 * (found.high - found.low)
    narrow = math.ceil(-math.log10(width / 2)) if width > 0 else 0
    decimals = min(4, max(_decimals_below(100, 100 * found.value, 0, 4), narrow))
    value, low, high = (_fixed(100 * one, decimals) for one in (found.value, found.low, found.high))
    return f"{value}{GAP}% [{low},{GAP}{high}]"


def spread(metric: str, mean: float, std: float) -> str:
    """Write a metric's mean and standard deviation with the decimals of the larger: 31 ± 4 %, 0.41 ± 0.03."""
    if not is_number(mean) or not is_number(std):
        return MISSING
    scale, least, most, unit = _scale(metric)
    decimals = _decimals(scale * max(abs(mean), std), least, most)
    return f"{_fixed(scale * mean, decimals)} ± {_around(scale * std, decimals)}{unit}"


def limit(measure: str, bound: float) -> str:
    """Write what is bound: recall ≥ 85 %, flagged share ≤ 1 %."""
    return f"{measure.replace('_', ' ')} {'≤' if measure == 'flagged_share' else '≥'} {percent(bound)}"


def bound(found: Bound | None, rows: str = "players") -> str:
    """Say what test players tell of a bound: recall ≥ 85 %: kept on test players (limits, and how sure each is).

    The rows are what a team calls its players.
    """
    if found is None:
        return MISSING
    limits = f"{percent(found.low)} to {percent(found.high)}, each with {percent(found.confidence)} confidence"
    how = " on average" if found.measure == "flagged_share" else ""
    told = f"{limit(found.measure, found.bound)}{how}: {STATES[found.state].format(rows=rows)} ({limits})"
    return told if found.is_promised else f"{told}; not promised"


def bound_state(found: Bound | None) -> str:
    """Say the same in a table that names the bound: kept, 86 % to 95 %."""
    if found is None:
        return MISSING
    told = f"{found.state}, {percent(found.low)} to {percent(found.high)}"
    return told if found.is_promised else f"{told}; not promised"


def points(difference: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a difference of two shares in percentage points, perhaps with its interval: +2.1 [−3.4, +7.1] points."""
    if not is_number(difference):
        return MISSING
    bounds = f" [{_signed(100 * low, 1)},{GAP}{_signed(100 * high, 1)}]" if is_number(low) and is_number(high) else ""
    return f"{_signed(100 * difference, 1)}{bounds}{GAP}points"


def gain(compared: Comparison) -> str:
    """Write a measured difference with its interval: +2.1 [−3.4, +7.1] points of recall, +0.05 [...] in PR-AUC."""
    if compared.measure == "recall":
        return points(compared.difference, compared.low, compared.high)
    if not is_number(compared.difference) or not is_number(compared.low) or not is_number(compared.high):
        return MISSING
    value, low, high = (_signed(one, 3) for one in (compared.difference, compared.low, compared.high))
    return f"{value} [{low},{GAP}{high}] {metric_name(compared.measure)}"


def lead(compared: Comparison) -> str:
    """Write the size of a measured difference with its interval, whoever is ahead: 5.0 [1.0, 9.0] points."""
    if not is_number(compared.difference) or not is_number(compared.low) or not is_number(compared.high):
        return MISSING
    scale, decimals, unit = (100, 1, f"{GAP}points") if compared.measure == "recall" else (1, 3, "")
    # As sizes, the ends of a negative interval change places.
    low, high = (_size(scale * end, decimals) for end in sorted((abs(compared.low), abs(compared.high))))
    return f"{_size(scale * abs(compared.difference), decimals)} [{low},{GAP}{high}]{unit}"


def difference(metric: str, value: float | None, around: float | None = None) -> str:
    """Write a difference of two values of a metric, and what it varies by: +4.6 points, +0.046 ± 0.031."""
    if not is_number(value):
        return MISSING
    scale, least, unit = (1, 3, "") if metric in SCORES else (100, 1, f"{GAP}points")
    decimals = _decimals(scale * max(abs(value), around or 0.0), least, 5, digits=1)
    varies = "" if around is None else f" ± {_around(scale * around, decimals)}"
    return f"{_signed(scale * value, decimals)}{varies}{unit}"


def metric_value(metric: str, value: Any) -> str:
    """Write a bare metric value: known shares as percentages, everything else as a number."""
    if not is_number(value):
        return MISSING if value is None else str(value)
    if metric in METRICS:
        return score(value) if metric in SCORES else percent(value)
    return count(value) if isinstance(value, Integral) else number(value)


def metric_name(metric: str) -> str:
    """Name a metric for people: `pr_auc` -> PR-AUC."""
    return METRICS.get(metric, metric.replace("_", " ").capitalize())


def family_name(family: str) -> str:
    """Return a family's name for reading: ScarceGAN, small extra trees."""
    return "ScarceGAN" if family == "scarcegan" else family.replace("_", " ")


def families(shares: Mapping[str, float]) -> str:
    """Name the families that share a risk, the largest first: ScarceGAN 60 %, linear 40 %, or ScarceGAN alone."""
    counted = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    if len(counted) == 1:
        return f"{family_name(counted[0])} alone"
    return ", ".join(f"{family_name(name)} {percent(shares[name])}" for name in counted)


def first(told: list[str], most: int) -> str:
    """List the first so many, and how many more there are: bets, losses, 3 more."""
    return ", ".join([*told[:most], *[f"{len(told) - most} more"] * (len(told) > most)])


def feature_name(feature: str) -> str:
    """Name a feature for people: sessions_active_share -> sessions active share."""
    return feature.replace("_", " ")


def setting(value: Any) -> str:
    """Write the value of a setting: 0.5, `a, b` for a list; a dash for none, empty text and an empty list."""
    if value in (None, "", [], ()):
        return MISSING
    if isinstance(value, list | tuple):
        return ", ".join(map(setting, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def signed(value: float) -> str:
    """Write what is added to or taken from something with two significant digits: +0.18, −0.0041."""
    return _signed(value, _decimals(value, 0, 5))


def _signed(value: float, decimals: int) -> str:
    sign, size = "+" if value >= 0 else MINUS, _size(abs(value), decimals)
    # On the side of nothing on which it is: <+0.1, >−0.1.
    return f"{'<' if value > 0 else '>'}{sign}{size[1:]}" if size.startswith("<") else f"{sign}{size}"


def _around(size: float, decimals: int) -> str:
    return _size(size, decimals) if size else "0"


def _size(size: float, decimals: int) -> str:
    """Write a size; one that rounds to nothing is said to be smaller than the last digit."""
    least = 10.0**-decimals
    return f"<{least:.{decimals}f}" if 0 < size < least / 2 else f"{size:.{decimals}f}"


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def _shortened(text: str, least: int = 0) -> str:
    """Leave out trailing zeros beyond the least decimals, so that 1.0 % reads 1 %."""
    whole, _, decimals = text.partition(".")
    decimals = decimals[:least] + decimals[least:].rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _scale(metric: str) -> tuple[int, int, int, str]:
    """Return what a metric is multiplied by, its least and most decimals, and its unit."""
    return (1, 2, 5, "") if metric in SCORES else (100, 0, 4, f"{GAP}%")


def _of_all(value: float, whole: int, least: int, most: int) -> str:
    """Write a part of the whole, neither rounded to nothing nor to all of it."""
    decimals = _decimals(value, least, most)
    text, step = _shortened(_fixed(value, decimals), least), 10.0**-decimals
    if 0 < value < step / 2:
        return f"< {step:.{decimals}f}"
    return f"> {whole - step:.{decimals}f}" if whole - step / 2 <= value < whole else text


def _decimals_below(whole: float, value: float, least: int, most: int) -> int:
    """Return as many decimals as `_decimals`, or more, that a part beside its interval is not written as the whole."""
    decimals = _decimals(value, least, most)
    while value < whole and decimals < most and round(value, decimals) >= whole:
        decimals += 1
    return decimals


def _decimals(value: float, least: int, most: int, digits: int = 2) -> int:
    """Return the decimals that leave so many significant digits, from `least` to `most`."""
    size = abs(value)
    return least if size == 0 or size >= 9.95 else min(most, max(least, digits - 1 - math.floor(math.log10(size))))


def unsaid(_: str) -> None:
    """Say nothing, where nobody listens."""


def announced(named: Mapping[str, Named], text: str, say: Say) -> Iterator[tuple[str, Named]]:
    """Yield what a mapping has, name and value, and say before each what is done with it: the text with the name."""
    for name, value in named.items():
        say(text.format(name))
        yield name, value
