"""The card that sets runs side by side: which is best, what differs, how they learned, on which data."""

from dataclasses import replace
from itertools import cycle
from statistics import median
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from cards.charts import Axis, Line, Mark, Rule, banded_lines, points, ranked_bars
from scarcegan import words
from scarcegan.history.records import BestRun, RunsCompared

CURVES = {
    "validation_recall_at_budget": ("Which run finds more at the review budget while it learns?", "recall"),
    "validation_average_precision": ("Which run ranks validation players better while it learns?", "average precision"),
}
MOST_DRIFTED = 15
MODERATE, STRONG = 0.1, 0.25  # population stability indices, as credit scoring reads them
BEST_READING = (
    "What the definition maximises, on each run's test players. A model that met its bound on validation players "
    "goes before one that did not."
)


def compare_card(compared: RunsCompared) -> list[Any]:
    """Build the card of a comparison."""
    first, *others = compared.runs
    parts = [
        theme.heading("Which run is best for each business definition?", BEST_READING),
        _best_table(compared),
        *_leads(compared),
        *_deltas(compared),
        theme.heading("What differs in the settings?"),
        _settings(compared),
        theme.heading("How did they learn?"),
        *(chart for series in CURVES for chart in _curves(compared, series)),
        theme.heading(f"Were they trained on the same data as {first}?"),
        theme.bullets(_data(compared, run) for run in compared.runs),
        *_drift(compared),
        theme.heading("All metrics", "On test players, with 95 % intervals from resampling them."),
        _metric_table(compared),
        *_unread(compared),
    ]
    return theme.page(f"{words.plural(len(others), 'run')} beside {first}", parts)


def _best_table(compared: RunsCompared) -> Any:
    headers = [f"{best.definition}: {words.metric_name(best.metric)}" for best in compared.best]
    rows = [[run, *(_reached(compared, run, best) for best in compared.best)] for run in compared.runs]
    return theme.table(["Run", *headers], rows)


def _reached(compared: RunsCompared, run: str, best: BestRun) -> Any:
    figure = compared.figure(run, best.definition, best.metric)
    if figure is None:
        return "not evaluated"
    text = words.interval(best.metric, figure)
    return Markdown(f"**{text}** (best)") if run == best.run else text


def _leads(compared: RunsCompared) -> list[Any]:
    """Say how far the best are ahead, and whether folds differ by more than that."""
    lines = [_lead(best, best.lead, best.spread) for best in compared.best if best.lead is not None]
    return [Markdown("\n".join(lines))] if lines else []


def _lead(best: BestRun, lead: float, spread: float | None) -> str:
    verdict = "beyond the spread of the folds" if spread is not None and abs(lead) > spread else "level"
    ahead, varies = (words.difference(best.metric, size).lstrip("+") for size in (abs(lead), spread))
    players = "" if best.same_data else ", and they were measured on other players"
    return (
        f"- `{best.definition}`: **{verdict}**. {best.run} is {ahead} ahead of {best.runner_up}, folds spread by "
        f"{varies}{players}."
    )


def _deltas(compared: RunsCompared) -> list[VegaChart]:
    """Draw every run's difference to the first, model by model, with the spread of both runs' folds."""
    first, colors = compared.runs[0], _colors(compared)
    marks = []
    for one in sorted(compared.metrics, key=lambda one: one.definition != compared.headline):
        if one.run != first and one.delta is not None:
            low, high = (None, None) if one.spread is None else (one.delta - one.spread, one.delta + one.spread)
            mark = Mark(words.metric_name(one.metric), one.delta, low, high, color=colors[one.run])
            marks.append(replace(mark, series=one.run, choice=one.definition))
    question = "What changes, beyond what folds differ by?"
    reading = f"Difference to {first}; lines: ± the spread of both runs' folds. A line across zero may be chance."
    return [points(question, reading, Axis("difference"), marks, [Rule(0)])] if marks else []


def _settings(compared: RunsCompared) -> Any:
    if not compared.settings:
        return Markdown("Nothing: all settings are the same.")
    rows = [[key, *(words.setting(by_run[run]) for run in compared.runs)] for key, by_run in compared.settings.items()]
    return theme.table(["Setting", *compared.runs], rows)


def _curves(compared: RunsCompared, series: str) -> list[VegaChart]:
    question, measure = CURVES[series]
    lines = [line for run in compared.runs for line in _line(compared, run, series)]
    reading = "Lines: median of the folds, each its members' median; bands: lowest to highest fold."
    value = Axis(measure, share=measure == "recall")
    return [banded_lines(question, reading, Axis("iteration"), value, lines)] if lines else []


def _line(compared: RunsCompared, run: str, series: str) -> list[Line]:
    folds = [curve for curve in compared.curves if curve.run == run and curve.series == series]
    if not folds:
        return []
    rounds = list(zip(*(fold.median for fold in folds), strict=False))
    color, middle = _colors(compared)[run], [median(one) for one in rounds]
    low, high = [min(one) for one in rounds], [max(one) for one in rounds]
    return [Line(run, folds[0].iteration[: len(rounds)], middle, low, high, color=color)]


def _data(compared: RunsCompared, run: str) -> str:
    same = ", the same" if run != compared.runs[0] and compared.has_same_data(run) else ""
    return f"{run}: {compared.data[run] or 'no data yet'}{same}"


def _drift(compared: RunsCompared) -> list[VegaChart]:
    moved, colors = sorted(compared.drift, key=lambda row: -row.psi), _colors(compared)
    features = list(dict.fromkeys(row.feature for row in moved))[:MOST_DRIFTED]
    marks = [
        Mark(row.feature, row.psi, series=row.run, color=colors[row.run]) for row in moved if row.feature in features
    ]
    reading = [
        f"Unlabelled players beside those of {compared.runs[0]}: the {len(features)} features that moved most, by at",
        f"least so much. Below {MODERATE}: stable; above {STRONG} (dashes): another distribution.",
    ]
    axis, question = Axis("population stability index"), "Which features are distributed otherwise?"
    return [ranked_bars(question, reading, axis, marks, [Rule(STRONG)])] if marks else []


def _metric_table(compared: RunsCompared) -> Any:
    keys = dict.fromkeys((one.definition, one.metric) for one in compared.metrics)
    rows = []
    for definition, metric in keys:
        figures = (compared.figure(run, definition, metric) for run in compared.runs)
        rows.append([f"{definition}: {words.metric_name(metric)}", *(words.interval(metric, one) for one in figures)])
    return theme.table(["Model and metric", *compared.runs], rows)


def _unread(compared: RunsCompared) -> list[Markdown]:
    told = [f"{run}: {why}" for run, reasons in compared.unread.items() for why in reasons]
    return [theme.bullets(told, "This version of the code cannot read")] if told else []


def _colors(compared: RunsCompared) -> dict[str, str]:
    """Give each run the same colour in every chart."""
    return dict(zip(compared.runs, cycle(theme.SERIES), strict=False))
