"""The cohorts of the real game telemetry as a labels table, for training on a snapshot.

    python -m scarcegan.datasets.lootbox_labels 2023-04-13 labels.parquet

A proxy label describes the player from the cut-off on and is known 30 days later: set `data.labels_known_by` to that
day or later to train on it. The cohorts list the unlabelled players too, so players outside them are left out.
"""

import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from scarcegan.datasets.lootbox import ADVICE
from scarcegan.datasets.sources import data_folder, require_file
from scarcegan.problems import DataProblem
from scarcegan.settings import load

PROXY_DAYS = 30
LABELS_OF_THE_STUDY = "proxy: openings in the 30 days after the cut-off"


def labels_table(cohorts: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """Return the cohorts of one cut-off as `scarcegan.snapshots.labels` reads them.

    Args:
        cohorts: cutoff, player_id, population, truth_risky.
        cutoff: ISO date.

    Raises:
        DataProblem: there are no cohorts of that date.
    """
    chosen = cohorts[cohorts["cutoff"].astype(str) == cutoff]
    if chosen.empty:
        known = sorted(set(cohorts["cutoff"].astype(str)))
        raise DataProblem(f"expected cohorts of {cutoff}, got cut-offs {known}: name one of them")
    since = date.fromisoformat(cutoff)
    return chosen[["player_id", "population", "truth_risky"]].assign(
        since=since, source=LABELS_OF_THE_STUDY, known_at=since + timedelta(days=PROXY_DAYS)
    )


def write_labels(cutoff: str, destination: Path) -> None:
    """Write the labels table of one cut-off as parquet.

    Raises:
        DataProblem: the cohorts are missing, or not of that date.
    """
    folder = data_folder(load({"data": {"source": "lootbox"}}))
    if folder is None:
        raise DataProblem(f"expected a folder with the lootbox cohorts, got none: {ADVICE}")
    cohorts = pd.read_parquet(require_file(folder, "cohorts.parquet", ADVICE))
    labels_table(cohorts, cutoff).to_parquet(destination, index=False)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("expected a cut-off date and a file to write: lootbox_labels 2023-04-13 labels.parquet")
    try:
        write_labels(sys.argv[1], Path(sys.argv[2]))
    except DataProblem as problem:
        sys.exit(str(problem))
