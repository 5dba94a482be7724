"""Scoring's step `report`: what all scores tell together, the list for moderators, and the watch of the snapshot."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from scarcegan import words
from scarcegan.backends import open_registry
from scarcegan.monitoring.drift import DriftReport, ScoredPlayers
from scarcegan.monitoring.measures import scored_players
from scarcegan.monitoring.watch import Watch, Watched
from scarcegan.serving.distribution import LEVELS, ReferenceScores, counted_quantiles, lowest_of_top, top_order
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.settings.words_section import USUAL, Words
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.snapshots.store import ID
from scarcegan.storage import join, local_file, new_file, write_bytes
from scarcegan.workflow.scoring.records import ReviewList, ScoreReport, ScoringPlan, Tally

# Rows of the review list that go with the run as an artifact; the whole list is in its files.
SHOWN_ROWS = 10_000
# 29 % of 100 players are 29, not 28.
ROUNDING = 1e-9
REVIEW_COLUMNS = [ID, "risk_score", "class", "is_flagged", "reasons"]


def tell_scores(
    plan: ScoringPlan, model: Model, tallies: Sequence[Tally], review_budget: float, their: Words = USUAL
) -> tuple[ScoreReport, pd.DataFrame]:
    """Sum up the shards, and write the moderators' list and the report beside the scores.

    `report.json` is written last: where it is, all scores are. It holds the report, the plan's keys beside the others.
    The report is returned with the review list's first 10,000 rows.

    Raises:
        DataProblem: the scores cannot be read or written.
    """
    players, flagged = sum(tally.players for tally in tallies), sum(tally.flagged for tally in tallies)
    counts = np.sum([tally.counts for tally in tallies], axis=0)
    likeliest = np.sum([tally.classes for tally in tallies], axis=0)
    review = _review(plan, tallies, counts, wanted=int(review_budget * players + ROUNDING))
    # Beyond the rare class there is 'unknown', or nothing.
    beyond = likeliest[model.rare_index + 1 :]
    scored = scored_players(players, flagged, int(beyond.sum()) if len(beyond) else None, counted_quantiles(counts))
    report = ScoreReport(
        plan=plan,
        files=[tally.file for tally in tallies],
        players=players,
        flagged=flagged,
        scored=scored,
        classes=dict(zip(model.class_names, likeliest.tolist(), strict=True)),
        levels=LEVELS.tolist(),
        threshold_set_on=_set_on(model.reference, has_unknown=len(beyond) > 0),
        review=ReviewList(
            players=len(review),
            budget=review_budget,
            lowest_score=float(review["risk_score"].min()) if len(review) else None,
            flagged=int(review["is_flagged"].sum()),
            table=_put_frame(plan, review, "review.parquet"),
            csv=_put_frame(plan, review, "review.csv"),
        ),
        over_budget=_over_budget(scored, review_budget, their.reviewers),
        words=their,
    )
    plain = report.to_plain()
    text = json.dumps({**plain.pop("plan"), **plain}, indent=1, allow_nan=False) + "\n"
    write_bytes(join(plan.folder, "report.json"), text.encode())
    return report, review.head(SHOWN_ROWS)


def watch_scored(report: ScoreReport, model: Model, settings: Settings) -> Watched:
    """Watch the snapshot that a model has scored, see `scarcegan.monitoring.watch`.

    Shares of its players are those of the report, of everyone; only distances are measured on players that are drawn.

    Raises:
        DataProblem: a snapshot or the labels cannot be read, or a record cannot be kept.
    """
    version = open_registry(settings.registry).show(report.plan.model.version)
    store, data = open_snapshots(settings.snapshots.folder), settings.data
    # `data.path` is a labels table for this source alone.
    labels = read_labels(data.path, settings.populations) if data.source == "snapshot" and data.path else None
    watch = Watch(model, version, store, settings.monitoring, settings.seed, labels, settings.words)
    return watch.watch(report.plan.snapshot.name, report.scored)


def shares_in_words(report: ScoreReport, drift: DriftReport | None) -> list[str]:
    """Say which shares of the players are flagged and unknown, beside the reference's, and what of the budget."""
    lines = []
    for metric in ("flagged_share", "unknown_share"):
        told = f"{words.metric_name(metric)}: {words.share(getattr(report.scored, metric))}"
        if drift:
            before = words.share(getattr(drift.score.before, metric))
            told += f"; of the reference ({drift.reference.who(drift.words)}) {before}"
        lines.append(told)
    return [*lines, report.over_budget] if report.over_budget else lines


def _set_on(reference: ReferenceScores | None, *, has_unknown: bool) -> ScoredPlayers | None:
    """Count again the players whose shares the archive has, for their intervals."""
    if reference is None:
        return None
    players, shares = reference.players, (reference.flagged_share, reference.unknown_share)
    flagged, unknown = (round(share * players) for share in shares)
    return scored_players(players, flagged, unknown if has_unknown else None, reference.quantiles)


def _over_budget(scored: ScoredPlayers, review_budget: float, reviewers: str) -> str:
    if scored.flagged_share.low <= review_budget:
        return ""
    flagged = words.share(scored.flagged_share)
    return (
        f"the flagged share, {flagged}, is above the review budget, {words.percent(review_budget)}, by more than its "
        f"sampling error: {reviewers} look at the highest scores only"
    )


def _review(plan: ScoringPlan, tallies: Sequence[Tally], counts: np.ndarray, wanted: int) -> pd.DataFrame:
    """Return the `wanted` players of the highest score; of each part only those that may be among them are read."""
    lowest = lowest_of_top(counts, wanted)
    frames = []
    for tally in tallies:
        with local_file(join(plan.folder, tally.file)) as path:
            found = pq.read_table(path, columns=REVIEW_COLUMNS, filters=[("risk_score", ">=", lowest)])
            frames.append(found.to_pandas())
    top = pd.concat(frames, ignore_index=True)
    order = top_order(top["risk_score"].to_numpy(), top[ID].to_numpy())[:wanted]
    chosen = top.iloc[order].reset_index(drop=True)
    chosen["reasons"] = [list(words) for words in chosen["reasons"]]
    return chosen


def _put_frame(plan: ScoringPlan, frame: pd.DataFrame, name: str) -> str:
    with new_file(join(plan.folder, name)) as draft:
        if name.endswith(".csv"):
            frame.assign(reasons=["; ".join(words) for words in frame["reasons"]]).to_csv(draft, index=False)
        else:
            frame.to_parquet(draft, index=False)
    return name
