"""The cohorts of the real game telemetry as a labels table, for training on a snapshot.

    python -m scarcegan.datasets.lootbox_labels 2023-04-13 labels.parquet

A proxy label describes the player from the cut-off on and is known 30 days later: set `data.labels_known_by` to that
day or later to train on it. The cohorts list the unlabelled players too, so players outside them are left out.
"""

import sys
from datetime import date, timedelta

import pandas as pd

from scarcegan.datasets.lootbox import cohorts_of, telemetry_folder
from scarcegan.problems import DataProblem
from scarcegan.settings import Data

PROXY_DAYS = 30
SOURCE = "proxy: openings in the 30 days after the cut-off"


def labels_table(cohorts: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """Return the cohorts of one cut-off (ISO date) as `scarcegan.snapshots.labels` reads them."""
    since = date.fromisoformat(cutoff)
    return cohorts[["player_id", "population", "truth_risky"]].assign(
        since=since, source=SOURCE, known_at=since + timedelta(days=PROXY_DAYS)
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("expected a cut-off date and a file to write: lootbox_labels 2023-04-13 labels.parquet")
    try:
        folder = telemetry_folder(Data(source="lootbox"))
        labels_table(cohorts_of(folder, sys.argv[1]), sys.argv[1]).to_parquet(sys.argv[2], index=False)
    except DataProblem as problem:
        sys.exit(str(problem))
