"""The replay of labels that come back: the reviews are as many for each way, and it goes round three times."""

import numpy as np
import pandas as pd
import people_replay
import pytest
from people_replay import figures, replay, reviewed


def test_second_looks_at_drawn_players_take_the_place_of_the_lowest_of_the_top(monkeypatch):
    review = pd.DataFrame({"player_id": range(10), "stratum": [0, 0, 1, 0, 0, 2, 0, 0, 0, 0]})
    kind = dict.fromkeys(range(10), 1)
    monkeypatch.setattr(people_replay, "WRONG", 0.0)
    said = reviewed(review, kind, np.random.default_rng(0))
    assert len(said) == len(review)
    assert said["player_id"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 2, 5]
    assert said["reviewer"].tolist() == ["rita"] * 8 + ["sam"] * 2
    assert set(said["decision"]) == {"risky"}


@pytest.mark.slow
def test_a_seed_is_replayed_alike_with_each_way(monkeypatch):
    monkeypatch.setattr(people_replay, "PLAYERS", 3_000)
    monkeypatch.setattr(people_replay, "FRESH", 3_000)
    one = replay(1)
    assert one == replay(1)
    assert set(one) == {"audit", "top", "none"}
    assert all(len(recalls) == people_replay.ROUNDS == 3 for recalls in one.values())
    assert len(set(one["none"])) == 1
    assert all(0 < recall < 1 for recalls in one.values() for recall in recalls)


def test_figures_tell_the_mean_of_each_round_and_the_gain_with_its_interval():
    replays = [
        {"audit": [0.1, 0.2, 0.5 + more], "top": [0.1, 0.2, 0.4], "none": [0.1, 0.1, 0.1]} for more in (-0.1, 0.1)
    ]
    told = figures(replays)
    assert told["people.recall_audit"] == [0.1, 0.2, 0.5]
    assert told["people.recall_gain_round3"] == pytest.approx(0.1)
    # Student's t of one degree of freedom, 12.706, times the standard error, 0.1.
    assert told["people.recall_gain_round3_interval_95"] == pytest.approx([0.1 - 1.2706, 0.1 + 1.2706], abs=1e-3)
    assert told["people.recall_gain_round3_to_none"] == pytest.approx(0.4)
