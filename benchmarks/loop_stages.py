"""The stages of benchmarks/loop.py: each calls what the steps of a flow call, and returns what it tells of itself.

A stage takes the settings and the folder of its size, finds there what earlier stages have left, and imports what it
needs itself: its peak memory is its own.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scarcegan.settings import Settings, load

CUTOFFS = ("2025-12-25", "2026-01-01")
SHARD_PLAYERS = 100_000
TEST_PLAYERS = 50_000
RUN = "Loop/1"


class Laps:
    """CPU seconds of the parts of a stage, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.process_time()

    def __call__(self, name: str) -> None:
        """End a part."""
        now = time.process_time()
        self.seconds[name], self._since = now - self._since, now


def loop_settings(folder: Path, players: int, seed: int, tree: Mapping[str, Any] | None = None) -> Settings:
    """Return the default settings, `tree` laid over them, with everything that is read or written in a folder."""
    ours = {
        "seed": seed,
        "data": {"source": "snapshot", "snapshot": f"players-{CUTOFFS[0]}", "path": str(folder / "labels.parquet")},
        "telemetry": {
            "path": str(folder / "simulated" / "telemetry.parquet"),
            "cutoffs": list(CUTOFFS),
            "shards": max(4, -(-players // SHARD_PLAYERS)),
        },
        "simulated": {"players": players, **(tree or {}).get("simulated", {})},
        "snapshots": {"folder": str(folder / "snapshots")},
        "registry": {"path": str(folder / "registry")},
        "scoring": {"folder": str(folder / "scores")},
    }
    return load({**(tree or {}), **ours})


def make(settings: Settings, folder: Path) -> dict[str, Any]:
    """Simulate the telemetry, and write the labels that are known at the earlier cut-off."""
    import pandas as pd

    from scarcegan.datasets.simulated import write_telemetry

    kept = settings.model_dump(mode="json", include={"seed", "simulated"})
    source = write_telemetry(load(kept | {"data": {"path": str(folder / "simulated")}}))
    labels, truth = (pd.read_parquet(source / f"{name}.parquet") for name in ("labels", "truth"))
    table = labels.merge(truth[["player_id", "truth_risky"]], on="player_id").query("population != 'unlabeled'")
    tested = table[table["population"] == "test"]
    surplus = tested.index.difference(tested.sample(min(len(tested), TEST_PLAYERS), random_state=settings.seed).index)
    table = table.drop(surplus).assign(since=pd.Timestamp(CUTOFFS[0]).date(), source="simulation")
    table.to_parquet(folder / "labels.parquet", index=False)
    return {}


def features(settings: Settings, folder: Path) -> dict[str, Any]:
    """Do FeaturesFlow's jobs: one snapshot at each cut-off."""
    from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots

    lap = Laps()
    plans = plan_snapshots(settings, "loop")
    lap("plan")
    parts = [
        extract_part(plan, shard, settings.telemetry, settings.own_snapshots)
        for plan in plans.values()
        for shard in range(settings.telemetry.shards)
    ]
    lap("extract")
    publish_snapshots(plans, parts, settings.own_snapshots)
    lap("publish")
    return lap.seconds


def retraining(settings: Settings, folder: Path) -> dict[str, Any]:
    """Do RetrainFlow's jobs on the earlier snapshot, and approve the release."""
    from scarcegan.backends import open_registry
    from scarcegan.registry.release import Lineage
    from scarcegan.workflow.retraining.explain import explain_on_test
    from scarcegan.workflow.retraining.families import family_risks
    from scarcegan.workflow.retraining.fit import fit_fold
    from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
    from scarcegan.workflow.retraining.prepare import prepare
    from scarcegan.workflow.retraining.release import register_models
    from scarcegan.workflow.retraining.rivals import train_rivals
    from scarcegan.workflow.retraining.select import select_models

    lap, registry = Laps(), open_registry(settings.registry)
    prepared, _ = prepare(settings)
    lap("prepare")
    offers = [fit_fold(prepared, number, settings, threads=1) for number in range(settings.folds.k)]
    lap("folds")
    models, validation = select_models(prepared, offers, settings)
    lap("select")
    rivals, _ = train_rivals(prepared, settings, threads=1)
    lap("rivals")
    risks = family_risks(prepared, offers, settings)
    challengers = challengers_of(prepared, models, validation, risks, scarcegan_on_test(prepared, models))
    evaluation = judge_models(prepared, models, validation, challengers, rivals, registry, settings)
    told = challengers[evaluation.headline].probabilities
    explain_on_test(prepared, models[evaluation.headline], settings.seed, told)
    lap("evaluate")
    lineage = Lineage(
        run=RUN,
        origin_run="1",
        commit="loop",
        data_fingerprint=prepared.fingerprint,
        settings_fingerprint=settings.fingerprint(),
        config="benchmarks/loop.py",
        card=f"{RUN}/card",
        snapshot=settings.data.snapshot,
    )
    versions = register_models(models, evaluation, lineage, registry)
    registry.approve(*(version.version for version in versions), who="loop", why="the loop approves all")
    lap("register")
    return lap.seconds


def scoring(settings: Settings, folder: Path) -> dict[str, Any]:
    """Do ScoreFlow's jobs on the later snapshot: scores with reasons, and the list for moderators."""
    from scarcegan.backends import open_registry
    from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
    from scarcegan.workflow.scoring.report import tell_scores
    from scarcegan.workflow.scoring.shard import score_shard

    lap, registry, newest = Laps(), open_registry(settings.registry), f"players-{CUTOFFS[1]}"
    plan = plan_scoring(settings, registry, None, None, newest, RUN)
    model = planned_model(plan, registry)
    tallies = [score_shard(plan, model, number, settings.own_snapshots) for number in range(plan.snapshot.parts)]
    lap("score")
    report, _ = tell_scores(plan, model, tallies, settings)
    lap("report")
    (folder / "report.json").write_text(json.dumps(report.to_plain()))
    return lap.seconds | {"flagged": report.flagged, "families": {one.name: one.share for one in model.families}}


def drift(settings: Settings, folder: Path) -> dict[str, Any]:
    """Do what ScoreFlow does to watch the scored snapshot."""
    from scarcegan.backends import open_registry
    from scarcegan.serving.model import Model
    from scarcegan.workflow.scoring.records import ScoreReport
    from scarcegan.workflow.scoring.report import watch_scored

    report, registry = ScoreReport.from_plain(json.loads((folder / "report.json").read_text())), settings.registry
    used = report.plan.model
    model = Model.load(open_registry(registry).fetch(used.sha256), used.sha256)
    watched = watch_scored(report, model, settings)
    return {"action": watched.decision.action, "reasons": list(watched.decision.reasons)}


def plain(settings: Settings, folder: Path) -> dict[str, Any]:
    """Run the plain script on the same telemetry and labels."""
    from loop_plain import plain_loop

    return plain_loop(Path(settings.telemetry.path), folder / "labels.parquet", CUTOFFS, folder / "plain.parquet")


def quality(settings: Settings, folder: Path) -> dict[str, Any]:
    """Return PR-AUC of both on the test players at the later cut-off."""
    import pandas as pd
    from sklearn.metrics import average_precision_score

    tested = pd.read_parquet(folder / "labels.parquet").query("population == 'test'")
    parts = sorted((folder / "scores").rglob("part-*.parquet"))
    scored = {"ours": pd.concat(pd.read_parquet(part, columns=["player_id", "risk_score"]) for part in parts)}
    scored["plain"] = pd.read_parquet(folder / "plain.parquet", columns=["player_id", "risk_score"])
    told = {"test_players": len(tested), "test_risky": int(tested["truth_risky"].sum())}
    for name, table in scored.items():
        both = tested.merge(table, on="player_id", validate="one_to_one")
        if len(both) < len(tested):
            raise RuntimeError(f"expected scores of all {len(tested)} test players, got {len(both)} ({name})")
        told[f"pr_auc_{name}"] = float(average_precision_score(both["truth_risky"], both["risk_score"]))
    return told
