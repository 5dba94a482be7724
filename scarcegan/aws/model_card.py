"""The evaluation in the form of SageMaker's model cards, shown beside a registered model."""

import json
import math
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 2_000


def model_card(evaluation: dict[str, Any], definition: str, facts: Mapping[str, str]) -> str:
    """Return the content of one model's card, JSON text.

    What cannot be measured is left out.

    Args:
        evaluation: of the run, see `scarcegan.evaluation.report`.
        definition: the model's business definition.
        facts: where the model comes from, shown as they are.

    Source: SageMaker developer guide, "Model card JSON schema", the part that model packages take.
    """
    model = evaluation["models"][definition]
    verdict = evaluation["verdicts"][definition]
    caveat = "" if model["constraint_met"] else "The constraint could not be met on validation data. "
    budget = f"{100 * evaluation['review_budget']:g} %"
    content = {
        "model_overview": {"model_creator": "scarcegan"},
        "intended_uses": {
            "purpose_of_model": "Finds the few risky players among many, for moderators to look at. No player is to "
            "be restricted on the score alone.",
            "intended_uses": f"Business definition '{definition}': {model['describe']}. Review budget: {budget}.",
        },
        "training_details": {
            "training_observations": f"Ensemble of {model['members']} networks, ScarceGAN (CIKM 2021); prevalence of "
            f"risky players {evaluation['prevalence']['value']:.4g} ({evaluation['prevalence']['how']})."
        },
        "evaluation_details": [_evaluated(name, model["test"][name], verdict) for name in evaluation["test_sets"]],
        "additional_information": {
            "caveats_and_recommendations": (caveat + verdict["sentence"])[:LONGEST_TEXT],
            "custom_details": {name: text[:LONGEST_TEXT] for name, text in facts.items()},
        },
    }
    return json.dumps(content, allow_nan=False, ensure_ascii=False)


def _evaluated(name: str, measures: dict[str, Any], verdict: dict[str, Any]) -> dict[str, Any]:
    figures = {metric: figure for metric, figure in measures.items() if isinstance(figure, dict) and "std" in figure}
    data = [
        {"name": f"{metric}{suffix}", "type": "number", "value": figure[key]}
        for metric, figure in figures.items()
        for key, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))
        if math.isfinite(figure[key])
    ]
    told = f"{measures['players']} players, {measures['risky']} known to be risky; 95 % bootstrap intervals."
    return {
        "name": f"Test set {name}",
        "evaluation_observation": f"{told} {verdict['sentence']}"[:LONGEST_TEXT],
        "metric_groups": [{"name": "At the threshold and over all thresholds", "metric_data": data}],
    }
