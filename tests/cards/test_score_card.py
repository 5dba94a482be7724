import numpy as np
import pytest

from cards.score_card import score_card


@pytest.fixture
def report():
    levels = np.linspace(0, 1, 101)
    return {
        "run": "ScoreFlow/21",
        "model": {
            "version": 3,
            "definition": "review_budget",
            "group": "scarcegan-risky-players",
            "sha256": "ab" * 32,
            "release_id": "release-11",
            "run": "RetrainFlow/11",
            "threshold": 0.61,
            "data_fingerprint": "9f2c41d07be3a865",
        },
        "snapshot": {
            "name": "players-2026-01-01",
            "fingerprint": "31bf4c3cc3762a6e",
            "cutoff": "2026-01-01",
            "players": 120_000,
            "parts": 4,
        },
        "folder": "s3://scores/players-2026-01-01/v3-ScoreFlow-21",
        "files": [f"part-0000{number}.parquet" for number in range(4)],
        "players": 120_000,
        "flagged": 1_080,
        "flagged_share": 0.009,
        "unknown_share": 0.121,
        "classes": {"dormant": 50_000, "normal": 40_000, "heavy": 14_480, "risky": 1_000, "unknown": 14_520},
        "scores": {
            "levels": levels.tolist(),
            "quantiles": (0.9 * levels**6).tolist(),
            "reference": {
                "players": 20_000,
                "quantiles": (0.8 * levels**7).tolist(),
                "flagged_share": 0.0098,
                "unknown_share": 0.08,
            },
        },
        "review": {
            "players": 1_200,
            "budget": 0.01,
            "lowest_score": 0.58,
            "flagged": 1_080,
            "files": ["review.parquet", "review.csv"],
        },
    }


@pytest.fixture
def first():
    reasons = ["night level 41, typical 2.5 (+0.21)", "bets active share 0.93, typical 0.21 (+0.18)"]
    return [{"player_id": 77, "risk_score": 0.93125, "class": "risky", "is_flagged": True, "reasons": reasons}]


def test_counts_stand_beside_the_training_runs(report, first, read):
    text = read(score_card(report, first))
    assert "Scores: players-2026-01-01" in text
    assert '["Flagged", "0.9 %", "0.98 %"]' in text
    assert '["Most probably unknown", "12 %", "8 %"]' in text
    assert '["Most probably normal", "33 %", "–"]' in text


def test_the_first_to_look_at_are_shown_with_their_reasons(report, first, read):
    text = read(score_card(report, first))
    assert "The 1,200 highest scores; 120 of them below the threshold." in text
    assert "s3://scores/players-2026-01-01/v3-ScoreFlow-21/review.csv" in text
    reasons = "night level 41, typical 2.5 (+0.21); bets active share 0.93, typical 0.21 (+0.18)"
    assert f'["77", "0.9313", "risky", "{reasons}"]' in text


def test_an_older_model_without_a_reference_is_shown_alone(report, first, read):
    report["scores"]["reference"] = None
    text = read(score_card(report, first))
    assert '["Flagged", "0.9 %", "–"]' in text
    assert "unlabelled players in training" not in text


def test_a_budget_of_nobody_is_said(report, read):
    report["review"] |= {"players": 0, "flagged": 0, "lowest_score": None}
    assert "Nobody: the review budget is less than one player." in read(score_card(report, []))
