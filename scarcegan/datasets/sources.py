"""What built-in data sets share: where files are, whether the populations fit, players of daily telemetry."""

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.players import UNLABELED, Players
from scarcegan.data.tables import read_parts
from scarcegan.features.extract import extract
from scarcegan.features.longform import frame_of
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.project import located
from scarcegan.settings import Data, Populations, Settings
from scarcegan.settings.data_sections import TEST, RoleNames
from scarcegan.storage import is_file

DATA_VARIABLE = "SCARCEGAN_DATA"
UNLABELED_NAME = "unlabeled"  # a population in a list of cohorts that is no class, as `TEST` is none


def data_folder(data: Data) -> Path | None:
    """Return the folder of the source's files: `data.path`, else `$SCARCEGAN_DATA/<source>`, else None."""
    if data.path:
        return Path(located(data.path))
    root = os.environ.get(DATA_VARIABLE)
    return Path(root) / data.source if root else None


def find_file(data: Data, name: str, advice: str) -> str:
    """Return the location of a file of the source, or refuse with a DataProblem that ends with `advice`."""
    folder = data_folder(data)
    if folder is None or not is_file(str(folder / name)):
        raise DataProblem(f"expected the file {folder / name if folder else name}, found none: {advice}")
    return str(folder / name)


def require_populations(got: Populations, source: str, negatives: Collection[str], rare: str) -> None:
    """Refuse `[populations]` that do not name exactly the classes this source has, negatives in any order."""
    if set(got.negatives) != set(negatives) or got.rare != rare:
        raise SettingsProblem(
            f"source '{source}' has the negatives {list(negatives)} and the rare class '{rare}', "
            f"got {list(got.negatives)} and '{got.rare}': set populations.negatives = {list(negatives)} "
            f'and populations.rare = "{rare}"'
        )


def without_ignored(players: Players, data: Data) -> Players:
    """Drop the features in `data.ignore_columns`; a SettingsProblem names those that the source does not have."""
    names = np.array(players.feature_names)
    strange = sorted(set(data.ignore_columns) - set(players.feature_names))
    if strange:
        raise SettingsProblem(
            f"data.ignore_columns names {strange}, which source '{data.source}' does not have: remove them"
        )
    keep = ~np.isin(names, data.ignore_columns)
    kept = players.features if keep.all() else players.features[:, keep]
    return replace(players, features=kept, feature_names=tuple(names[keep].tolist()))


def players_of(telemetry: str, cohorts: pd.DataFrame, roles: RoleNames, cutoff: str, settings: Settings) -> Players:
    """Join the features of telemetry with the cohorts: players ascending by id, with test set `test`.

    Args:
        telemetry: location of a table with `player_id`, `date` and counters; players outside the cohorts are left out.
        cohorts: one row per player: `player_id`, `population` (a class name, `unlabeled` or `test`) and
            `truth_risky` (1 or 0), which goes into `Players.truth` alone.
        roles: what the counters stand for.
        cutoff: ISO date; only the `features.window_days` days before it count.
        settings: gives the class order and the window.

    Raises:
        DataProblem: another population name, an unreadable table, or players without a row in the window.
    """
    # `extract` returns players ascending by id: in that order both tables match row by row.
    cohorts = cohorts.sort_values("player_id", ignore_index=True)
    # Test players have a truth, but no label.
    known = settings.populations.labels | {UNLABELED_NAME: UNLABELED, TEST: UNLABELED}
    strange = sorted(set(cohorts["population"]) - set(known))
    if strange:
        raise DataProblem(f"expected the populations {list(known)}, got {strange} too: mend the cohorts' table")
    rows = pa.concat_tables(piece for _, piece in read_parts(telemetry))
    chosen = pc.is_in(rows["player_id"], pa.array(cohorts["player_id"], rows["player_id"].type))
    window_days, listed = settings.features.window_days, cohorts["player_id"].to_numpy()
    table = extract(to_block(frame_of(rows.filter(chosen)), cutoff, window_days), roles)
    if not np.array_equal(table.ids, listed):
        silent = np.setdiff1d(listed, table.ids)
        raise DataProblem(
            f"{len(silent)} of {len(listed)} players have no telemetry in the {window_days} days before the "
            "cut-off: raise features.window_days"
        )
    players = Players(
        ids=table.ids,
        features=table.features,
        feature_names=tuple(table.names),
        labels=cohorts["population"].map(known).to_numpy(np.int8),
        truth=cohorts["truth_risky"].to_numpy(np.int8),
        test_set=(cohorts["population"] == TEST).to_numpy(np.int8),
        test_sets=(TEST,),
        cutoff=cutoff,
    )
    return without_ignored(players, settings.data)
