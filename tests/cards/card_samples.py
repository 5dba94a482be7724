"""Records for the cards, made by the product's own functions where no training is needed."""

import functools
import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from scarcegan import history
from scarcegan.costs import Bill, TaskUsage, bill
from scarcegan.data.calibration import set_risk
from scarcegan.data.folds import split
from scarcegan.data.log_odds import pooled_risk
from scarcegan.data.players import Players
from scarcegan.data.records import DataReport, FeatureMove, SnapshotReport
from scarcegan.data.report import data_report as report_on
from scarcegan.evaluation.definitions import OperatingPoint, operating_point
from scarcegan.evaluation.evaluate import Challenger, Champion, evaluate_models
from scarcegan.evaluation.figures import AttributeGroups, Subgroups
from scarcegan.evaluation.groups import attribute_tables, subgroup_quality
from scarcegan.evaluation.promises import promised_point
from scarcegan.evaluation.records import EvaluatedModel, Evaluation, Prevalence
from scarcegan.evaluation.scored import HeldOut, held_out
from scarcegan.gan.progress import Progress
from scarcegan.history.records import Dossier, Package, ReleaseFile, RunsCompared
from scarcegan.monitoring.decision import decide
from scarcegan.monitoring.drift import DriftDecision, DriftReport
from scarcegan.monitoring.measures import scored_players
from scarcegan.monitoring.report import realised_recall
from scarcegan.registry.release import Lineage, Release, ReleasedVersion
from scarcegan.registry.versions import Decision
from scarcegan.serving.reasons import ExplainedPlayer, Explanation, Importance, Reason
from scarcegan.settings import Definition, load
from scarcegan.settings.steps import STEPS
from scarcegan.workflow.retraining.records import Selected
from scarcegan.workflow.scoring import records as scoring

PREVALENCE = Prevalence(0.013, "estimated", 0.004, 0.021)
SETTINGS = load({"evaluate": {"bootstrap": 200}})
RARE = 3
TESTS = Path(__file__).parents[1]
sys.path += [str(folder) for folder in (TESTS / "history", TESTS / "monitoring", TESTS.parent / "benchmarks")]
SERIES = {  # where each series of a training begins and ends
    "discriminator_supervised_loss": (1.3, 0.42),
    "discriminator_unsupervised_loss": (1.1, 0.55),
    "generator_loss": (0.25, 0.6),
    "accuracy_supervised": (0.6, 0.93),
    "p_real": (0.74, 0.84),
    "p_fake": (0.69, 0.81),
    "feature_distance": (0.9, 0.1),
    "gradient_norm": (1.9, 1.1),
    "unknown_share": (0.08, 0.13),
    "validation_recall_at_budget": (0, 0.38),
    "validation_precision_at_budget": (0, 0.34),
    "validation_average_precision": (0, 0.29),
    **{f"validation_recall_of_{name}": (0.1, 0.9 - 0.1 * at) for at, name in enumerate(SETTINGS.populations.classes)},
}


# How much better than ScarceGAN each family tells players apart, and its share in each model.
BETTER = {"scarcegan": 0.0, "small_extra_trees": 0.3, "small_extra_trees_unlabeled": 0.3, "small_boosting": 0.2}
BETTER |= {"linear": -0.4}
SHARES = {
    "recall_first": (0.31, 0.34, 0.12, 0.16, 0.07),
    "precision_first": (0.0, 0.62, 0.08, 0.3, 0.0),
    "review_budget": (0.24, 0.42, 0.15, 0.19, 0.0),
    "balanced": (0.4, 0.25, 0.09, 0.2, 0.06),
}
COUNTERS = ("deposit", "stake", "session_minutes", "night_play", "chasing", "withdrawals", "bonus_claims")
FEATURES = [f"{counter}_{shape}" for shape in ("level", "trend", "burstiness", "peak") for counter in COUNTERS]


@functools.cache
def data_report() -> DataReport:
    """A report on 6,000 players whose features tell less and less; the first tells nearly everything."""
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat([0, 1, 2, RARE, -1], [400, 400, 400, 120, 4680]))
    raw = rng.lognormal(size=(len(labels), 28)).astype(np.float32) * rng.choice([1, 60, 1500], size=28)
    raw[labels == RARE] *= [40, *np.geomspace(3, 1, 27)]
    unknown, test = np.full(len(labels), -1, np.int8), (rng.random(len(labels)) < 0.2).astype(np.int8)
    ids = np.arange(len(labels))
    players = Players(ids, raw, tuple(FEATURES), labels.astype(np.int8), unknown, test, ("test",), "2024-06-30")
    kept, fold = split(players, SETTINGS)
    return report_on(kept, fold, SETTINGS)


def snapshot() -> SnapshotReport:
    moved = {"bets_level": 0.61, "night_trend": 0.12, "stake_peak": 0.004}
    return SnapshotReport(
        name="players-2024-06-30", fingerprint="31bf4c3cc3762a6e", code_version="0a1b2c3d4e5f",
        source="s3://telemetry/daily", window_days=60, missing_days=["2024-05-03", "2024-05-04"],
        quiet_days={"dormant": 51.2, "normal": 40.0, "heavy": 12.25, "risky": 20.5, "unlabeled": 44.4},
        previous="players-2024-05-31", previous_cutoff="2024-05-31",
        moves=[FeatureMove(name, psi, psi / 3, 1.0, 1.0 + psi) for name, psi in moved.items()],
    )  # fmt: skip


def progress(rounds: int = 13, members: int = 8, collapsed: int | None = 5) -> Progress:
    """A training of 20 rounds, 50 iterations each; one member is no longer finite after half of the rounds."""
    rng = np.random.default_rng(5)
    far = np.arange(1, rounds + 1)[:, np.newaxis] / 20
    series = {
        name: (end + (start - end) * np.exp(-4 * far)) * rng.normal(1, 0.05, (rounds, members))
        for name, (start, end) in SERIES.items()
    }
    faults = np.full((rounds, members), "", object)
    healthy = [True] * members
    if collapsed is not None and rounds:
        faults[rounds // 2 :, collapsed], healthy[collapsed] = "not_finite", False
        for values in series.values():
            values[rounds // 2 :, collapsed] = math.nan
    iteration, seconds = ([step * (at + 1) for at in range(rounds)] for step in (50, 3.6))
    told = {name: values.tolist() for name, values in series.items()}
    alarms = [] if all(healthy) else ["not finite: member 5, first at iteration 350; lower the learning rates"]
    return Progress(members, 1_000, iteration, seconds, faults.tolist(), told, healthy, alarms)


def players() -> tuple[HeldOut, np.ndarray]:
    """A test set of 4,500 players, 50 of them risky, whose truth is known; and the class of each."""
    rng = np.random.default_rng(7)
    kind = np.concatenate([np.full(50, RARE), rng.choice(3, size=4_450, p=[0.5, 0.3, 0.2])])
    labels = np.where(rng.random(len(kind)) < 0.1, kind, -1)
    return held_out(labels, (kind == RARE).astype(np.int8), RARE), kind


def probabilities(kind: np.ndarray, separation: float, seed: int) -> np.ndarray:
    """What a well calibrated model says of players, dormant to risky and unknown, that it tells apart by so much."""
    seen = np.random.default_rng(seed).normal(size=(len(kind), 5)) + separation * (kind[:, np.newaxis] == np.arange(5))
    odds = np.exp(separation * seen) * [0.5, 0.3, 0.19, 0.01, 0.05]
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def ensemble(
    kind: np.ndarray, separation: float, seed: int, shares: Mapping[str, float]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What a model of several families says of players, by ScarceGAN's classes; and each family's own risk."""
    own = probabilities(kind, separation, seed)
    # Families err alike: most of what another one says is what ScarceGAN says.
    risks = {
        name: 0.75 * own[:, RARE] + 0.25 * probabilities(kind, separation + better, 100 * number + seed)[:, RARE]
        for number, (name, better) in enumerate(BETTER.items())
    }
    told = own.T.astype(np.float32)
    set_risk(told, RARE, pooled_risk(list(risks.values()), list(shares.values())))
    return told.T, risks


@functools.cache
def evaluation(*test_sets: str) -> Evaluation:
    """Four models of five families beside their rivals; one misses its bound, one has a champion."""
    rows, kind = players()
    test_sets = test_sets or ("test",)

    def score(separation: float, seed: int) -> dict[str, np.ndarray]:
        return dict.fromkeys(test_sets, probabilities(kind, separation, seed))

    def challenger(definition: Definition, separation: float) -> Challenger:
        shares = dict(zip(BETTER, SHARES[definition.name], strict=True))
        (told, alone), *others = (ensemble(kind, separation, seed, shares) for seed in range(6))
        folds = [operating_point(definition, rows.scored(one[:, RARE]), SETTINGS.review_budget) for one, _ in others]
        risk = told[:, RARE].astype(float)
        point = promised_point(definition, rows.scored(risk), PREVALENCE, risk, risk[None], SETTINGS)
        told, alone = (dict.fromkeys(test_sets, one) for one in (told, alone))
        return Challenger(told, *point, 37, folds, "probability", shares, alone)

    rivals = {"gradient_boosting": 1.7, "random_forest": 1.9, "extra_trees": 2.1, "extra_trees_unlabeled": 2.0}
    rivals |= {"logistic_regression": 1.3, "logistic_regression_shrunk": 1.5}
    models = {one.name: challenger(one, 1.9 + at / 10) for at, one in enumerate(SETTINGS.definitions)}
    found = evaluate_models(
        dict.fromkeys(test_sets, rows),
        models,
        {name: {test: one[:, RARE] for test, one in score(by, 8).items()} for name, by in rivals.items()},
        {"review_budget": Champion(9, 0.3, score(1.6, 9))},
        PREVALENCE,
        SETTINGS,
    )
    headline = models[found.headline]
    measured = rows.scored(headline.probabilities[test_sets[0]][:, RARE])
    rng = np.random.default_rng(1)
    raw = {"sessions_active_share": rng.beta(1, 3, len(kind)), "sessions_tenure_days": rng.integers(1, 61, len(kind))}
    groups = subgroup_quality(measured, headline.point.threshold, raw)
    about = found.headline, test_sets[0], headline.point.threshold
    attributes = {
        "region": rng.choice(
            ["north", "east", "south", "abroad", "unknown"], len(kind), p=[0.4, 0.3, 0.26, 0.03, 0.01]
        ),
        "age_band": rng.choice(["18-24", "25-39", "40-64", "65+"], len(kind), p=[0.2, 0.4, 0.35, 0.05]),
    }
    by_attribute, compared = attribute_tables(measured, headline.point.threshold, attributes, 20)
    tables = AttributeGroups(*about, 20, compared, by_attribute)
    return replace(found, subgroups=Subgroups(*about, groups), attribute_groups=tables)


def selected() -> dict[str, Selected]:
    """What validation players tell of `evaluation`'s models; the figures of its test players stand for theirs."""

    def chosen(model: EvaluatedModel) -> Selected:
        by_figure = model.fold_spread.items()
        folds = [OperatingPoint(0.5, **{name: spread.folds[at] for name, spread in by_figure}) for at in range(5)]
        measures = model.test["test"]
        point = OperatingPoint(model.threshold, measures.flagged_share.value, measures.recall.value, 0.5, 0.5)
        shares = {one.family: one.share for one in model.families}
        return Selected(
            point, model.promise, model.members, folds, PREVALENCE, shares, SETTINGS.words, [16] * len(folds)
        )

    return {name: chosen(model) for name, model in evaluation().models.items()}


def training_cards() -> list[str]:
    """The commands that open the cards of five folds."""
    return [f"python retrain_flow.py card view 1719824973/train/{3 + fold}" for fold in range(5)]


def explanation() -> Explanation:
    importance = [Importance(name, 0.04 * 0.83**rank) for rank, name in enumerate(FEATURES)]
    told = [
        Reason(one.feature, 0.93, 0.21, by, f"{one.feature.replace('_', ' ')} 0.93, typical 0.21 (+{by})")
        for one, by in zip(importance, (0.21, 0.11, 0.052), strict=False)
    ]
    flagged = [(0.97, True, 3), (0.88, True, 3), (0.79, False, 3), (0.66, None, 2), (0.57, True, 1)]
    examples = [ExplainedPlayer(score, risky, told[:count]) for score, risky, count in flagged]
    return Explanation("review_budget", "test", 196, 46, importance, examples)


def release() -> Release:
    """The release of `evaluation`'s models."""
    models = evaluation().models
    headlines = ("pr_auc", "recall", "precision", "flagged_share", "recall_at_budget")
    versions = [
        ReleasedVersion(
            number, name, "PendingManualApproval", model.threshold,
            {metric: getattr(model.test["test"], metric).value for metric in headlines}, "2024-07-01T09:14:22+00:00",
            model.bound.get("test"),
        )
        for number, (name, model) in enumerate(models.items(), start=13)
    ]  # fmt: skip
    lineage = Lineage(
        run="RetrainFlow/1719824973", origin_run="1719824973", commit="d792cfe4b1a9c07f5e2c8d3f90a1b2c3d4e5f607",
        data_fingerprint="9f2c41d07be3a865", settings_fingerprint="41c0ffee12ab90de", config="retrain.toml",
        card="RetrainFlow/1719824973/evaluate/7", cost="1.25 USD for 30 min of machines",
        overrides="folds.k=2,train.members=2,train.iterations=100,train.round_iterations=50,evaluate.bootstrap=50,train.batch=64",
    )  # fmt: skip
    commands = ["scarcegan models compare", "scarcegan models approve 15 --reason 'beats the champion'"]
    return Release("r-20240701-9f2c41d0", "local: /home/ada/.scarcegan/registry", versions, [], lineage, commands)


def release_file() -> ReleaseFile:
    """What is known of a release that follows another one."""
    beside = comparison()
    return ReleaseFile(
        group="scarcegan-risky-players",
        written_at="2024-07-03T10:00:00+00:00",
        dossier=dossier(),
        previous="release-1719000000-0a1b2c3d",
        changes=replace(beside, runs=beside.runs[:2]),
        unread="",
        software=[Package("numpy", "2.1.0", "BSD-3-Clause"), Package("namex", "0.1.0")],
        software_from="requirements.lock",
    )


def cost() -> Bill:
    """The bill of a run on AWS Batch; its evaluation requested far more memory than it used, its training less."""
    used = {  # wall s, CPU s, peak MB, GPU share, CPUs, MB, GPUs
        "start": (4.1, 3.9, 410, None, 1, 4_096, 0),
        "preprocess": (96.0, 118.0, 9_800, None, 2, 16_000, 0),
        "train": (1_848.0, 4_260.0, 14_100, 0.22, 4, 15_000, 1),
        "select": (12.0, 11.0, 900, None, 1, 4_096, 0),
        "evaluate": (340.0, 300.0, 3_900, None, 2, 16_000, 0),
        "register": (31.0, 12.0, 1_300, None, 1, 4_096, 0),
    }
    tasks = [
        TaskUsage(step, index, wall, cpu, peak, gpu, cpus, memory, gpus, attempt=int(index == 1))
        for step, (wall, cpu, peak, gpu, cpus, memory, gpus) in used.items()
        for index in (range(5) if step == "train" else [None])
    ]
    return bill(tasks, STEPS["RetrainFlow"], SETTINGS.prices, expected_money=1.21, rented=True)


@functools.cache
def drift() -> DriftReport:
    """A new season: features have moved, one is gone, the scores have risen, fewer late-labelled were found."""
    from monitoring_samples import report_of, sample, world

    before, now = world(3_000, 1, features=16), world(3_000, 2, features=16)
    now[:, 2:8] *= [1.6, np.nan, 1.4, 1.3, 1.2, 1.1]
    now[:, 0] *= 0.8  # the score falls with this one
    old, new = sample(before, "june", "2026-06-01"), sample(now, "august", "2026-08-01", 1, unknown=440)
    recall = realised_recall(np.repeat([True, False], [15, 33]), 0.49, "july")
    return replace(report_of(old, new, recall=recall), pairs=5)


def scored_drift() -> DriftReport:
    """The drift of the players that `score_report` is on."""
    report, found = score_report(), drift()
    snapshot = report.plan.snapshot
    current = replace(found.current, name=snapshot.name, cutoff=snapshot.cutoff, players=snapshot.players)
    return replace(found, current=current, score=replace(found.score, now=report.scored))


def decision() -> DriftDecision:
    """What follows from `drift` in its second period; no labels had come in the first."""
    signals = {name: size for name, size in drift().signals.items() if name != "recall"}
    before = replace(drift(), current=replace(drift().current, cutoff="2026-07-01"), signals=signals, recall=None)
    return decide(drift(), 7, [decide(before, 7, [], SETTINGS.monitoring)], SETTINGS.monitoring)


def score_report() -> scoring.ScoreReport:
    levels = np.linspace(0, 1, 101)
    model = scoring.ScoringModel(3, "review_budget", "scarcegan", "ab" * 32, "release-11", "RetrainFlow/11", 0.61)
    snapshot = scoring.ScoredSnapshot("players-2026-01-01", "2026-01-01", "31bf4c3cc3762a6e", 120_000, 4)
    return scoring.ScoreReport(
        plan=scoring.ScoringPlan("ScoreFlow/21", model, snapshot, "s3://scores/players-2026-01-01/v3-ScoreFlow-21"),
        files=[f"part-0000{number}.parquet" for number in range(4)],
        players=120_000,
        flagged=1_080,
        scored=scored_players(120_000, 1_080, 14_520, (0.9 * levels**6).tolist()),
        classes={"dormant": 50_000, "normal": 40_000, "heavy": 14_480, "risky": 1_000, "unknown": 14_520},
        levels=levels.tolist(),
        threshold_set_on=scored_players(20_000, 196, 1_600, (0.8 * levels**7).tolist()),
        review=scoring.ReviewList(1_200, 0.01, 0.58, 1_080, "review.parquet", "review.csv"),
        over_budget="",
    )


def first_rows() -> list[dict[str, Any]]:
    """Who is first on the moderators' list."""
    reasons = ["night level 41, typical 2.5 (+0.21)", "bets active share 0.93, typical 0.21 (+0.18)"]
    return [{"player_id": 77, "risk_score": 0.93125, "class": "risky", "is_flagged": True, "reasons": reasons}]


@functools.cache
def comparison() -> RunsCompared:
    """Three runs as history reads them: the second finds more on other data, the third failed in training."""
    from history_samples import read_before, record_runs

    with read_before(), tempfile.TemporaryDirectory() as folder:
        record_runs(Path(folder))
        return history.compare("first", "second", "third").record


def dossier() -> Dossier:
    approved = Decision("Approved", "rita", "beats <the> champion", "2024-07-02T08:00:00", forced=True)
    run = ("1719824973", "2024-07-01T09:14:22", "ada")
    settings = {"folds.k": 5, "train.families": "linear", "train.members": 8, "model.trunk": "200, 50"}
    decisions = {"13 (recall_first)": [approved], "14 (precision_first)": []}
    return Dossier(*run, settings, data_report(), evaluation(), release(), decisions)
