"""The quality benchmark's figures as Markdown tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from rivals import RIVALS
from summary import ALONE
from trials import GANS

HEADINGS = {
    "pr_auc": "PR-AUC",
    "single_pr_auc": "a single network",
    "recall_at_1": "recall at 1 %",
    "recall_at_2": "at 2 %",
    "recall_at_5": "at 5 %",
    "recall_at_1_fpr": "at 1 % false positives",
    "cpu_seconds": "CPU s",
}
PROTOCOL = """The release (ScarceGAN and other families, as registered) and every rival are given the same rows and the
same scaled features. A release trains {folds} folds; each sees {rest} of {folds} parts of the labelled players, a rival
all of them. Seeds: {seeds}, with fewer labels {curve_seeds}. No run tunes anything on test players, but settings were
chosen beforehand by looking at them under other seeds, as the benchmark says: margins on KDD99 and on the telemetry of
2023-04-13 are optimistic. The margin is PR-AUC of the release minus that of the best rival on the very test set. Win
and loss ask that both 95 % intervals leave out zero: Student's t over seeds and a paired bootstrap over test players.
Tables show mean ± standard deviation over seeds, and recall at shares of players flagged. Everything else stands in
[benchmarks/quality.py](../benchmarks/quality.py), all numbers in [quality.json](quality.json)."""


def markdown(whole: dict[str, Any]) -> str:
    """Lay the figures out as one Markdown page."""
    protocol = whole["protocol"]
    parts = [
        "# Detection quality",
        "Written by `python benchmarks/quality.py`; don't edit.",
        PROTOCOL.format(rest=protocol["folds"] - 1, **protocol),
        "## Verdict",
        _verdicts(whole),
        *_ablation(whole["ablation"]),
        "## Thresholds: promised on validation, found on test players",
        _transfer(whole["transfer"]),
    ]
    for data_set, counts in whole["label_curve"].items():
        parts += [f"## Fewer labelled risky players: {data_set}", _label_curve(counts)]
    for test, methods in whole["tables"].items():
        parts += [f"## {test}", _methods(methods)]
    return "\n\n".join(parts) + "\n"


def _verdicts(whole: dict[str, Any]) -> str:
    headings = ["test set", "best rival", "margin", "over seeds", "over players", "seeds won", "verdict"]
    headings += ["LightGBM", "ScarceGAN alone"]
    rows = []
    for test, told in whole["verdicts"].items():
        lightgbm = whole["lightgbm"].get(test)
        won = f"{told['seeds_won']} of {whole['tables'][test]['release']['seeds']}"
        intervals = (_interval(told["over_seeds"]), _interval(told["over_players"]))
        beside = f"{lightgbm['verdict']} ({lightgbm['margin']:+.3f})" if lightgbm else "-"
        alone = whole["scarcegan"].get(test)
        own = f"{alone['verdict']} ({alone['margin']:+.3f})" if alone else "-"
        margin, verdict = f"{told['margin']:+.3f}", f"**{told['verdict']}**"
        rows.append([test, told["rival"], margin, *intervals, won, verdict, beside, own])
    return _table(headings, rows)


def _methods(methods: dict[str, Any]) -> str:
    """Ours first, then the rivals from best to worst."""
    ours = [name for name in methods if name not in RIVALS]
    rivals = sorted((name for name in RIVALS if name in methods), key=lambda name: -methods[name]["pr_auc"]["mean"])
    rows = []
    for name in (*ours, *rivals):
        told = methods[name]
        single = _spread(told["single_pr_auc"]) if name in (ALONE, *GANS) else "-"
        recalls = [f"{told[key]['mean']:.3f}" for key in HEADINGS if key.startswith("recall")]
        cpu = f"{told['cpu_seconds']['mean']:.1f}" if told["cpu_seconds"] else "-"
        rows.append([name, str(told["seeds"]), _spread(told["pr_auc"]), single, *recalls, cpu])
    return _table(["method", "seeds", *HEADINGS.values()], rows)


def _ablation(tests: dict[str, Any]) -> list[str]:
    measured = [name for name in GANS if any(name in differences for differences in tests.values())]
    rows = [[name, *(_signed(differences.get(name)) for differences in tests.values())] for name in measured]
    heading = "## What matters in ScarceGAN: PR-AUC minus that of ScarceGAN alone"
    return [heading, _table(["method", *tests], rows)] if rows else []


def _transfer(rows: list[dict[str, Any]]) -> str:
    headings = ["test set", "method", "definition", "measure", "bound", "on validation", "on test", "off"]
    return _table(
        headings,
        [
            [
                row["test"],
                row["method"],
                row["definition"],
                row["measure"].replace("_", " "),
                "-" if row["bound"] is None else f"{row['bound']:g}",
                _spread(row["validation"]),
                _spread(row["value"]),
                _signed(row["off"]),
            ]
            for row in rows
        ],
    )


def _label_curve(counts: dict[str, Any]) -> str:
    methods = list(dict.fromkeys(name for told in counts.values() for name in told))
    headings = ["labelled risky players", *(f"{name}: PR-AUC, recall at 1 %" for name in methods)]
    rows = [
        [
            count,
            # A rival for few labels is not run with all of them.
            *(
                f"{_spread(told[name]['pr_auc'])}, {told[name]['recall_at_1']['mean']:.3f}" if name in told else "-"
                for name in methods
            ),
        ]
        for count, told in counts.items()
    ]
    return _table(headings, rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(told: dict[str, float | None]) -> str:
    return f"{told['mean']:.3f}" + ("" if told["sd"] is None else f" ± {told['sd']:.3f}")


def _signed(told: dict[str, float | None] | None) -> str:
    if told is None:
        return "-"
    return f"{told['mean']:+.3f}" + ("" if told["sd"] is None else f" ± {told['sd']:.3f}")


def _interval(ends: list[float] | None) -> str:
    return "one seed" if ends is None else f"{ends[0]:+.3f} to {ends[1]:+.3f}"
