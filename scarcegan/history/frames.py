"""Runs as pandas frames: one row per run, settings and metrics as columns."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import metaflow
import pandas as pd

from scarcegan.history.client import artifacts, created_at, find_run, find_runs, last_words, state_of
from scarcegan.problems import HistoryProblem

HEADLINES = ("pr_auc", "recall", "precision", "flagged_share", "recall_at_budget")
FACTS = (
    "run",
    "created",
    "user",
    "status",
    "step",
    "seconds",
    "origin_run",
    "commit",
    "config",
    "data",
    "release",
    "money",
    "tags",
)
SETTING, METRIC = "settings.", "metrics."


def runs(
    *,
    tags: Sequence[str] = (),
    since: str = "",
    until: str = "",
    user: str = "",
    status: str = "",
    namespace: str | None = None,
) -> pd.DataFrame:
    """List runs, newest first.

    Args:
        tags: a run must have all of them.
        since: first day, ISO date.
        until: last day, ISO date.
        user: who ran it.
        status: `finished`, `failed` or `unfinished`.
        namespace: Metaflow namespace such as `user:ada`; None reads all.

    Returns:
        One row per run: run, created, user, status, step (where it stopped or stands), seconds (finished runs),
        origin_run (first run of a chain of resumes), commit, config, data (fingerprint), release, money (see the
        artifact `cost`), tags; then `settings.<key>` and `metrics.<definition>.<metric>` of the first test set. What
        a run has not made is missing.

    Raises:
        HistoryProblem: a day is no ISO date, or Metaflow cannot read its metadata or artifacts.
    """
    wanted = [*tags, *([f"user:{user}"] if user else [])]
    first, last = _day(since, date.min), _day(until, date.max)
    found = [run for run in find_runs(wanted, namespace) if first <= created_at(run).date() <= last]
    states = ((run, *state_of(run)) for run in found)
    rows = [_row(run, state, step) for run, state, step in states if status in ("", state)]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(FACTS))


def show(reference: str) -> "pd.Series[Any]":
    """Return the row of one run, with `last_words`: what a failed run said at last.

    Raises:
        HistoryProblem: no such run.
    """
    run = find_run(reference)
    state, step = state_of(run)
    words = {"last_words": last_words(run, step)} if state == "failed" else {}
    return pd.Series(_row(run, state, step) | words, name=run.id)


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError as error:
        raise HistoryProblem(f"expected a day such as 2026-11-22, got '{text}': write year, month and day") from error


def _row(run: metaflow.Run, state: str, step: str) -> dict[str, Any]:
    made = artifacts(run, "settings", "origin_run", "commit", "launch", "data_report", "evaluation", "release", "cost")
    release, report = made["release"] or {}, made["data_report"] or {}
    created, finished_at = created_at(run), run.finished_at
    facts = {
        "run": run.id,
        "created": pd.Timestamp(created),
        "user": _user(run),
        "status": state,
        "step": step,
        "seconds": (finished_at - created).total_seconds() if finished_at else None,
        "origin_run": made["origin_run"],
        "commit": made["commit"],
        "config": (made["launch"] or {}).get("config"),
        "data": report.get("fingerprint"),
        "release": release.get("release_id"),
        "money": (made["cost"] or {}).get("money"),
        "tags": sorted(run.user_tags),
    }
    settings = {SETTING + key: value for key, value in flat(made["settings"] or {}).items()}
    return facts | settings | _metrics(made["evaluation"])


def _user(run: metaflow.Run) -> str:
    return next((tag.partition(":")[2] for tag in run.tags if tag.startswith("user:")), "")


def _metrics(evaluation: Mapping[str, Any] | None) -> dict[str, float]:
    if evaluation is None:
        return {}
    first = evaluation["test_sets"][0]
    return {
        f"{METRIC}{definition}.{metric}": model["test"][first][metric]["value"]
        for definition, model in evaluation["models"].items()
        for metric in HEADLINES
    }


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by dotted key; a list of named sections is keyed by name, other lists are text."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            value = {one["name"]: {name: own for name, own in one.items() if name != "name"} for one in value}
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[prefix + key] = ", ".join(map(str, value)) if isinstance(value, list) else value
    return leaves
