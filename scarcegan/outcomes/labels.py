"""What reviewers settled on as a table, for training and for other systems."""

import numpy as np
import pandas as pd

from scarcegan.data.reviewed import ORIGINS, ReviewedPlayers
from scarcegan.outcomes.consensus import settled, without_meaning
from scarcegan.outcomes.lists import INCLUSION, STRATUM, review_lists
from scarcegan.outcomes.store import open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.store import ID
from scarcegan.storage import new_file


def settled_labels(outcomes: pd.DataFrame, settings: Settings, known_by: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return who was found risky or harmless, by a store's outcomes up to a moment; later ones change nothing.

    Columns: player_id (text), snapshot, label ('risky', 'harmless', '' for not settled), known_at (UTC), reviewers,
    source ('top' of a list, 'audit', or 'other' for players of no list) and inclusion (the probability with which the
    design lists the player; of several lists the largest; NaN for 'other').
    """
    labels = settled(outcomes if known_by is None else outcomes[outcomes["when"] <= known_by], settings.outcomes)
    lists = review_lists(settings.own_scoring, settings.registry.group, labels["snapshot"].unique().tolist())
    designs = [one.rows()[[ID, STRATUM, INCLUSION]].assign(snapshot=one.snapshot.name) for one in lists]
    if not designs:
        return labels.assign(source="other", **{INCLUSION: float("nan")})
    design = pd.concat(designs).sort_values(INCLUSION, ascending=False).drop_duplicates([ID, "snapshot"])
    joined = labels.merge(design, on=[ID, "snapshot"], how="left")
    source = joined[STRATUM].map(lambda number: "other" if pd.isna(number) else "audit" if number else "top")
    return joined.assign(source=source).drop(columns=STRATUM)


def reviewed_players(settings: Settings) -> ReviewedPlayers | None:
    """Return what training takes of the registry group's outcomes; None without `data.outcomes`.

    What was settled after `data.labels_known_by`, or else the snapshot's cut-off, was not known: it is as if nobody had
    said it. Where neither is there, as with tables, all counts that is known now.
    """
    data = settings.data
    if not data.outcomes:
        return None
    snapshots = open_snapshots(settings.own_snapshots.folder)
    known_by = data.labels_known_by or (data.snapshot and snapshots.describe(data.snapshot).frame.cutoff)
    # The whole day counts, as in a labels table.
    until = pd.Timestamp(known_by, tz="UTC") + pd.Timedelta(days=1, microseconds=-1) if known_by else None
    outcomes = open_outcomes(settings.outcomes, settings.registry.group).table()
    found = settled_labels(outcomes, settings, until)
    late = int((outcomes["when"] > until).sum()) if until is not None else 0
    told = [f"outcomes of after {known_by}, which do not count (data.labels_known_by): {late}"] if late else []
    found = found[found["label"] != ""].sort_values("known_at")
    known_at = found["known_at"].dt.tz_convert(None).dt.normalize()
    cutoffs = {one.name: one.frame.cutoff for one in snapshots.snapshots()}
    # Of a snapshot that is gone: it began by the day it was settled.
    since = pd.to_datetime(found["snapshot"].map(cutoffs)).fillna(known_at)
    found = found.assign(known_at=known_at, since=since).drop_duplicates([ID, "since"], keep="last")
    return ReviewedPlayers(
        ids=found[ID].to_numpy(str),
        is_risky=(found["label"] == "risky").to_numpy(),
        since=found["since"].to_numpy("datetime64[s]"),
        known_at=found["known_at"].to_numpy("datetime64[s]"),
        origin=found["source"].map(ORIGINS.index).to_numpy(np.int8),
        notes=(*told, *without_meaning(outcomes, settings.outcomes)),
    )


def write_table(table: pd.DataFrame, location: str) -> None:
    """Write a table as parquet or CSV, by the name of the file, whole or not at all."""
    if not location.endswith((".parquet", ".csv")):
        raise DataProblem(f"expected a .parquet or .csv file to write, got {location}: name one of both")
    with new_file(location) as draft:
        if location.endswith(".csv"):
            table.to_csv(draft, index=False)
        else:
            table.to_parquet(draft, index=False)
