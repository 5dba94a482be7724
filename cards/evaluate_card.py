"""The card of `evaluate`: the verdict first, then what stands behind it."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown, Table

from cards import evaluation_parts, theme
from cards.charts import Axis, Mark, ranked_bars
from cards.evaluation_groups import MEASURES, groups_part
from cards.theme import Part
from scarcegan import words
from scarcegan.evaluation.figures import AT_THRESHOLD, Group
from scarcegan.evaluation.records import Comparison, Evaluation, Verdict
from scarcegan.serving.reasons import ExplainedPlayer, Explanation
from scarcegan.settings.words_section import Words

RANKING = ("pr_auc", "recall_at_1", "recall_at_2", "recall_at_5", "roc_auc")
FEATURES_SHOWN = 15
RANKS = ("Strongest reason", "Second", "Third")
APPROVE = (
    "Look at the release on the card of `register`, then decide: `scarcegan models compare`, "
    "`scarcegan models approve`."
)
NO_CLASSES = "There is no confusion matrix: the classes of these test {rows} are not known."


def evaluate_card(evaluation: Evaluation, explanation: Explanation) -> list[Any]:
    """Build the card of an evaluation on the untouched test players, and of what the headline model looks at.

    One screen tells the verdict, what to do next and the chart that decides; what is behind it is folded.
    """
    first, *others = evaluation.test_sets
    recall, _ = evaluation_parts.curves(evaluation, list(evaluation_parts.contestants(evaluation, first)))
    trusted = [
        evaluation_parts.calibration(evaluation, first),
        evaluation_parts.confusion(evaluation, first) or Markdown(evaluation.words.fill(NO_CLASSES)),
    ]
    details = [
        _verdicts(evaluation),
        measured_on(evaluation, first, has_recall=False),
        *families_part(evaluation),
        Part("Can the scores and classes be trusted?", "", trusted),
        Part("Does it hold from fold to fold?", "", folds(evaluation)),
        subgroup_part(evaluation),
        *groups_part(evaluation),
        _explanation(explanation, evaluation.words),
        *(measured_on(evaluation, name) for name in others),
    ]
    folded = [component for part in details for component in part.folded()]
    return theme.page("Is the new release better?", [*_first_screen(evaluation), recall, *folded])


def _first_screen(evaluation: Evaluation) -> list[Any]:
    """Build the verdict on the headline model, and say what follows."""
    verdict = evaluation.verdicts[evaluation.headline]
    return [
        _boxes(evaluation, verdict),
        Markdown(f"### {theme.unbroken(verdict.sentence)}\n"),
        Markdown(f"**Next:** {_next_step(evaluation, verdict)}"),
    ]


def _boxes(evaluation: Evaluation, verdict: Verdict) -> Table:
    name, rare = evaluation.headline, evaluation.words.rare
    measures, model = evaluation.on_first_test_set(name), evaluation.models[name]
    recall, bound = measures.recall, model.bound.get(evaluation.test_sets[0])
    limits = words.interval("recall", recall).partition("[")[2]
    champion = f"Against version {verdict.champion_version}" if verdict.champion_version else "Against the champion"
    against = verdict.against_champion
    judged = _judged(against, rare) if against else ("none yet", "nobody has approved one")
    limit = words.limit(bound.measure, bound.bound) if bound else ""
    flagged = f"{words.percent(measures.flagged_share.value)} flagged"
    return theme.figures(
        (f"{evaluation.words.rare_rows} found", words.percent(recall.value), f"[{limits} where {flagged}"),
        (f"Against {verdict.rival or 'rivals'}", *_judged(verdict.against_rival, rare)),
        (champion, *judged),
        ("Its bound", bound.state if bound else "none", limit),
    )


def _judged(compared: Comparison, rare: str) -> tuple[str, str]:
    told = {"too few risky": f"too few {rare}", "no rival": "none"}.get(compared.verdict, compared.verdict)
    return told, "" if compared.difference is None else words.gain(compared)


def _next_step(evaluation: Evaluation, verdict: Verdict) -> str:
    """Say what to do: what speaks against an approval comes first."""
    their, model = evaluation.words, evaluation.models[evaluation.headline]
    bound = model.bound.get(evaluation.test_sets[0])
    if verdict.against_champion and verdict.against_champion.verdict == "worse":
        return f"Keep version {verdict.champion_version}, which is better. `scarcegan runs compare` tells what differs."
    if bound and bound.state == "missed":
        return f"Approve it only if you can live without its bound: test {their.rows} miss it."
    if verdict.against_rival.verdict == "too few risky":
        return f"Label more {their.rare_rows}, or test on more of them: so few tell nothing."
    ahead = {verdict.against_rival.verdict: verdict.rival, verdict.by_pr_auc.verdict: verdict.pr_auc_rival}
    if ahead.get("worse"):
        return f"Find out why {ahead['worse']} is better before you approve: what the models are made of stands below."
    if model.promise and model.promise.why_not:
        return f"Its bound is not promised, as {model.promise.why_not}. {APPROVE}"
    return APPROVE


def _verdicts(evaluation: Evaluation) -> Part:
    rows = evaluation.words.rows
    basis = (
        f"Review budget: {words.percent(evaluation.review_budget)} of {rows}. {evaluation_parts.basis(evaluation)} "
        f"The strongest rival is the one that does best on these very test {rows}, which favours it."
    )
    others = [one.sentence for name, one in evaluation.verdicts.items() if name != evaluation.headline]
    tables = evaluation_parts.verdict_tables(evaluation)
    return Part("How do all models do?", "", [theme.bullets(map(theme.unbroken, others)), *tables, Markdown(basis)])


def measured_on(evaluation: Evaluation, test_set: str, *, has_recall: bool = True) -> Part:
    """Build the part on one test set: curves, perhaps without recall's, ranking, and each model at its threshold."""
    found = list(evaluation_parts.contestants(evaluation, test_set))
    measures, their = found[0].measures, evaluation.words
    counted = f"{words.percent(measures.prevalence)} of them are {their.rare}, by their truth: precision is counted."
    follows = f"Precision goes by a share of {their.rare_rows} of {evaluation.prevalence.in_words()}."
    untouched = f"{measures.counted(their)}. None of them was seen in training or selection. "
    untouched += counted if measures.truth_known else follows
    contents = [
        *evaluation_parts.curves(evaluation, found)[0 if has_recall else 1 :],
        Markdown(f"### How well are {their.rows} ranked, whatever the threshold?"),
        evaluation_parts.measure_table(found, RANKING),
        evaluation_parts.other_thresholds(evaluation, test_set),
        Markdown("### What does each model reach at its own threshold, and the others at the review budget?"),
        evaluation_parts.measure_table(
            found,
            (*AT_THRESHOLD, "unknown_share"),
            f", at the review budget ({words.percent(evaluation.review_budget)} flagged)",
        ),
    ]
    return Part(f"Test set `{test_set}`", untouched, contents)


def families_part(evaluation: Evaluation) -> list[Part]:
    """Build the part on the families of the models; none where ScarceGAN is alone."""
    charts, their = evaluation_parts.families(evaluation), evaluation.words
    about = (
        f"Each family says how {their.rare} a {their.row} is, and a model takes the mean of their log-odds, weighted "
        f"by shares that validation {their.rows} have chosen for its business definition. ScarceGAN names the class, "
        "whatever its share."
    )
    table = evaluation_parts.family_shares(evaluation)
    return [Part("What are the models made of?", about, [*charts, table])] if charts else []


def folds(evaluation: Evaluation) -> list[Any]:
    """Show how far the models differ from fold to fold."""
    title = Markdown("### Mean ± deviation over the folds, each at a threshold of its own, which promises nothing")
    return [evaluation_parts.fold_spread(evaluation), title, evaluation_parts.fold_table(evaluation)]


def subgroup_part(evaluation: Evaluation) -> Part:
    """Build the part on quality by subgroup."""
    subgroups, their = evaluation.subgroups, evaluation.words
    title = f"Does it serve all {their.rows} alike?"
    if subgroups is None or not subgroups.features:
        missing = "The data tell neither activity nor tenure: name features in `evaluate.subgroup_features`."
        return Part(title, missing, [])
    about = (
        f"`{subgroups.definition}` at its one threshold, {words.number(subgroups.threshold)}, on "
        f"`{subgroups.test_set}`: {their.rows} in thirds by each feature. Intervals are 95 % (Wilson); where few "
        f"{their.rare_rows} are known they are wide, and a difference may be chance."
    )
    named = [(words.feature_name(one.feature), group) for one in subgroups.features for group in one.groups]
    headers = [*map(their.fill, ("{Rows} with", "{Rows}", "{Rare}")), *map(words.metric_name, MEASURES)]
    rows = [
        [f"{name} {_range(group)}", words.count(group.players), words.count(group.risky)]
        + [words.interval(measure, getattr(group, measure)) for measure in MEASURES]
        for name, group in named
    ]
    recalls = ((f"{name} {_range(group)}", group.recall, name) for name, group in named)
    chart = evaluation_parts.overlooked("Whose risk does the model overlook?", evaluation, recalls)
    return Part(title, about, [*chart, theme.table(headers, rows)])


def _range(group: Group) -> str:
    low, high = words.feature_value(group.low), words.feature_value(group.high)
    return low if low == high else f"{low} to {high}"


def _explanation(explanation: Explanation, their: Words) -> Part:
    others = explanation.players - explanation.flagged
    flagged = their.counted(explanation.flagged, "flagged")
    about = (
        f"`{explanation.definition}` on {flagged} of `{explanation.test_set}` (the highest scores first) and "
        f"{words.plural(others, 'other')} drawn at random. "
        f"Attributions count from the typical unlabelled {their.row}: what a feature adds to the risk score, by "
        f"integrated gradients of networks, by the splits on a {their.row}'s path through trees, by the terms of a "
        f"linear model. They tell what the model looks at, not what makes {their.rows} {their.rare}."
    )
    importance = explanation.importance
    total = sum(one.mean_attribution for one in importance) or 1.0
    shares = {words.feature_name(one.feature): one.mean_attribution / total for one in importance[:FEATURES_SHOWN]}
    marks = [Mark(name, share * total, label=words.percent(share)) for name, share in shares.items()]
    told = f"{len(marks)} of {len(importance)} features have {words.percent(sum(shares.values()))} of it."
    reading, axis = f"Labels: share of all attribution. These {told}", Axis("mean absolute attribution (risk score)")
    bars = ranked_bars("Which features move the risk score most?", reading, axis, marks)
    examples = [Markdown(f"### Why were these {their.rows} flagged?"), *_examples(explanation.examples, their)]
    return Part("What does the model look at?", about, [bars, *examples])


def _examples(examples: Sequence[ExplainedPlayer], their: Words) -> list[Any]:
    if not examples:
        return [Markdown(their.fill("{Nobody} is flagged on this test set."))]
    truth = {True: their.rare, False: f"not {their.rare}", None: "not known"}
    rows = []
    for number, example in enumerate(examples):
        told = [reason.words for reason in example.reasons[: len(RANKS)]]
        gaps = [words.MISSING] * (len(RANKS) - len(told))
        rows.append([chr(ord("A") + number), words.score(example.score), truth[example.risky], *told, *gaps])
    note = "Names are withheld and values rounded. In parentheses: what the feature adds to the risk score."
    return [theme.table([their.fill("{Row}"), "Score", "Truth", *RANKS], rows), Markdown(note)]
