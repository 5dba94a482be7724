"""The review lists that ScoreFlow has written, with their design, and what people found out about those on them."""

import json
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.data.ids import as_text
from scarcegan.data.tables import read_parts
from scarcegan.outcomes.consensus import LABEL
from scarcegan.outcomes.estimates import Sample
from scarcegan.outcomes.records import ListedSnapshot, ScoredBy
from scarcegan.problems import DataProblem, Problem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Scoring
from scarcegan.snapshots.store import ID
from scarcegan.storage import files_below, find_bytes, join, list_names

# Columns of the design of a list: stratum 0 is its top, listed for sure; the others were drawn with this probability.
STRATUM, INCLUSION = "stratum", "inclusion"
# The top is mostly reviewed from its first row on: a part of it that is reviewed stands for its own neighbours alone.
TOP_SLICES = 10
_COLUMNS = [ID, "risk_score", "is_flagged", STRATUM, INCLUSION]
_REPORT = "report.json"
R = TypeVar("R", bound=Record)


class ListFile(Record):
    """The file that has a list and its design."""

    table: str


class ReviewedList(Record):
    """A list of a scored snapshot, as `report.json` in its folder tells it; `flagged` are players of the snapshot."""

    model: ScoredBy
    snapshot: ListedSnapshot
    review: ListFile
    players: int
    flagged: int
    files: tuple[str, ...]
    folder: str

    def rows(self) -> pd.DataFrame:
        """Read the players of the list, best first: id as text, score, flag, stratum and inclusion probability."""
        pieces = read_parts(join(self.folder, self.review.table), _COLUMNS)
        table = pa.concat_tables([piece for _, piece in pieces])
        return table.to_pandas().assign(**{ID: as_text(table[ID]).to_pandas()})


def review_lists(scoring: Scoring, group: str, snapshots: Sequence[str]) -> list[ReviewedList]:
    """Find the lists of these snapshots that models of a registry group have written, by cut-off, version and folder.

    A report among their scores that cannot be read is a DataProblem; those of other snapshots are not asked for.
    """
    folder = located(scoring.folder)
    scored = [join(folder, name) for name in list_names(folder) if name in snapshots]
    places = [place for one in scored for place in files_below(one) if place.endswith(f"/{_REPORT}")]
    reports = (read_report(place.removesuffix(f"/{_REPORT}"), ReviewedList) for place in places)
    found = [one for one in reports if one.model.group == group]
    return sorted(found, key=lambda one: (one.snapshot.cutoff, one.model.version, one.folder))


def with_labels(rows: pd.DataFrame, labels: pd.DataFrame, snapshot: str) -> pd.DataFrame:
    """Put what reviewers settled on beside a list's rows: `label` (empty for none), `known_at` and `reviewers`."""
    own = labels.loc[labels["snapshot"] == snapshot, [ID, LABEL, "known_at", "reviewers"]]
    joined = rows.merge(own, on=ID, how="left")
    return joined.assign(label=joined[LABEL].fillna(""))


def sample_of(rows: pd.DataFrame, *, players: int, flagged: int, by_flag: bool) -> Sample:
    """Weigh the labelled rows of one list so that they stand for everyone who was scored.

    Rows as `with_labels` gives them; shown are the flagged, or the top of the list. A stratum's reviewed players stand
    for all of it; one of which nobody was reviewed is counted with the one above, or else below.
    """
    is_top = (rows[STRATUM] == 0).to_numpy()
    is_labelled = (rows[LABEL] != "").to_numpy()
    weight = np.zeros(len(rows))
    for side, cells in ((is_top, _slices(rows, is_top)), (~is_top, rows[STRATUM].to_numpy())):
        if (side & is_labelled).any():
            _weigh(weight, cells, side, is_labelled, rows[INCLUSION].to_numpy())
    risky, shown = (rows[LABEL] == "risky").to_numpy(), rows["is_flagged"].to_numpy(bool) if by_flag else is_top
    count = flagged if by_flag else int(is_top.sum())
    return Sample(weight[is_labelled], risky[is_labelled], shown[is_labelled], players, count)


def _weigh(
    weight: np.ndarray, cells: np.ndarray, side: np.ndarray, labelled: np.ndarray, inclusion: np.ndarray
) -> None:
    """Give the labelled rows of one side, top or drawn, their weights, in place."""
    groups: list[list[int]] = []
    for cell in np.unique(cells[side]):
        rows = np.flatnonzero(side & (cells == cell))
        # Nobody labelled so far: this cell joins the ones before it.
        if groups and not (labelled[groups[-1]].any() and labelled[rows].any()):
            groups[-1] += rows.tolist()
        else:
            groups.append(rows.tolist())
    for group in groups:
        known = [row for row in group if labelled[row]]
        weight[known] = (1 / inclusion[group]).sum() / len(known)


def _slices(rows: pd.DataFrame, is_top: np.ndarray) -> np.ndarray:
    place = rows["risk_score"].where(is_top).rank(ascending=False, method="first").to_numpy()
    return np.nan_to_num((place - 1) * TOP_SLICES // max(1, int(is_top.sum())), nan=-1)


def read_report(folder: str, kind: type[R]) -> R:
    """Read a record of what `report.json` in a folder of scores says; a DataProblem names one that is damaged."""
    location = join(folder, _REPORT)
    content = find_bytes(location) or b""
    try:
        # Where the report lies its scores do: the folder that it names is another one once they were moved.
        return kind.from_plain({**json.loads(content), "folder": folder})
    except (ValueError, TypeError, RecursionError, Problem) as error:
        raise DataProblem(
            f"{location} is no report of ScoreFlow ({error}): remove its folder and score the snapshot again"
        ) from error
