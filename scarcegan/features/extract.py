"""A block of telemetry to one row of features per player."""

from collections.abc import Iterator

import numpy as np

from scarcegan.features import across, catalogue, levels, shape
from scarcegan.features.design import WEEK, calendar_of, shared_design
from scarcegan.features.series import Series
from scarcegan.features.telemetry import Telemetry
from scarcegan.records import Record
from scarcegan.settings.data_sections import RoleNames

# Players at a time: a chunk's temporaries stay near the processor, and memory does not grow with n.
CHUNK_PLAYERS = 512


class FeatureTable(Record):
    """Features of players: ids int64 or str [n], features float32 [n, F], finite, in columns with these names."""

    ids: np.ndarray
    features: np.ndarray
    names: tuple[str, ...]


def extract(telemetry: Telemetry, roles: RoleNames | None = None) -> FeatureTable:
    """Compute the catalogue's features for every player of a block, from the weeks up to its cut-off.

    Roles tell what the counters stand for; by default the first is the activity, the rest have no role. A role that
    names a counter which the telemetry lacks is refused as a DataProblem.
    """
    roles = roles or RoleNames()
    names = tuple(catalogue.columns(telemetry.names, roles))
    places = catalogue.role_places(roles, telemetry.names)
    features = np.empty((len(telemetry), len(names)), np.float32)
    for rows, series in in_chunks(telemetry):
        _fill(features[rows], series, len(telemetry.names), places)
    return FeatureTable(telemetry.ids, features, names)


def in_chunks(telemetry: Telemetry) -> Iterator[tuple[slice, Series]]:
    """Yield some players at a time: their rows, and their series, counter by counter, on the days of whole weeks."""
    days = calendar_of(telemetry.observed)
    design = shared_design(len(days) // WEEK)
    for start in range(0, len(telemetry), CHUNK_PLAYERS):
        rows = slice(start, start + CHUNK_PLAYERS)
        # All counters of all players in one stack: every feature is computed for all of them at once.
        by_counter = telemetry.counters[rows][:, days].transpose(2, 0, 1)
        yield rows, Series(np.ascontiguousarray(by_counter).reshape(-1, len(days)), design)


def _fill(target: np.ndarray, series: Series, counters: int, places: dict[str, int]) -> None:
    """Write the features of a chunk to target [players, F], in the catalogue's order."""
    players = len(target)
    single: dict[str, np.ndarray] = {}
    for family in (levels.levels, levels.activity, shape.trend, shape.weekly, shape.residuals, shape.spectrum):
        single |= family(series)
    beside = across.beside_activity(series, counters, places["activity"])
    start = 0
    for features, blocks, arrays in (
        (catalogue.PER_COUNTER, counters, single),
        (catalogue.BESIDE_ACTIVITY, counters - 1, beside),
    ):
        stop = start + blocks * len(features)
        # A view: the columns of each counter stand together.
        view = target[:, start:stop].reshape(players, blocks, len(features), copy=False)
        for position, feature in enumerate(features):
            view[:, :, position] = arrays[feature.name].reshape(blocks, players).T
        start = stop
    by_counter = series.values.reshape(counters, players, -1)
    combined = across.by_role({role: by_counter[place] for role, place in places.items()})
    for position, feature in enumerate(catalogue.role_features(places), start=start):
        target[:, position] = combined[feature.name]
