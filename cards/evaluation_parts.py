"""Charts and tables of an evaluation that several cards show."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Cell, Line, Mark, Rule, banded_lines, heat_map, points
from scarcegan import words
from scarcegan.evaluation.figures import AT_THRESHOLD, Interval, Measures
from scarcegan.evaluation.records import FEW_FLAGGED, FEW_RISKY, Comparison, Evaluation, Verdict

RIVAL_COLORS = (theme.RED, theme.SKY, "#8c6d31", "#a8324a", "#9aa61f", "#8a7cc8")
VERDICTS = {"better": "better than ", "worse": "worse than ", "tie": "a tie with "}
VERDICTS |= {"too few flagged": "too few flagged to tell from ", "too few risky": "too few {rare} to tell from "}
VERDICTS["no rival"] = "no rival"
ALONE = "ScarceGAN alone"
RELATIVE = (
    "Scores are **relative**: they rank {rows}, and a higher one means more risk, but none is a probability, as "
    "nobody knows how many {rows} are {rare}. Set `data.prevalence` to have probabilities."
)


class Contestant(NamedTuple):
    """Whoever was measured on a test set, and its lines.

    A model's are solid, a champion's dashed. Rivals and ScarceGAN alone, without a threshold of their own, are dotted.
    """

    name: str
    measures: Measures
    dash: str
    color: str
    faint: bool


def contestants(evaluation: Evaluation, test_set: str) -> Iterator[Contestant]:
    """Yield every model, champion and rival measured on a test set.

    The headline model, its strongest rival and its champion stand out, the champion in grey. Other champions wear their
    model's colour, and so does the ScarceGAN of a headline model that has several families.
    """
    headline = evaluation.headline
    # Four of the theme's six colours: the last two are for rivals.
    colors = dict(zip(evaluation.models, itertools.cycle(theme.SERIES[:4]), strict=False))
    for name, model in evaluation.models.items():
        yield Contestant(name, model.test[test_set], "solid", colors[name], name != headline)
    for name, champion in evaluation.champions.items():
        # A champion with other features or classes could not be measured.
        if test_set in champion.test:
            title = f"champion {name} (version {champion.version})"
            color = theme.INK if name == headline else colors.get(name, theme.INK)
            yield Contestant(title, champion.test[test_set], "dashed", color, name != headline)
    if alone := evaluation.models[headline].scarcegan.get(test_set):
        yield Contestant(ALONE, alone, "dotted", colors[headline], True)
    strongest = evaluation.verdicts[headline].rival
    for (name, measured), color in zip(evaluation.rivals.items(), itertools.cycle(RIVAL_COLORS), strict=False):
        if test_set in measured:
            yield Contestant(f"rival {name}", measured[test_set], "dotted", color, name != strongest)


def recall_axis(evaluation: Evaluation) -> Axis:
    """Return the axis of recall."""
    return Axis(f"{evaluation.words.rare_rows} found (recall)", share=True, low=0, high=1)


def flagged_axis(evaluation: Evaluation) -> Axis:
    """Return the axis of the flagged share."""
    return Axis(f"{evaluation.words.rows} flagged (logarithmic)", share=True, log=True, high=1)


def curves(evaluation: Evaluation, found: Sequence[Contestant]) -> list[VegaChart]:
    """Draw recall against the flagged share, and precision against recall."""
    their, share = evaluation.words, evaluation.review_budget
    budget = Rule(share, f"review budget {words.percent(share)}")
    flagged, recall = flagged_axis(evaluation), recall_axis(evaluation)
    precision = Axis(f"flagged {their.rows} that are {their.rare} (precision)", share=True, low=0, high=1)
    found_of, precision_of = (
        [_line(one.measures, x, y, name=one.name, dash=one.dash, color=one.color, faint=one.faint) for one in found]
        for x, y in (("flagged_share", "recall"), ("recall", "precision"))
    )
    dotted = "rivals, ScarceGAN alone" if any(one.name == ALONE for one in found) else "rivals"
    reading = f"Solid: models; dashes: champions; dots: {dotted}; bands: 95 %. Click the legend (shift: several)."
    question = f"How many {their.rare_rows} are found for the {their.rows} flagged?"
    first = banded_lines(question, reading, flagged, recall, found_of, [budget])
    question = f"How often is a flagged {their.row} {their.rare}, the more are found?"
    return [first, banded_lines(question, reading, recall, precision, precision_of)]


def other_thresholds(evaluation: Evaluation, test_set: str) -> VegaChart:
    """Draw recall and precision of one model against the flagged share, and mark its own threshold."""
    lines, rules = [], []
    for name in _headline_first(evaluation):
        measures = evaluation.models[name].test[test_set]
        lines += [_line(measures, "flagged_share", key, name=key, choice=name) for key in ("recall", "precision")]
        # A threshold that flags nobody stands at the left end.
        rules.append(Rule(max(measures.flagged_share.value, measures.curve.flagged_share[0]), "its threshold", name))
    reading = f"Choose a model below the chart. Further left, fewer {evaluation.words.rows} are flagged. Bands: 95 %."
    axis = Axis("share", share=True, low=0, high=1)
    return banded_lines("What would another threshold bring?", reading, flagged_axis(evaluation), axis, lines, rules)


def families(evaluation: Evaluation) -> list[VegaChart]:
    """Draw what each family brings to a model: alone, and by how it does without; nothing where ScarceGAN is alone."""
    marks, rules = [], []
    for name in _headline_first(evaluation):
        for one in evaluation.models[name].families:
            label = f"{words.family_name(one.family)} ({words.percent(one.share) if one.share else 'no share'})"
            for series, found in (("this family alone", one.alone), ("the model without it", one.without)):
                if found:
                    marks.append(Mark(label, found.value, found.low, found.high, series=series, choice=name))
        rules.append(Rule(evaluation.on_first_test_set(name).pr_auc.value, choice=name))
    reading = ["Dashes: the model. Lines: 95 %. In parentheses: shares of the risk.", "Choose a model below the chart."]
    axis = Axis(f"PR-AUC on test set '{evaluation.test_sets[0]}'", low=0)
    return [points("What does each family bring?", reading, axis, marks, rules)] if marks else []


def family_shares(evaluation: Evaluation) -> Table:
    """List each family's share of the risk, by model."""
    models = evaluation.models.values()
    rows = [
        [words.family_name(name), *(words.percent(model.shares.get(name)) for model in models)]
        for name in dict.fromkeys(one.family for model in models for one in model.families)
    ]
    return theme.table(["Share of the risk", *evaluation.models], rows)


def calibration(evaluation: Evaluation, test_set: str) -> VegaChart | Markdown:
    """Draw one model's observed share of risky players against its predicted score, by bins of the score.

    A relative score predicts none: if all models' are, that is said instead.
    """
    told = [one for one in _headline_first(evaluation) if evaluation.models[one].score_kind == "probability"]
    if not told:
        return Markdown(evaluation.words.fill(RELATIVE))
    lines = []
    for name in told:
        bins = evaluation.models[name].test[test_set].calibration
        lines.append(Line("observed", bins.predicted, bins.observed, bins.low, bins.high, choice=name))
        lines.append(Line("as the score says", (0, 1), (0, 1), dash="dotted", color=theme.INK, choice=name))
    their = evaluation.words
    question = f"Does a risk score of 30 % mean that 30 % are {their.rare}?"
    reading = "On the dotted line: yes. Below it the scores are too high. Choose a model below the chart. Band: 95 %."
    x, y = (Axis(title, share=True, low=0, high=1) for title in ("risk score", f"share of {their.rare_rows}"))
    return banded_lines(question, reading, x, y, lines)


def confusion(evaluation: Evaluation, test_set: str) -> VegaChart | None:
    """Draw the models' confusion matrices; None where the test players' classes are not known."""
    cells = [
        Cell(truth, called, players / sum(line), words.count(players), name)
        for name, model in evaluation.models.items()
        if (found := model.test[test_set].confusion) is not None
        for truth, line in zip(found.rows, found.matrix, strict=True)
        if sum(line)
        for called, players in zip(found.labels, line, strict=True)
    ]
    counted = evaluation.words.fill("{Rows} in each cell; stronger: a larger share of its row.")
    reading = f"{counted} 'unknown' is an answer, never a known class."
    question = "Which classes are mistaken for which?"
    return heat_map(question, reading, "known class", "most probable class", cells) if cells else None


def overlooked(
    question: str, evaluation: Evaluation, groups: Iterable[tuple[str, Interval | None, str]]
) -> list[VegaChart]:
    """Draw the recall of groups, each with its name and what it is a group of; nothing where nobody can tell it."""
    marks = [Mark(name, one.value, one.low, one.high, series=kind) for name, one, kind in groups if one]
    told = f"Points: share of a group's {evaluation.words.rare_rows} that are found at the model's threshold; "
    return [points(question, f"{told}lines: 95 % intervals.", recall_axis(evaluation), marks)] if marks else []


def fold_spread(evaluation: Evaluation) -> VegaChart:
    """Draw each fold's validation metrics as ticks, with their mean and standard deviation."""
    marks = [
        Mark(words.metric_name(metric), one.mean, one.mean - one.std, one.mean + one.std, series=name, dots=one.folds)
        for metric in AT_THRESHOLD
        for name, model in evaluation.models.items()
        if metric not in words.SCORES and (one := model.fold_spread[metric])
    ]
    reading = "Points: means; lines: ± one standard deviation; ticks: folds, each at a threshold of its own."
    axis = Axis(f"on each fold's validation {evaluation.words.rows}", share=True, low=0, high=1)
    return points("How much do the models differ from fold to fold?", reading, axis, marks)


def measure_table(found: Iterable[Contestant], metrics: Sequence[str], rival_note: str = "") -> Table:
    """List models, champions and rivals with intervals; which value is best is for the reader to judge."""
    rows = [
        [
            one.name + (rival_note if one.dash == "dotted" else ""),
            *(words.interval(name, getattr(one.measures, name)) for name in metrics),
        ]
        for one in found
    ]
    return theme.table(["Model", *map(words.metric_name, metrics)], rows)


def verdict_tables(evaluation: Evaluation) -> list[Table]:
    """List what test players say of each model's bound, and how it does against its strongest rivals and champion."""
    verdicts, models, their = evaluation.verdicts, evaluation.models, evaluation.words
    bounds = {
        "Model": lambda name: name,
        "Definition": lambda name: models[name].describe,
        f"Is its bound kept on test {their.rows}?": lambda name: words.bound_state(
            models[name].bound.get(evaluation.test_sets[0])
        ),
    }
    against = {
        "Model": lambda name: name,
        "Recall where both flag as many": lambda name: _against(
            verdicts[name].against_rival, verdicts[name].rival, their.rare
        ),
        "Over all thresholds": lambda name: _against(verdicts[name].by_pr_auc, verdicts[name].pr_auc_rival, their.rare),
        "Against the champion": lambda name: against_champion(verdicts[name], their.rare),
    }
    return [theme.listing(verdicts, bounds), theme.listing(verdicts, against)]


def basis(evaluation: Evaluation) -> str:
    """Say what thresholds, brackets, bounds and differences stand on."""
    sure = max((one.promise.confidence for one in evaluation.models.values() if one.promise), default=None)
    judged = f"; bounds are judged with {words.percent(sure)} confidence" if sure else ""
    rows, rare_rows = evaluation.words.rows, evaluation.words.rare_rows
    return (
        f"Thresholds were set by a share of {rare_rows} of {evaluation.prevalence.in_words()}. Brackets are 95 % "
        f"intervals: Wilson's for shares of counted {rows}, otherwise from resampling the test {rows}{judged}. "
        f"A difference in recall is taken where both flag as many {rows} as the model does; a tie of fewer than "
        f"{FEW_FLAGGED} flagged tells nothing, nor does any comparison with fewer than {FEW_RISKY} {rare_rows}."
    )


def fold_table(evaluation: Evaluation) -> Table:
    """List each model's threshold beside the figures of the folds, mean and standard deviation, at theirs."""
    rows = [
        [name, words.number(model.threshold)]
        + [words.spread(metric, one.mean, one.std) for metric in AT_THRESHOLD if (one := model.fold_spread[metric])]
        for name, model in evaluation.models.items()
    ]
    return theme.table(["Model", "The model's threshold", *map(words.metric_name, AT_THRESHOLD)], rows)


def against_champion(verdict: Verdict, rare: str) -> str:
    """Say how a model does against its champion, with the difference in recall."""
    against = verdict.against_champion
    if against is None:
        return "no champion yet"
    if against.difference is None:
        return f"version {verdict.champion_version}: not comparable"
    return f"{VERDICTS[against.verdict].format(rare=rare)}version {verdict.champion_version}: {words.gain(against)}"


def _against(compared: Comparison, rival: str | None, rare: str) -> str:
    told = VERDICTS[compared.verdict].format(rare=rare)
    return f"{told}{rival}: {words.gain(compared)}" if rival else VERDICTS["no rival"]


def _headline_first(evaluation: Evaluation) -> list[str]:
    return sorted(evaluation.models, key=lambda name: name != evaluation.headline)


def _line(measures: Measures, x: str, y: str, *, name: str, **look: Any) -> Line:
    """Take one measure of a curve against another, with the interval of the former as the band."""
    at, *lists = (getattr(measures.curve, key) for key in (x, y, f"{y}_low", f"{y}_high"))
    return Line(name, at, *lists, **look)
