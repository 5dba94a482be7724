"""What the score card and the drift card both show of risk scores: the same players, figures and names."""

from metaflow.cards import Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Rule, banded_lines
from scarcegan import words
from scarcegan.monitoring.drift import DriftReport, ScoredPlayers
from scarcegan.settings.words_section import Words


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
    rule = Rule(threshold, f"threshold {words.score(threshold, 3)}")
    return banded_lines(f"How many {their.rows} have at least this score?", reading, x, y, lines, [rule])


def _line(name: str, scored: ScoredPlayers, threshold: float, dash: str = "solid") -> Line:
    *below, highest = scored.quantiles
    points = [(score, 1 - level / len(below)) for level, score in enumerate(below)]
    # Above the last quantile, where moderators look, the threshold and the highest score are known.
    points += [(threshold, scored.flagged_share.value), (highest, 1 / scored.players)]
    scores, shares = zip(*sorted(points, key=lambda point: (-point[1], point[0])), strict=True)
    return Line(name, scores, shares, dash=dash)
