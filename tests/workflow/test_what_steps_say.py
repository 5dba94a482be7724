"""Each part of a step that can take long is announced before it begins, in a line of the run's plain log."""

import tomllib

import pytest

from scarcegan.settings import load
from scarcegan.words import announced
from scarcegan.workflow.retraining.families import family_risks
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
from scarcegan.workflow.retraining.prepare import prepare
from scarcegan.workflow.retraining.rivals import train_rivals
from scarcegan.workflow.retraining.select import select_models

DEFINITIONS = ("recall_first", "precision_first", "review_budget", "balanced")


@pytest.fixture
def lines():
    return []


def test_a_part_is_announced_before_it_is_done():
    told = []
    for name, value in announced({"first": 1, "second": 2}, "Doing {}", told.append):
        told.append((name, value))
    assert told == ["Doing first", ("first", 1), "Doing second", ("second", 2)]


def test_preprocess_says_that_it_loads_and_that_it_describes(lines, tiny, tmp_path):
    settings = load(tomllib.loads(tiny({"data": {"path": str(tmp_path)}, "simulated": {"players": 900}})))
    prepare(settings, lines.append)
    assert lines == ["Loading players from source 'simulated'", "Checking, splitting and describing the players"]


def test_train_announces_each_family(lines, prepared, settings):
    fit_fold(prepared, 0, settings, threads=1, say=lines.append)
    assert lines == ["Training family small_extra_trees", "Training family linear"]


def test_select_announces_each_model_each_rival_and_each_familys_scores(lines, prepared, folds, settings):
    select_models(prepared, folds, settings, lines.append)
    assert lines == [f"Joining the folds' models of `{name}`, setting its threshold" for name in DEFINITIONS]
    train_rivals(prepared, settings, 2, lines.append)
    assert lines[4:] == ["Training rival logistic_regression"]
    family_risks(prepared, folds, settings, lines.append)
    assert lines[5:] == [f"Scoring test players with family {name}" for name in ("small_extra_trees", "linear")]


def test_evaluate_announces_who_is_scored_and_who_is_measured(
    lines, prepared, selected, families, rivals, champion, registry, settings
):
    own = scarcegan_on_test(prepared, selected[0], lines.append)
    challengers = challengers_of(prepared, *selected, families, own)
    judge_models(prepared, *selected, challengers, rivals, registry, settings, lines.append)
    scored = ["Scoring test players with ScarceGAN"]
    scored.append(f"Scoring test players with version {champion.version}, the champion of `balanced`")
    drawn = "on 20 resamples of the test players"
    measured = [f"Measuring and comparing `{name}` {drawn}" for name in DEFINITIONS]
    assert lines == [*scored, *measured, f"Measuring rival logistic_regression {drawn}"]
