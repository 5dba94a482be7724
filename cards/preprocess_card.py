"""The card of `preprocess`: who the players are, how they are split, what their features look like."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Mark, Rule, banded_lines, points, ranked_bars
from scarcegan import words
from scarcegan.data.records import SUSPECT_AUC, DataReport, FeatureDescription, FoldCount, SnapshotReport
from scarcegan.settings.words_section import Words

SEPARATING_SHOWN = 15
DISTRIBUTIONS_SHOWN = 9
FEATURES_LISTED = 60
MOVES_SHOWN = 15


def preprocess_card(report: DataReport, snapshot: SnapshotReport | None) -> list[Any]:
    """Build the card of the data report: what needs attention first, then populations, folds and features."""
    ranked = sorted(report.feature_table, key=lambda row: row.auc or 0.0, reverse=True)
    their = report.words
    split = (
        f"Training sees the pool, split into folds by {their.row}. Of the unlabelled {their.rows}, "
        f"{words.count(report.threshold_players)} are set apart for the thresholds. Test {their.rows} are held out."
    )
    parts = [
        attention(report),
        _headline(report),
        theme.heading(their.fill("{Rows}"), split),
        _population_chart(report),
        population_table(report, snapshot),
        *label_origins(report),
        _fold_table(report.folds),
        *(_snapshot(snapshot) if snapshot else []),
        theme.heading("Features", _described(report)),
        _separation_chart(ranked, their),
        _distribution_chart(ranked[:DISTRIBUTIONS_SHOWN], their),
        _feature_list(ranked),
    ]
    return theme.page(f"Data: {report.source}", parts)


def attention(report: DataReport) -> Markdown:
    """List what needs attention: the report's warnings, which name its suspect features too."""
    if not report.warnings:
        return Markdown("**Nothing to worry about**: no suspect features, no warnings.")
    return theme.bullets(report.warnings, f"{words.plural(len(report.warnings), 'thing')} to look at")


def _described(report: DataReport) -> str:
    *_, rare, unlabeled = report.populations  # the classes in index order, then the unlabelled
    their = report.words
    return (
        f"Shares and percentiles are of the pool's {words.count(unlabeled.pool)} unlabelled {their.rows}; beside them "
        f"stand its {words.count(rare.pool)} {their.rare} ones."
    )


def _headline(report: DataReport) -> Table:
    tested, risky = (sum(getattr(test, key) for test in report.test_sets) for key in ("players", "risky"))
    cutoff = f"telemetry before {report.cutoff}" if report.cutoff else "no cut-off date"
    their = report.words
    return theme.figures(
        (their.fill("{Rows}"), words.count(report.players), cutoff),
        ("Features", words.count(report.features), f"{words.plural(len(report.folds), 'fold')} by {their.row}"),
        (f"Test {their.rows}", words.count(tested), f"{words.count(risky)} of them {their.rare}"),
        ("Fingerprint", report.fingerprint[:8], report.fingerprint),
    )


def _population_chart(report: DataReport) -> VegaChart:
    marks = [
        Mark(one.name, players, label=words.count(players), series=part)
        for one in report.populations
        for part, players in (("pool", one.pool), ("test", one.test))
    ]
    reading = "Logarithmic: the unlabelled outnumber the labelled many times over."
    rows = report.words.rows
    return points(f"How many {rows} of each population are there?", reading, Axis(rows, log=True), marks)


def population_table(report: DataReport, snapshot: SnapshotReport | None = None) -> Table:
    """Count the players of each population, perhaps with their mean days without play."""
    header = ["Population", "Pool", "Test", "Together"]
    rows = [[one.name, *map(words.count, (one.pool, one.test, one.pool + one.test))] for one in report.populations]
    if snapshot and snapshot.quiet_days:
        header.append(f"Mean days without {report.words.activity}, of {snapshot.window_days}")
        rows = [[*row, words.number(snapshot.quiet_days.get(row[0]))] for row in rows]
    return theme.table(header, rows)


def label_origins(report: DataReport) -> list[Any]:
    """Say where the labels come from, if not all are the input's."""
    their, origins = report.words, report.label_origins
    if not origins:
        return []
    named = {"input": "the input", "top": "the top of review lists", "audit": "the audit sample", "other": "no list"}
    rows = [[named[one.name], *map(words.count, (one.rare, one.others, one.pool, one.test))] for one in origins]
    about = f"The model lists whom it suspects: {their.rare_rows} from the top of its lists are those it finds anyway."
    return [
        theme.heading("Where labels come from", about),
        theme.table(["Labels from", their.fill("{Rare}"), "Others", "Pool", "Test"], rows),
    ]


def _fold_table(folds: Sequence[FoldCount]) -> Table:
    names = list(folds[0].train) if folds else []
    rows = [
        [str(fold.fold), *(f"{words.count(fold.train[name])} / {words.count(fold.validation[name])}" for name in names)]
        for fold in folds
    ]
    return theme.table(["Fold: training / validation", *names], rows)


def _snapshot(snapshot: SnapshotReport) -> list[Any]:
    missing = snapshot.missing_days
    days = f"missing for everyone: {', '.join(missing)}" if missing else "no day is missing for everyone"
    window = words.plural(snapshot.window_days, "day")
    about = theme.heading("Snapshot", f"`{snapshot.name}`, {window}, {days}; code {snapshot.code_version[:8]}.")
    if not snapshot.previous:
        return [about, Markdown("There is no earlier snapshot of this kind: drift is not known yet.")]
    strong = sum(move.psi > theme.OTHER_PSI for move in snapshot.moves)
    told = f"{words.plural(strong, 'feature')} of {len(snapshot.moves)} moved far" if strong else "No feature moved far"
    moved = Markdown(f"**{told}** since `{snapshot.previous}` (cut-off {snapshot.previous_cutoff}).")
    return [about, moved, _move_chart(snapshot)]


def _move_chart(snapshot: SnapshotReport) -> VegaChart:
    marks = []
    for move in snapshot.moves[:MOVES_SHOWN]:
        median = f"(median {words.feature_value(move.median_before)} → {words.feature_value(move.median_now)})"
        kind, color = ("moved far", theme.RED) if move.psi > theme.OTHER_PSI else ("near where it was", theme.BLUE)
        marks.append(Mark(move.name, move.psi, label=f"{words.score(move.psi)}  {median}", series=kind, color=color))
    reading = (
        f"The {len(marks)} that moved most; below {theme.STABLE_PSI} is stable, above {theme.OTHER_PSI} another "
        "distribution."
    )
    axis = Axis("population stability index over the earlier snapshot's deciles")
    return ranked_bars("Which features have moved since the previous snapshot?", reading, axis, marks)


def _separation_chart(ranked: Sequence[FeatureDescription], their: Words) -> VegaChart:
    marks = []
    for row in ranked[:SEPARATING_SHOWN]:
        kind, color = ("likely leak", theme.RED) if row.auc >= SUSPECT_AUC else ("feature", theme.BLUE)
        marks.append(Mark(row.name, row.auc, label=words.score(row.auc, 3), series=kind, color=color))
    reading = f"The best {len(marks)} of {len(ranked)}. Beyond the dashed line ({SUSPECT_AUC}) a leak is likely."
    axis = Axis("AUC of the feature alone (0.5: none, 1: perfect)", low=0.5, high=1)
    question = f"Which features alone tell {their.rare_rows} from the unlabelled?"
    return ranked_bars(question, reading, axis, marks, [Rule(SUSPECT_AUC)])


def _distribution_chart(shown: Sequence[FeatureDescription], their: Words) -> VegaChart:
    lines = []
    for row in shown:
        bins = row.histogram
        # A step holds until the next edge: the last bin needs its share again at the last edge.
        everyone, risky = ([*shares, *shares[-1:]] for shares in (bins.unlabeled, bins.rare))
        floor = [0.0] * len(everyone)
        panel = f"{row.name}\n{_end_bars(row)}"
        lines.append(Line("unlabelled", bins.edges, everyone, floor, everyone, color=theme.BLUE, panel=panel))
        lines.append(Line(their.rare, bins.edges, risky, color=theme.RED, panel=panel))
    question = f"Where do {their.rare_rows} differ from the unlabelled?"
    reading = [
        f"Share of {their.rows} in each bin of the raw value; the features that separate best. The bins reach from",
        "the 1st to the 99th percentile of the unlabelled: the first and the last bar hold everybody beyond, too.",
    ]
    return banded_lines(question, reading, Axis(), Axis(share=True), lines)


def _end_bars(row: FeatureDescription) -> str:
    """Say which bars at the ends hold everybody beyond them as well."""
    edges = row.histogram.edges
    first = f"first bar: {words.feature_value(edges[1])} and below\n" if row.low < edges[0] else ""
    return f"{first}last bar: {words.feature_value(edges[-2])} and above"


def _feature_list(ranked: Sequence[FeatureDescription]) -> Table:
    rows = [
        [row.name, words.score(row.auc, 3), words.percent(row.missing_share), words.percent(row.zero_share)]
        + [words.feature_value(value) for value in (row.mean, row.median, row.p99, row.high)]
        for row in ranked[:FEATURES_LISTED]
    ]
    if len(ranked) > FEATURES_LISTED:
        rows.append([f"and {len(ranked) - FEATURES_LISTED} more", *[""] * 7])
    return theme.table(
        ["Feature", "AUC alone", "Missing", "Zero", "Mean", "Median", "99th percentile", "Largest"], rows
    )
