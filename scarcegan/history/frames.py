"""Runs as pandas frames: one row per run, settings and metrics as columns."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import metaflow
import pandas as pd

from scarcegan.costs.records import Bill
from scarcegan.history.artifacts import RunArtifacts
from scarcegan.history.client import created_at, find_run, find_runs, last_words, state_of
from scarcegan.history.records import RunFacts
from scarcegan.problems import HistoryProblem
from scarcegan.registry.release import Release

HEADLINES = ("pr_auc", "recall", "precision", "flagged_share", "recall_at_budget")


def runs(
    *,
    tags: Sequence[str] = (),
    since: str = "",
    until: str = "",
    user: str = "",
    status: str = "",
    namespace: str | None = None,
) -> pd.DataFrame:
    """List runs, newest first: those that have all the tags, by this user, `finished`, `failed` or `unfinished`.

    `since` and `until` are the first and the last day in UTC, ISO dates; the namespace is Metaflow's (`user:ada`),
    None reads all. Columns: the facts of `scarcegan.history.records.RunFacts`; then `settings.<key>` and
    `metrics.<definition>.<metric>` of the first test set. What a run has not made is missing.
    """
    return _frame(facts_of_runs(tags, since, until, user, status, namespace))


def show(reference: str) -> "pd.Series[Any]":
    """Return the row of one run; `last_words` is what a failed run said at last."""
    return _frame([facts_of_run(reference)]).iloc[0]


def facts_of_runs(
    tags: Sequence[str], since: str, until: str, user: str, status: str, namespace: str | None
) -> list[RunFacts]:
    """Return the facts of the runs that `runs` lists, newest first."""
    wanted = [*tags, *([f"user:{user}"] if user else [])]
    first, last = _day(since, date.min), _day(until, date.max)
    found = [run for run in find_runs(wanted, namespace) if first <= created_at(run).date() <= last]
    states = ((run, *state_of(run)) for run in found)
    return [_facts(run, state, step) for run, state, step in states if status in ("", state)]


def facts_of_run(reference: str) -> RunFacts:
    """Return the facts of one run, with its last words if it failed."""
    run = find_run(reference)
    state, step = state_of(run)
    return _facts(run, state, step, last_words(run, step) if state == "failed" else None)


def _frame(found: Iterable[RunFacts]) -> pd.DataFrame:
    plain = [facts.to_plain() for facts in found]
    # Settings and metrics get a column for each key; a frame without rows still has the columns of the facts.
    frame = pd.json_normalize(plain) if plain else pd.DataFrame(columns=[field.name for field in fields(RunFacts)])
    frame["created"] = pd.to_datetime(frame["created"], format="ISO8601")
    return frame.drop(columns=["settings", "metrics", "headline"], errors="ignore")


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError as error:
        raise HistoryProblem(f"expected a day such as 2026-11-22, got '{text}': write year, month and day") from error


def _facts(run: metaflow.Run, state: str, step: str, words: str | None = None) -> RunFacts:
    made = RunArtifacts(run)
    release, cost, evaluation = made.record("release", Release), made.record("cost", Bill), made.evaluation
    tested = {name: evaluation.on_first_test_set(name) for name in evaluation.models} if evaluation else {}
    measured = {name: measures.intervals() for name, measures in tested.items()}  # without what is newer than the run
    created, finished_at = created_at(run), run.finished_at
    return RunFacts(
        run=run.id,
        created=created.isoformat(),
        user=next((tag.partition(":")[2] for tag in run.tags if tag.startswith("user:")), ""),
        status=state,
        step=step,
        seconds=(finished_at.astimezone() - created).total_seconds() if finished_at else None,
        origin_run=made.plain("origin_run"),
        commit=made.plain("commit"),
        config=(made.plain("launch") or {}).get("config"),
        overrides=made.overrides,
        data=made.data,
        release=release.release_id if release else None,
        money=cost.money if cost else None,
        tags=sorted(run.user_tags),
        settings=made.settings,
        metrics={name: {key: of[key].value for key in HEADLINES if key in of} for name, of in measured.items()},
        headline=evaluation.headline if evaluation else None,
        measured_on=evaluation.on_first_test_set(evaluation.headline).counted(evaluation.words) if evaluation else None,
        made_of=evaluation.families_in_words if evaluation else {},
        last_words=words,
        unread=made.unread,
    )
