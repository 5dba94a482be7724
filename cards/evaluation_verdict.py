"""The first screen of an evaluation: the headline model's verdict in figures and in words, and what to do next."""

from typing import Any

from metaflow.cards import Markdown, Table

from cards import theme
from scarcegan import words
from scarcegan.evaluation.records import Comparison, Evaluation, Verdict

APPROVE = (
    "Look at the release on the card of `register`, then decide: `scarcegan models compare`, "
    "`scarcegan models approve`."
)


def first_screen(evaluation: Evaluation) -> list[Any]:
    """Build the verdict on the headline model, and say what follows."""
    verdict = evaluation.verdicts.get(evaluation.headline)
    if verdict is None:
        return []
    return [
        _boxes(evaluation, verdict),
        Markdown(f"### {theme.unbroken(verdict.sentence)}\n"),
        Markdown(f"**Next:** {_next_step(evaluation, verdict)}"),
    ]


def _boxes(evaluation: Evaluation, verdict: Verdict) -> Table:
    name, rare = evaluation.headline, evaluation.words.rare
    measures, model = evaluation.on_first_test_set(name), evaluation.models[name]
    recall, bound = measures.recall, model.bound.get(evaluation.test_sets[0])
    limits = words.interval("recall", recall).partition("[")[2]
    champion = f"Against version {verdict.champion_version}" if verdict.champion_version else "Against the champion"
    against = verdict.against_champion
    judged = _judged(against, rare) if against else ("none yet", "nobody has approved one")
    limit = words.limit(bound.measure, bound.bound) if bound else ""
    flagged = f"{words.percent(measures.flagged_share.value)} flagged"
    return theme.figures(
        (f"{evaluation.words.rare_rows} found", words.percent(recall.value), f"[{limits} where {flagged}"),
        (f"Against {verdict.rival or 'rivals'}", *_judged(verdict.against_rival, rare)),
        (champion, *judged),
        ("Its bound", bound.state if bound else "none", limit.replace("<=", "≤").replace(">=", "≥")),
    )


def _judged(compared: Comparison, rare: str) -> tuple[str, str]:
    told = {"too few risky": f"too few {rare}", "no rival": "none"}.get(compared.verdict, compared.verdict)
    return told, "" if compared.difference is None else words.gain(compared)


def _next_step(evaluation: Evaluation, verdict: Verdict) -> str:
    """Say what to do: what speaks against an approval comes first."""
    their, model = evaluation.words, evaluation.models[evaluation.headline]
    bound = model.bound.get(evaluation.test_sets[0])
    if verdict.against_champion and verdict.against_champion.verdict == "worse":
        return f"Keep version {verdict.champion_version}, which is better. `scarcegan runs compare` tells what differs."
    if bound and bound.state == "missed":
        return f"Approve it only if you can live without its bound: test {their.rows} miss it."
    if verdict.against_rival.verdict == "too few risky":
        return f"Label more {their.rare_rows}, or test on more of them: so few tell nothing."
    ahead = {verdict.against_rival.verdict: verdict.rival, verdict.by_pr_auc.verdict: verdict.pr_auc_rival}
    if ahead.get("worse"):
        return f"Find out why {ahead['worse']} is better before you approve: what the models are made of stands below."
    if model.promise and model.promise.why_not:
        return f"Its bound is not promised, as {model.promise.why_not}. {APPROVE}"
    return APPROVE
