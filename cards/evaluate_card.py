"""The card of `evaluate`: the verdict first, then what stands behind it."""

from typing import Any

from metaflow.cards import Markdown

from cards import evaluation_parts, theme
from cards.explanation_part import explanation_part
from cards.subgroup_part import subgroup_part
from scarcegan import words
from scarcegan.evaluation.records import AT_THRESHOLD, Evaluation
from scarcegan.serving.reasons import Explanation

RANKING = ("pr_auc", "recall_at_1", "recall_at_2", "recall_at_5", "roc_auc")
NO_CLASSES = Markdown("There is no confusion matrix: the classes of these test players are not known.")


def evaluate_card(evaluation: Evaluation, explanation: Explanation) -> list[Any]:
    """Build the card of an evaluation on the untouched test players, and of what the headline model looks at."""
    first, *others = evaluation.test_sets
    parts = [
        _verdicts(evaluation),
        evaluation_parts.verdict_table(evaluation),
        _basis(evaluation),
        *measured_on(evaluation, first),
        theme.heading("Can the scores and classes be trusted?"),
        evaluation_parts.calibration(evaluation, first),
        evaluation_parts.confusion(evaluation, first) or NO_CLASSES,
        theme.heading("Does it hold from fold to fold?"),
        *folds(evaluation),
        *subgroup_part(evaluation.subgroups),
        *explanation_part(explanation),
    ]
    for name in others:
        parts += measured_on(evaluation, name)
    return theme.page("Is the new release better?", parts)


def measured_on(evaluation: Evaluation, test_set: str) -> list[Any]:
    """Build the part on one test set: curves, ranking, and what each model does at its threshold."""
    found = list(evaluation_parts.contestants(evaluation, test_set))
    players, risky = (words.count(getattr(found[0].measures, key)) for key in ("players", "risky"))
    untouched = f"{players} players, {risky} known risky. None of them was seen in training or selection."
    return [
        theme.heading(f"Test set `{test_set}`", untouched),
        evaluation_parts.recall_curves(evaluation, test_set),
        evaluation_parts.precision_curves(evaluation, test_set),
        Markdown("### How well are players ranked, whatever the threshold?"),
        evaluation_parts.measure_table(found, RANKING),
        evaluation_parts.other_thresholds(evaluation, test_set),
        Markdown("### What does each model reach at its own threshold, and each rival at the review budget?"),
        evaluation_parts.measure_table(found, (*AT_THRESHOLD, "unknown_share")),
    ]


def folds(evaluation: Evaluation) -> list[Any]:
    """Show how far the models differ from fold to fold."""
    title = Markdown("### Mean ± standard deviation over the folds")
    return [evaluation_parts.fold_spread(evaluation), title, evaluation_parts.fold_table(evaluation)]


def _verdicts(evaluation: Evaluation) -> Markdown:
    """Say the headline model's verdict as a title, the others' below."""
    sentences = {name: verdict.sentence for name, verdict in evaluation.verdicts.items()}
    first = sentences.pop(evaluation.headline, "")
    return Markdown("\n".join([f"### {first}\n" if first else "", *(f"- {other}" for other in sentences.values())]))


def _basis(evaluation: Evaluation) -> Markdown:
    prevalence = evaluation.prevalence
    return Markdown(
        f"Review budget: {words.percent(evaluation.review_budget)} of players. Share of risky players among all: "
        f"{words.percent(prevalence.value)} ({prevalence.how}). Brackets are 95 % intervals, from resampling the test "
        "players. A difference in recall is taken where both flag as many players as the model does."
    )
