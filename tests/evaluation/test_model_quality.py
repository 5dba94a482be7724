import copy
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from scarcegan.aws.model_card import model_card
from scarcegan.aws.model_quality import model_quality, model_quality_json
from scarcegan.aws.multiclass import multiclass_block
from scarcegan.aws.quality_table import csv_to_report, report_to_csv
from scarcegan.evaluation.classes import confusion
from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.prevalence import Prevalence
from scarcegan.evaluation.report import Candidate, evaluate_models
from scarcegan.evaluation.scored import held_out
from scarcegan.settings import load

SCHEMA = json.loads(Path(__file__).with_name("model_quality.schema.json").read_text())
SETTINGS = load({"evaluate": {"bootstrap": 20}})
CLASSES = ("dormant", "normal", "heavy", "risky")


@pytest.fixture(scope="module")
def evaluation():
    rng = np.random.default_rng(1)
    labels = rng.choice([-1, 0, 1, 2, 3], size=600, p=[0.5, 0.2, 0.2, 0.05, 0.05])
    rows = held_out(labels, (labels == 3).astype(np.int8), 3)
    odds = np.exp(rng.normal(size=(600, 5)) + 2 * np.eye(5)[labels])
    probabilities = {"test": (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)}
    point = OperatingPoint(0.5, 0.05, 0.6, 0.5, 0.55, constraint_met=False)
    candidate = Candidate(probabilities, point, 16, [point])
    return evaluate_models({"test": rows}, {"balanced": candidate}, {}, {}, Prevalence(0.05, "from config"), SETTINGS)


@pytest.fixture
def report(evaluation):
    return model_quality(evaluation, "balanced", "test")


def test_the_report_is_what_sagemaker_shows(evaluation):
    text = model_quality_json(evaluation, "balanced", "test")
    found = json.loads(text, parse_constant=lambda constant: pytest.fail(f"bare {constant}"))
    jsonschema.validate(found, SCHEMA)
    assert set(found) == {
        "version",
        "dataset",
        "binary_classification_metrics",
        "multiclass_classification_metrics",
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report["binary_classification_metrics"].update(recall=0.5),
        lambda report: report["binary_classification_metrics"].pop("recall"),
        lambda report: report["binary_classification_metrics"]["f2"].update(standard_deviation=None),
        lambda report: report["multiclass_classification_metrics"].pop("weighted_f2"),
        lambda report: report["multiclass_classification_metrics"]["accuracy"].update(value="NaN"),
        lambda report: report["binary_classification_metrics"]["precision_recall_curve"].update(recalls=[1] * 500),
    ],
)
def test_the_schema_refuses_what_sagemaker_would_not_show(report, spoil):
    report = copy.deepcopy(report)
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA)


def test_csv_holds_the_whole_report(report):
    text = report_to_csv(report)
    assert csv_to_report(text) == report
    assert json.dumps(csv_to_report(text)) == json.dumps(report)
    assert text.startswith("block,metric,row,column,value,standard_deviation\n")
    assert "\nmulticlass_classification_metrics,confusion_matrix,risky,unknown," in text


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


def test_a_matrix_without_known_players_has_no_figures():
    counted = {"labels": ["a", "unknown"], "rows": ["a", "unlabelled"], "matrix": [[0, 0], [3, 4]]}
    assert list(multiclass_block(counted)) == ["confusion_matrix"]


def test_a_bare_score_has_no_multiclass_block(evaluation):
    evaluation = copy.deepcopy(evaluation)
    evaluation["models"]["balanced"]["test"]["test"]["confusion"] = None
    assert "multiclass_classification_metrics" not in model_quality(evaluation, "balanced", "test")


def test_what_cannot_be_measured_is_left_out(evaluation):
    evaluation = copy.deepcopy(evaluation)
    measures = evaluation["models"]["balanced"]["test"]["test"]
    measures["roc_auc"] = dict.fromkeys(("value", "low", "high", "std"), float("nan"))
    measures["f2"]["std"] = float("nan")
    binary = json.loads(model_quality_json(evaluation, "balanced", "test"))["binary_classification_metrics"]
    assert "auc" not in binary
    assert binary["f2"]["standard_deviation"] == "NaN"
    assert '"roc_auc"' not in model_card(evaluation, "balanced", {})


def test_the_card_tells_purpose_figures_caveats_and_origin(evaluation):
    card = json.loads(model_card(evaluation, "balanced", {"run": "RetrainFlow/12"}))
    assert card["additional_information"]["custom_details"] == {"run": "RetrainFlow/12"}
    assert "could not be met" in card["additional_information"]["caveats_and_recommendations"]
    assert "balanced" in card["intended_uses"]["intended_uses"]
    data = {entry["name"]: entry["value"] for entry in card["evaluation_details"][0]["metric_groups"][0]["metric_data"]}
    recall = evaluation["models"]["balanced"]["test"]["test"]["recall"]
    assert (data["recall"], data["recall_low"]) == (recall["value"], recall["low"])
    assert len(json.dumps(card)) < 100_000
