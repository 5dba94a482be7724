"""Any number of runs side by side: settings that differ, metrics, learning curves, training data, the best ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import metaflow
import numpy as np
import pandas as pd

from scarcegan.gan.progress import Progress
from scarcegan.history.client import artifact, artifacts, find_run, find_runs, fold_progress
from scarcegan.history.data_drift import COLUMNS, data_drift
from scarcegan.history.frames import flat
from scarcegan.problems import HistoryProblem

BEST = ("group", "definition", "run", "metric", "value", "low", "high", "constraint_met",
        "runner_up", "lead", "spread", "same_data", "runs")  # fmt: skip
METRICS = ("recall", "precision", "flagged_share", "f2", "pr_auc", "recall_at_budget")
SERIES = ("validation_recall_at_budget", "validation_average_precision", "discriminator_supervised_loss")
# What a definition maximises -> the metric that tells, and the sign of better.
AIMS = {"recall": ("recall", 1), "fewest_flagged": ("flagged_share", -1), "f2": ("f2", 1)}


@dataclass(frozen=True)
class RunComparison:
    """Runs side by side, the first of them the reference.

    Attributes:
        runs: their ids.
        settings: one row per setting that differs, one column per run.
        metrics: see `metrics`; with `delta` to the reference and `spread`, what both runs vary by from fold to fold
            (where no fold measures it, from resample to resample).
        curves: see `learning_curves`.
        drift: one row per run (but the reference) and feature: see `scarcegan.history.data_drift`.
        data: data fingerprint by run.
        best: see `best`.
    """

    runs: list[str]
    settings: pd.DataFrame
    metrics: pd.DataFrame
    curves: pd.DataFrame
    drift: pd.DataFrame
    data: dict[str, str | None]
    best: pd.DataFrame

    def to_plain(self) -> dict[str, Any]:
        """Return everything as plain lists and dicts, for cards and JSON; what was not measured is None."""
        plain: dict[str, Any] = {"runs": self.runs, "data": self.data}
        for name in ("settings", "metrics", "curves", "drift", "best"):
            frame: pd.DataFrame = getattr(self, name)
            plain[name] = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return plain


def compare(*references: str) -> RunComparison:
    """Compare runs with the first one.

    Raises:
        HistoryProblem: a run does not exist, or fewer than two are named.
    """
    found = {run.id: run for run in map(find_run, references)}
    if len(found) < 2:
        raise HistoryProblem(f"expected two runs or more, got {len(found)}: name them, see `scarcegan runs list`")
    reports = {run_id: artifact(run, "data_report") for run_id, run in found.items()}
    reference = next(iter(found))
    return RunComparison(
        runs=list(found),
        settings=settings_that_differ({run_id: artifact(run, "settings") or {} for run_id, run in found.items()}),
        metrics=with_deltas(_metrics(found.values()), reference),
        curves=_curves(found.values()),
        drift=_drift(reports, reference),
        data={run_id: report and report["fingerprint"] for run_id, report in reports.items()},
        best=_best(found.values()),
    )


def settings_that_differ(settings: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per setting that is not the same in all runs, one column per run, and `setting`.

    A whole section that a run does not have came with later code and is left out.
    """
    shared = set.intersection(*(set(tree) for tree in settings.values()))
    known = {run: {key: tree[key] for key in tree if key in shared} for run, tree in settings.items()}
    table = pd.DataFrame({run: pd.Series(flat(tree), dtype=object) for run, tree in known.items()})
    differs = table.apply(lambda row: len({repr(value) for value in row}) > 1, axis=1).astype(bool)
    return table[differs].rename_axis("setting").reset_index()


def metrics(*references: str) -> pd.DataFrame:
    """Return the test metrics of runs, one row per run, definition and metric.

    Returns:
        run, definition, metric, value, low, high, std (95 % interval and deviation from resampling the test players),
        fold_mean, fold_std (spread of the folds' own choices on validation; missing where folds do not measure it).
    """
    return _metrics([find_run(reference) for reference in references])


def with_deltas(measured: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Add `delta` to the reference run's value and `spread`, the root of both runs' squared deviations."""
    keys = ["definition", "metric"]
    measured = measured.assign(own=measured["fold_std"].fillna(measured["std"]))
    base = measured[measured["run"] == reference][[*keys, "value", "own"]]
    both = measured.merge(base, on=keys, how="left", suffixes=("", "_base"))
    both["delta"], both["spread"] = both["value"] - both["value_base"], np.hypot(both["own"], both["own_base"])
    return both.drop(columns=["own", "own_base", "value_base"])


def learning_curves(*references: str) -> pd.DataFrame:
    """Return how runs learned: run, fold, iteration, series, median, low, high over the healthy members of a fold."""
    return _curves([find_run(reference) for reference in references])


def best(*references: str) -> pd.DataFrame:
    """Tell the best run for each business definition, among the named runs or all that were evaluated.

    Without names only runs of the same registry group are set against each other: other groups serve other data.
    A model whose constraint held on validation data goes before one whose did not; then decides, on the test
    players, what its definition maximises. Runs on other data were measured on other players: `same_data` tells.

    Returns:
        group, definition, run, metric, value, low, high, constraint_met, runner_up, lead (over it), spread (of the
        lead, see `with_deltas`), same_data (as the runner-up), runs (how many were compared).
    """
    runs = [find_run(reference) for reference in references] or find_runs()
    return _best(runs, ("definition",) if references else ("group", "definition"))


def _drift(reports: Mapping[str, Any], reference: str) -> pd.DataFrame:
    frames = {run: data_drift(reports[reference], report) for run, report in reports.items()}
    moved = [frame.assign(run=run) for run, frame in frames.items() if len(frame)]
    return pd.concat(moved, ignore_index=True) if moved else pd.DataFrame(columns=[*COLUMNS, "run"])


def _metrics(runs: Iterable[metaflow.Run]) -> pd.DataFrame:
    rows = [row for run in runs for row in _measured(run.id, artifact(run, "evaluation"))]
    columns = ["run", "definition", "metric", "value", "low", "high", "std", "fold_mean", "fold_std"]
    return pd.DataFrame(rows, columns=columns)


def _measured(run: str, evaluation: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if evaluation is None:
        return []
    first = evaluation["test_sets"][0]
    return [
        {"run": run, "definition": definition, "metric": metric}
        | model["test"][first][metric]
        | {f"fold_{name}": model["fold_spread"].get(metric, {}).get(name) for name in ("mean", "std")}
        for definition, model in evaluation["models"].items()
        for metric in METRICS
    ]


def _curves(runs: Iterable[metaflow.Run]) -> pd.DataFrame:
    rows = [
        {"run": run.id, "fold": fold, "iteration": iteration, "series": series, **values}
        for run in runs
        for fold, progress in fold_progress(run).items()
        for series in SERIES
        for iteration, values in zip(progress.iteration, _bands(progress, series), strict=True)
    ]
    return pd.DataFrame(rows, columns=["run", "fold", "iteration", "series", "median", "low", "high"])


def _bands(progress: Progress, series: str) -> list[dict[str, float]]:
    healthy = np.array(progress.healthy)
    rounds = np.array(progress.series[series], dtype=float)[:, healthy]
    low, median, high = np.quantile(rounds, [0.1, 0.5, 0.9], axis=1)
    return [{"median": m, "low": a, "high": b} for m, a, b in zip(median, low, high, strict=True)]


def _best(runs: Iterable[metaflow.Run], keys: Sequence[str] = ("definition",)) -> pd.DataFrame:
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in (row for run in runs for row in _aims(run)):
        rows.setdefault(tuple(row[key] for key in keys), []).append(row)
    return pd.DataFrame([_leader(found) for found in rows.values()], columns=list(BEST))


def _aims(run: metaflow.Run) -> list[dict[str, Any]]:
    """Return what each model of a run reaches of what its definition maximises."""
    made = artifacts(run, "evaluation", "settings", "data_report")
    evaluation, settings = made["evaluation"], made["settings"]
    if evaluation is None:
        return []
    aims = {one["name"]: AIMS[one["maximise"]] for one in settings["definitions"]}
    about = {"group": settings["registry"]["group"], "data": made["data_report"]["fingerprint"]}
    measured = {(row["definition"], row["metric"]): row for row in _measured(run.id, evaluation)}
    return [
        measured[name, metric] | about | {"sign": sign, "constraint_met": evaluation["models"][name]["constraint_met"]}
        for name, (metric, sign) in aims.items()
        if name in evaluation["models"]
    ]


def _leader(rows: list[dict[str, Any]]) -> dict[str, Any]:
    first, *others = sorted(rows, key=lambda row: (row["constraint_met"], row["sign"] * row["value"]), reverse=True)
    told: dict[str, Any] = first | {"runs": len(rows)}
    if others:
        second = others[0]
        told |= {
            "runner_up": second["run"],
            "lead": first["sign"] * (first["value"] - second["value"]),
            "spread": float(np.hypot(first["fold_std"], second["fold_std"])),
            "same_data": first["data"] == second["data"],
        }
    return told
