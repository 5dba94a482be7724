"""Scoring's step `report`: what all scores tell together, the list for moderators, and the watch of the snapshot."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scarcegan import words
from scarcegan.backends import open_registry
from scarcegan.monitoring.drift import DriftReport, RealisedRecall, ScoredPlayers
from scarcegan.monitoring.measures import scored_players
from scarcegan.monitoring.watch import Watch, Watched
from scarcegan.outcomes.consensus import settled
from scarcegan.outcomes.estimates import recall
from scarcegan.outcomes.labels import write_table
from scarcegan.outcomes.report import pooled, reviewed_lists
from scarcegan.outcomes.store import open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.records import readable_json
from scarcegan.registry import ModelVersion
from scarcegan.serving.distribution import LEVELS, ReferenceScores, counted_quantiles, lowest_of_top, top_order
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import reasons_in_words, without_size
from scarcegan.settings import Settings
from scarcegan.snapshots import SnapshotStore, open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.snapshots.store import ID
from scarcegan.storage import join, local_file, sha256_of, write_bytes
from scarcegan.workflow.scoring.audit import INCLUSION, STRATUM, Stratum, audit_strata, draw, mixed_in
from scarcegan.workflow.scoring.plan import background_of
from scarcegan.workflow.scoring.records import ReviewList, ScoreReport, ScoringPlan, Tally

# Rows of the review list that go with the run as an artifact; the whole list is in its files.
SHOWN_ROWS = 10_000
# 29 % of 100 players are 29, not 28.
ROUNDING = 1e-9
REVIEW_COLUMNS = [ID, "risk_score", "class", "is_flagged", "reasons"]
# Of a list with an audit sample reviewers see these alone: a score, a class or a flag would tell who was drawn.
BLIND_COLUMNS = [ID, "reasons"]


def tell_scores(
    plan: ScoringPlan, model: Model, tallies: Sequence[Tally], settings: Settings
) -> tuple[ScoreReport, pd.DataFrame]:
    """Sum up the shards, and write the moderators' list and the report beside the scores.

    Without a `scoring.audit_share` the list is the top of the scores alone. `report.json` is written last: where it is,
    all scores are. It holds the report, the plan's keys beside the others. The report is returned with the review
    list's first 10,000 rows. Scores that are not those that the shards have written are a DataProblem.
    """
    players, flagged = sum(tally.players for tally in tallies), sum(tally.flagged for tally in tallies)
    counts = np.sum([tally.counts for tally in tallies], axis=0)
    likeliest = np.sum([tally.classes for tally in tallies], axis=0)
    review_budget = settings.review_budget
    review = _review(plan, tallies, counts, int(review_budget * players + ROUNDING), model, settings)
    shown = _for_reviewers(review) if settings.scoring.audit_share else review[REVIEW_COLUMNS]
    top = review[review[STRATUM] == 0]
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
            lowest_score=float(top["risk_score"].min()) if len(top) else None,
            flagged=int(top["is_flagged"].sum()),
            table=_put_frame(plan, review, "review.parquet"),
            csv=_put_frame(plan, shown, "review.csv"),
            audit_players=len(review) - len(top),
        ),
        over_budget=_over_budget(scored, review_budget, settings.words.reviewers),
        words=settings.words,
    )
    write_bytes(join(plan.folder, "report.json"), readable_json(report.flat()).encode())
    return report, review.head(SHOWN_ROWS)


def watch_scored(report: ScoreReport, model: Model, settings: Settings) -> Watched:
    """Watch the snapshot that a model has scored, see `scarcegan.monitoring.watch`.

    Shares of its players are those of the report, of everyone; only distances are measured on players that are drawn.
    """
    version = open_registry(settings.registry).show(report.plan.model.version)
    store, data = open_snapshots(settings.own_snapshots.folder), settings.data
    # `data.path` is a labels table for this source alone.
    has_labels = data.source == "snapshot" and data.path
    labels = read_labels(data.path, settings.populations, data.id_key) if has_labels else None
    realised = recall_of_outcomes(version, report.plan.snapshot.cutoff, settings)
    how = settings.monitoring, settings.seed, labels, settings.words, report.scored, realised
    return Watch(model, version, store, *how).watch(report.plan.snapshot.name)


def recall_of_outcomes(version: ModelVersion, before: str, settings: Settings) -> RealisedRecall | None:
    """Estimate a version's recall at its threshold on all its lists of cut-offs before a day (ISO).

    None where nobody of an audit sample has a label, or the release was registered without a recall.
    """
    registered = version.metrics.get("recall")
    labels = settled(open_outcomes(settings.outcomes, version.group).table(), settings.outcomes)
    lists = [
        one
        for one in reviewed_lists(labels, settings, version.group)
        if one.about.model.version == version.version and one.about.snapshot.cutoff < before and one.is_sampled
    ]
    sample = pooled(lists, by_flag=True) if lists else None
    found = recall(sample) if sample else None
    if sample is None or found is None or registered is None:
        return None
    interval = found.interval()
    return RealisedRecall(
        snapshot=lists[-1].about.snapshot.name,
        risky=round(float(sample.weight[sample.is_risky].sum())),
        found=round(float(sample.weight[sample.is_risky & sample.is_shown].sum())),
        value=interval.value,
        low=interval.low,
        high=interval.high,
        registered=registered,
        p=found.chance_of_less(registered),
        reviewed=len(sample.weight),
    )


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


def _review(
    plan: ScoringPlan, tallies: Sequence[Tally], counts: np.ndarray, wanted: int, model: Model, settings: Settings
) -> pd.DataFrame:
    """Return the list of `wanted` players: those of the highest score, and mixed in those drawn from all others."""
    drawn = round(settings.scoring.audit_share * wanted)
    top = _top(plan, tallies, counts, wanted - drawn)
    if not settings.scoring.audit_share:
        return mixed_in(top, top.head(0))
    strata = audit_strata(counts, len(top), drawn, is_probability=model.score_kind == "probability")
    # By the snapshot as well: each one is a draw of its own.
    key = (settings.seed, 9, *plan.snapshot.fingerprint.encode())
    review = mixed_in(top, _drawn(plan, tallies, strata, top, *key) if strata else top.head(0), *key)
    store = open_snapshots(settings.own_snapshots.folder)
    return review.assign(reasons=pd.Series(_explained(review, plan, model, store), dtype=object))


def _top(plan: ScoringPlan, tallies: Sequence[Tally], counts: np.ndarray, wanted: int) -> pd.DataFrame:
    """Return the players of the highest score; of each part only those that may be among them are read."""
    lowest = lowest_of_top(counts, wanted)
    top = pd.concat([_read(plan, tally, ("risk_score", ">=", lowest)) for tally in tallies], ignore_index=True)
    order = top_order(top["risk_score"].to_numpy(), top[ID].to_numpy())[:wanted]
    chosen = top.iloc[order].reset_index(drop=True)
    chosen["reasons"] = [list(words) for words in chosen["reasons"]]
    return chosen


def _drawn(
    plan: ScoringPlan, tallies: Sequence[Tally], strata: Sequence[Stratum], top: pd.DataFrame, *key: int
) -> pd.DataFrame:
    """Draw from everyone below the top by id and score alone; only the rows of those drawn are read in full."""
    scores = (_read(plan, tally, ("risk_score", ">=", 0.0), [ID, "risk_score"]) for tally in tallies)
    drawn = draw(strata, scores, top[ID], *key)
    rows = pd.concat([_read(plan, tally, (ID, "in", drawn[ID].tolist())) for tally in tallies])
    return drawn[[ID, STRATUM, INCLUSION]].merge(rows, on=ID)


def _read(
    plan: ScoringPlan, tally: Tally, which: tuple[str, str, object], columns: Sequence[str] = REVIEW_COLUMNS
) -> pd.DataFrame:
    location = join(plan.folder, tally.file)
    with local_file(location) as path:
        if tally.sha256 != sha256_of(path):
            raise DataProblem(
                f"expected the scores that step score wrote to {location}, got others: somebody has changed the file "
                "since; write it anew with `resume score`"
            )
        return pq.read_table(path, columns=list(columns), filters=[which]).to_pandas()


def _explained(review: pd.DataFrame, plan: ScoringPlan, model: Model, store: SnapshotStore) -> list[list[str]]:
    """Return the reasons of everyone on the list: whoever has none would be known not to be flagged."""
    reasons = {player: list(own) for player, own in zip(review[ID], review["reasons"], strict=True)}
    wanted = [player for player, own in reasons.items() if not own]
    manifest = store.describe(plan.snapshot.name)
    background = background_of(model, manifest, plan.markers)
    for part in manifest.parts if wanted else ():
        table = store.read_part(manifest, part, model.feature_names)
        chosen = table.filter(pc.is_in(table[ID], pa.array(wanted, table[ID].type))).to_pandas()
        rows = chosen[list(model.feature_names)].to_numpy(np.float32)
        told = reasons_in_words(background, rows, model.explain(rows, background.typical))
        reasons |= dict(zip(chosen[ID], told, strict=True))
    return [reasons[player] for player in review[ID]]


def _for_reviewers(review: pd.DataFrame) -> pd.DataFrame:
    return review[BLIND_COLUMNS].assign(reasons=review["reasons"].map(lambda own: list(map(without_size, own))))


def _put_frame(plan: ScoringPlan, frame: pd.DataFrame, name: str) -> str:
    if name.endswith(".csv"):
        frame = frame.assign(reasons=["; ".join(words) for words in frame["reasons"]])
    write_table(frame, join(plan.folder, name))
    return name
