"""What the score card and the drift card both show of risk scores: the same players, figures and names."""

from metaflow.cards import Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Rule, banded_lines
from scarcegan import words
from scarcegan.monitoring.drift import DriftReport, ScoredPlayers


def reference_in_words(drift: DriftReport) -> str:
    """Say whom the scored players are compared with."""
    reference = drift.reference
    return f"The reference: {reference.who} (cut-off {reference.cutoff}), labelled or not."


def share_table(now: ScoredPlayers, before: ScoredPlayers | None) -> Table:
    """Lay the shares with their 95 % intervals beside the reference's, if there is one."""
    rows = [
        [words.metric_name(metric), *(words.share(getattr(one, metric, None)) for one in (now, before))]
        for metric in ("flagged_share", "unknown_share")
    ]
    rows.append(["Players", words.count(now.players), words.count(before.players if before else None)])
    return theme.table(["Share of players [95 % interval]", "This snapshot", "Reference"], rows)


def score_chart(now: ScoredPlayers, before: ScoredPlayers | None, threshold: float) -> VegaChart:
    """Draw the share of the players that have at least each score, up to the highest one."""
    lines = [_line("this snapshot", now, threshold)]
    if before:
        lines.append(_line("reference", before, threshold, dash="dashed"))
    reading = "Where the lines part, players or telemetry have changed since. Each line ends at its highest score."
    x = Axis("risk score (logarithmic)", log=True)
    y = Axis("share of players (logarithmic)", share=True, log=True)
    rule = Rule(threshold, f"threshold {words.score(threshold, 3)}")
    return banded_lines("How many players have at least this score?", reading, x, y, lines, [rule])


def _line(name: str, scored: ScoredPlayers, threshold: float, dash: str = "solid") -> Line:
    *below, highest = scored.quantiles
    points = [(score, 1 - level / len(below)) for level, score in enumerate(below)]
    # Above the last quantile, where moderators look, the threshold and the highest score are known.
    points += [(threshold, scored.flagged_share.value), (highest, 1 / scored.players)]
    scores, shares = zip(*sorted(points, key=lambda point: (-point[1], point[0])), strict=True)
    return Line(name, scores, shares, dash=dash)
