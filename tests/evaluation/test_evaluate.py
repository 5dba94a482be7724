import json
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.evaluation.evaluate import Champion, evaluate_models
from scarcegan.evaluation.figures import Interval
from scarcegan.evaluation.intervals import resample_weights, share_of
from scarcegan.evaluation.measures import measure
from scarcegan.evaluation.metrics import average_precision, curve
from scarcegan.evaluation.records import Comparison, Evaluation, FamilyShare, Prevalence, Promise
from scarcegan.problems import DataProblem
from scarcegan.settings import load

SETTINGS = load({"review_budget": 0.05, "evaluate": {"bootstrap": 40}})
PREVALENCE = Prevalence(0.04, "configured")
RARE = 3


def test_everybody_is_measured_on_every_test_set_even_a_champion_without_unknown_output(evaluation):
    models, champions = ([one.test for one in part.values()] for part in (evaluation.models, evaluation.champions))
    everybody = [*models, *champions, *evaluation.rivals.values()]
    assert [set(measured) for measured in everybody] == [{"same", "own"}] * 6
    champion = evaluation.champions["balanced"]
    assert (champion.version, champion.test["same"].unknown_share) == (12, None)
    assert len(champion.test["same"].confusion.labels) == 4


def test_it_is_plain_data_without_nan_and_comes_back_from_it(evaluation):
    plain = json.loads(json.dumps(evaluation.to_plain(), allow_nan=False))
    assert Evaluation.from_plain(plain) == evaluation


def test_figures_are_those_of_the_metrics_with_intervals_around_them(evaluation, test_players, challenger):
    rows = test_players["same"]
    measured = evaluation.models["balanced"].test["same"]
    score = challenger.probabilities["same"][:, RARE]
    assert measured.pr_auc.value == average_precision(curve(rows.scored(score)))[0]
    assert measured.recall.value == pytest.approx(np.mean(score[rows.is_risky] >= 0.5))
    assert measured.precision.value == pytest.approx(np.mean(rows.is_risky[score >= 0.5]))
    for figure in measured.intervals().values():
        assert figure.low <= figure.value <= figure.high
        assert figure.std > 0
    assert (measured.players, measured.risky) == (900, rows.is_risky.sum())


def test_without_truth_precision_uses_the_prevalence(evaluation, challenger):
    measured = evaluation.models["balanced"].test["own"]
    score = challenger.probabilities["own"][:, RARE]
    recall, flagged = np.mean(score[:30] >= 0.5), np.mean(score[80:] >= 0.5)
    assert measured.precision.value == pytest.approx(min(1, recall * 0.04 / flagged))
    assert (measured.players, measured.risky, measured.prevalence) == (420, 30, 0.04)


def test_without_truth_a_precision_of_few_players_has_its_doubt(labelled_apart, rng):
    weights = resample_weights(labelled_apart.is_risky, labelled_apart.in_population, 20, rng)
    missed = measure(labelled_apart.with_score(-labelled_apart.score), weights, 0.3, 0.0).precision
    assert missed.value == missed.low == 0
    assert missed.high == 1


def test_a_rivals_threshold_figures_stand_at_the_review_budget(evaluation):
    measured = evaluation.rivals["extra_trees"]["same"]
    assert measured.recall == measured.recall_at_budget == measured.recall_at_5
    assert measured.flagged_share.value == 0.05
    assert (measured.confusion, measured.unknown_share) == (None, None)


def test_the_curve_is_short_rising_and_inside_its_band(evaluation):
    drawn = evaluation.models["balanced"].test["same"].curve
    assert {len(series) for series in vars(drawn).values()} == {100}
    assert np.all(np.diff(drawn.recall) >= 0)
    assert drawn.flagged_share[-1] == drawn.recall[-1] == 1
    assert np.all(np.array(drawn.recall_low) <= drawn.recall_high)
    assert np.all(np.array(drawn.precision_low) <= drawn.precision_high)


def test_a_model_carries_its_definition_and_the_folds_spread(evaluation):
    model = evaluation.models["recall_first"]
    assert (model.definition, model.describe) == (SETTINGS.definitions[0], "recall ≥ 85 %, fewest flagged")
    assert (model.members, model.threshold, model.promise) == (16, 0.5, Promise("recall", 0.5, 0.9))
    spread = model.fold_spread["recall"]
    assert (spread.mean, spread.std, spread.folds) == (0.5, pytest.approx(0.02**0.5), [0.4, 0.6])


def test_each_family_is_measured_alone_and_the_model_without_it(test_players, challenger):
    """Without one of two families the other one stands as it is, not cut off as in a pool."""
    low = {name: told[:, RARE] / 100 for name, told in challenger.probabilities.items()}
    alone = {name: {"scarcegan": np.zeros(len(risk)), "forest": risk, "linear": -risk} for name, risk in low.items()}
    shares = {"scarcegan": 0.43, "forest": 0.57, "linear": 0.0}
    mixed = replace(challenger, shares=shares, alone=alone)
    model = evaluate_models(test_players, {"balanced": mixed}, {}, {}, PREVALENCE, SETTINGS).models["balanced"]
    scarcegan, forest, linear = model.families
    assert [one.share for one in model.families] == [0.43, 0.57, 0.0]
    assert scarcegan.without == forest.alone
    assert forest.alone.value == average_precision(curve(test_players["same"].scored(low["same"])))[0]
    assert forest.without == scarcegan.alone != forest.alone
    assert linear.without is None
    assert model.scarcegan["same"].pr_auc == scarcegan.alone
    assert set(model.scarcegan) == {"same", "own"}


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({}, "Ensemble of 16 networks of ScarceGAN (CIKM 2021)"),
        ({"scarcegan": 1.0, "linear": 0.0}, "Ensemble of 16 networks of ScarceGAN (CIKM 2021)"),
        (
            {"scarcegan": 0.4, "linear": 0.6},
            "Risk by linear 60 %, ScarceGAN 40 % (shares of its log-odds), class by 16 networks of ScarceGAN "
            "(CIKM 2021)",
        ),
        (
            {"scarcegan": 0.0, "linear": 1.0},
            "Risk by linear alone (shares of its log-odds), class by 16 networks of ScarceGAN (CIKM 2021)",
        ),
    ],
)
def test_it_is_said_what_scores_a_player_and_what_names_the_class(evaluation, shares, told):
    families = [FamilyShare(name, share, Interval(0.4, 0.3, 0.5), None) for name, share in shares.items()]
    model = replace(evaluation.models["balanced"], families=families)
    assert model.made_of.replace("\N{NO-BREAK SPACE}", " ") == told


def test_the_headline_is_the_model_whose_flagged_share_is_bound_or_the_first(evaluation):
    assert evaluation.headline == "review_budget"
    others = {name: model for name, model in evaluation.models.items() if name != "review_budget"}
    assert replace(evaluation, models=others).headline == "recall_first"


def test_verdicts_are_given_on_the_first_test_set(evaluation):
    verdict = evaluation.verdicts["balanced"]
    assert verdict.against_rival.verdict == "better"
    assert verdict.rival in ("champion", "extra_trees")
    recall = evaluation.models["balanced"].test["same"].recall.value
    assert verdict.sentence.startswith(f"`balanced` finds {100 * recall:.0f} % [")
    assert verdict.champion_version == 12
    assert verdict.against_champion.low <= verdict.against_champion.difference <= verdict.against_champion.high
    alone = evaluation.verdicts["recall_first"]
    assert (alone.champion_version, alone.against_champion, "champion" in alone.sentence) == (None, None, False)


def test_a_champion_that_cannot_be_compared_is_named_and_not_measured(test_players, challenger):
    other = {"balanced": Champion(12, 0.4, None)}
    evaluation = evaluate_models(test_players, {"balanced": challenger}, {}, other, PREVALENCE, SETTINGS)
    verdict = evaluation.verdicts["balanced"]
    assert evaluation.champions == {}
    assert (verdict.champion_version, verdict.against_champion) == (12, Comparison("no rival"))
    assert verdict.sentence.endswith("(the champion, version 12, has other features or classes: not compared)")


def test_the_same_seed_gives_the_same_intervals(evaluation, test_players, challenger):
    again = evaluate_models(test_players, {"recall_first": challenger}, {}, {}, evaluation.prevalence, SETTINGS)
    assert again.models["recall_first"] == evaluation.models["recall_first"]


def test_nan_scores_are_refused(test_players):
    broken = {"extra_trees": {"same": np.full(900, np.nan), "own": np.zeros(500)}}
    with pytest.raises(DataProblem, match="got 900 NaN or infinite"):
        evaluate_models(test_players, {}, broken, {}, PREVALENCE, SETTINGS)


def test_all_of_a_few_found_leaves_doubt(ten_players, rng):
    weights = resample_weights(ten_players.is_risky, ten_players.in_population, 20, rng)
    perfect = ten_players.with_score(ten_players.is_risky.astype(float))
    measured = measure(perfect, weights, 0.3, 0.5)
    assert measured.recall == measured.recall_at_budget == measured.precision == replace(share_of(3, 3), std=0)
    assert measured.flagged_share.low < 0.3 < measured.flagged_share.high
