"""The default data set: simulated players, written as telemetry like any game's and read back from there.

The process is described in `scarcegan.datasets.simulation`. A folder holds

* `telemetry.parquet`: `player_id`, `date` and the daily counters; a row only for a day with any activity, and
  `MISSING_DAY_SHARE` of those lost on the way;
* `labels.parquet`: `player_id`, `population` (a class name, `unlabeled` or `test`): what a team would know;
* `truth.parquet`: `player_id`, `kind`, `truth_risky`, for evaluation alone;
* `simulation.json`: the fingerprint of what the folder was made from.

30 % of every kind are test players, set apart before any label is given: their risky share is everybody's.
Weak labels: `LABEL_NOISE` of each labelled population belong to a neighbouring kind in the order
dormant, normal, heavy, risky, as when moderators misjudge a player.
"""

import hashlib
import json
import os
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan.data.players import Players
from scarcegan.datasets.simulation import COUNTERS, KINDS, SURE_DAYS, VERSION, draw_habits, simulate
from scarcegan.datasets.sources import UNLABELED_NAME, players_of, require_populations
from scarcegan.problems import DataProblem, Problem, SettingsProblem
from scarcegan.project import located
from scarcegan.settings import Settings, Simulated, parse
from scarcegan.settings.data_sections import TEST, RoleNames
from scarcegan.storage import draft_beside, find_bytes, is_s3, list_names

CUTOFF = "2026-01-01"
LABELED, LABELED_LATE = date(2025, 12, 4), date(2025, 12, 18)
TEST_SHARE = 0.3
# Both as a team's own data have them: one label in twenty is wrong, and one day in thirty gets lost on its way.
LABEL_NOISE = 0.05
MISSING_DAY_SHARE = 0.03
ROLES = RoleNames(activity="sessions", intensity="bets", night="night_minutes", loss="losses", deposit="deposits")
STAMP = "simulation.json"


def load(settings: Settings) -> Players:
    """Simulate players, or reuse the folder that holds them, and return them with test set `test`.

    See `write_telemetry` on errors; other population names and a window longer than the simulation are refused too.
    """
    require_populations(settings.populations, "simulated", KINDS[:-1], KINDS[-1])
    if settings.features.window_days > settings.simulated.days:
        raise SettingsProblem(
            f"features.window_days ({settings.features.window_days}) is longer than simulated.days "
            f"({settings.simulated.days}): lower the one or raise the other"
        )
    folder = write_telemetry(settings)
    labels, truth = (pd.read_parquet(folder / name) for name in ("labels.parquet", "truth.parquet"))
    cohorts = labels.merge(truth, on="player_id", validate="one_to_one")
    return players_of(str(folder / "telemetry.parquet"), cohorts, ROLES, CUTOFF, settings)


def write_telemetry(settings: Settings) -> Path:
    """Write the simulated telemetry unless its folder is complete, and return the folder.

    The folder is `data.path` where that is the simulated players', else `.scarcegan/simulated/<fingerprint>/` in the
    project. It appears complete or not at all, also when several processes write it at once.

    Raises:
        SettingsProblem: more labels are asked for than there are players; or `data.path` is not local.
        DataProblem: the folder holds something else.
    """
    stamp = fingerprint(settings.simulated, settings.seed)
    location = located(settings.simulated_folder or f".scarcegan/simulated/{stamp}")
    if is_s3(location):
        raise SettingsProblem(f"simulated players need a local data.path, got {location!r}: leave it empty")
    folder = Path(location)
    if _is_complete(folder, stamp):
        return folder
    # In the same parent folder, so that one rename makes the folder appear whole.
    with draft_beside(str(folder.parent)) as draft:
        draft.mkdir()
        _write_tables(settings.simulated, settings.seed, draft)
        (draft / STAMP).write_text(_stamped(stamp))
        try:
            os.rename(draft, folder)
        except OSError as error:
            # Another process was faster (a rename replaces no full folder): its files are as good when complete.
            if not _is_complete(folder, stamp):
                raise DataProblem(f"cannot write {folder}: {error.strerror}; choose another data.path") from error
    return folder


def labels_table(folder: Path) -> pd.DataFrame:
    """Return what a team knows of the simulated players in a folder, as `scarcegan.snapshots.labels` reads it.

    The labels are known four weeks before `CUTOFF`. Two weeks later every second risky test player becomes known: such
    a label is trained on nowhere, and tells the recall that a model has realised.
    """
    labels, truth = (pd.read_parquet(folder / name) for name in ("labels.parquet", "truth.parquet"))
    table = labels.merge(truth[["player_id", "truth_risky"]], on="player_id", validate="one_to_one")
    known = table[table["population"] != UNLABELED_NAME].assign(since=LABELED)
    found = known[(known["population"] == TEST) & (known["truth_risky"] == 1)].iloc[::2]
    late = found.assign(population=KINDS[-1], since=LABELED_LATE)
    return pd.concat([known, late], ignore_index=True).assign(source="simulation")


def fingerprint(simulated: Simulated, seed: int) -> str:
    """Hash what shapes the telemetry: `[simulated]`, what is lost and wrong, the seed, the version; 16 hex digits."""
    flaws = {"label_noise": LABEL_NOISE, "missing_day_share": MISSING_DAY_SHARE}
    shaping = [simulated.model_dump(mode="json") | flaws, seed, VERSION]
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def _stamped(stamp: str) -> str:
    return json.dumps({"fingerprint": stamp}) + "\n"


def _is_complete(folder: Path, stamp: str) -> bool:
    if find_bytes(str(folder / STAMP)) == _stamped(stamp).encode():
        return True
    if not list_names(str(folder)):
        return False
    raise DataProblem(
        f"expected {folder} to be new, empty or telemetry of this simulation ({stamp}), got something else: "
        "choose another data.path or remove the folder"
    )


def _write_tables(wanted: Simulated, seed: int, folder: Path) -> None:
    # A stream for each part: other numbers of labels do not change how players behave.
    draws = np.random.default_rng([seed, 2021]).spawn(4)
    habits = draw_habits(wanted.players, wanted.risky_share, wanted.drift, draws[0])
    ids = np.arange(1, wanted.players + 1)
    population = _assign_populations(habits.kind, wanted, draws[1])
    telemetry = _long_form(ids, simulate(habits, wanted.days, draws[2]), MISSING_DAY_SHARE, draws[3])
    pq.write_table(telemetry, folder / "telemetry.parquet", compression="zstd")
    pq.write_table(pa.table({"player_id": ids, "population": population}), folder / "labels.parquet")
    kind = np.array(KINDS)[habits.kind]
    truth = pa.table({"player_id": ids, "kind": kind, "truth_risky": (kind == KINDS[-1]).astype(np.int8)})
    pq.write_table(truth, folder / "truth.parquet")


def _assign_populations(kind: np.ndarray, simulated: Simulated, rng: np.random.Generator) -> np.ndarray:
    """Draw the test players, then the weak labels; return a population name per player, str [n]."""
    population = np.full(len(kind), UNLABELED_NAME, dtype="<U16")
    for index in range(len(KINDS)):
        members = np.flatnonzero(kind == index)
        population[rng.choice(members, round(TEST_SHARE * len(members)), replace=False)] = TEST
    for index in reversed(range(len(KINDS))):  # the scarce risky ones first, before others are mistaken for them
        key = "labeled_risky" if index == len(KINDS) - 1 else "labeled_negatives"
        wanted = getattr(simulated, key)
        wrong = round(LABEL_NOISE * wanted)
        distance = np.abs(kind - index)
        for is_candidate, count in ((distance == 0, wanted - wrong), (distance == 1, wrong)):
            free = np.flatnonzero(is_candidate & (population == UNLABELED_NAME))
            if count > len(free):
                raise SettingsProblem(
                    f"simulated.{key}: {wanted} labels '{KINDS[index]}' need {count} players of one kind, "
                    f"got {len(free)} outside the test set: lower it or raise simulated.players"
                )
            population[rng.choice(free, count, replace=False)] = KINDS[index]
    return population


def _long_form(ids: np.ndarray, counters: np.ndarray, missing_share: float, rng: np.random.Generator) -> pa.Table:
    """Return one row per player and active day, some lost; never a player's last one in the sure days."""
    is_active = counters.max(axis=2) > 0
    is_kept = is_active & (rng.random(is_active.shape) >= missing_share)
    # A snapshot lists recently seen players only: one whose every recent row would be lost keeps the last.
    last = counters.shape[1] - 1 - is_active[:, ::-1].argmax(axis=1)
    is_kept[np.arange(len(ids)), last] |= ~is_kept[:, -SURE_DAYS:].any(axis=1)
    player, day = np.nonzero(is_kept)
    first = np.datetime64(CUTOFF) - counters.shape[1]
    columns = {"player_id": ids[player], "date": pa.array(first + day, pa.date32())}
    columns |= {name: counters[player, day, position] for position, name in enumerate(COUNTERS)}
    return pa.table(columns)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(
            "expected a settings file and a file to write: simulated config/simulated_snapshot.toml labels.parquet"
        )
    try:
        chosen = Settings.model_validate(parse(Path(sys.argv[1]).read_text()))
        labels_table(write_telemetry(chosen)).to_parquet(sys.argv[2], index=False)
    except (Problem, OSError) as problem:
        sys.exit(str(problem))
