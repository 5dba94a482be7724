"""A decision is a label when reviewers settle on it: their latest decisions count, ties and doubts do not."""

import pandas as pd
import pytest
from outcome_samples import rows

from scarcegan.outcomes.consensus import agreement, settled
from scarcegan.settings import Outcomes

RULE = Outcomes(decisions={"harm": "risky", "no_harm": "harmless", "unsure": "undecided"})


def decided(*events):
    """Outcomes of player 1: (reviewer, decision, day in January)."""
    parts = [rows([1], reviewer, decision, f"2026-01-{day:02d}T12:00:00Z") for reviewer, decision, day in events]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("events", "label", "day"),
    [
        ([("rita", "harm", 3)], "risky", 3),
        ([("rita", "unsure", 3)], "", None),
        ([("rita", "harm", 3), ("rita", "no_harm", 5)], "harmless", 5),  # a correction
        ([("rita", "harm", 3), ("otto", "no_harm", 5)], "", None),  # a tie
        ([("rita", "harm", 3), ("otto", "no_harm", 5), ("uma", "harm", 6)], "risky", 6),
        ([("rita", "harm", 3), ("otto", "harm", 5)], "risky", 3),  # settled since the first
        ([("rita", "harm", 3), ("otto", "unsure", 5)], "risky", 3),
        ([("rita", "harm", 3), ("otto", "no_harm", 5), ("otto", "harm", 8)], "risky", 8),
        ([("rita", "retired_word", 3)], None, None),  # no longer in the settings
    ],
)
def test_the_majority_of_the_latest_decisions_is_the_label_since_it_holds(events, label, day):
    found = settled(decided(*events), RULE)
    if label is None:
        assert found.empty
        return
    [row] = found.to_dict("records")
    assert row["label"] == label
    assert pd.isna(row["known_at"]) if day is None else row["known_at"].day == day


def test_more_reviewers_can_be_asked_to_agree():
    rule = RULE.model_copy(update={"agreeing": 2})
    events = [("rita", "harm", 3), ("otto", "harm", 5)]
    assert [settled(decided(*events[:n]), rule)["label"].item() for n in (1, 2)] == ["", "risky"]
    assert settled(decided(*events), rule)["known_at"].item().day == 5


def test_agreement_counts_players_of_both_and_what_chance_would_give():
    both = [rows(range(20), name) for name in ("rita", "otto")]
    both += [rows(range(20, 40), "rita", "no_harm"), rows([*range(20, 36)], "otto", "no_harm"), rows([50], "uma")]
    [pair] = agreement(pd.concat(both), RULE)
    assert (pair.reviewers, pair.players, pair.alike, pair.kappa) == (("otto", "rita"), 36, 36, 1.0)
    both.append(rows(range(36, 40), "otto", "harm"))
    [pair] = agreement(pd.concat(both), RULE)
    assert (pair.players, pair.alike) == (40, 36)
    assert pair.kappa == pytest.approx(0.8)
    assert pair.share.low < 0.9 < pair.share.high


def test_where_both_always_say_the_same_thing_kappa_is_not_defined():
    [pair] = agreement(pd.concat([rows([1, 2], name) for name in ("rita", "otto")]), RULE)
    assert (pair.alike, pair.kappa) == (2, None)
