import json
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.serving.explanation import FLAGGED, OTHERS, explain_model
from scarcegan.serving.forward import risk_score


@pytest.fixture(scope="module")
def model(selected):
    return selected[0]["balanced"]


@pytest.fixture(scope="module")
def later(prepared):
    return np.flatnonzero(prepared.fold == -1)


@pytest.fixture(scope="module")
def explanation(prepared, later, model, settings):
    return explain_model(prepared, later, model, settings)


def test_the_evaluation_carries_it_as_plain_data(evaluation, prepared):
    told = evaluation["explanation"]
    assert (told["definition"], told["test_set"]) == ("review_budget", "later")
    assert {one["feature"] for one in told["importance"]} == set(prepared.players.feature_names)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_what_makes_players_risky_here_comes_first(explanation):
    importance = [one["mean_attribution"] for one in explanation["importance"]]
    assert importance == sorted(importance, reverse=True)
    # risky players differ in the first three of six features
    assert {one["feature"] for one in explanation["importance"][:2]} <= {"opens", "burst", "night"}


def test_the_flagged_come_first_and_others_fill_up(explanation, prepared, later, model):
    flagged = int(np.sum(risk_score(model, prepared.players.features[later]) >= np.float32(model["threshold"])))
    assert explanation["flagged"] == min(flagged, FLAGGED)
    assert explanation["players"] == explanation["flagged"] + min(OTHERS, len(later) - flagged)


def test_examples_are_flagged_players_from_the_highest_score_to_the_threshold(explanation, model):
    scores = [one["score"] for one in explanation["examples"]]
    assert scores == sorted(scores, reverse=True)
    assert 1 <= len(scores) <= 5
    assert min(scores) >= model["threshold"] * 0.95  # scores are rounded
    assert all(reason["attribution"] > 0 for one in explanation["examples"] for reason in one["reasons"])


def test_nobody_is_recognised_by_an_examples_values(explanation):
    values = [reason["value"] for one in explanation["examples"] for reason in one["reasons"]]
    assert values
    assert values == pytest.approx([float(f"{value:.2g}") for value in values], rel=1e-12)
    assert all(set(one) == {"score", "risky", "reasons"} for one in explanation["examples"])


def test_truth_is_told_where_it_is_known(prepared, later, model, settings):
    blind = replace(prepared, players=replace(prepared.players, truth=np.full(len(prepared.fold), -1)))
    told = explain_model(prepared, later, model, settings)["examples"]
    assert {one["risky"] for one in told} <= {True, False}
    assert {one["risky"] for one in explain_model(blind, later, model, settings)["examples"]} <= {True, None}


def test_a_model_that_flags_nobody_has_no_examples(prepared, later, model, settings):
    told = explain_model(prepared, later, model | {"threshold": 1.1}, settings)
    assert (told["flagged"], told["examples"]) == (0, [])
    assert told["players"] == min(OTHERS, len(later))
