"""Outcomes as people hand them in: read, checked against what is known, and refused with all mistakes at once.

Messages name rows by their number, never by player: they end in logs and tickets.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.data.ids import keyed_series, rows_of
from scarcegan.data.tables import read_table
from scarcegan.data.validation import IdReader
from scarcegan.outcomes.store import FIELDS, OutcomeStore
from scarcegan.problems import DataProblem, nearest
from scarcegan.snapshots import SnapshotStore
from scarcegan.snapshots.store import ID
from scarcegan.storage import list_names

NEEDED = (ID, "snapshot", "decision", "reviewer", "when")
KEY = (ID, "snapshot", "reviewer", "when")  # a reviewer decides one thing of a player at a time
SHOWN_ROWS, SHOWN_NAMES = 10, 3
DAY_BEGINS = timezone(timedelta(hours=14))  # where it begins first: who reviews at once in Tokyo is not before it
DAY = r"\d{4}-?\d\d-?\d\d"


@dataclass
class _Mistakes:
    """What is wrong, and in which rows, counted from 1."""

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, what: str, is_wrong: "pd.Series | np.ndarray") -> None:
        """Note the rows where a mask, bool [n], is true."""
        found = np.flatnonzero(np.asarray(is_wrong, bool)) + 1
        if len(found):
            self.rows[what] += found.tolist()

    def note_unknown(self, what: str, names: pd.Series, known: Collection[str], otherwise: str) -> None:
        """Note the rows with names [n] that are none of the known ones; each may be meant for the nearest of them.

        Many different ones are something else, such as ids in the wrong column: they are counted, not shown.
        """
        hints = {name: nearest(name, known, otherwise) for name in sorted(set(names) - {*known, ""})}
        for hint in dict.fromkeys(hints.values()):
            meant = [name for name in hints if hints[name] == hint]
            told = ", ".join(map(repr, meant)) if len(meant) <= SHOWN_NAMES else f"({len(meant)} different ones)"
            self.note(f"unknown {what} {told}: {hint}", names.isin(meant))

    def refuse(self, location: str) -> None:
        """Raise one DataProblem that tells all of them, if there are any."""
        if self.rows:
            about = " (row 1 is the first one below the heading)" if location else ""
            lines = [f"  {_rows(rows)}: {what}" if location else f"  {what}" for what, rows in self.rows.items()]
            started = f"{location or 'the outcome'}: nothing was added; mend this and add it again{about}:"
            raise DataProblem("\n".join([started, *lines]))


def read_outcomes(location: str, given: Mapping[str, str], id_key: str = "") -> pd.DataFrame:
    """Read a table of outcomes, parquet or CSV, as text; what is `given` stands for a column that it lacks.

    Without a location, what is given is one outcome. Ids are those of the source, or keyed already, as lists have them;
    `id_key` is `data.id_key`.

    Raises:
        DataProblem: the table cannot be read, or a column is missing or given twice.
    """
    table = read_table(location, text=[*FIELDS, "id", "group"]) if location else pd.DataFrame(index=[0])
    table = table.rename(columns={"id": ID} if ID not in table.columns else {})
    both = [name for name in given if name in table.columns]
    if both:
        raise DataProblem(f"expected {both} either as a column of {location} or as an option, got both: drop one")
    table = table.assign(**given)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise DataProblem(
            f"{location or 'the outcome'}: expected {list(NEEDED)}, and 'reason' if there is one, got no {missing} "
            f"among {list(table.columns)}: add them as columns, or as options where they are the same for all rows"
        )
    table = table.assign(**{ID: keyed_series(table[ID], id_key)})
    return (table if "reason" in table.columns else table.assign(reason="")).reset_index(drop=True)


def checked(
    table: pd.DataFrame,
    location: str,
    store: OutcomeStore,
    snapshots: SnapshotStore,
    decisions: Collection[str],
    now: pd.Timestamp,
) -> pd.DataFrame:
    """Return outcomes that were read as `OutcomeStore.table` has them, recorded now; or tell all mistakes at once.

    Raises:
        DataProblem: unknown players, snapshots or decisions, missing values, moments that are none, in the future or
            before the snapshot, an outcome twice, two decisions at once, another group's file, a forgotten player.
    """
    mistakes, known = _Mistakes(), store.table()
    # Whole numbers among floats lose their point: reviewer 7.0 is no second one beside 7.
    words = {name: table[name].convert_dtypes().astype(object) for name in FIELDS}
    text = {name: column.where(column.notna(), "").astype(str).str.strip() for name, column in words.items()}
    outcomes = pd.DataFrame(text | {ID: _ids(table[ID], location)})
    # What pandas takes as well: `2026`, and `today`, which is another moment each time.
    days = text["when"].where(text["when"].str.match(DAY))
    outcomes["when"] = pd.to_datetime(days, utc=True, format="ISO8601", errors="coerce").dt.as_unit("us")
    is_empty = outcomes.assign(when=text["when"])[list(NEEDED)] == ""
    for name in NEEDED:
        mistakes.note(f"no {name}", is_empty[name])
    if "group" in table.columns:
        # Rows that somebody has added to an export say nothing of it.
        other = ~table["group"].fillna("").astype(str).str.strip().isin(["", store.group])
        mistakes.note(f"outcomes of another group than '{store.group}': add them with that group's --config", other)
    _check_spelling(outcomes["reviewer"], known["reviewer"], mistakes)
    mistakes.note_unknown("decision", outcomes["decision"], decisions, f"expected one of {sorted(decisions)}")
    is_odd = outcomes["when"].isna() & ~is_empty["when"]
    mistakes.note("'when' is no ISO date or time such as 2026-11-29T14:05:00+01:00", is_odd)
    told = f"'when' is in the future; it is {now.isoformat(timespec='minutes')}, and without a zone a time is UTC"
    mistakes.note(told, outcomes["when"] > now)
    _check_players(outcomes, store, snapshots, mistakes)
    _check_twice(outcomes, ~is_empty.any(axis=1), known, decisions, mistakes)
    mistakes.refuse(location)
    return outcomes.assign(recorded_at=now)


def _check_players(outcomes: pd.DataFrame, store: OutcomeStore, snapshots: SnapshotStore, mistakes: _Mistakes) -> None:
    is_forgotten = store.are_forgotten(outcomes[ID])
    mistakes.note("the player was forgotten and stays so: take the row out", is_forgotten)
    known = snapshots.names()
    if unknown := {*outcomes["snapshot"]} - {*known}:
        for name in sorted(unknown & {*list_names(snapshots.folder)}):
            snapshots.describe(name)  # says why it cannot be read: it is no unknown one
    mistakes.note_unknown("snapshot", outcomes["snapshot"], known, "`scarcegan snapshots list` shows what there is")
    for name in sorted({*known} & {*outcomes["snapshot"]}):
        is_here = outcomes["snapshot"] == name
        snapshot = snapshots.read_ids(name)
        is_known = (rows_of(outcomes[ID].to_numpy(), snapshot.ids) >= 0) | (outcomes[ID] == "") | is_forgotten
        mistakes.note(f"no such player in snapshot '{name}': take the ids of its review list", is_here & ~is_known)
        cutoff = snapshot.manifest.frame.cutoff
        is_early = outcomes["when"] < pd.Timestamp(cutoff, tz=DAY_BEGINS)
        mistakes.note(f"decided before the cut-off of '{name}', {cutoff}", is_here & is_early)


def _check_twice(
    outcomes: pd.DataFrame, is_whole: pd.Series, known: pd.DataFrame, decisions: Collection[str], mistakes: _Mistakes
) -> None:
    mistakes.note("an outcome that an earlier row has: leave it out", is_whole & outcomes.duplicated(list(FIELDS)))
    # A slip of the pen is told already: what was meant may be what the other row says.
    is_decision = outcomes["decision"].isin(decisions) & outcomes["when"].notna() & is_whole
    both = pd.concat([known, outcomes[is_decision]], ignore_index=True).drop_duplicates([*KEY, "decision"])
    contradicts = both.duplicated(list(KEY), keep=False)
    keys = pd.MultiIndex.from_frame(both.loc[contradicts, list(KEY)])
    is_bad = pd.MultiIndex.from_frame(outcomes[list(KEY)]).isin(keys) & is_decision.to_numpy()
    mistakes.note("two decisions of one reviewer on one player at the same time; a correction has a later one", is_bad)


def _check_spelling(reviewers: pd.Series, known: pd.Series, mistakes: _Mistakes) -> None:
    """Note reviewers known in other capitals, blanks or code points of one letter: one would count as two who agree."""
    both = pd.concat([known, reviewers])
    alike = both.map(lambda name: " ".join(unicodedata.normalize("NFKC", name).casefold().split()))
    spelt = both.groupby(alike).transform("first").iloc[len(known) :]
    is_other = (spelt != reviewers) & ~reviewers.isin(known)
    for name in sorted(set(spelt[is_other])):
        told = f"another spelling of reviewer '{name}': write it alike, in capitals, blanks and how accents are stored"
        mistakes.note(told, is_other & (spelt == name))


def _ids(ids: pd.Series, location: str) -> pd.Series:
    column = IdReader(location, ID).read(pa.chunked_array([pa.array(ids, from_pandas=True)])).cast(pa.large_string())
    return pd.Series(column.to_pandas().to_numpy(), index=ids.index).fillna("").astype(str)


def _rows(rows: list[int]) -> str:
    shown = ", ".join(map(str, sorted(rows)[:SHOWN_ROWS]))
    more = f", ... ({len(rows)} rows)" if len(rows) > SHOWN_ROWS else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more}"
