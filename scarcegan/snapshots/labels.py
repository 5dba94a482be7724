"""Labels joined to a snapshot: who was known to be what, and when that was known.

The labels table has one row per label: `player_id`, `population`, `since` (the day from which the label describes the
player), `source` (who says so) and, if it was found out later, `known_at`; where there is none, `since` stands for it.
With w the first day of the snapshot's window and c its cut-off:

* since < w: the label is older than anything the features see; it does not count, the player is unlabelled.
* known_at <= known_by (the cut-off, unless configured later): the label is trained on. Of several, the latest holds.
* known_at > known_by: a late label. Nothing is trained on it: a player without an earlier label becomes a row of
  test set `later`, which tells whether the model finds those who became known only afterwards.
* no row: the player is unlabelled, unless the table lists `unlabeled` players: then it lists everybody, and others
  are left out.
* what reviewers settled on (`data.outcomes`) is a label since the cut-off of the snapshot that they reviewed, and goes
  before the table's of the same day. Who is found harmless keeps an earlier harmless class of the table.
* `test`: a player set apart for evaluation, with column `truth_risky` (0 or 1): test set `test`, no label counts.

Ids may be integers on one side and strings on the other: see `scarcegan.data.ids`.
"""

import hashlib
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.data.folds import hold_out
from scarcegan.data.ids import below, keyed_lots, keyed_series, rows_of, to_numpy
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.reviewed import ReviewedPlayers
from scarcegan.data.tables import read_table
from scarcegan.data.validation import TRUTH_COLUMN, checked_ids
from scarcegan.data.values import Refusals
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Data, Populations
from scarcegan.settings.data_sections import TEST
from scarcegan.snapshots.manifest import Manifest
from scarcegan.snapshots.store import ID, Snapshot
from scarcegan.words import plural

LATER = "later"
COLUMNS = (ID, "population", "since", "source")


class Labels(Record):
    """A checked labels table, read at a location, which messages name.

    Its columns are player_id, population, since and known_at (datetime64), and truth (-1 where not given).
    """

    table: pd.DataFrame
    location: str
    populations: Populations

    @property
    def digest(self) -> str:
        """A digest of all labels, whatever the order of their rows."""
        rows = np.sort(pd.util.hash_pandas_object(self.table, index=False).to_numpy())
        return hashlib.blake2b(rows.tobytes(), digest_size=8).hexdigest()

    def class_index(self, populations: pd.Series) -> np.ndarray:
        """Return the class index of each population's name, int8 array; -1 for those that are no class."""
        return populations.map(self.populations.labels).fillna(UNLABELED).to_numpy(np.int8)


def read_labels(location: str, populations: Populations, id_key: str = "") -> Labels:
    """Read and check the labels table at a path of the settings, parquet or CSV, local or `s3://`.

    Its ids are those that the source of the snapshot has; `id_key` is `data.id_key`.

    Raises:
        DataProblem: unreadable, columns missing, unknown populations, dates that are none, a label known before it
            began; the message names the file, the column and the row count.
    """
    location = located(location)
    table = read_table(location, text=[ID])
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise DataProblem(
            f"{location}: expected columns {list(COLUMNS)} and, if you have it, 'known_at', got no {missing}: add them"
        )
    table = table.assign(**{ID: keyed_series(table[ID], id_key)})
    return Labels(_checked(location, table, populations), location, populations)


def _checked(location: str, table: pd.DataFrame, populations: Populations) -> pd.DataFrame:
    refuse = _Refusing(location, table)
    known = {*populations.classes, populations.unlabeled, TEST}
    refuse("population", ~table["population"].isin(known), f"one of {sorted(known)}")
    refuse(ID, table[ID].isna() | (table[ID] == ""), "an id in each row")
    ids: np.ndarray = table[ID].to_numpy()
    if len(table) and not refuse.refusals:
        with refuse.refusals.collecting():
            ids = to_numpy([checked_ids(location, pa.chunked_array([pa.array(table[ID])]), ID)])
    since = refuse.dates("since", table["since"])
    known_at = since
    if "known_at" in table.columns:
        # Only some labels were found out later.
        is_later = table["known_at"].notna() & (table["known_at"].astype(str) != "")
        known_at = refuse.dates("known_at", table["known_at"].where(is_later), is_later).where(is_later, since)
        refuse("known_at", known_at < since, "no date before 'since'")
    truth = table.get(TRUTH_COLUMN, pd.Series(UNKNOWN_TRUTH, index=table.index))
    is_test = table["population"] == TEST
    refuse(TRUTH_COLUMN, is_test & ~truth.isin([0, 1]), f"0 or 1 for each '{TEST}' player")
    refuse.refusals.refuse()
    truth = truth.where(is_test, UNKNOWN_TRUTH).astype(np.int8)
    return table[["population"]].assign(**{ID: ids}, since=since, known_at=known_at, truth=truth)


def join_labels(
    snapshot: Snapshot, labels: Labels, data: Data, seed: int, reviewed: ReviewedPlayers | None = None
) -> Players:
    """Give the players of a snapshot their labels, by the rules above; the seed draws test set `later`.

    Labels that are too old, late, or without telemetry are told in the players' notes.

    Raises:
        DataProblem: two labels of one player contradict each other, or no label fits any player or counts.
    """
    cutoff, first_day = snapshot.manifest.frame.cutoff, snapshot.manifest.first_day
    known_by = pd.Timestamp(data.labels_known_by or cutoff)
    unlabeled = labels.populations.unlabeled
    table = labels.table.assign(row=rows_of(labels.table[ID].to_numpy(), snapshot.ids), origin=0)
    if reviewed is not None:
        found = reviewed.rows(snapshot.ids, labels.populations, data.outcomes)
        table = pd.concat([table, found.assign(truth=UNKNOWN_TRUTH, **{ID: reviewed.ids})], ignore_index=True)
    # Players listed as unlabelled are not counted: without telemetry they lose nothing.
    silent = table.loc[(table["row"] < 0) & (table["population"] != unlabeled), ID].astype(str).nunique()
    table = table[table["row"] >= 0]
    if table.empty:
        raise DataProblem(
            f"{labels.location}: expected player ids of snapshot '{snapshot.manifest.name}' (stored as "
            f"{snapshot.ids.dtype.name}), got none in {len(labels.table)} rows: use the telemetry's ids"
        )
    is_label = table["population"].isin(labels.populations.classes)
    is_old = (table["since"] < pd.Timestamp(first_day)) & is_label
    is_late = (table["known_at"] > known_by) & ~is_old & is_label
    # Labels of test players do not count: their truth is for evaluation alone.
    is_tested = table["row"].isin(table["row"][table["population"] == TEST])
    counted = table[~is_old & ~is_late & ~(is_tested & is_label)]
    known = _with_earlier_class(_latest(counted, labels.location), counted, labels.populations)
    # Who has an earlier label or is a test player stays so; only the others became known late.
    settled = table["row"].isin(known["row"][known["population"] != unlabeled])
    late = _latest(table[is_late & ~settled], labels.location)
    listed = np.ones(len(snapshot.ids), bool)
    if (table["population"] == unlabeled).any():
        listed = np.isin(np.arange(len(listed)), table["row"])
    notes = _notes(first_day, known_by, int(is_old.sum()), len(late), silent, int((~listed).sum()))
    if is_label.any() and not known["population"].isin(labels.populations.classes).any():
        raise DataProblem(
            f"{labels.location}: expected labels that count for snapshot '{snapshot.manifest.name}', got none of "
            f"{plural(int(is_label.sum()), 'label')}: {'; '.join(notes) or 'all are of test players'}. Add labels from "
            f"{first_day} on that were known by {known_by.date()} (data.labels_known_by), or name another snapshot"
        )
    players = _label(snapshot, known, labels, notes)
    if (late["population"] == labels.populations.rare).any():  # without risky players there is nothing to find
        players = _with_later(players, late, labels.class_index(late["population"]), data.test_share, seed)
    return players.take(listed)


def became_risky(labels: Labels, manifest: Manifest, after: str, known_by: str) -> np.ndarray:
    """Return the players of a snapshot of whom it became known only later that they are risky.

    A player with any label known by `after` is none of them; what became known after `known_by` does not count yet.
    Both are ISO dates. The ids are returned as written, a str array, unique.
    """
    is_label = labels.table["population"].isin(labels.populations.classes)
    table = labels.table[is_label & (labels.table["since"] >= manifest.first_day)]
    is_settled = table["known_at"] <= after
    is_new = ~is_settled & (table["known_at"] <= known_by) & (table["population"] == labels.populations.rare)
    ids = table[ID].astype(str)
    return np.setdiff1d(ids[is_new].to_numpy(str), ids[is_settled].to_numpy(str))


def _label(snapshot: Snapshot, known: pd.DataFrame, labels: Labels, notes: tuple[str, ...]) -> Players:
    count = len(snapshot.ids)
    is_test = (known["population"] == TEST).to_numpy()
    rows = known["row"].to_numpy()
    label, truth = np.full(count, UNLABELED, np.int8), np.full(count, UNKNOWN_TRUTH, np.int8)
    label[rows] = labels.class_index(known["population"])
    truth[rows] = known["truth"]
    origin = np.zeros(count, np.int8)
    origin[rows] = known["origin"]
    test_set = np.zeros(count, np.int8)
    test_set[rows[is_test]] = 1
    return Players(
        ids=snapshot.ids,
        features=snapshot.features,
        feature_names=snapshot.manifest.frame.columns,
        labels=label,
        truth=truth,
        test_set=test_set,
        test_sets=(TEST,) if is_test.any() else (),
        cutoff=snapshot.manifest.frame.cutoff,
        notes=(*snapshot.manifest.frame.notes, *notes),
        origin=origin if origin.any() else None,
    )


def _with_later(players: Players, late: pd.DataFrame, classes: np.ndarray, test_share: float, seed: int) -> Players:
    """Move late-labelled players to test set `later`, with about as many unlabelled ones as the first test set has.

    The late ones are known because somebody looked: alone they stand for nobody. The unlabelled beside them do.
    """
    labels, test_set = players.labels.copy(), players.test_set.copy()
    labels[late["row"]] = classes
    # Before others are held out: a late label must not be drawn into the first test set.
    test_set[late["row"]] = 2
    players = replace(players, labels=labels, test_set=test_set)
    if not players.test_sets:
        players = hold_out(players, test_share)
    pool = (players.labels == UNLABELED) & (players.test_set == 0)
    # Lots of their own: this draw changes no other draw with the same seed.
    test_set = np.where(pool & below(keyed_lots(players.ids, seed, 4), test_share), np.int8(2), players.test_set)
    return replace(players, test_set=test_set, test_sets=(players.test_sets[0], LATER))


def _with_earlier_class(known: pd.DataFrame, counted: pd.DataFrame, populations: Populations) -> pd.DataFrame:
    """Give players whom reviewers found harmless the harmless class that the table has given them, if one counts."""
    of_table = counted[(counted["origin"] == 0) & counted["population"].isin(populations.negatives)]
    earlier = of_table.sort_values("since").drop_duplicates("row", keep="last").set_index("row")["population"]
    own = known["row"].map(earlier)
    is_harmless = (known["origin"] > 0) & (known["population"] != populations.rare)
    return known.assign(population=known["population"].mask(is_harmless & own.notna(), own))


def _latest(table: pd.DataFrame, location: str) -> pd.DataFrame:
    """Keep the label of each player that began last; two populations from the same day on are a DataProblem."""
    last = table[table["since"] == table.groupby("row")["since"].transform("max")]
    # Reviewers looked at the player whom the table describes.
    last = last[(last["origin"] > 0) == (last.groupby("row")["origin"].transform("max") > 0)]
    # The same label twice is no contradiction.
    last = last.drop_duplicates(["row", "population"])
    again = last["row"].duplicated(keep=False)
    if again.any():
        row, first = last.index[again][0], last[again].iloc[0]
        raise DataProblem(
            f"{location}: columns '{ID}', 'population': {last.loc[again, 'row'].nunique()} players have two "
            f"populations from the same day on, first in row {row + 1} on {first['since'].date()}: keep one"
        )
    return last


class _Refusing:
    """Collects what is wrong with the rows of a labels table."""

    def __init__(self, location: str, table: pd.DataFrame) -> None:
        self.location, self.table, self.refusals = location, table, Refusals()

    def __call__(self, column: str, bad: pd.Series, expected: str) -> None:
        """Refuse the rows that are bad, if there are some."""
        if bad.any():
            first = self.table[column][bad].iloc[0] if column in self.table.columns else "no such column"
            self.refusals.add(
                f"{self.location}: column '{column}': expected {expected}, got something else in {bad.sum()} of "
                f"{len(self.table)} rows, first {str(first)!r}: mend these rows"
            )

    def dates(self, column: str, values: pd.Series, needed: pd.Series | bool = True) -> pd.Series:
        """Return the dates of a column, and refuse the rows that need one, a mask, and have none."""
        # A date or a moment, in any zone: the day that was written counts, as in telemetry.
        dates = pd.to_datetime(values.astype(str).str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
        self(column, dates.isna() & needed, f"ISO dates such as {date(2023, 4, 13)}")
        return dates


def _notes(first_day: str, known_by: pd.Timestamp, old: int, late: int, silent: int, absent: int) -> tuple[str, ...]:
    told = {
        f"{plural(old, 'label')} dated before the window's first day, {first_day}: left out": old,
        f"{plural(late, 'label')} known only after {known_by.date()}: test set '{LATER}', never trained on": late,
        f"{plural(silent, 'labelled or test player')} without telemetry in the window: left out": silent,
        f"{plural(absent, 'player')} of the snapshot not in the labels table, which lists all unlabelled": absent,
    }
    return tuple(note for note, count in told.items() if count)
