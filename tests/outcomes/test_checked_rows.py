import pandas as pd
import pytest
from outcome_samples import CUTOFF, SNAPSHOT

from scarcegan.outcomes.checks import checked
from scarcegan.outcomes.report import _days
from scarcegan.problems import DataProblem
from scarcegan.snapshots import open_snapshots


def test_ids_stay_in_their_rows_whatever_the_index_of_a_table(world, store):
    one = pd.DataFrame({"player_id": [7, 8, 9], "decision": ["harm", "no_harm", "harm"]})
    table = pd.concat([one.iloc[1:], one.iloc[:1]])
    table = table.assign(snapshot=SNAPSHOT, reviewer="rita", when="2026-01-10", reason="")
    now = pd.Timestamp("2026-02-01", tz="UTC")
    snapshots = open_snapshots(world.own_snapshots.folder)
    found = checked(table, "reviewed", store, snapshots, world.outcomes.decisions, now)
    assert found["player_id"].tolist() == ["8", "9", "7"]
    assert found["decision"].tolist() == ["no_harm", "harm", "harm"]


def test_who_reviews_on_the_morning_of_the_cut_off_east_of_utc_is_not_before_it(world, store):
    table = pd.DataFrame({"player_id": [7], "decision": "harm", "snapshot": SNAPSHOT, "reviewer": "rita", "reason": ""})
    snapshots, now = open_snapshots(world.own_snapshots.folder), pd.Timestamp("2026-02-01", tz="UTC")

    def add(when):
        return checked(table.assign(when=when), "reviewed", store, snapshots, world.outcomes.decisions, now)

    assert len(add(f"{CUTOFF}T08:30+09:00")) == 1
    with pytest.raises(DataProblem, match=f"decided before the cut-off of '{SNAPSHOT}', {CUTOFF}"):
        add((pd.Timestamp(CUTOFF) - pd.Timedelta(days=1)).isoformat())


def test_nobody_is_confirmed_before_being_listed():
    known_at, cutoff = (pd.Timestamp(moment, tz="UTC") for moment in ("2025-12-31T23:30", "2026-01-01"))
    assert _days(pd.DataFrame({"player_id": ["7"], "known_at": [known_at]}), {"7": cutoff}) == 0
