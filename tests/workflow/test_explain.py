from dataclasses import replace

import numpy as np
import pytest

from scarcegan.workflow.retraining.explain import FLAGGED, OTHERS, explain_on_test


def explained(prepared, model):
    features = prepared.players.features[prepared.fold == -1]
    return explain_on_test(prepared, model, 1, {"later": model.probabilities(features)})


@pytest.fixture(scope="module")
def model(selected):
    return selected[0]["balanced"]


@pytest.fixture(scope="module")
def explanation(prepared, model):
    return explained(prepared, model)


def test_what_makes_players_risky_here_comes_first(explanation, prepared):
    importance = [one.mean_attribution for one in explanation.importance]
    assert importance == sorted(importance, reverse=True)
    assert {one.feature for one in explanation.importance} == set(prepared.players.feature_names)
    # risky players differ in the first three of six features
    assert {one.feature for one in explanation.importance[:2]} <= {"opens", "burst", "night"}


def test_the_flagged_come_first_and_others_fill_up(explanation, prepared, model):
    later = prepared.fold == -1
    flagged = np.count_nonzero(model.flags(model.risk(prepared.players.features[later])))
    assert (explanation.definition, explanation.test_set) == ("balanced", "later")
    assert explanation.flagged == min(flagged, FLAGGED)
    assert explanation.players == explanation.flagged + min(OTHERS, np.count_nonzero(later) - flagged)


def test_examples_are_flagged_players_from_the_highest_score_to_the_threshold(explanation, model):
    scores = [one.score for one in explanation.examples]
    assert scores == sorted(scores, reverse=True)
    assert 1 <= len(scores) <= 5
    assert min(scores) >= model.threshold * 0.95  # scores are rounded
    assert all(reason.attribution > 0 for one in explanation.examples for reason in one.reasons)


def test_nobody_is_recognised_by_an_examples_values(explanation):
    values = [reason.value for one in explanation.examples for reason in one.reasons]
    assert values
    assert values == pytest.approx([float(f"{value:.2g}") for value in values], rel=1e-12)


def test_truth_is_told_where_it_is_known(explanation, prepared, model):
    blind = replace(prepared, players=replace(prepared.players, truth=np.full(len(prepared.fold), -1)))
    assert {one.risky for one in explanation.examples} <= {True, False}
    assert {one.risky for one in explained(blind, model).examples} <= {True, None}


def test_a_model_that_flags_nobody_has_no_examples(prepared, model):
    told = explained(prepared, replace(model, threshold=1.1))
    assert (told.flagged, told.examples) == (0, [])
    assert told.players == min(OTHERS, np.count_nonzero(prepared.fold == -1))
