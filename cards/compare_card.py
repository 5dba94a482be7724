"""The card that sets runs side by side: which is best, what differs, how they learned, on which data."""

from collections.abc import Iterator
from itertools import chain, cycle
from statistics import median
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from cards.charts import Axis, Line, Mark, Rule, banded_lines, points, ranked_bars
from cards.theme import Part
from scarcegan import words
from scarcegan.history.records import BestRun, Figure, RunsCompared

CURVES = {
    "validation_recall_at_budget": ("Which run finds more at the review budget while it learns?", "recall"),
    "validation_average_precision": ("Which run ranks validation {rows} better while it learns?", "average precision"),
}
MOST_DRIFTED = 15
MOST_DIFFERENCES = 2  # of a run, that stand in its name
BEST_READING = (
    "What the definition maximises, on each run's test {rows}. A model that missed its bound there comes after all "
    "others."
)


def compare_card(compared: RunsCompared) -> list[Any]:
    """Build the card of a comparison."""
    (first, *others), rows, named = compared.runs, compared.words.rows, list(_names(compared).values())
    titles = {_title(one): (one.definition, one.metric) for one in compared.metrics}
    metrics = [
        [title, *(words.interval(metric, compared.figure(run, definition, metric)) for run in compared.runs)]
        for title, (definition, metric) in titles.items()
    ]
    leads = [_lead(best, best.lead, rows) for best in compared.best if best.lead is not None]
    same = {run: ", the same" for run in others if compared.has_same_data(run)}
    data = [f"{run}: {compared.data[run] or 'no data yet'}{same.get(run, '')}" for run in compared.runs]
    unread = [f"{run}: {why}" for run, reasons in compared.unread.items() for why in reasons]
    learned = [chart for series in CURVES for chart in _curves(compared, series)]
    parts = [
        theme.heading("Which run is best for each business definition?", compared.words.fill(BEST_READING)),
        theme.table(
            ["Run", *map(_title, compared.best)],
            [[name, *_reached(compared, run)] for run, name in _names(compared).items()],
        ),
        *([theme.bullets(leads)] if leads else []),
        *_deltas(compared),
        theme.heading("What differs in the settings?"),
        theme.table(["Setting", *compared.runs], compared.settings_in_words)
        if compared.settings
        else Markdown("Nothing: all settings are the same."),
        *_families(compared),
        *Part("How did their networks learn?", "", learned).folded(),
        theme.heading(f"Were they trained on the same data as {first}?"),
        theme.bullets(data),
        *_drift(compared),
        *Part(
            "All metrics", f"On test {rows}, with 95 % intervals.", [theme.table(["Model and metric", *named], metrics)]
        ).folded(),
        *([theme.bullets(unread, "This version of the code cannot read")] if unread else []),
    ]
    return theme.page(f"{words.plural(len(others), 'run')} beside {first}", parts)


def _title(figure: Figure) -> str:
    return f"{figure.definition}: {words.metric_name(figure.metric)}"


def _reached(compared: RunsCompared, run: str) -> Iterator[Any]:
    """Yield what a run reaches of what each definition maximises; where it is the best, in bold."""
    for best in compared.best:
        figure = compared.figure(run, best.definition, best.metric)
        text = words.interval(best.metric, figure) if figure else "not evaluated"
        yield Markdown(f"**{text}** (best)") if run == best.run else text


def _families(compared: RunsCompared) -> list[Any]:
    made = [compared.made_of.get(run, {}) for run in compared.runs]
    rows = [[name, *(of.get(name, "not evaluated") for of in made)] for name in dict.fromkeys(chain(*made))]
    title = theme.heading("What are the models made of?", "Families, by their shares of the risk's log-odds.")
    return [title, theme.table(["Model", *compared.runs], rows)] if rows else []


def _lead(best: BestRun, lead: float, rows: str) -> str:
    """Say how far the best is ahead, and whether folds differ by more than that."""
    is_beyond = best.spread is not None and abs(lead) > best.spread
    verdict = "beyond the spread of the folds" if is_beyond else "level"
    ahead, varies = (words.difference(best.metric, size).lstrip("+") for size in (abs(lead), best.spread))
    how = f"is {ahead} ahead of" if lead else "reaches as much as"
    others = "" if best.same_data else f", and they were measured on other {rows}"
    return f"`{best.definition}`: **{verdict}**. {best.run} {how} {best.runner_up}, folds spread by {varies}{others}."


def _deltas(compared: RunsCompared) -> list[VegaChart]:
    first, colors, named = compared.runs[0], _colors(compared), _names(compared)
    marks = []
    # The headline definition first: the chart opens with it.
    for one in sorted(compared.metrics, key=lambda one: one.definition != compared.headline):
        if one.run != first and one.delta is not None:
            low, high = (None, None) if one.spread is None else (one.delta - one.spread, one.delta + one.spread)
            name, color = words.metric_name(one.metric), colors[one.run]
            marks.append(Mark(name, one.delta, low, high, series=named[one.run], color=color, choice=one.definition))
    question = "What changes, beyond what folds differ by?"
    reading = f"Difference to {first}; lines: ± the spread of both runs' folds. A line across zero may be chance."
    axis = Axis("difference (of shares: 0.01 is one point)")
    return [points(question, reading, axis, marks, [Rule(0)])] if marks else []


def _curves(compared: RunsCompared, series: str) -> list[VegaChart]:
    question, measure = CURVES[series]
    colors, lines, named = _colors(compared), [], _names(compared)
    for run in compared.runs:
        folds = [curve for curve in compared.curves if curve.run == run and curve.series == series]
        if folds:
            # Folds stop at different rounds; the median of all of them ends where the first one stops.
            rounds = list(zip(*(fold.median for fold in folds), strict=False))
            middle, band = [median(one) for one in rounds], ([min(one) for one in rounds], [max(one) for one in rounds])
            lines.append(Line(named[run], folds[0].iteration[: len(rounds)], middle, *band, color=colors[run]))
    reading = "Lines: median of the folds, each its members' median; bands: lowest to highest fold."
    value = Axis(measure, share=measure == "recall")
    return [banded_lines(compared.words.fill(question), reading, Axis("iteration"), value, lines)] if lines else []


def _drift(compared: RunsCompared) -> list[VegaChart]:
    moved, colors, named = sorted(compared.drift, key=lambda row: -row.psi), _colors(compared), _names(compared)
    features = list(dict.fromkeys(row.feature for row in moved))[:MOST_DRIFTED]
    marks = [
        Mark(row.feature, row.psi, series=named[row.run], color=colors[row.run])
        for row in moved
        if row.feature in features
    ]
    rows, first = compared.words.rows, compared.runs[0]
    reading = [
        f"Unlabelled {rows} beside those of {first}: the {len(features)} features that moved most, by at",
        f"least so much. Below {theme.STABLE_PSI}: stable; above {theme.OTHER_PSI} (dashes): another distribution.",
    ]
    axis, question = Axis("population stability index"), "Which features are distributed otherwise?"
    return [ranked_bars(question, reading, axis, marks, [Rule(theme.OTHER_PSI)])] if marks else []


def _names(compared: RunsCompared) -> dict[str, str]:
    """Name each run by its tags and by what differs from the first one's settings: 17 (nightly; members 16)."""
    first, names = compared.runs[0], {}
    for run in compared.runs:
        differing = [
            f"{key.rpartition('.')[2].replace('_', ' ')} {words.setting(by_run[run])}"
            for key, by_run in compared.settings.items()
            if by_run[run] != by_run[first] and not key.endswith("path")
        ]
        more = ["..."] * (len(differing) > MOST_DIFFERENCES)
        told = [", ".join(compared.tags.get(run, ())), ", ".join(differing[:MOST_DIFFERENCES] + more)]
        names[run] = f"{run} ({'; '.join(filter(None, told))})" if any(told) else run
    return names


def _colors(compared: RunsCompared) -> dict[str, str]:
    return dict(zip(compared.runs, cycle(theme.SERIES), strict=False))
