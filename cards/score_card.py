"""The card of ScoreFlow's `report`: how many are flagged, whether scores lie where they did, whom to look at first."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Rule, banded_lines
from scarcegan import words
from scarcegan.monitoring.drift import DriftDecision, DriftReport, ScoredPlayers
from scarcegan.settings.words_section import Words
from scarcegan.workflow.scoring.records import ScoreReport


def score_card(
    report: ScoreReport, drift: DriftReport | None, decision: DriftDecision, first: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Build the card of one scoring, of all shards together, beside the reference of its drift report.

    `first` are the first rows of the moderators' list: player_id, risk_score, class, is_flagged, reasons.
    """
    plan, model, snapshot, review = report.plan, report.plan.model, report.plan.snapshot, report.review
    their = report.words
    highest = review.players - review.audit_players
    below = highest - review.flagged
    unflagged = f"; {words.count(below)} of them are below the threshold" if below else ""
    drawn = f" The list has {words.count(review.audit_players)} more, drawn at random." if review.audit_players else ""
    listed = f"The {words.count(highest)} highest scores{unflagged}.{drawn}"
    before, compared_with = _reference(report, drift)
    said = [sentence for sentence in (report.plan.expired, report.over_budget, decision.promise) if sentence]
    parts = [
        Markdown(f"### {_verdict(report, decision)}"),
        _headline(report),
        *([theme.bullets(said, "Read with care:")] if said else []),
        theme.heading("Do the scores lie where they did?", compared_with),
        score_chart(report.scored, before, model.threshold, their),
        share_table(report.scored, before, their),
        _class_table(report),
        theme.heading(their.fill("{Whom} to look at first"), f"{listed} The whole list: {plan.folder}/{review.csv}"),
        _review_table(first, their),
        theme.heading("Where it comes from"),
        theme.facts(
            ("Run", plan.run),
            ("Scores", plan.folder),
            ("Model", f"version {model.version} of {model.group}, {model.release_id}, from {model.run}"),
            ("Archive (sha256)", model.sha256),
            ("Threshold", _threshold(report)),
            ("Snapshot", f"{snapshot.name}, fingerprint {snapshot.fingerprint}"),
        ),
    ]
    return theme.page(f"Scores: {snapshot.name}", parts)


def _verdict(report: ScoreReport, decision: DriftDecision) -> str:
    """Say in a sentence whether the scores can be worked with as they are."""
    flagged = f"{words.count(report.flagged)} of {report.words.counted(report.players)}"
    within = "more than the review budget" if report.over_budget else "within the review budget"
    drift = {"no action": "nothing that counts has moved", "watch": "watch the drift", "retrain": "retrain"}
    raised: list[str] = [name for name, state in decision.signals.items() if state.raised]
    # Of a retraining, the first signal that is behind it.
    reason = decision.reasons[raised.index(decision.causes[0]) if decision.causes else 0]
    share = f"{words.percent(report.scored.flagged_share.value)}, {within} of {words.percent(report.review.budget)}"
    return f"{flagged} are flagged ({share}); {drift[decision.action]}: {reason}"


def _headline(report: ScoreReport) -> Table:
    model, review = report.plan.model, report.review
    return theme.figures(
        (report.words.fill("{Rows}"), words.count(report.players), f"cut-off {report.plan.snapshot.cutoff}"),
        ("Flagged", words.count(report.flagged), f"share {words.percent(report.scored.flagged_share.value)}"),
        ("To look at", words.count(review.players), f"budget {words.percent(review.budget)}"),
        ("Model", f"version {model.version}", model.definition),
    )


def _reference(report: ScoreReport, drift: DriftReport | None) -> tuple[ScoredPlayers | None, str]:
    """Return the players to compare with, and who they are."""
    if drift:
        return drift.score.before, reference_in_words(drift)
    if report.threshold_set_on is None:
        return None, "There is no reference to compare with."
    rows = report.words.rows
    return report.threshold_set_on, (
        f"Drift is not measured. The reference: the unlabelled {rows} of the training that the threshold was set on; "
        f"whether they stand for all {rows} is not known."
    )


def _threshold(report: ScoreReport) -> str:
    told, players = words.number(report.plan.model.threshold), report.threshold_set_on
    if players is None:
        return told
    share = words.share(players.flagged_share)
    count = report.words.counted(players.players)
    return f"{told}; it was set where it flags {share} of {count} of the training, all unlabelled"


def _class_table(report: ScoreReport) -> Table:
    rows = [[name, words.count(many), words.percent(many / report.players)] for name, many in report.classes.items()]
    return theme.table(["Most probable class", *map(report.words.fill, ("{Rows}", "Share of {rows}"))], rows)


def _review_table(first: Sequence[Mapping[str, Any]], their: Words) -> Any:
    if not first:
        return Markdown(their.fill("{Nobody}: the review budget is less than one {row}."))
    rows = [
        [str(row["player_id"]), words.score(row["risk_score"], 4), row["class"], "; ".join(row["reasons"])]
        for row in first
    ]
    return theme.table([their.fill("{Row}"), "Risk score", "Most probable class", "Why"], rows)


def reference_in_words(drift: DriftReport) -> str:
    """Say whom the scored players are compared with."""
    reference = drift.reference
    return f"The reference: {reference.who(drift.words)} (cut-off {reference.cutoff}), labelled or not."


def share_table(now: ScoredPlayers, before: ScoredPlayers | None, their: Words) -> Table:
    """Lay the shares with their 95 % intervals beside the reference's, if there is one."""
    rows = [
        [words.metric_name(metric), *(words.share(getattr(one, metric, None)) for one in (now, before))]
        for metric in ("flagged_share", "unknown_share")
    ]
    rows.append([their.fill("{Rows}"), words.count(now.players), words.count(before.players if before else None)])
    return theme.table([f"Share of {their.rows} [95 % interval]", "This snapshot", "Reference"], rows)


def score_chart(now: ScoredPlayers, before: ScoredPlayers | None, threshold: float, their: Words) -> VegaChart:
    """Draw the share of the players that have at least each score, up to the highest one."""
    lines = [_line("this snapshot", now, threshold)]
    if before:
        lines.append(_line("reference", before, threshold, dash="dashed"))
    reading = (
        f"Where the lines part, {their.rows} or telemetry have changed since. Each line ends at its highest score."
    )
    x = Axis("risk score (logarithmic)", log=True)
    y = Axis(f"share of {their.rows} (logarithmic)", share=True, log=True)
    rule = Rule(threshold, f"threshold {words.number(threshold)}")
    return banded_lines(f"How many {their.rows} have at least this score?", reading, x, y, lines, [rule])


def _line(name: str, scored: ScoredPlayers, threshold: float, dash: str = "solid") -> Line:
    *below, highest = scored.quantiles
    points = [(score, 1 - level / len(below)) for level, score in enumerate(below)]
    # Above the last quantile, where moderators look, the threshold and the highest score are known.
    points += [(threshold, scored.flagged_share.value), (highest, 1 / scored.players)]
    scores, shares = zip(*sorted(points, key=lambda point: (-point[1], point[0])), strict=True)
    return Line(name, scores, shares, dash=dash)
