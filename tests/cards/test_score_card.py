from dataclasses import replace

import card_samples

from cards.score_card import score_card


def test_counts_stand_beside_the_training_runs(score_report, read):
    text = read(score_card(score_report, card_samples.first_rows()))
    assert "Scores: players-2026-01-01" in text
    assert '["Flagged", "0.9 %", "0.98 %"]' in text
    assert '["Most probably unknown", "12 %", "8 %"]' in text
    assert '["Most probably normal", "33 %", "–"]' in text


def test_the_first_to_look_at_are_shown_with_their_reasons(score_report, read):
    text = read(score_card(score_report, card_samples.first_rows()))
    assert "The 1,200 highest scores; 120 of them are below the threshold." in text
    assert "s3://scores/players-2026-01-01/v3-ScoreFlow-21/review.csv" in text
    reasons = "night level 41, typical 2.5 (+0.21); bets active share 0.93, typical 0.21 (+0.18)"
    assert f'["77", "0.9313", "risky", "{reasons}"]' in text


def test_an_older_model_without_a_reference_is_shown_alone(score_report, read):
    text = read(score_card(replace(score_report, reference=None), []))
    assert '["Flagged", "0.9 %", "–"]' in text
    assert "unlabelled players in training" not in text


def test_a_budget_of_nobody_is_said(score_report, read):
    review = replace(score_report.review, players=0, flagged=0, lowest_score=None)
    text = read(score_card(replace(score_report, review=review), []))
    assert "Nobody: the review budget is less than one player." in text
