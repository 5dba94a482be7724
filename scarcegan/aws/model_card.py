"""The evaluation in the form of SageMaker's model cards, shown beside a registered model."""

import json
import math
from collections.abc import Mapping
from typing import Any

from scarcegan import words
from scarcegan.evaluation.figures import Measures
from scarcegan.evaluation.records import Evaluation, Verdict
from scarcegan.problems import RegistryProblem
from scarcegan.settings.words_section import Words

LONGEST_TEXT = 2_000
LONGEST_CARD = 100_000


def model_card(evaluation: Evaluation, definition: str, facts: Mapping[str, str]) -> str:
    """Return the content of one model's card, JSON text; what cannot be measured is left out, facts are shown as given.

    A card of more than 100,000 characters is a RegistryProblem.
    Source: SageMaker developer guide, "Model card JSON schema", the part that model packages take.
    """
    model, verdict = evaluation.models[definition], evaluation.verdicts[definition]
    budget = words.percent(evaluation.review_budget)
    use = f"Business definition '{definition}': {model.describe}. Review budget: {budget}."
    content = {
        "model_overview": {"model_creator": "scarcegan"},
        "intended_uses": {"purpose_of_model": evaluation.purpose, "intended_uses": use},
        "training_details": {"training_observations": evaluation.training(definition)},
        "evaluation_details": [
            _evaluated(name, measures, verdict, evaluation.words) for name, measures in model.test.items()
        ],
        "additional_information": {
            "caveats_and_recommendations": verdict.sentence[:LONGEST_TEXT],
            "custom_details": {name: text[:LONGEST_TEXT] for name, text in facts.items()},
        },
    }
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    if len(text) > LONGEST_CARD:
        raise RegistryProblem(
            f"expected a model card of at most {words.count(LONGEST_CARD)} characters for '{definition}', got "
            f"{words.count(len(text))}: evaluate on fewer test sets"
        )
    return text


def _evaluated(name: str, measures: Measures, verdict: Verdict, their: Words) -> dict[str, Any]:
    data = [
        {"name": f"{metric}{suffix}", "type": "number", "value": value}
        for metric, figure in measures.intervals().items()
        for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
        if math.isfinite(value)
    ]
    told = f"{measures.counted(their)}; 95 % intervals."
    return {
        "name": f"Test set {name}",
        "evaluation_observation": f"{told} {verdict.sentence}"[:LONGEST_TEXT],
        "metric_groups": [{"name": "At the threshold and over all thresholds", "metric_data": data}],
    }
