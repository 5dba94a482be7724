"""What reviewers found out about players, as training takes it, whichever source the players come from."""

from dataclasses import replace

import numpy as np
import pandas as pd

from scarcegan.data.ids import rows_of
from scarcegan.data.players import UNLABELED, Players
from scarcegan.records import Record
from scarcegan.settings import Populations

# Where a label comes from: the source's own input, or a review, by the player's place on the list (on none: `other`).
ORIGINS = ("input", "top", "audit", "other")


class ReviewedPlayers(Record):
    """What was settled of players, one row each for each day that it describes, in the order in which it was settled.

    Attributes:
        ids: as text, canonical, see `scarcegan.data.ids`.
        is_risky: bool [n].
        since, known_at: datetime64 [n]: the cut-off of the snapshot that was reviewed, and the day it was settled.
        origin: int8 [n], a place in `ORIGINS`.
        notes: what is worth telling about them, for the data report.
    """

    ids: np.ndarray
    is_risky: np.ndarray
    since: np.ndarray
    known_at: np.ndarray
    origin: np.ndarray
    notes: tuple[str, ...] = ()

    def rows(self, known: np.ndarray, populations: Populations, harmless: str) -> pd.DataFrame:
        """Return a table of the rows: `row` among the known ids (-1: none), population, since, known_at, origin."""
        population = np.where(self.is_risky, populations.rare, harmless)
        columns = {"since": self.since, "known_at": self.known_at, "origin": self.origin}
        return pd.DataFrame({"row": rows_of(self.ids, known), "population": population} | columns)


def relabel(players: Players, reviewed: ReviewedPlayers, populations: Populations, harmless: str) -> Players:
    """Give players of tables, whose own labels have no dates, the labels that reviewers settled on last.

    Risky ones become rare, harmless ones keep their negative class or get the class `harmless`. Test players stay.
    """
    order = np.lexsort((reviewed.known_at, reviewed.since))
    latest = order[~pd.Series(reviewed.ids[order]).duplicated(keep="last").to_numpy()]
    # The players may have one id twice: that is refused later, with all else that is wrong.
    place = rows_of(players.ids, reviewed.ids[latest])
    rows = np.flatnonzero((place >= 0) & (players.test_set == 0))
    found = latest[place[rows]]
    labels, origin, rare = players.labels.copy(), np.zeros(len(players), np.int8), len(populations.negatives)
    is_open = np.isin(labels[rows], [UNLABELED, rare])
    now_harmless = np.where(is_open, populations.negatives.index(harmless), labels[rows])
    labels[rows] = np.where(reviewed.is_risky[found], rare, now_harmless)
    origin[rows] = reviewed.origin[found]
    unmet = len(latest) - len(np.unique(place[place >= 0]))
    notes = (f"reviewed players whom no table has, by their ids: {unmet} of {len(latest)}",) * bool(unmet)
    return replace(players, labels=labels, origin=origin, notes=(*players.notes, *notes))
