"""Daily telemetry and a list of cohorts to players: what the simulated and the real game telemetry share."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.players import UNLABELED, Players
from scarcegan.datasets.sources import without_ignored
from scarcegan.features.extract import extract
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings
from scarcegan.settings.data_sections import RoleNames

TEST = "test"
UNLABELED_NAME = "unlabeled"


def players_of(
    telemetry: pa.Table, cohorts: pd.DataFrame, roles: RoleNames, cutoff: str, settings: Settings
) -> Players:
    """Join the features of telemetry with the cohorts: players ascending by id, with test set `test`.

    Args:
        telemetry: columns `player_id`, `date` and counters; players outside the cohorts are left out.
        cohorts: one row per player: `player_id`, `population` (a class name, `unlabeled` or `test`) and
            `truth_risky` (1 or 0), which goes into `Players.truth` alone.
        roles: what the counters stand for.
        cutoff: ISO date; only the `features.window_days` days before it count.
        settings: gives the class order and the window.

    Raises:
        DataProblem: another population name, or players without a row in the window.
    """
    # `extract` returns players ascending by id: in that order both tables match row by row.
    cohorts = cohorts.sort_values("player_id", ignore_index=True)
    # Test players have a truth, but no label.
    known = {UNLABELED_NAME: UNLABELED, TEST: UNLABELED}
    known |= {name: index for index, name in enumerate(settings.populations.classes)}
    strange = sorted(set(cohorts["population"]) - set(known))
    if strange:
        raise DataProblem(f"expected the populations {list(known)}, got {strange} too: mend the cohorts' table")
    chosen = pc.is_in(telemetry["player_id"], pa.array(cohorts["player_id"], telemetry["player_id"].type))
    window_days, listed = settings.features.window_days, cohorts["player_id"].to_numpy()
    table = extract(to_block(telemetry.filter(chosen), cutoff, window_days), roles)
    if not np.array_equal(table.ids, listed):
        silent = np.setdiff1d(listed, table.ids)
        raise DataProblem(
            f"{len(silent)} of {len(listed)} players have no telemetry in the {window_days} days before the "
            f"cut-off (first: {silent[:3].tolist()}): raise features.window_days"
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
