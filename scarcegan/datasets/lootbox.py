"""Real game telemetry: openings of loot boxes in a shooter, at one of three cut-off dates.

The files have no licence and are never fetched. `risky` is a proxy: many more openings in the 30 days after
the cut-off than in the past. `truth_risky` of unlabelled and test players is for evaluation alone.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan.data.players import Players
from scarcegan.datasets.sources import DATA_VARIABLE, data_folder, require_file, require_populations
from scarcegan.datasets.telemetry_source import players_of
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import Data, Settings
from scarcegan.settings.data_sections import RoleNames

ROLES = RoleNames(activity="opens", intensity="burst", night="night", win="wins")
NEGATIVES, RARE = ("dormant", "normal", "heavy"), "risky"
WINDOW_DAYS = 60  # cohorts: at least 3 active days in these
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
    cutoff, folder = settings.lootbox.cutoff, telemetry_folder(settings.data)
    counters = _read(require_file(folder, "daily_counters.parquet", ADVICE))
    return players_of(counters, cohorts_of(folder, cutoff), ROLES, cutoff, settings)


def telemetry_folder(data: Data) -> Path:
    """Return the folder of the files; a DataProblem if none is named."""
    folder = data_folder(data)
    if folder is None:
        raise DataProblem(f"expected a folder with the lootbox telemetry, got none: {ADVICE}")
    return folder


def cohorts_of(folder: Path, cutoff: str) -> pd.DataFrame:
    """Return the players of one cut-off (ISO date): player_id, population, truth_risky.

    A file that is missing, unreadable or without the cut-off is refused as a DataProblem.
    """
    cohorts = _read(require_file(folder, "cohorts.parquet", ADVICE)).to_pandas()
    dates = cohorts["cutoff"].astype(str)
    if cutoff not in set(dates):
        raise DataProblem(f"expected cohorts of {cutoff}, got cut-offs {sorted(set(dates))}: name one of them")
    return pd.DataFrame(cohorts[dates == cutoff])


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataProblem(f"{path} is not a readable parquet file ({error}): copy it anew") from error
