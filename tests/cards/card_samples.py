"""Realistic plain data in the exact shape that the flow hands to the cards."""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np

NEGATIVES = ["dormant", "normal", "heavy"]
CLASSES = [*NEGATIVES, "risky"]
PREVALENCE = 0.0102
DEFINITIONS = {
    "recall_first": ("recall >= 0.85, fewest flagged", 0.0612, 0.31, False),
    "precision_first": ("precision >= 0.9, highest recall", 0.91, 0.0021, True),
    "review_budget": ("flagged share <= 0.01, highest recall", 0.57, 0.0098, True),
    "balanced": ("highest F2", 0.44, 0.019, True),
}
SEPARATION = {"recall_first": 1.96, "precision_first": 2.02, "review_budget": 2.08, "balanced": 2.05}
HEADLINES = ("pr_auc", "recall", "precision", "flagged_share", "f2")
RIVALS = {"gradient_boosting": 1.83, "random_forest": 1.95, "extra_trees": 2.01, "logistic_regression": 1.55}


def data_report(features: int = 28) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    folds = [
        {
            "fold": fold,
            "train": {"dormant": 256, "normal": 256, "heavy": 256, "risky": 76 + fold % 2, "unlabeled": 11533},
            "validation": {"dormant": 64, "normal": 64, "heavy": 64, "risky": 20 - fold % 2, "unlabeled": 2883},
        }
        for fold in range(5)
    ]
    table = [_feature(name, rank, rng) for rank, name in enumerate(_feature_names(features))]
    return {
        "source": "simulated",
        "cutoff": "2024-06-30",
        "fingerprint": "9f2c41d07be3a865",
        "players": 20_000,
        "features": features,
        "populations": [
            {"name": "dormant", "pool": 320, "test": 80},
            {"name": "normal", "pool": 320, "test": 80},
            {"name": "heavy", "pool": 320, "test": 80},
            {"name": "risky", "pool": 96, "test": 24},
            {"name": "unlabeled", "pool": 14_416, "test": 4_264},
        ],
        "folds": folds,
        "threshold_players": 2_883,
        "test_sets": [{"name": "test", "players": 4_528, "risky": 46}],
        "feature_table": table,
        "suspects": [{"feature": "support_contacts_after_cutoff", "auc": 0.991}],
        "warnings": [
            "feature 'support_contacts_after_cutoff' alone tells 'risky' from unlabelled players (AUC 0.991): "
            "a likely leak; see how it is made, or name it in data.ignore_columns",
            "a fold validates on 19 'risky' players: its recall moves in steps of 5%; "
            "lower folds.k or label more players",
        ],
    }


def snapshot() -> dict[str, Any]:
    """What the data report says of a snapshot with a predecessor."""
    drift = [
        {"name": name, "psi": psi, "ks": psi / 3, "median_before": 1.0, "median_now": 1.0 + psi}
        for name, psi in (("bets_level", 0.61), ("night_trend", 0.12), ("stake_peak", 0.004))
    ]
    return {
        "name": "players-2024-06-30",
        "fingerprint": "31bf4c3cc3762a6e",
        "code_version": "0a1b2c3d4e5f",
        "source": "s3://telemetry/daily",
        "window_days": 60,
        "missing_days": ["2024-05-03", "2024-05-04"],
        "quiet_days": {"dormant": 51.2, "normal": 40.0, "heavy": 12.25, "risky": 20.5, "unlabeled": 44.4},
        "previous": {"name": "players-2024-05-31", "cutoff": "2024-05-31"},
        "drift": drift,
    }


def history(rounds: int = 20, members: int = 8, collapsed: int | None = 5) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    iteration = [50 * (index + 1) for index in range(rounds)]
    progress = np.arange(1, rounds + 1)[:, None] / 20
    shapes = {
        "discriminator_supervised_loss": 0.42 + 0.9 * np.exp(-4 * progress),
        "discriminator_unsupervised_loss": 0.55 + 0.5 * np.exp(-3 * progress),
        "generator_loss": 0.25 + 0.35 * (1 - np.exp(-3 * progress)),
        "accuracy_supervised": 0.93 - 0.3 * np.exp(-4 * progress),
        "p_real": 0.74 + 0.1 * progress,
        "p_fake": 0.69 + 0.12 * progress,
        "feature_distance": 0.8 * np.exp(-2 * progress) + 0.1,
        "gradient_norm": 1.9 - 0.8 * progress,
        "unknown_share": 0.08 + 0.05 * progress,
        "validation_recall_at_budget": 0.38 * (1 - np.exp(-5 * progress)),
        "validation_precision_at_budget": 0.34 * (1 - np.exp(-5 * progress)),
        "validation_average_precision": 0.29 * (1 - np.exp(-4 * progress)),
        **{
            f"validation_recall_of_{name}": height * (1 - np.exp(-6 * progress))
            for name, height in zip(CLASSES, (0.91, 0.84, 0.79, 0.62), strict=True)
        },
    }
    well = collapsed is None or rounds == 0
    faults = [["" for _ in range(members)] for _ in range(rounds)]
    series = {name: base * rng.normal(1, 0.05, (rounds, members)) for name, base in shapes.items()}
    if not well:
        for values in series.values():
            values[rounds // 2 :, collapsed] = math.nan
        for row in faults[rounds // 2 :]:
            row[collapsed] = "not_finite"
    return {
        "iteration": iteration,
        "members": members,
        **{name: values.tolist() for name, values in series.items()},
        "faults": faults,
        "alarms": [] if well else [f"not finite: member {collapsed}, first at iteration 350; lower the learning rates"],
        "healthy": [well or member != collapsed for member in range(members)],
        "iterations": 1_000,
        "seconds": [3.6 * (index + 1) for index in range(rounds)],
    }


def evaluation(test_sets: tuple[str, ...] = ("test",)) -> dict[str, Any]:
    models = {name: _model(name, test_sets) for name in DEFINITIONS}
    baselines = {name: {test: measured(d, 0.01, None) for test in test_sets} for name, d in RIVALS.items()}
    champions = {"review_budget": {"version": 9, **{test: measured(1.9, 0.01) for test in test_sets}}}
    return {
        "test_sets": list(test_sets),
        "review_budget": 0.01,
        "prevalence": {"value": PREVALENCE, "how": "known from truth"},
        "class_names": [*CLASSES, "unknown"],
        "models": models,
        "baselines": baselines,
        "champions": champions,
        "verdicts": {name: _verdict(name) for name in DEFINITIONS},
        "subgroups": _subgroups(),
        "explanation": _explanation(),
    }


def release() -> dict[str, Any]:
    versions = [
        {
            "version": 13 + index,
            "definition": name,
            "status": "PendingManualApproval",
            "threshold": threshold,
            "constraint_met": met,
            "against_champion": ("worse", "tie", "better", "tie")[index],
            "recall_against_champion": (
                "-0.0812 from -0.1400 to -0.0210",
                "+0.0040 from -0.0310 to +0.0390",
                "+0.0520 from +0.0110 to +0.0930",
                "-0.0090 from -0.0420 to +0.0240",
            )[index],
            "metrics": {
                **{metric: measured(SEPARATION[name], flagged)[metric]["value"] for metric in HEADLINES},
                "players": 4528,
            },
            "created": "2024-07-01T09:14:22+00:00",
        }
        for index, (name, (_, threshold, flagged, met)) in enumerate(DEFINITIONS.items())
    ]
    return {
        "release_id": "r-20240701-9f2c41d0",
        "registry": "local: /home/ada/scarcegan/.scarcegan/registry",
        "versions": versions,
        "refused": [],
        "lineage": {
            "run": "RetrainFlow/1719824973",
            "commit": "d792cfe4b1a9c07f5e2c8d3f90a1b2c3d4e5f607",
            "data_fingerprint": "9f2c41d07be3a865",
            "settings_fingerprint": "41c0ffee12ab90de",
            "origin_run": "1719824973",
            "config": "retrain.toml",
            "card": "RetrainFlow/1719824973/evaluate/7",
        },
        "commands": [
            "scarcegan models compare",
            "scarcegan models approve 15 --reason 'beats the champion'",
            "scarcegan models reject 13 --reason 'constraint not met'",
        ],
    }


def measured(separation: float, flagged_at: float, unknown: float | None = 0.12) -> dict[str, Any]:
    """Metrics of a binormal scorer: the recall at each flagged share follows from its separation."""
    grid = np.geomspace(2e-4, 1, 100)
    curve = [_recall(separation, share) for share in grid]
    recall, at_budget = _recall(separation, flagged_at), _recall(separation, 0.01)
    precision = min(1.0, recall * PREVALENCE / flagged_at)
    f2 = 5 * precision * recall / max(4 * precision + recall, 1e-9)
    return {
        "players": 4_528,
        "risky": 46,
        "pr_auc": interval(0.16 * separation, 0.055),
        "roc_auc": interval(NormalDist().cdf(separation / math.sqrt(2)), 0.02),
        **{f"recall_at_{n}": interval(_recall(separation, n / 100), 0.07) for n in (1, 2, 5)},
        "recall_at_budget": interval(at_budget, 0.07),
        "precision_at_budget": interval(min(1.0, at_budget * PREVALENCE / 0.01), 0.07),
        "recall": interval(recall, 0.07),
        "precision": interval(precision, 0.06),
        "flagged_share": interval(flagged_at, 0.1 * flagged_at),
        "f2": interval(f2, 0.05),
        "unknown_share": None if unknown is None else interval(unknown, 0.01),
        "curve": {
            "flagged_share": grid.tolist(),
            "recall": curve,
            "recall_low": [max(0.0, value - 0.07) for value in curve],
            "recall_high": [min(1.0, value + 0.07) for value in curve],
            **{
                f"precision{end}": [
                    min(1.0, max(0.0, value + shift) * PREVALENCE / share)
                    for value, share in zip(curve, grid, strict=True)
                ]
                for end, shift in (("", 0), ("_low", -0.07), ("_high", 0.07))
            },
        },
        "confusion": None if unknown is None else _confusion(),
        "calibration": _calibration(separation),
    }


def interval(value: float, half_width: float) -> dict[str, float]:
    return {
        "value": value,
        "low": max(0.0, value - half_width),
        "high": min(1.0, value + half_width),
        "std": half_width / 1.96,
    }


def _recall(separation: float, flagged: float) -> float:
    # invert share = prevalence * recall + (1 - prevalence) * false positive rate by bisection over the threshold
    low, high = -8.0, 12.0
    for _ in range(60):
        threshold = (low + high) / 2
        recall, false = 1 - NormalDist(separation).cdf(threshold), 1 - NormalDist().cdf(threshold)
        share = PREVALENCE * recall + (1 - PREVALENCE) * false
        low, high = (threshold, high) if share > flagged else (low, threshold)
    return recall


def _model(name: str, test_sets: tuple[str, ...]) -> dict[str, Any]:
    describe, threshold, flagged, met = DEFINITIONS[name]
    on_test = measured(SEPARATION[name], flagged)
    recall = on_test["recall"]["value"]
    spread: Mapping[str, tuple[float, float]] = {
        "recall": (recall, 0.06),
        "precision": (on_test["precision"]["value"], 0.05),
        "flagged_share": (flagged, flagged / 8),
        "f2": (on_test["f2"]["value"], 0.04),
    }
    offsets = (-1.2, -0.4, 0.1, 0.5, 1.0)
    return {
        "describe": describe,
        "threshold": threshold,
        "constraint_met": met,
        "members": 37,
        "validation": {metric: value for metric, (value, _) in spread.items()},
        "fold_spread": {
            metric: {"mean": value, "std": std, "folds": [min(1, max(0, value + std * z)) for z in offsets]}
            for metric, (value, std) in spread.items()
        },
        "test": dict.fromkeys(test_sets, on_test),
    }


def _verdict(name: str) -> dict[str, Any]:
    found = share_text(_recall(SEPARATION[name], 0.01))
    rival = share_text(_recall(RIVALS["extra_trees"], 0.01))
    return {
        "sentence": f"`{name}` finds {found} % [{found - 7}, {found + 7}] of risky players at 1 % flagged; "
        f"best baseline extra_trees {rival} %: tie",
        "rival": "extra_trees",
        "difference": 0.021,
        "low": -0.034,
        "high": 0.071,
        "verdict": "tie",
        "champion": {"version": 9, "difference": 0.052, "low": 0.011, "high": 0.093, "verdict": "better"}
        if name == "review_budget"
        else None,
    }


def share_text(share: float) -> int:
    return round(100 * share)


def _confusion() -> dict[str, Any]:
    matrix = [[70, 6, 0, 0, 4], [5, 61, 6, 1, 7], [0, 8, 59, 4, 9], [0, 1, 6, 13, 4]]
    return {"labels": [*CLASSES, "unknown"], "rows": CLASSES, "matrix": matrix}


def _calibration(separation: float) -> dict[str, list[float]]:
    predicted = [0.05 + 0.1 * index for index in range(10)]
    observed = [p ** (2.4 - 0.5 * separation) * 0.8 for p in predicted]
    players = [3900, 310, 120, 70, 44, 30, 21, 15, 11, 7]
    half = [0.9 / math.sqrt(n) for n in players]
    low, high = ([min(1.0, max(0.0, o + sign * h)) for o, h in zip(observed, half, strict=True)] for sign in (-1, 1))
    return {"predicted": predicted, "observed": observed, "low": low, "high": high, "players": players}


def _subgroups() -> dict[str, Any]:
    """The new and the idle are found less often, on few players."""

    def group(low: float, high: float, risky: int, found: int, flagged: int) -> dict[str, Any]:
        return {
            "from": low,
            "to": high,
            "players": 1_509,
            "risky": risky,
            "flagged_share": interval(flagged / 1_509, 0.004),
            "recall": interval(found / risky, 0.5 / math.sqrt(risky)) if risky else None,
            "precision": interval(found / flagged, 0.2) if flagged else None,
        }

    activity = [group(0.0, 0.05, 4, 1, 3), group(0.0667, 0.217, 11, 3, 9), group(0.233, 1.0, 31, 15, 33)]
    tenure = [group(0.0, 21.0, 0, 0, 2), group(22.0, 59.0, 17, 5, 14), group(60.0, 60.0, 29, 14, 29)]
    features = [("sessions_active_share", activity), ("sessions_tenure_days", tenure)]
    return {
        "definition": "review_budget",
        "test_set": "test",
        "threshold": 0.57,
        "features": [{"feature": name, "groups": groups} for name, groups in features],
    }


def _explanation() -> dict[str, Any]:
    importance = [
        {"feature": name, "mean_attribution": 0.04 * 0.83**rank} for rank, name in enumerate(_feature_names(28)[1:])
    ]
    reasons = [
        {
            "feature": one["feature"],
            "value": 0.93,
            "typical": 0.21,
            "attribution": share,
            "words": f"{one['feature'].replace('_', ' ')} 0.93, typical 0.21 (+{share})",
        }
        for one, share in zip(importance, (0.21, 0.11, 0.052), strict=False)
    ]
    examples = [
        {"score": score, "risky": risky, "reasons": reasons[:count]}
        for score, risky, count in (
            (0.97, True, 3),
            (0.88, True, 3),
            (0.79, False, 3),
            (0.66, None, 2),
            (0.57, True, 1),
        )
    ]
    return {
        "definition": "review_budget",
        "test_set": "test",
        "players": 196,
        "flagged": 46,
        "importance": importance,
        "examples": examples,
    }


def _feature_names(features: int) -> list[str]:
    measures = ["deposit", "stake", "session_minutes", "night_play", "chasing", "withdrawal_cancelled", "bonus_claims"]
    shapes = ["mean", "trend", "burstiness", "max_week"]
    names = ["support_contacts_after_cutoff", *(f"{measure}_{shape}" for shape in shapes for measure in measures)]
    return names[:features]


def _feature(name: str, rank: int, rng: np.random.Generator) -> dict[str, Any]:
    auc = 0.991 if rank == 0 else 0.5 + 0.36 * math.exp(-rank / 9)
    shift = math.sqrt(2) * NormalDist().inv_cdf(auc)
    scale = float(rng.choice([1.0, 60.0, 1500.0]))
    edges = np.linspace(-2, 6, 21)
    rare, rest = (np.diff([NormalDist(mean, 1).cdf(edge) for edge in edges]) for mean in (shift, 0.0))
    return {
        "name": name, "mean": 1.1 * scale, "std": scale, "min": -2 * scale, "p50": scale, "p99": 4.4 * scale,
        "max": 6 * scale, "zero_share": float(rng.uniform(0, 0.4)), "auc": auc,
        "histogram": {"edges": (edges * scale).tolist(), "rare": rare.tolist(), "unlabeled": rest.tolist()},
    }  # fmt: skip
