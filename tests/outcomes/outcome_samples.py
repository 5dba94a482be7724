"""Outcomes for tests, and what one of several processes does at once: add some of its own and one of everybody."""

import os

import pandas as pd

from scarcegan.outcomes.store import FIELDS, OutcomeStore

SNAPSHOT, CUTOFF, PLAYERS = "players-2026-01-01", "2026-01-01", 1_000


def rows(players, reviewer="rita", decision="harm", when="2026-01-10T09:00:00Z"):
    """Checked outcomes, as `checked` returns them."""
    frame = pd.DataFrame({"player_id": [str(player) for player in players], "snapshot": SNAPSHOT})
    frame = frame.assign(decision=decision, reviewer=reviewer, when=pd.Timestamp(when).as_unit("us"), reason="")
    return frame[list(FIELDS)].assign(recorded_at=pd.Timestamp("2026-01-11", tz="UTC").as_unit("us"))


def write(folder, number, environment):
    os.environ.update(environment)
    store = OutcomeStore(folder, "shelf")
    for turn in range(3):
        store.add(rows([0, 1000 * number + turn]))
    if number % 4 == 0:
        store.forget(str(1000 * number), "2026-01-12T00:00:00Z")
