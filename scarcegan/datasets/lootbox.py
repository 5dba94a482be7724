"""Real game telemetry: openings of loot boxes in a shooter, at one of three cut-off dates.

The files have no licence and are never fetched. `risky` is a proxy: many more openings in the 30 days after
the cut-off than in the past. `truth_risky` of unlabelled and test players is for evaluation alone.

The cohorts are a labels table too, for training on a snapshot:

    python -m scarcegan.datasets.lootbox 2023-04-13 labels.parquet

A proxy label describes the player from the cut-off on and is known 30 days later: set `data.labels_known_by` to that
day or later to train on it. The cohorts list the unlabelled players too, so players outside them are left out.
"""

import sys
from datetime import date, timedelta

import pandas as pd

from scarcegan.data.players import Players
from scarcegan.data.tables import read_table
from scarcegan.datasets.sources import DATA_VARIABLE, find_file, players_of, require_populations
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import Data, Settings
from scarcegan.settings.data_sections import RoleNames

ROLES = RoleNames(activity="opens", intensity="burst", night="night", win="wins")
NEGATIVES, RARE = ("dormant", "normal", "heavy"), "risky"
WINDOW_DAYS = 60  # cohorts: at least 3 active days in these
PROXY_DAYS = 30
PROXY = "proxy: openings in the 30 days after the cut-off"
ADVICE = f"set {DATA_VARIABLE} to the folder that holds lootbox/, or data.path to that folder (it is not fetched)"


def load(settings: Settings) -> Players:
    """Load the players of one cut-off date, with test set `test`.

    Raises:
        SettingsProblem: other population names, or a window that is not 60 days.
        DataProblem: the files are missing or unreadable, or do not have the cut-off.
    """
    require_populations(settings.populations, "lootbox", NEGATIVES, RARE)
    if settings.features.window_days != WINDOW_DAYS:
        raise SettingsProblem(
            f"lootbox cohorts are defined on the {WINDOW_DAYS} days before the cut-off, got "
            f"features.window_days = {settings.features.window_days}: set it to {WINDOW_DAYS}"
        )
    cutoff, data = settings.lootbox.cutoff, settings.data
    counters = find_file(data, "daily_counters.parquet", ADVICE)
    return players_of(counters, cohorts_of(data, cutoff), ROLES, cutoff, settings)


def cohorts_of(data: Data, cutoff: str) -> pd.DataFrame:
    """Return the players of one cut-off (ISO date): player_id, population, truth_risky.

    A file that is missing, unreadable or without the cut-off is refused as a DataProblem.
    """
    cohorts = read_table(find_file(data, "cohorts.parquet", ADVICE))
    dates = cohorts["cutoff"].astype(str)
    if cutoff not in set(dates):
        raise DataProblem(f"expected cohorts of {cutoff}, got cut-offs {sorted(set(dates))}: name one of them")
    return pd.DataFrame(cohorts[dates == cutoff])


def labels_table(cohorts: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """Return the cohorts of one cut-off (ISO date) as `scarcegan.snapshots.labels` reads them."""
    since = date.fromisoformat(cutoff)
    return cohorts[["player_id", "population", "truth_risky"]].assign(
        since=since, source=PROXY, known_at=since + timedelta(days=PROXY_DAYS)
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("expected a cut-off date and a file to write: lootbox 2023-04-13 labels.parquet")
    try:
        labels_table(cohorts_of(Data(source="lootbox"), sys.argv[1]), sys.argv[1]).to_parquet(sys.argv[2], index=False)
    except DataProblem as problem:
        sys.exit(str(problem))
