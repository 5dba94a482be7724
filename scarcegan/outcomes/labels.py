"""What reviewers settled on as a table, for training and for other systems."""

import pandas as pd

from scarcegan.outcomes.consensus import settled
from scarcegan.outcomes.lists import INCLUSION, STRATUM, review_lists
from scarcegan.outcomes.store import OutcomeStore
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings
from scarcegan.snapshots.store import ID
from scarcegan.storage import new_file


def settled_labels(store: OutcomeStore, settings: Settings, known_by: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return who was found risky or harmless, by outcomes up to a moment; later ones change nothing.

    Columns: player_id (text), snapshot, label ('risky', 'harmless', '' for not settled), known_at (UTC), reviewers,
    source ('top' of a list, 'audit', or 'other' for players of no list) and inclusion (the probability with which the
    design lists the player; of several lists the largest; NaN for 'other').

    Raises:
        DataProblem: outcomes or scores cannot be read.
    """
    outcomes = store.table()
    labels = settled(outcomes if known_by is None else outcomes[outcomes["when"] <= known_by], settings.outcomes)
    lists = review_lists(settings.own_scoring, store.group, labels["snapshot"].unique().tolist())
    designs = [one.rows()[[ID, STRATUM, INCLUSION]].assign(snapshot=one.snapshot.name) for one in lists]
    if not designs:
        return labels.assign(source="other", **{INCLUSION: float("nan")})
    design = pd.concat(designs).sort_values(INCLUSION, ascending=False).drop_duplicates([ID, "snapshot"])
    joined = labels.merge(design, on=[ID, "snapshot"], how="left")
    source = joined[STRATUM].map(lambda number: "other" if pd.isna(number) else "audit" if number else "top")
    return joined.assign(source=source).drop(columns=STRATUM)


def write_table(table: pd.DataFrame, location: str) -> None:
    """Write a table as parquet or CSV, by the name of the file, whole or not at all."""
    if not location.endswith((".parquet", ".csv")):
        raise DataProblem(f"expected a .parquet or .csv file to write, got {location}: name one of both")
    with new_file(location) as draft:
        if location.endswith(".csv"):
            table.to_csv(draft, index=False)
        else:
            table.to_parquet(draft, index=False)
