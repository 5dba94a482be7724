"""The replay's figures as a Markdown page."""

from collections.abc import Iterable, Sequence
from typing import Any

ABOUT = """Each snapshot is scored by the champion of that day; recall at the review budget (1 % flagged) is taken on
the period's test players. `never` keeps the first model, `always` trains on every snapshot, `by drift` follows the
default rule of [config/retrain.toml](../config/retrain.toml). A model that is trained on a snapshot scores from the
next one on: its labels are known one period later. The training is a reduced one, the same for all three; the protocol
stands in [benchmarks/replay.py](../benchmarks/replay.py), all numbers in [replay.json](replay.json)."""
PLANTED = {
    "simulated": "Simulated months of other players each; season 1 is planted: habits, currency and clock change.",
    "lootbox": "The real telemetry at its three cut-offs.",
}
NAMES = {"never": "never", "always": "always", "by_drift": "by drift"}


def markdown(results: dict[str, Any]) -> str:
    """Lay the results of all series out as one page."""
    parts = ["# Retraining by drift, replayed", "Written by `python benchmarks/replay.py`; don't edit.", ABOUT]
    for series, policies in results.items():
        parts += [f"## {series}", PLANTED[series], _summary(policies), _periods(policies)]
        said = _decisions(policies["by_drift"]["periods"])
        parts += ["What `by drift` decided:", said]
    return "\n\n".join(parts) + "\n"


def _summary(policies: dict[str, Any]) -> str:
    rows = []
    for policy, told in policies.items():
        cpu = f"{told['training_cpu_s']:.0f}"
        watching = f"{told['watching_cpu_s']:.0f}" if policy == "by_drift" else "-"
        rows.append([NAMES[policy], f"{told['recall_at_budget']:.3f}", str(told["trainings"]), cpu, watching])
    return _table(["policy", "mean recall at the budget", "trainings", "training, CPU s", "watching, CPU s"], rows)


def _periods(policies: dict[str, Any]) -> str:
    """One row per period: recall under each policy, in bold where a retraining follows."""
    headings = ["cut-off", "season", *(NAMES[policy] for policy in policies), "realised recall seen", "AUC"]
    rows = []
    for number, watched in enumerate(policies["by_drift"]["periods"]):
        season = "-" if watched["season"] is None else f"{watched['season']:g}"
        recalls = [_recall(told["periods"][number]) for told in policies.values()]
        seen = "-" if watched["realised_recall"] is None else f"{watched['realised_recall']:.2f}"
        rows.append([watched["cutoff"], season, *recalls, seen, f"{watched['auc']:.3f}"])
    return _table(headings, rows) + "\n\nIn bold: a retraining on this snapshot follows."


def _recall(row: dict[str, Any]) -> str:
    text = f"{row['recall_at_budget']:.3f}"
    return f"**{text}**" if row["retrain"] else text


def _decisions(periods: list[dict[str, Any]]) -> str:
    return _table(
        ["cut-off", "decision", "reasons"],
        [[row["cutoff"], row["action"], "<br>".join(row["reasons"])] for row in periods],
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
