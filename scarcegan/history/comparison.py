"""Any number of runs side by side: settings that differ, metrics, learning curves, training data, the best ones."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from math import hypot
from typing import Any

import numpy as np
import pandas as pd

from scarcegan.data.distances import moves
from scarcegan.evaluation.definitions import AIMS
from scarcegan.history.artifacts import RunArtifacts
from scarcegan.history.client import find_run, find_runs
from scarcegan.history.records import BestRun, Dossier, Figure, LearningCurve, MovedFeature, RunsCompared
from scarcegan.problems import HistoryProblem
from scarcegan.records import Record
from scarcegan.settings.words_section import USUAL

METRICS = ("recall", "precision", "flagged_share", "f2", "pr_auc", "recall_at_budget")
SERIES = ("validation_recall_at_budget", "validation_average_precision", "discriminator_supervised_loss")
OVER_TIME = ["iteration", "median", "low", "high"]  # of a curve, a row of its frame for each entry
Told = RunArtifacts | Dossier  # what a run's own artifacts tell of it, or the registry


class RunComparison:
    """Runs side by side, the first of them the reference: a record for cards and the terminal, and its frames.

    A frame has a row for each record in `record`; `settings` has one for each that differs, a column for each run.
    """

    def __init__(self, record: RunsCompared) -> None:
        self.record = record
        settings = [{"setting": key, **by_run} for key, by_run in record.settings.items()]
        self.settings = pd.DataFrame(settings, columns=["setting", *record.runs], dtype=object)
        self.metrics = _frame(Figure, record.metrics)
        self.curves = _frame(LearningCurve, record.curves).explode(OVER_TIME, ignore_index=True).infer_objects()
        self.drift = _frame(MovedFeature, record.drift)
        self.best = _frame(BestRun, record.best)


def compare(*references: str) -> RunComparison:
    """Compare runs with the first one; a `HistoryProblem` if one does not exist, or fewer than two are named."""
    found = list({run.id: RunArtifacts(run) for run in map(find_run, references)}.values())
    if len(found) < 2:
        raise HistoryProblem(f"expected two runs or more, got {len(found)}: name them, see `scarcegan runs list`")
    evaluated = [run.evaluation for run in found if run.evaluation]
    record = RunsCompared(
        runs=[run.run for run in found],
        settings=_settings_that_differ({run.run: run.settings for run in found})
        | _settings_that_differ({run.run: {"--set": run.overrides} for run in found}),
        metrics=_beside_first(found),
        curves=[curve for run in found for curve in _curves(run)],
        drift=list(_drift(found)),
        data={run.run: run.data for run in found},
        best=_best(found),
        unread=_unread(found),
        headline=evaluated[0].headline if evaluated else None,
        made_of={run.run: run.evaluation.families_in_words for run in found if run.evaluation},
        words=evaluated[0].words if evaluated else USUAL,
        tags={run.run: run.tags for run in found},
    )
    return RunComparison(record)


def compare_releases(before: Dossier, now: Dossier) -> RunsCompared:
    """Compare the runs of two releases by what the registry keeps of them; curves and best runs it does not keep."""
    both = (before, now)
    return RunsCompared(
        runs=[one.run for one in both],
        settings=_settings_that_differ({one.run: one.settings for one in both}),
        metrics=_beside_first(both),
        drift=list(_drift(both)),
        data={one.run: one.data_report.fingerprint for one in both},
        words=now.evaluation.words,
    )


def best(*references: str) -> pd.DataFrame:
    """Find the best run for each business definition, among the named runs or all that were evaluated.

    Without names only runs of the same registry group are set against each other: other groups serve other data.
    A model whose constraint held on validation data goes before one whose did not; then decides, on the test
    players, what its definition maximises. Runs on other data were measured on other players: `same_data` tells.
    The frame has a row per group and definition, with the attributes of `scarcegan.history.records.BestRun`.
    """
    return _frame(BestRun, best_runs(references)[0])


def best_runs(references: Sequence[str]) -> tuple[list[BestRun], dict[str, list[str]]]:
    """Return what `best` tells, and by run what could not be read."""
    found = [RunArtifacts(run) for run in (map(find_run, references) if references else find_runs())]
    return _best(found, by_group=not references), _unread(found)


def _settings_that_differ(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings, by dotted key in each run, that are not the same in all of them.

    A whole section that a run does not have came with later code and is left out.
    """
    sections = [{key.partition(".")[0] for key in tree} for tree in settings.values() if tree]
    shared = set.intersection(*sections) if sections else set()
    keys = [key for tree in settings.values() for key in tree if key.partition(".")[0] in shared]
    by_key = {key: {run: tree.get(key) for run, tree in settings.items()} for key in keys}
    # By their text: 1 is equal to True otherwise.
    return {key: by_run for key, by_run in by_key.items() if len(set(map(repr, by_run.values()))) > 1}


def _beside_first(runs: Sequence[Told]) -> list[Figure]:
    """Return the figures of all runs, each beside the first run's."""
    first = _figures(runs[0])
    return [
        replace(one, delta=one.value - first[key].value, spread=_spread(one, first[key])) if key in first else one
        for run in runs
        for key, one in _figures(run).items()
    ]


def _spread(one: Figure, other: Figure) -> float | None:
    mine, others = one.deviation, other.deviation
    return None if mine is None or others is None else hypot(mine, others)


def _figures(run: Told) -> dict[tuple[str, str], Figure]:
    """Return the figures of a run's models on its first test set, by definition and metric."""
    found: dict[tuple[str, str], Figure] = {}
    if run.evaluation is None:
        return found
    for definition, model in run.evaluation.models.items():
        measured = run.evaluation.on_first_test_set(definition).intervals()
        for metric in (name for name in METRICS if name in measured):  # older runs lack the newer ones
            folds = model.fold_spread.get(metric)
            spread = {"fold_mean": folds.mean, "fold_std": folds.std} if folds else {}
            found[definition, metric] = Figure(run.run, definition, metric, **vars(measured[metric]), **spread)
    return found


def _curves(run: RunArtifacts) -> Iterator[LearningCurve]:
    for fold, progress in run.progress().items():
        for series in SERIES:
            rounds = np.array(progress.series[series], dtype=float)[:, np.array(progress.healthy)]
            low, median, high = np.quantile(rounds, [0.1, 0.5, 0.9], axis=1).tolist()
            yield LearningCurve(run.run, fold, series, list(progress.iteration), median, low, high)


def _drift(runs: Sequence[Told]) -> Iterator[MovedFeature]:
    """Yield how far the unlabelled players of the runs on other data are from the first's, from their reports alone."""
    first = runs[0].data_report
    for run in runs[1:]:
        if first is None or run.data_report is None or first.fingerprint == run.data_report.fingerprint:
            continue
        old, new = ({row.name: row for row in report.feature_table} for report in (first, run.data_report))
        for move in moves(old, new):
            zeros = {"zero_share_before": old[move.name].zero_share, "zero_share_now": new[move.name].zero_share}
            yield MovedFeature(run.run, move.name, move.psi, move.ks, move.median_before, move.median_now, **zeros)


def _unread(runs: Iterable[RunArtifacts]) -> dict[str, list[str]]:
    return {run.run: run.unread for run in runs if run.unread}


def _best(runs: Iterable[RunArtifacts], *, by_group: bool = False) -> list[BestRun]:
    """Set what each model reaches of what its definition maximises against the other runs' models."""
    rivals: defaultdict[tuple[str, ...], list[BestRun]] = defaultdict(list)
    evaluated = dict[tuple[str, str], RunArtifacts]()
    for run in runs:
        # A resume takes over what was evaluated before: it is no other run, and not its own rival.
        evaluated.setdefault((str(run.plain("origin_run")), repr(run.evaluation)), run)
    for run in evaluated.values():
        figures, group = _figures(run), run.settings.get("registry.group", "")
        for name, model in (run.evaluation.models if run.evaluation else {}).items():
            figure = figures[name, AIMS[model.definition.maximise].metric]
            bound = next(iter(model.bound.values()), None)  # the first test set's
            one = BestRun(**vars(figure), group=group, bound=bound, data=run.data)
            # The metric as well: a definition may have been another one under the same name.
            rivals[group if by_group else "", name, one.metric].append(one)
    return list(map(_leader, rivals.values()))


def _leader(rivals: Sequence[BestRun]) -> BestRun:
    sign = {aim.metric: aim.sign for aim in AIMS.values()}[rivals[0].metric]
    order = {one.run: (one.bound is None or one.bound.state != "missed", sign * one.value) for one in rivals}
    first, *others = sorted(rivals, key=lambda one: order[one.run], reverse=True)
    if not others:
        return first
    return replace(
        first,
        runs=len(rivals),
        runner_up=others[0].run,
        lead=sign * (first.value - others[0].value),
        spread=_spread(first, others[0]),
        same_data=first.data is not None and first.data == others[0].data,
    )


def _frame(kind: type[Record], rows: Iterable[Record]) -> pd.DataFrame:
    columns = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return pd.DataFrame([vars(row) for row in rows], columns=columns)
