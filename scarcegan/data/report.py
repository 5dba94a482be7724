"""The data report: what the run was trained on, in numbers for the card and the audit."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan import words
from scarcegan.data.columns import bin_shares, describe_column
from scarcegan.data.folds import in_folds, population_counts
from scarcegan.data.ids import is_number
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players, fingerprint
from scarcegan.data.records import (
    SUSPECT_AUC,
    DataReport,
    FeatureDescription,
    FoldCount,
    Histogram,
    OriginCount,
    PopulationCount,
    TestSetCount,
)
from scarcegan.data.reviewed import ORIGINS
from scarcegan.data.scaling import CLIP
from scarcegan.data.validation import known_risky
from scarcegan.settings import Populations, Settings
from scarcegan.settings.words_section import Words

BINS = 20
# With fewer, a single player moves a fold's recall by more than a tenth.
FEW_RISKY = 10
# A row of sums in the table of each of five populations and a test set.
MOST_SUMS = 6
# Less likely than this, a gap of all players of a population is none of chance.
BY_CHANCE = 0.01
# The share of the ranks beyond each end of the scaler's clip: it does not tell their values apart from the end's.
BEYOND = math.erfc(CLIP / math.sqrt(2)) / 2
# As many features with missing values are named in a warning; the feature table has all of them.
MOST_NAMED = 10


def data_report(players: Players, fold: np.ndarray, settings: Settings) -> DataReport:
    """Describe the players and their folds, int8 [n] from `folds.assign_folds`.

    Features are described over the pool's unlabelled players, who stand for everybody, and compared with its rare
    ones; test players are only counted. Shares of a feature are of those players who have a value.
    """
    populations, k = settings.populations, settings.folds.k
    features, differing = _feature_table(players, len(populations.negatives))
    risky = known_risky(players, populations)
    tested = [players.test_set == number for number in range(1, len(players.test_sets) + 1)]
    folds = [_fold(players.labels, fold, number, k, populations) for number in range(k)]
    in_pool = players.test_set == 0
    pool, test = (population_counts(players.labels[rows], populations) for rows in (in_pool, ~in_pool))
    return DataReport(
        source=settings.data.source,
        cutoff=players.cutoff,
        fingerprint=fingerprint(players),
        players=len(players),
        features=len(players.feature_names),
        populations=[PopulationCount(name, pool[name], test[name]) for name in pool],
        folds=folds,
        threshold_players=int(np.count_nonzero(fold == k)),
        test_sets=[
            TestSetCount(name, int(inside.sum()), int((inside & risky).sum()))
            for name, inside in zip(players.test_sets, tested, strict=True)
        ],
        feature_table=features,
        warnings=[
            *_warnings(players, features, folds, populations.rare, settings.words),
            *_gaps(features, settings.words.rows),
            *_lacking(players, populations, settings.words.rows),
            *(_unseen(differing, settings.words.rows) if settings.scaling.kind == "quantile_normal" else ()),
            *_sums(players.ids, settings.words.rows),
            *map(settings.words.retell, players.notes),
        ],
        words=settings.words,
        label_origins=_origins(players, len(populations.negatives)) if settings.data.outcomes else [],
    )


def _fold(labels: np.ndarray, fold: np.ndarray, number: int, k: int, populations: Populations) -> FoldCount:
    trained = in_folds(fold, k) & (fold != number)
    train, validation = (population_counts(labels[rows], populations) for rows in (trained, fold == number))
    return FoldCount(number, train, validation)


def _origins(players: Players, rare: int) -> list[OriginCount]:
    origin = np.zeros(len(players), np.int8) if players.origin is None else players.origin
    is_rare, in_pool = players.labels == rare, players.test_set == 0
    told = []
    for number, name in enumerate(ORIGINS):
        here = (origin == number) & (players.labels != UNLABELED)
        count, risky, pool = (int(np.count_nonzero(here & some)) for some in (here, is_rare, in_pool))
        told.append(OriginCount(name, risky, count - risky, pool, count - pool))
    return told


def _feature_table(players: Players, rare_label: int) -> tuple[list[FeatureDescription], dict[str, int]]:
    """Describe each feature, and count by name who differs in those in which hardly anybody does; see `_differing`."""
    pool = players.test_set == 0
    rare, unlabeled = (pool & (players.labels == label) for label in (rare_label, UNLABELED))
    table, differing = [], {}
    for number, name in enumerate(players.feature_names):
        # One pass over the strided column; the masks then read it from end to end.
        column = np.ascontiguousarray(players.features[:, number])
        if few := _differing(column[pool]):
            differing[name] = few
        auc = _separation(column[rare], column[unlabeled])
        some, others = _present(column[rare]), _present(column[unlabeled])
        missing_share = 1 - len(others) / np.count_nonzero(unlabeled)
        # Somebody in the pool has a value, which the validation has seen to.
        others = others if len(others) else _present(column[pool])
        # Percentiles, not extremes: one far-off player would press all others into one bin.
        low, high = (float(others[int(share * len(others))]) for share in (0.01, 0.99))
        told = describe_column(others).to_plain() | {"missing_share": missing_share}
        histogram = _histogram(some, others, low, high)
        table.append(FeatureDescription(**told, name=name, auc=auc, p99=high, histogram=histogram))
    return table, differing


def _present(values: np.ndarray) -> np.ndarray:
    """Return the values that are not missing, sorted."""
    return np.sort(values[~np.isnan(values)])


def _separation(rare: np.ndarray, others: np.ndarray) -> float:
    """Return max(AUC, 1 - AUC) of one feature, ties counted half; missing values are the lowest."""
    rare, others = (np.sort(np.nan_to_num(values, nan=-np.inf)) for values in (rare, others))
    below = np.searchsorted(others, rare, "left") + np.searchsorted(others, rare, "right")
    auc = float(below.mean()) / (2 * len(others))
    # A feature that is low for risky players leaks as much as one that is high.
    return max(auc, 1 - auc)


def _histogram(rare: np.ndarray, unlabeled: np.ndarray, low: float, high: float) -> Histogram:
    """Return shares per bin between the 1st and 99th percentile; those beyond are in the end bins; both are sorted."""
    # Nearly all players share one value: only the extremes span a range.
    if low == high:
        low, high = min([*rare[:1], unlabeled[0]]), max([*rare[-1:], unlabeled[-1]])
    edges = np.linspace(low, high, BINS + 1)
    # Perhaps no rare player has a value.
    shares = [bin_shares(values, edges[1:-1]) if len(values) else np.zeros(BINS) for values in (rare, unlabeled)]
    return Histogram(edges.tolist(), *(share.tolist() for share in shares))


def _gaps(features: Sequence[FeatureDescription], rows: str) -> list[str]:
    """Name in one line the features that most unlabelled players lack, and how many do; no line if there are none."""
    lacked = {row.name: row.missing_share for row in features if row.missing_share}
    most = sorted(lacked, key=lambda name: -lacked[name])
    told = words.first([f"{name} {words.percent(lacked[name])}" for name in most], MOST_NAMED)
    return [f"missing values, which the median fills: {told} of the unlabelled {rows}"] if told else []


def _leaks(features: Sequence[FeatureDescription], rare: str, rows: str) -> list[str]:
    """Name in one line the features that each tell the rare players nearly alone; no line if there are none."""
    found = sorted((row for row in features if row.auc >= SUSPECT_AUC), key=lambda row: -row.auc)
    told = words.first([f"'{row.name}' (AUC {words.score(row.auc, 3)})" for row in found], MOST_NAMED)
    warning = (
        f"a single feature tells '{rare}' from unlabelled {rows}: {told}: a likely leak; see how it is made, or name "
        "it in data.ignore_columns"
    )
    return [warning] if told else []


def _lacking(players: Players, populations: Populations, called: str) -> list[str]:
    """Name the features that all players of a population or a test set lack: that alone sets them apart.

    Of a feature that hardly anybody has, few players may all lack it by chance.
    """
    pool = players.test_set == 0
    groups = {name: pool & (players.labels == label) for name, label in populations.labels.items()}
    groups |= {name: players.test_set == number for number, name in enumerate(players.test_sets, start=1)}
    told = []
    for name, rows in groups.items():
        # Only what the first one lacks may be lacked by all.
        lacked = np.flatnonzero(np.isnan(players.features[rows.argmax()]))
        empty = [
            players.feature_names[one] for one in lacked if _is_lacked(players.features[:, one], rows, pool & ~rows)
        ]
        if empty:
            told.append(
                f"all {called} of '{name}' lack {', '.join(map(repr, empty))}, which others have: that alone sets them "
                "apart; fill it in, or name it in data.ignore_columns"
            )
    return told


def _is_lacked(column: np.ndarray, rows: np.ndarray, others: np.ndarray) -> bool:
    """Tell whether all players of these rows, a mask [n], lack a value, and would not if they were like the others."""
    is_missing = np.isnan(column)
    return bool(is_missing[rows].all() and is_missing[others].mean() ** np.count_nonzero(rows) < BY_CHANCE)


def _sums(ids: np.ndarray, called: str) -> list[str]:
    """Warn of few ids that are words among numbers, as that of a spreadsheet's last row is."""
    odd = 0 if ids.dtype.kind in "iu" else len(ids) - pc.sum(is_number(pa.array(ids))).as_py()
    if not 0 < odd <= min(MOST_SUMS, len(ids) // 50):
        return []
    return [
        f"{odd} of {words.count(len(ids))} {called} with an id that is no number, while all others are: a row of sums, "
        "perhaps, as spreadsheets have; take it out"
    ]


def _unseen(differing: Mapping[str, int], called: str) -> list[str]:
    """Name in one line the features in which too few players differ for the scaler; no line if there are none."""
    few = f"hardly any {called} differ from the others in their values of a feature, too few for the models to see"
    advice = f"join such features into one in which more {called} do"
    told = words.first([f"{name} ({words.count(differing[name])})" for name in differing], MOST_NAMED)
    return [f"{few}: {told}; {advice}"] if told else []


def _differing(column: np.ndarray) -> int:
    """Count the players whose value differs from that of all others, where the scaler's ranks have one value; else 0.

    The column is float [n], NaN where missing.
    """
    values = column[~np.isnan(column)]
    if not len(values):
        return 0
    ends = [int(BEYOND * len(values)), min(int((1 - BEYOND) * len(values)), len(values) - 1)]
    low, high = np.partition(values, ends)[ends]
    return int(np.count_nonzero(values != low)) if low == high else 0


def _warnings(
    players: Players, features: Sequence[FeatureDescription], folds: Sequence[FoldCount], rare: str, their: Words
) -> list[str]:
    warnings = _leaks(features, rare, their.rows)
    fewest = min(fold.validation[rare] for fold in folds)
    if fewest < FEW_RISKY:
        # Two folds are the fewest.
        advice = f"{'lower folds.k or ' if len(folds) > 2 else ''}label more {their.rows}"
        step = words.percent(1 / fewest)
        warnings.append(
            f"a fold validates on {fewest} '{rare}' {their.rows}: its recall moves in steps of {step}; {advice}"
        )
    for number, name in enumerate(players.test_sets, start=1):
        if (players.truth[players.test_set == number] == UNKNOWN_TRUTH).any():
            warnings.append(
                f"test set '{name}' has no known truth: recall is measured on its labelled '{rare}' {their.rows}, "
                "flagged shares on its unlabelled ones"
            )
    return warnings
