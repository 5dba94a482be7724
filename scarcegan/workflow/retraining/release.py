"""The registration job: archives, and one release of all the run's models."""

import hashlib
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from scarcegan.aws.model_card import model_card
from scarcegan.aws.model_quality import model_quality_json
from scarcegan.aws.quality_table import report_to_csv
from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import RegistryProblem
from scarcegan.registry.contract import ModelToRegister, ModelVersion, Registry
from scarcegan.serving.model import Model
from scarcegan.settings import Settings

HEADLINES = ("pr_auc", "recall", "precision", "flagged_share", "recall_at_budget")


@dataclass(frozen=True)
class Lineage:
    """Where a release comes from.

    Attributes:
        run: pathspec of the run that registers, as in `RetrainFlow/12`.
        origin_run: id of the first run of a chain of resumes.
        commit: git commit of the code, `-dirty` appended when files differ from it.
        data_fingerprint: of the players.
        settings_fingerprint: of the settings.
        config: path of the configuration file.
        card: pathspec of the step whose card shows the evaluation.
        snapshot: name of the snapshot trained on; empty for other sources. Later snapshots are compared with it.
        labels_known_by: ISO date by which its labels were known; empty: its cut-off.
    """

    run: str
    origin_run: str
    commit: str
    data_fingerprint: str
    settings_fingerprint: str
    config: str
    card: str
    snapshot: str = ""
    labels_known_by: str = ""


def register_models(
    models: Mapping[str, Model],
    evaluation: dict[str, Any],
    lineage: Lineage,
    registry: Registry,
    *,
    worse_challenger: Literal["register", "refuse"] = "register",
) -> list[ModelVersion]:
    """Pack each model with its evaluation and register all of them as one release; again gives the same versions.

    Args:
        models: by business definition.
        evaluation: of these models, see `scarcegan.evaluation.report`.
        lineage: where they come from.
        registry: takes the release.
        worse_challenger: what happens to a model that is worse than its champion: registered and marked, or left
            out of the release.

    Raises:
        RegistryProblem: no model is left to register, or the registry refuses.
    """
    worse = [name for name in models if is_worse(evaluation["verdicts"][name])]
    accepted = {name: model for name, model in models.items() if worse_challenger == "register" or name not in worse}
    if not accepted:
        raise RegistryProblem(
            f"expected a model that is no worse than its champion, got worse ones for {', '.join(worse)}: set "
            "registry.worse_challenger = 'register' and start a new run to register them, marked"
        )
    release = release_id(lineage.origin_run, accepted, evaluation)
    with tempfile.TemporaryDirectory() as folder:
        packed = [
            _to_register(definition, model, evaluation, lineage, release, Path(folder))
            for definition, model in accepted.items()
        ]
        return registry.register_release(packed)


def is_worse(verdict: Mapping[str, Any]) -> bool:
    """Tell whether a model finds fewer risky players than its champion, beyond chance."""
    against = verdict["champion"]
    return against is not None and against["verdict"] == "worse"


def release_summary(versions: list[ModelVersion], lineage: Lineage, settings: Settings) -> dict[str, Any]:
    """Describe a release in plain data, for its card and for the terminal."""
    first = versions[0]
    registered = [version.definition for version in versions]
    chosen = "" if lineage.config == DEFAULT_CONFIG else f" --config {lineage.config}"
    return {
        "release_id": first.release_id,
        "registry": f"{settings.registry.kind}: {first.group}",
        "versions": [_summary(version) for version in versions],
        "refused": [one.name for one in settings.definitions if one.name not in registered],
        "lineage": {name: value for name, value in asdict(lineage).items() if value},
        "commands": [
            f"scarcegan models compare {' '.join(str(version.version) for version in versions)}{chosen}",
            f"scarcegan report {lineage.run.split('/', 1)[1]}",
            f"scarcegan models approve {first.version} --reason 'why'{chosen}",
            f"python flows/retrain_flow.py card view {lineage.card.split('/', 1)[1]}",
        ],
    }


def release_id(origin_run: str, models: Mapping[str, Model], evaluation: dict[str, Any]) -> str:
    """Name a release: the run that trained it, and a digest of all its models with their evaluation.

    A retry makes the same name. A resume that measures or chooses anew, after a release was registered, makes
    another one: a whole second release beside the first, never one mixed of both.
    """
    digests = [model.digest(_evaluation_of(name, evaluation)) for name, model in models.items()]
    return f"release-{origin_run}-{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:8]}"


def _to_register(
    definition: str, model: Model, evaluation: dict[str, Any], lineage: Lineage, release: str, folder: Path
) -> ModelToRegister:
    measured, verdict = evaluation["models"][definition], evaluation["verdicts"][definition]
    first = evaluation["test_sets"][0]
    metrics = {name: measured["test"][first][name]["value"] for name in HEADLINES}
    quality = model_quality_json(evaluation, definition, first)
    reports = {"model_quality.json": quality.encode(), "model_quality.csv": report_to_csv(json.loads(quality)).encode()}
    # The release's name in each archive makes all of them differ from those of another release.
    own = {"release_id": release, **_evaluation_of(definition, evaluation)}
    archive = folder / f"{definition}.tar.gz"
    facts = _facts(lineage, measured, verdict, metrics)
    return ModelToRegister(
        definition=definition,
        archive=archive,
        sha256=model.save(archive, own, reports),
        threshold=model.threshold,
        constraint_met=measured["constraint_met"],
        release_id=release,
        origin_run_id=lineage.origin_run,
        run_pathspec=lineage.run,
        metrics={name: value for name, value in metrics.items() if math.isfinite(value)},
        metadata=facts,
        description=verdict["sentence"],
        model_quality=quality,
        model_card=model_card(evaluation, definition, {"run": lineage.run, "release": release, **facts}),
    )


def _evaluation_of(definition: str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return what an archive keeps of the evaluation: its model's part and the rivals'; None where not measured."""
    shown = {name: value for name, value in evaluation.items() if name not in ("models", "verdicts")}
    own = {name: {definition: evaluation[name][definition]} for name in ("models", "verdicts")}
    kept: dict[str, Any] = _without_nan(shown | own)
    return kept


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _facts(
    lineage: Lineage, measured: Mapping[str, Any], verdict: Mapping[str, Any], metrics: Mapping[str, float]
) -> dict[str, str]:
    facts = {
        "git_commit": lineage.commit,
        "data_fingerprint": lineage.data_fingerprint,
        "settings_fingerprint": lineage.settings_fingerprint,
        "config": lineage.config,
        "card": lineage.card,
        "fold_spread_recall": f"{measured['fold_spread']['recall']['std']:.4f}",
        "verdict": verdict["verdict"],
    }
    source = {"snapshot": lineage.snapshot, "labels_known_by": lineage.labels_known_by}
    facts |= {name: value for name, value in source.items() if value}
    missing = [name for name, value in metrics.items() if not math.isfinite(value)]
    return facts | _against_champion(verdict["champion"]) | ({"not_measured": " ".join(missing)} if missing else {})


def _against_champion(against: Mapping[str, Any] | None) -> dict[str, str]:
    """Say how a model does against its champion: difference in recall at the model's own flagged share."""
    if against is None:
        return {"against_champion": "no champion"}
    champion = {"champion_version": str(against["version"])}
    if against["difference"] is None:
        return champion | {"against_champion": "not comparable"}
    value, low, high = (f"{against[key]:+.4f}" for key in ("difference", "low", "high"))
    return champion | {
        "against_champion": against["verdict"],
        "recall_against_champion": f"{value} from {low} to {high}",
    }


def _summary(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "definition": version.definition,
        "status": version.status,
        "threshold": version.threshold,
        "constraint_met": version.constraint_met,
        "against_champion": version.metadata.get("against_champion", ""),
        "recall_against_champion": version.metadata.get("recall_against_champion", ""),
        "metrics": dict(version.metrics),
        "created": version.created_at,
    }
