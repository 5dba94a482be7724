import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from scarcegan.aws.model_quality import model_quality, model_quality_csv, model_quality_json, multiclass_block
from scarcegan.aws.packages import model_card
from scarcegan.evaluation.figures import Confusion, Interval
from scarcegan.evaluation.measures import confusion
from scarcegan.evaluation.scored import held_out
from scarcegan.problems import RegistryProblem

SCHEMA = json.loads(Path(__file__).with_name("model_quality.schema.json").read_text())
CLASSES = ("dormant", "normal", "heavy", "risky")


@pytest.fixture
def measures(evaluation):
    return evaluation.on_first_test_set("balanced")


@pytest.fixture
def report(measures):
    return model_quality(measures)


def test_the_report_is_what_sagemaker_shows(measures):
    text = model_quality_json(measures)
    found = json.loads(text, parse_constant=lambda constant: pytest.fail(f"bare {constant}"))
    jsonschema.validate(found, SCHEMA)
    assert set(found) == {
        "version",
        "dataset",
        "binary_classification_metrics",
        "multiclass_classification_metrics",
    }
    binary = found["binary_classification_metrics"]
    assert binary["recall"]["value"] + binary["false_negative_rate"]["value"] == pytest.approx(1)
    roc = binary["receiver_operating_characteristic_curve"]
    assert len(roc["false_positive_rates"]) == len(roc["true_positive_rates"]) == 101
    assert roc["false_positive_rates"][-1] == pytest.approx(1)


def test_counts_add_up_to_the_players(evaluation, report, test_players, challenger):
    rows, flagged = test_players["same"], challenger.probabilities["same"][:, 3] >= 0.5
    found = report["binary_classification_metrics"]
    assert found["confusion_matrix"] == {
        "0": {"0": int(np.sum(~flagged & ~rows.is_risky)), "1": int(np.sum(flagged & ~rows.is_risky))},
        "1": {"0": int(np.sum(~flagged & rows.is_risky)), "1": int(np.sum(flagged & rows.is_risky))},
    }
    assert found["accuracy"]["value"] == pytest.approx(np.mean(flagged == rows.is_risky))
    assert found["false_positive_rate"]["value"] == pytest.approx(np.mean(flagged[~rows.is_risky]))


def test_without_truth_the_counts_are_those_expected_of_the_prevalence(evaluation):
    own = model_quality(evaluation.models["balanced"].test["own"])["binary_classification_metrics"]["confusion_matrix"]
    assert sum(sum(row.values()) for row in own.values()) == 420
    assert sum(own["1"].values()) == round(0.04 * 420)


def test_the_table_has_every_figure_of_the_report_to_the_last_digit(measures, report):
    table = list(csv.DictReader(io.StringIO(model_quality_csv(measures))))
    cells = {tuple(row[key] for key in ("block", "metric", "row", "column")): row for row in table}
    block = "binary_classification_metrics"
    recall, roc = cells[block, "recall", "", ""], "receiver_operating_characteristic_curve"
    assert (float(recall["value"]), float(recall["standard_deviation"])) == (measures.recall.value, measures.recall.std)
    assert float(cells[block, roc, "true_positive_rates", "7"]["value"]) == measures.curve.recall[6]
    counted = report["multiclass_classification_metrics"]["confusion_matrix"]["risky"]["unknown"]
    assert cells["multiclass_classification_metrics", "confusion_matrix", "risky", "unknown"]["value"] == str(counted)
    assert len(cells) == len(table)


def test_weighted_figures_are_scikit_learns():
    rng = np.random.default_rng(2)
    truth = rng.choice(4, size=500, p=[0.5, 0.3, 0.1, 0.1])
    said = np.where(rng.random(500) < 0.6, truth, rng.choice(5, size=500))
    block = multiclass_block(confusion(held_out(truth, truth == 3, 3), np.eye(5)[said], (*CLASSES, "unknown"), 3))
    for beta, name in ((0.5, "f0_5"), (1, "f1"), (2, "f2")):
        expected = precision_recall_fscore_support(
            truth, said, beta=beta, labels=range(4), average="weighted", zero_division=0
        )
        found = [block[f"weighted_{metric}"]["value"] for metric in ("precision", "recall", name)]
        assert found == pytest.approx(expected[:3])
    assert block["accuracy"]["value"] == pytest.approx(accuracy_score(truth, said))
    constant = np.full(500, 0)
    expected = precision_recall_fscore_support(
        truth, constant, labels=range(4), average="weighted", zero_division=0, beta=2
    )
    names = ("weighted_precision", "weighted_recall", "weighted_f2")
    assert [block[f"{name}_best_constant_classifier"]["value"] for name in names] == pytest.approx(expected[:3])


def test_players_of_no_known_class_are_shown_but_not_counted(report):
    block = report["multiclass_classification_metrics"]
    matrix = block["confusion_matrix"]
    assert list(matrix) == [*CLASSES, "unlabelled"]
    known = sum(sum(matrix[name].values()) for name in CLASSES)
    assert block["accuracy"]["value"] == pytest.approx(sum(matrix[name][name] for name in CLASSES) / known)


def test_there_are_no_multiclass_figures_without_known_players_and_no_block_of_a_bare_score(measures):
    counted = Confusion(labels=["a", "unknown"], rows=["a", "unlabelled"], matrix=[[0, 0], [3, 4]])
    assert list(multiclass_block(counted)) == ["confusion_matrix"]
    assert "multiclass_classification_metrics" not in model_quality(replace(measures, confusion=None))


def test_what_cannot_be_measured_is_left_out(evaluation, measures):
    nan = float("nan")
    spoilt = replace(measures, roc_auc=Interval(nan, nan, nan, nan), f2=replace(measures.f2, std=nan))
    binary = json.loads(model_quality_json(spoilt))["binary_classification_metrics"]
    assert "auc" not in binary
    assert binary["f2"]["standard_deviation"] == "NaN"
    model = replace(evaluation.models["balanced"], test={"same": spoilt})
    assert '"roc_auc"' not in model_card(replace(evaluation, models={"balanced": model}), "balanced", {})


def test_the_card_tells_purpose_figures_caveats_and_origin(evaluation):
    card = json.loads(model_card(evaluation, "precision_first", {"run": "RetrainFlow/12"}))
    assert card["additional_information"]["custom_details"] == {"run": "RetrainFlow/12"}
    caveats = card["additional_information"]["caveats_and_recommendations"]
    assert "not promised: 30 labelled risky players are too few" in caveats
    assert "precision_first" in card["intended_uses"]["intended_uses"]
    assert card["training_details"]["training_observations"].startswith("Ensemble of 16 networks of ScarceGAN")
    data = {entry["name"]: entry["value"] for entry in card["evaluation_details"][0]["metric_groups"][0]["metric_data"]}
    recall = evaluation.on_first_test_set("precision_first").recall
    assert (data["recall"], data["recall_low"]) == (recall.value, recall.low)


def test_a_card_beyond_sagemakers_limit_is_refused(evaluation):
    facts = {f"fact {number}": "x" * 2_000 for number in range(50)}
    with pytest.raises(RegistryProblem, match="at most 100,000 characters for 'balanced'"):
        model_card(evaluation, "balanced", facts)
