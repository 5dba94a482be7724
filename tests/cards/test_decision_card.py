"""The page of one decision: facts, reasons by marker, what would have to change, outcomes, every input."""

from dataclasses import replace

import pytest

from cards.decision_card import decision_card
from scarcegan.outcomes.records import Outcome
from scarcegan.serving.reasons import Change, Contribution, Counterfactual, Marker
from scarcegan.settings.words_section import Words
from scarcegan.workflow.scoring.records import DecisionRecord


@pytest.fixture
def record(score_report):
    night = Contribution("night_level", 41.0, 0.0, 12.0, 0.21, "night level 41 per day, usually 0 to 12")
    tenure = Contribution("tenure_days", None, 3.0, 60.0, -0.02, "tenure days missing, usually 3 to 60")
    change = Change("night_level", "time of day", 41.0, 8.0, "night level 8 instead of 41 per day")
    when = "2026-01-20T10:00:00Z"
    return DecisionRecord(
        player_id="4711",
        plan=score_report.plan,
        score=0.72,
        score_kind="probability",
        threshold=0.61,
        is_flagged=True,
        recorded_score=0.72,
        typical_score=0.53,
        markers=[Marker("time of day", 0.21, [night]), Marker("other", -0.02, [tenure])],
        counterfactual=Counterfactual([change], 0.58),
        outcomes=[Outcome("4711", "players-2026-01-01", "harmless", "rita", when, "called, fine", when)],
        label="harmless",
    )


def test_the_page_tells_the_whole_decision(record, read):
    text = read(decision_card(record))
    for told in (
        '"0.7200 (the probability of being risky)"',
        '["time of day", "+0.21", "night level 41 per day, usually 0 to 12"]',
        "The player would not be flagged with night level 8 instead of 41 per day: risk score 0.5800.",
        '["2026-01-20 10:00", "harmless", "rita", "called, fine"]',
        '["night level", "time of day", "41", "0 to 12", "+0.21"]',
        '["tenure days", "other", "missing", "3 to 60", "−0.020"]',
        "RetrainFlow/11",
        "ScoreFlow/21",
    ):
        assert told in text


def test_what_is_not_there_is_said(record, read):
    text = read(decision_card(replace(record, counterfactual=None, outcomes=[], label="")))
    assert "None found within the observed range of the snapshot's players" in text
    assert "No outcomes yet." in text
    assert "The player is not flagged." in read(decision_card(replace(record, is_flagged=False)))


def test_a_team_reads_its_own_words(record, read):
    theirs = replace(record, words=Words(row="card", rows="cards", rare="fraudulent"), counterfactual=None)
    text = read(decision_card(theirs))
    assert "the probability of being fraudulent" in text
    assert "observed range of the snapshot's cards" in text
    assert "player's" not in text
