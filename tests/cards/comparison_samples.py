"""Plain data of runs side by side, in the exact shape that history hands to the compare card."""

import math
from typing import Any

import card_samples

RUNS = ("1795351003860744", "1795351988120033", "1795352554031776")


_FEATURES = [row["name"] for row in card_samples.data_report(20)["feature_table"]]


def comparison() -> dict[str, Any]:
    """Three runs side by side: the second finds more on other data, the third failed in training."""
    first, second, _ = RUNS
    series = ("validation_recall_at_budget", "validation_average_precision")
    curves = [
        {"run": run, "fold": fold, "iteration": 50 * step, "series": name, "median": top * (1 - math.exp(-step / 6))}
        for run, height in ((first, 0.38), (second, 0.46))
        for fold in range(5)
        for top in (height + 0.02 * (fold - 2),)
        for name in series
        for step in range(1, 21)
    ]
    drift = [
        {"run": second, "feature": name, "psi": 1.2 / (rank + 1), "ks": 0.4 / (rank + 1), "median_before": 1.0,
         "median_now": 1.5, "zero_share_before": 0.2, "zero_share_now": 0.1}
        for rank, name in enumerate(_FEATURES)
    ]  # fmt: skip
    settings = [
        ("seed", 7, 11, 7),
        ("simulated.drift", 0.0, 0.5, 0.0),
        ("model.trunk", "200, 50", "100, 50", "200, 50"),
    ]
    return {
        "runs": list(RUNS),
        "settings": [{"setting": name, **dict(zip(RUNS, values, strict=True))} for name, *values in settings],
        "metrics": [row for run, gain in ((first, 0.0), (second, 0.11)) for row in _compared(run, gain)],
        "curves": curves,
        "drift": drift,
        "data": {first: "9f2c41d07be3a865", second: "31bf4c3cc3762a6e", RUNS[2]: "9f2c41d07be3a865"},
        "best": [_best_of_two(name) for name in card_samples.DEFINITIONS],
    }


def _compared(run: str, gain: float) -> list[dict[str, Any]]:
    measures = {"recall": 0.42, "precision": 0.38, "flagged_share": 0.011, "f2": 0.41, "pr_auc": 0.33}
    return [
        {"run": run, "definition": name, "metric": metric, "delta": gain * value, "spread": 0.07 * value}
        | {"fold_mean": value, "fold_std": 0.05 * value}
        | card_samples.interval(value * (1 + gain), 0.1 * value)
        for name in card_samples.DEFINITIONS
        for metric, value in measures.items()
    ]


def _best_of_two(name: str) -> dict[str, Any]:
    metric = {"recall_first": "flagged_share", "balanced": "f2"}.get(name, "recall")
    leads = {"recall_first": 0.0004, "precision_first": 0.012, "review_budget": 0.046, "balanced": 0.03}
    return {
        "group": "risky-players", "definition": name,
        "run": RUNS[0] if name == "recall_first" else RUNS[1], "metric": metric, "value": 0.46,
        "low": 0.4, "high": 0.51, "constraint_met": name != "recall_first", "lead": leads[name], "spread": 0.03,
        "runner_up": RUNS[1] if name == "recall_first" else RUNS[0], "same_data": False, "runs": 2,
    }  # fmt: skip
