import pandas as pd
from outcome_samples import SNAPSHOT

from scarcegan.outcomes.checks import checked
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
