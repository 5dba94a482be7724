import csv
import io
import json

import numpy as np
import pytest

from scarcegan.aws.model_quality import metrics_csv, model_quality, model_quality_json
from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.measured import measure
from scarcegan.evaluation.metrics import average_precision, curve
from scarcegan.evaluation.prevalence import Prevalence
from scarcegan.evaluation.report import Candidate, Champion, evaluate_models
from scarcegan.evaluation.scored import held_out
from scarcegan.problems import DataProblem
from scarcegan.settings import load

SETTINGS = load({"review_budget": 0.05, "evaluate": {"bootstrap": 40}})
NAMES = [definition.name for definition in SETTINGS.definitions]
RARE = 3
MEASURES = {"players", "risky", "prevalence", "pr_auc", "roc_auc", "recall_at_1", "recall_at_2", "recall_at_5",
            "recall_at_budget", "precision_at_budget", "recall", "precision", "flagged_share", "f2", "unknown_share",
            "curve", "confusion", "calibration"}  # fmt: skip


def probabilities(rng, is_risky, separation, columns=5):
    logits = rng.normal(size=(len(is_risky), columns))
    logits[:, RARE] += separation * is_risky - 1
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def tests():
    rng = np.random.default_rng(3)
    truth = (rng.random(900) < 0.05).astype(np.int8)
    labels = np.where(rng.random(900) < 0.2, np.where(truth == 1, RARE, 0), -1)
    apart = np.where(np.arange(500) < 30, RARE, np.where(np.arange(500) < 80, 1, -1))
    return {
        "same": held_out(labels, truth, RARE),
        "own": held_out(apart, np.full(500, -1), RARE, prevalence=0.04),
    }


@pytest.fixture(scope="module")
def candidate(tests):
    rng = np.random.default_rng(4)
    point = OperatingPoint(0.5, 0.05, 0.6, 0.5, 0.55, constraint_met=True)
    folds = [OperatingPoint(0.5, 0.05, recall, 0.5, 0.5, True) for recall in (0.4, 0.6)]
    return Candidate({name: probabilities(rng, rows.is_risky, 3) for name, rows in tests.items()}, point, 16, folds)


@pytest.fixture(scope="module")
def evaluation(tests, candidate):
    rng = np.random.default_rng(5)
    guesses = {name: rng.random(len(rows)) for name, rows in tests.items()}
    old = {name: probabilities(rng, rows.is_risky, 1, columns=4) for name, rows in tests.items()}
    return evaluate_models(
        tests,
        dict.fromkeys(NAMES, candidate),
        {"extra_trees": guesses},
        {"balanced": Champion(12, 0.4, old)},
        Prevalence(0.04, "from config"),
        SETTINGS,
    )


def test_everybody_is_measured_on_every_test_set_the_same_way(evaluation):
    everybody = [
        *(model["test"] for model in evaluation["models"].values()),
        *evaluation["baselines"].values(),
        *evaluation["champions"].values(),
    ]
    assert len(everybody) == len(NAMES) + 2
    for measured in everybody:
        assert all(set(measured[test]) == MEASURES for test in ("same", "own"))


def test_the_champion_is_judged_by_itself_with_an_interval(evaluation):
    against = evaluation["verdicts"]["balanced"]["champion"]
    assert against["version"] == 12
    assert against["low"] <= against["difference"] <= against["high"]
    assert evaluation["verdicts"]["recall_first"]["champion"] is None


def test_it_is_plain_data_without_nan(evaluation):
    assert json.loads(json.dumps(evaluation, allow_nan=False)) == evaluation


def test_figures_are_those_of_the_metrics_with_intervals_around_them(evaluation, tests, candidate):
    rows = tests["same"]
    measured = evaluation["models"]["balanced"]["test"]["same"]
    score = candidate.probabilities["same"][:, RARE]
    assert measured["pr_auc"]["value"] == average_precision(curve(rows.scored(score)))[0]
    assert measured["recall"]["value"] == pytest.approx(np.mean(score[rows.is_risky] >= 0.5))
    assert measured["precision"]["value"] == pytest.approx(np.mean(rows.is_risky[score >= 0.5]))
    for figure in ("pr_auc", "roc_auc", "recall", "precision", "flagged_share", "f2", "recall_at_5"):
        one = measured[figure]
        assert one["low"] <= one["value"] <= one["high"]
        assert one["std"] > 0
    assert measured["players"] == 900
    assert measured["risky"] == rows.is_risky.sum()


def test_without_truth_precision_uses_the_prevalence(evaluation, tests, candidate):
    measured = evaluation["models"]["balanced"]["test"]["own"]
    score = candidate.probabilities["own"][:, RARE]
    recall, flagged = np.mean(score[:30] >= 0.5), np.mean(score[80:] >= 0.5)
    assert measured["precision"]["value"] == pytest.approx(min(1, recall * 0.04 / flagged))
    assert (measured["players"], measured["risky"], measured["prevalence"]) == (420, 30, 0.04)


def test_a_baselines_threshold_figures_stand_at_the_review_budget(evaluation):
    measured = evaluation["baselines"]["extra_trees"]["same"]
    assert measured["recall"] == measured["recall_at_budget"] == measured["recall_at_5"]
    assert measured["flagged_share"]["value"] == 0.05
    assert measured["confusion"] is None
    assert measured["unknown_share"] is None


def test_a_champion_without_unknown_output_is_measured_too(evaluation):
    champion = evaluation["champions"]["balanced"]
    assert champion["version"] == 12
    assert champion["same"]["unknown_share"] is None
    assert len(champion["same"]["confusion"]["labels"]) == 4


def test_the_curve_is_short_rising_and_inside_its_band(evaluation):
    drawn = evaluation["models"]["balanced"]["test"]["same"]["curve"]
    assert {len(series) for series in drawn.values()} == {100}
    assert np.all(np.diff(drawn["recall"]) >= 0)
    assert drawn["flagged_share"][-1] == drawn["recall"][-1] == 1
    for measured in ("recall", "precision"):
        assert np.all(np.array(drawn[f"{measured}_low"]) <= np.array(drawn[f"{measured}_high"]))


def test_a_model_carries_its_validation_figures_and_the_folds_spread(evaluation):
    model = evaluation["models"]["recall_first"]
    assert model["describe"] == "recall >= 0.85, fewest flagged"
    assert (model["members"], model["threshold"], model["constraint_met"]) == (16, 0.5, True)
    assert model["validation"] == {"recall": 0.6, "precision": 0.5, "flagged_share": 0.05, "f2": 0.55}
    assert model["fold_spread"]["recall"] == {"mean": 0.5, "std": pytest.approx(0.02**0.5), "folds": [0.4, 0.6]}


def test_verdicts_are_given_on_the_first_test_set(evaluation):
    assert set(evaluation["verdicts"]) == set(NAMES)
    verdict = evaluation["verdicts"]["balanced"]
    assert verdict["verdict"] == "better"
    assert verdict["rival"] in ("champion", "extra_trees")
    recall = evaluation["models"]["balanced"]["test"]["same"]["recall"]["value"]
    assert verdict["sentence"].startswith(f"`balanced` finds {100 * recall:.0f} % [")
    assert "; champion " in verdict["sentence"]
    assert "; champion " not in evaluation["verdicts"]["recall_first"]["sentence"]


def test_the_same_seed_gives_the_same_intervals(evaluation, tests, candidate):
    again = evaluate_models(tests, {"balanced": candidate}, {}, {}, Prevalence(0.04, "from config"), SETTINGS)
    assert again["models"]["balanced"] == evaluation["models"]["balanced"]


def test_nan_scores_and_missing_test_sets_are_refused(tests, candidate):
    broken = {"extra_trees": {"same": np.full(900, np.nan), "own": np.zeros(500)}}
    prevalence = Prevalence(0.04, "from config")
    with pytest.raises(DataProblem, match="got 900 NaN or infinite"):
        evaluate_models(tests, {}, broken, {}, prevalence, SETTINGS)
    with pytest.raises(DataProblem, match="at least 1 test set"):
        evaluate_models({}, {"balanced": candidate}, {}, {}, prevalence, SETTINGS)


def test_intervals_of_a_constant_are_the_constant(ten_players, rng):
    weights = resample_weights(ten_players.is_risky, ten_players.in_population, 20, rng)
    perfect = ten_players.with_score(ten_players.is_risky.astype(float))
    assert measure(perfect, weights, 0.3, 0.5)["recall"] == {"value": 1, "low": 1, "high": 1, "std": 0}


def test_model_quality_counts_add_up_to_the_players(evaluation, tests, candidate):
    rows, score = tests["same"], candidate.probabilities["same"][:, RARE]
    found = model_quality(evaluation, "balanced", "same")["binary_classification_metrics"]
    flagged = score >= 0.5
    assert found["confusion_matrix"] == {
        "0": {"0": int(np.sum(~flagged & ~rows.is_risky)), "1": int(np.sum(flagged & ~rows.is_risky))},
        "1": {"0": int(np.sum(~flagged & rows.is_risky)), "1": int(np.sum(flagged & rows.is_risky))},
    }
    assert found["accuracy"]["value"] == pytest.approx(np.mean(flagged == rows.is_risky))
    assert found["false_positive_rate"]["value"] == pytest.approx(np.mean(flagged[~rows.is_risky]))
    own = model_quality(evaluation, "balanced", "own")["binary_classification_metrics"]["confusion_matrix"]
    assert sum(sum(row.values()) for row in own.values()) == 420
    assert sum(own["1"].values()) == round(0.04 * 420)


def test_model_quality_has_sagemakers_names_and_no_bare_nan(evaluation):
    text = model_quality_json(evaluation, "balanced", "same")
    found = json.loads(text, parse_constant=lambda constant: pytest.fail(f"bare {constant}"))
    binary = found["binary_classification_metrics"]
    scalars = {name: figure for name, figure in binary.items() if not name.endswith(("matrix", "curve"))}
    assert {"recall", "precision", "accuracy", "auc", "f0_5", "f1", "f2"} <= set(scalars)
    assert {"true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"} <= set(scalars)
    assert {f"{name}_best_constant_classifier" for name in ("recall", "precision", "accuracy", "f1")} <= set(scalars)
    for figure in scalars.values():
        assert set(figure) == {"value", "standard_deviation"}
        assert figure["standard_deviation"] == "NaN" or figure["standard_deviation"] >= 0
    assert binary["recall"]["value"] + binary["false_negative_rate"]["value"] == pytest.approx(1)
    roc = binary["receiver_operating_characteristic_curve"]
    assert len(roc["false_positive_rates"]) == len(roc["true_positive_rates"]) == 101
    assert roc["false_positive_rates"][-1] == pytest.approx(1)


def test_the_table_holds_every_figure_of_everybody(evaluation):
    rows = list(csv.DictReader(io.StringIO(metrics_csv(evaluation))))
    assert {(row["kind"], row["name"]) for row in rows} == {
        *(("model", name) for name in NAMES), ("baseline", "extra_trees"), ("champion", "balanced")}  # fmt: skip
    one = next(row for row in rows if row["kind"] == "champion" and row["test_set"] == "own" and row["metric"] == "f2")
    assert float(one["high"]) == evaluation["champions"]["balanced"]["own"]["f2"]["high"]
