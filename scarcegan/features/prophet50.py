"""The published fifty columns' meaning from the shared design, for teams that migrate a model.

Published: one Prophet fit per counter and player on active days, 10 columns per counter. Here the same quantities
come from the shared ridge fit of x / (the player's largest x), on every day of whole weeks. So a delta is no longer
optimiser residue and a changepoint gap no longer a function of the number of rows; the level stays lost, as published.
"""

import numpy as np

from scarcegan.features.catalogue import Feature, feature_table
from scarcegan.features.extract import FeatureTable, in_chunks
from scarcegan.features.levels import distances
from scarcegan.features.series import Series, ratio
from scarcegan.features.shape import period_days, power_by_period
from scarcegan.features.telemetry import Telemetry

PERIODS = 3
# A hinge counts as a changepoint when its change of slope is at least this share of the player's largest.
MATERIAL_SHARE = 0.25

PERIOD_FEATURES = tuple(
    Feature(f"period_{rank}", f"period number {rank} of the periodogram, by power", "days", "cycles of play")
    for rank in range(1, PERIODS + 1)
)
TREND_FEATURES = feature_table("""
    m | offset: level at the start | share of the largest day | where the player comes from
    k | slope at the start | share of the largest day per window | first direction
    changepoint_gap_mean | mean distance of material changepoints | days | how often play turns
    changepoint_gap_std | standard deviation of that distance | days | how regularly it turns
    growth_mean | mean of cumsum(delta) | share of the largest day per window | typical turn so far
    growth_std | standard deviation of cumsum(delta) | share of the largest day per window | unrest
    delta_mean | mean change of slope | share of the largest day per window | drift of direction
""")


def names(counters: tuple[str, ...]) -> tuple[str, ...]:
    """List the columns in the published order: all periods, then seven trend columns per counter."""
    periods = [f"{counter}_{feature.name}" for counter in counters for feature in PERIOD_FEATURES]
    return (*periods, *(f"{counter}_{feature.name}" for counter in counters for feature in TREND_FEATURES))


def extract_prophet50(telemetry: Telemetry) -> FeatureTable:
    """Compute ten columns per counter (fifty for five) for every player of a block."""
    columns, counters = names(telemetry.names), len(telemetry.names)
    features = np.empty((len(telemetry), len(columns)), np.float32)
    for rows, raw in in_chunks(telemetry):
        parts = [_periods(raw), _trend(raw)]
        by_player = [part.reshape(counters, -1, part.shape[1]).transpose(1, 0, 2) for part in parts]
        features[rows] = np.hstack([part.reshape(len(part), -1) for part in by_player])
    return FeatureTable(telemetry.ids, features, columns)


def _periods(series: Series) -> np.ndarray:
    power = power_by_period(series)
    order = np.argsort(-power, axis=1, kind="stable")[:, :PERIODS]
    # An all-zero counter has no period: 0, where the published code takes arbitrary ones.
    return period_days(series, order, np.take_along_axis(power, order, axis=1), least_share=0)


def _trend(series: Series) -> np.ndarray:
    largest = series.values.max(axis=1, keepdims=True)
    fit = series.design.fit(ratio(series.values, largest))
    size = np.abs(fit.changes)
    gap_mean, gap_spread, _ = distances((size >= MATERIAL_SHARE * size.max(axis=1, keepdims=True)) & (size > 0))
    growth = fit.changes.cumsum(axis=1)
    # Hinges lie evenly, the last as far from the cut-off: distances counted in hinges become days.
    spacing = series.design.hinge_days[-1]
    columns = [fit.offset, fit.slope, gap_mean * spacing, gap_spread * spacing]
    columns += [growth.mean(axis=1), growth.std(axis=1), fit.changes.mean(axis=1)]
    return np.stack(columns, axis=1)
