"""The card of `evaluate`: the verdict first, then what stands behind it."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown

from cards import evaluation_parts, theme
from cards.charts import Axis, Mark, points, ranked_bars
from scarcegan import words
from scarcegan.evaluation.records import AT_THRESHOLD, Evaluation, Group, Subgroups
from scarcegan.serving.reasons import ExplainedPlayer, Explanation

RANKING = ("pr_auc", "recall_at_1", "recall_at_2", "recall_at_5", "roc_auc")
GROUP_MEASURES = ("recall", "precision", "flagged_share")
FEATURES_SHOWN = 15
RANKS = ("Strongest reason", "Second", "Third")
TRUTH = {True: "risky", False: "not risky", None: "not known"}
NO_CLASSES = Markdown("There is no confusion matrix: the classes of these test players are not known.")


def evaluate_card(evaluation: Evaluation, explanation: Explanation) -> list[Any]:
    """Build the card of an evaluation on the untouched test players, and of what the headline model looks at."""
    first, *others = evaluation.test_sets
    # The headline model's verdict is a title, the others' stand below.
    verdicts = {name: verdict.sentence for name, verdict in evaluation.verdicts.items()}
    headline = verdicts.pop(evaluation.headline, "")
    basis = (
        f"Review budget: {words.percent(evaluation.review_budget)} of players. {evaluation_parts.basis(evaluation)} "
        "The strongest rival is the one that does best on these very test players, which favours it."
    )
    parts = [
        Markdown("\n".join([f"### {headline}\n" if headline else "", *(f"- {other}" for other in verdicts.values())])),
        *evaluation_parts.verdict_tables(evaluation),
        Markdown(basis),
        *measured_on(evaluation, first),
        *families_part(evaluation),
        theme.heading("Can the scores and classes be trusted?"),
        evaluation_parts.calibration(evaluation, first),
        evaluation_parts.confusion(evaluation, first) or NO_CLASSES,
        theme.heading("Does it hold from fold to fold?"),
        *folds(evaluation),
        *subgroup_part(evaluation.subgroups),
        *_explanation(explanation),
    ]
    for name in others:
        parts += measured_on(evaluation, name)
    return theme.page("Is the new release better?", parts)


def measured_on(evaluation: Evaluation, test_set: str) -> list[Any]:
    """Build the part on one test set: curves, ranking, and what each model does at its threshold."""
    found = list(evaluation_parts.contestants(evaluation, test_set))
    measures = found[0].measures
    counted = f"{words.percent(measures.prevalence)} of them are risky, by their truth: precision is counted."
    follows = f"Precision goes by a share of risky players of {evaluation.prevalence.in_words()}."
    untouched = f"{measures.counted}. None of them was seen in training or selection. "
    untouched += counted if measures.truth_known else follows
    return [
        theme.heading(f"Test set `{test_set}`", untouched),
        *evaluation_parts.curves(found, evaluation.review_budget),
        Markdown("### How well are players ranked, whatever the threshold?"),
        evaluation_parts.measure_table(found, RANKING),
        evaluation_parts.other_thresholds(evaluation, test_set),
        Markdown("### What does each model reach at its own threshold, and the others at the review budget?"),
        evaluation_parts.measure_table(
            found,
            (*AT_THRESHOLD, "unknown_share"),
            f", at the review budget ({words.percent(evaluation.review_budget)} flagged)",
        ),
    ]


def families_part(evaluation: Evaluation) -> list[Any]:
    """Build the part on the families of the models."""
    charts = evaluation_parts.families(evaluation)
    about = (
        "Each family says how risky a player is, and a model takes the mean of their log-odds, weighted by shares that "
        "validation players have chosen for its business definition. ScarceGAN names the class, whatever its share."
    )
    table = evaluation_parts.family_shares(evaluation)
    return [theme.heading("What are the models made of?", about), *charts, table] if charts else []


def folds(evaluation: Evaluation) -> list[Any]:
    """Show how far the models differ from fold to fold."""
    title = Markdown("### Mean ± deviation over the folds, each at a threshold of its own, which promises nothing")
    return [evaluation_parts.fold_spread(evaluation), title, evaluation_parts.fold_table(evaluation)]


def subgroup_part(subgroups: Subgroups | None) -> list[Any]:
    """Build the part on quality by subgroup."""
    title = "Does it serve all players alike?"
    if subgroups is None or not subgroups.features:
        missing = "The data tell neither activity nor tenure: name features in `evaluate.subgroup_features`."
        return [theme.heading(title, missing)]
    about = (
        f"`{subgroups.definition}` at its one threshold, {words.number(subgroups.threshold)}, on "
        f"`{subgroups.test_set}`: players in thirds by each feature. Intervals are 95 % (Wilson); where few risky "
        "players are known they are wide, and a difference may be chance."
    )
    named = [(words.feature_name(one.feature), group) for one in subgroups.features for group in one.groups]
    headers = ["Players with", "Players", "Risky", *map(words.metric_name, GROUP_MEASURES)]
    rows = [
        [f"{name} {_range(group)}", words.count(group.players), words.count(group.risky)]
        + [words.interval(measure, getattr(group, measure)) for measure in GROUP_MEASURES]
        for name, group in named
    ]
    marks = [
        Mark(f"{name} {_range(group)}", group.recall.value, group.recall.low, group.recall.high, series=name)
        for name, group in named
        if group.recall
    ]
    reading = [
        "Points: share of a group's risky players that are found at the model's threshold;",
        "lines: 95 % intervals.",
    ]
    axis = Axis("risky players found (recall)", share=True, low=0, high=1)
    chart = [points("Whose risk does the model overlook?", reading, axis, marks)] if marks else []
    return [theme.heading(title, about), *chart, theme.table(headers, rows)]


def _range(group: Group) -> str:
    low, high = words.number(group.low), words.number(group.high)
    return low if low == high else f"{low} to {high}"


def _explanation(explanation: Explanation) -> list[Any]:
    """Build the part on the importance of features and on single players."""
    others = explanation.players - explanation.flagged
    about = (
        f"`{explanation.definition}` on {words.plural(explanation.flagged, 'flagged player')} of "
        f"`{explanation.test_set}` (the highest scores first) and {words.plural(others, 'other')} drawn at random. "
        "Attributions count from the typical unlabelled player: what a feature adds to the risk score, by integrated "
        "gradients of networks, by the splits on a player's path through trees, by the terms of a linear model. They "
        "tell what the model looks at, not what makes players risky."
    )
    importance = explanation.importance
    total = sum(one.mean_attribution for one in importance) or 1.0
    shares = {words.feature_name(one.feature): one.mean_attribution / total for one in importance[:FEATURES_SHOWN]}
    marks = [Mark(name, share * total, label=words.percent(share)) for name, share in shares.items()]
    told = f"{len(marks)} of {len(importance)} features have {words.percent(sum(shares.values()))} of it."
    reading, axis = f"Labels: share of all attribution. These {told}", Axis("mean absolute attribution (risk score)")
    return [
        theme.heading("What does the model look at?", about),
        ranked_bars("Which features move the risk score most?", reading, axis, marks),
        Markdown("### Why were these players flagged?"),
        *_examples(explanation.examples),
    ]


def _examples(examples: Sequence[ExplainedPlayer]) -> list[Any]:
    if not examples:
        return [Markdown("Nobody is flagged on this test set.")]
    rows = []
    for number, example in enumerate(examples):
        told = [reason.words for reason in example.reasons[: len(RANKS)]]
        gaps = [words.MISSING] * (len(RANKS) - len(told))
        rows.append([chr(ord("A") + number), words.score(example.score), TRUTH[example.risky], *told, *gaps])
    note = "Names are withheld and values rounded. In parentheses: what the feature adds to the risk score."
    return [theme.table(["Player", "Score", "Truth", *RANKS], rows), Markdown(note)]
