from dataclasses import replace

import card_samples
import pytest

from cards.drift_card import drift_card
from cards.score_card import score_card
from scarcegan.monitoring.decision import cannot_measure

UNMEASURED = cannot_measure("no snapshot", "2026-01-01", 3)


@pytest.fixture
def drift():
    return card_samples.scored_drift()


@pytest.fixture
def card(score_report, drift, decision, read):
    """The text of the card, with other fields of the report."""

    def card(drift=drift, decision=decision, **changes):
        first = changes.pop("first", card_samples.first_rows())
        return read(score_card(replace(score_report, **changes), drift, decision, first))

    return card


def test_shares_stand_beside_the_reference_of_the_drift_card(card, drift, decision, read):
    """One reference: the same figures under the same names on both cards."""
    for text in (card(), read(drift_card(drift, decision))):
        assert '["Share of players [95 % interval]", "This snapshot", "Reference"]' in text
        assert '["Flagged share at its threshold", "0.90 % [0.85, 0.96]", "0.53 % [0.33, 0.86]"]' in text
        assert '["Share unknown", "12.1 % [11.9, 12.3]", "10 % [9, 11]"]' in text
        assert '["Players", "120,000", "3,000"]' in text
        assert "The reference: all 3,000 players of june (cut-off 2026-06-01), labelled or not." in text


def test_both_cards_draw_the_same_lines(score_report, drift, decision, drawn):
    question = "How many players have at least this score?"
    report = replace(
        score_report, plan=replace(score_report.plan, model=replace(score_report.plan.model, threshold=0.8))
    )
    cards = score_card(report, drift, decision, []), drift_card(drift, decision)
    one, other = (drawn(card)[question] for card in cards)
    assert one == other


def test_the_chart_reaches_up_to_the_highest_score(score_report, drift, decision, drawn):
    """The top 1 % is what moderators see: the line does not end before it."""
    [line, _] = drawn(score_card(score_report, drift, decision, []))["How many players have at least this score?"]
    assert (line["x"][-1], line["y"][-1]) == (pytest.approx(0.9), pytest.approx(1 / 120_000, rel=1e-4))
    assert 0.009 in line["y"]


def test_the_first_to_look_at_are_shown_with_their_reasons(card):
    text = card()
    assert "Scores: players-2026-01-01" in text
    assert "The 1,200 highest scores; 120 of them are below the threshold." in text
    assert "s3://scores/players-2026-01-01/v3-ScoreFlow-21/review.csv" in text
    reasons = "night level 41, typical 2.5 (+0.21); bets active share 0.93, typical 0.21 (+0.18)"
    assert f'["77", "0.9313", "risky", "{reasons}"]' in text
    assert '["normal", "40,000", "33 %"]' in text


def test_where_the_threshold_was_set_is_a_fact_of_its_own(card):
    told = "0.61; it was set where it flags 0.98 % [0.85, 1.13] of 20,000 players of the training, all unlabelled"
    assert told in card()
    assert '["Threshold", "0.61"]' in card(threshold_set_on=None)


def test_without_a_snapshot_to_compare_with_the_thresholds_players_are_the_reference(card):
    text = card(drift=None, decision=UNMEASURED)
    assert "Drift is not measured. The reference: the unlabelled players of the training that the threshold" in text
    assert '["Flagged share at its threshold", "0.90 % [0.85, 0.96]", "0.98 % [0.85, 1.13]"]' in text
    assert "nobody knows whether bounds promised at registration" in text


def test_an_older_model_without_a_reference_is_shown_alone(card):
    text = card(drift=None, decision=UNMEASURED, threshold_set_on=None)
    assert '["Flagged share at its threshold", "0.90 % [0.85, 0.96]", "–"]' in text
    assert "There is no reference to compare with." in text


def test_what_the_figures_cannot_be_trusted_for_comes_first(card, decision):
    text = card(over_budget="the flagged share is above the review budget")
    order = ("**Read with care:**", "above the review budget", "do not carry over to august", "Whom to look at first")
    assert sorted(order, key=text.index) == list(order)
    assert "Read with care" not in card(decision=replace(decision, promise=""))


def test_a_budget_of_nobody_is_said(score_report, card):
    review = replace(score_report.review, players=0, flagged=0, lowest_score=None)
    assert "Nobody: the review budget is less than one player." in card(review=review, first=[])
