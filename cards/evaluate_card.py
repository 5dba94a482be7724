"""The card of `evaluate`: the verdict first, then what stands behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown

from cards import curve_charts, plain_figures, theme, trust_charts
from cards.explanation_part import explanation_part
from cards.subgroup_part import subgroup_part
from scarcegan import words

RANKING = ("pr_auc", "recall_at_1", "recall_at_2", "recall_at_5", "roc_auc")
AT_THRESHOLD = ("recall", "precision", "flagged_share", "f2", "unknown_share")
VERDICTS = {"better": "better than ", "worse": "worse than ", "tie": "a tie with ", "no rival": "no rival"}
INTERVALS = "Brackets are 95 % intervals from resampling the test players."


def evaluate_card(evaluation: Mapping[str, Any]) -> list[Any]:
    """Build the card of the evaluation on the untouched test players.

    Args:
        evaluation: the artifact `evaluation` of RetrainFlow's evaluate step.
    """
    first, *others = evaluation["test_sets"]
    parts = [
        *_verdict(evaluation),
        *_measured_on(evaluation, first),
        theme.heading("Are the scores and classes to be trusted?"),
        trust_charts.calibration(evaluation, first),
        *_confusion(evaluation, first),
        theme.heading("Does it hold from fold to fold?"),
        trust_charts.fold_spread(evaluation),
        Markdown("### Mean ± standard deviation over folds"),
        _fold_table(evaluation),
    ]
    parts += [*subgroup_part(evaluation["subgroups"]), *explanation_part(evaluation["explanation"])]
    for name in others:
        parts += _measured_on(evaluation, name)
    return theme.page("Is the new release better?", parts)


def _verdict(evaluation: Mapping[str, Any]) -> list[Any]:
    verdicts = dict(evaluation["verdicts"])
    first = verdicts.pop(curve_charts.headline(evaluation), None)
    sentences = [f"### {first['sentence']}"] if first else []
    parts: list[Any] = [Markdown("\n".join([*sentences, "", *(f"- {item['sentence']}" for item in verdicts.values())]))]
    return [*parts, _verdict_table(evaluation), _basis(evaluation)]


def _verdict_table(evaluation: Mapping[str, Any]) -> Any:
    rows = []
    for name, verdict in evaluation["verdicts"].items():
        model = evaluation["models"][name]
        rows.append(
            [
                name,
                model["describe"].replace(">=", "≥").replace("<=", "≤"),
                "met" if model["constraint_met"] else "NOT met",
                f"{VERDICTS[verdict['verdict']]}{verdict['rival'] or ''}",
                _difference(verdict),
                _against_champion(verdict.get("champion")),
            ]
        )
    names = ["Model", "Definition", "Constraint", "Verdict", "Difference to the rival", "Against the champion"]
    return theme.table(names, rows)


def _against_champion(champion: Mapping[str, Any] | None) -> str:
    if champion is None:
        return "no champion yet"
    if champion["difference"] is None:
        return f"version {champion['version']}: not comparable"
    return f"{VERDICTS[champion['verdict']]}version {champion['version']}: {_difference(champion)}"


def _difference(verdict: Mapping[str, Any]) -> str:
    if not words.is_number(verdict["difference"]):
        return words.MISSING
    value, low, high = (f"{100 * verdict[key]:+.1f}" for key in ("difference", "low", "high"))
    return f"{value} [{low},{words.GAP}{high}] points".replace("-", "\N{MINUS SIGN}")


def _basis(evaluation: Mapping[str, Any]) -> Markdown:
    prevalence = evaluation["prevalence"]
    return Markdown(
        f"Review budget: {words.percent(evaluation['review_budget'])} of players. Share of risky players among all: "
        f"{words.percent(prevalence['value'])} ({prevalence['how']}). {INTERVALS}"
    )


def _measured_on(evaluation: Mapping[str, Any], test_set: str) -> list[Any]:
    measured = next(iter(evaluation["models"].values()))["test"][test_set]
    size = f"{words.count(measured['players'])} players, {words.count(measured['risky'])} known risky"
    return [
        theme.heading(f"Test set `{test_set}`", f"{size}; none of them was seen in training or selection."),
        curve_charts.recall_curves(evaluation, test_set),
        curve_charts.precision_curves(evaluation, test_set),
        Markdown("### How well are players ranked, whatever the threshold?"),
        _table(evaluation, test_set, RANKING),
        curve_charts.threshold_explorer(evaluation, test_set),
        Markdown("### What does each model do at its own threshold (baselines: at the review budget)?"),
        _table(evaluation, test_set, AT_THRESHOLD),
    ]


def _table(evaluation: Mapping[str, Any], test_set: str, metrics: Sequence[str]) -> Any:
    """List models, champions and baselines with intervals; the best value of a metric is for the reader to judge."""
    rows = [
        [name, *(plain_figures.interval(metric, measured.get(metric)) for metric in metrics)]
        for name, _, measured in curve_charts.contestants(evaluation, test_set)
    ]
    return theme.table(["Model", *(words.metric_name(metric) for metric in metrics)], rows)


def _confusion(evaluation: Mapping[str, Any], test_set: str) -> list[Any]:
    shown = {
        name: model["test"][test_set]["confusion"]
        for name, model in evaluation["models"].items()
        if model["test"][test_set]["confusion"]
    }
    if not shown:
        return [Markdown("No confusion matrix: the classes of these test players are not known.")]
    return [trust_charts.confusion(shown)]


def _fold_table(evaluation: Mapping[str, Any]) -> Any:
    metrics = list(next(iter(evaluation["models"].values()))["fold_spread"])
    rows = [
        [
            name,
            words.score(model["threshold"], 3),
            *(_spread(metric, model["fold_spread"].get(metric)) for metric in metrics),
        ]
        for name, model in evaluation["models"].items()
    ]
    headers = ["Model", "Threshold", *(words.metric_name(metric) for metric in metrics)]
    return theme.table(headers, rows)


def _spread(metric: str, spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return words.MISSING
    if metric in words.SCORES:
        return f"{words.score(spread['mean'])} ± {words.score(spread['std'])}"
    return words.spread("recall", spread["mean"], spread["std"])
