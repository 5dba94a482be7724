"""The registration job: archives, and one release of all the run's models."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scarcegan.registry.contract import ModelToRegister, ModelVersion, Registry
from scarcegan.serving.archive import write_archive
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
        config: name of the configuration file.
        card: pathspec of the step whose card shows the evaluation.
    """

    run: str
    origin_run: str
    commit: str
    data_fingerprint: str
    settings_fingerprint: str
    config: str
    card: str


def register_models(
    models: Mapping[str, dict[str, Any]], evaluation: dict[str, Any], lineage: Lineage, registry: Registry
) -> list[ModelVersion]:
    """Pack each model with its evaluation and register all of them as one release; again gives the same versions."""
    with tempfile.TemporaryDirectory() as folder:
        packed = [
            _to_register(definition, model, evaluation, lineage, Path(folder)) for definition, model in models.items()
        ]
        return registry.register_release(packed)


def release_summary(versions: list[ModelVersion], lineage: Lineage, settings: Settings) -> dict[str, Any]:
    """Describe a release in plain data, for its card and for the terminal."""
    first = versions[0]
    return {
        "release_id": first.release_id,
        "registry": f"{settings.registry.kind}: {first.group}",
        "versions": [_summary(version) for version in versions],
        "lineage": asdict(lineage),
        "commands": [
            f"scarcegan models compare {' '.join(str(version.version) for version in versions)}",
            f"scarcegan models approve {first.version} --reason 'why'",
            f"python flows/retrain_flow.py card view {lineage.card.split('/', 1)[1]}",
        ],
    }


def release_id(origin_run: str) -> str:
    """Name the one release of a run and of all its resumes."""
    return f"release-{origin_run}"


def _to_register(
    definition: str, model: dict[str, Any], evaluation: dict[str, Any], lineage: Lineage, folder: Path
) -> ModelToRegister:
    measured = evaluation["models"][definition]
    test = measured["test"][evaluation["test_sets"][0]]
    shown = {name: value for name, value in evaluation.items() if name not in ("models", "verdicts")}
    own = {"models": {definition: measured}, "verdicts": {definition: evaluation["verdicts"][definition]}}
    archive = folder / f"{definition}.tar.gz"
    return ModelToRegister(
        definition=definition,
        archive=archive,
        sha256=write_archive(model, shown | own, archive),
        threshold=model["threshold"],
        constraint_met=measured["constraint_met"],
        release_id=release_id(lineage.origin_run),
        origin_run_id=lineage.origin_run,
        run_pathspec=lineage.run,
        metrics={name: test[name]["value"] for name in HEADLINES},
        metadata={
            "git_commit": lineage.commit,
            "data_fingerprint": lineage.data_fingerprint,
            "settings_fingerprint": lineage.settings_fingerprint,
            "config": lineage.config,
            "card": lineage.card,
            "fold_spread_recall": f"{measured['fold_spread']['recall']['std']:.4f}",
            "verdict": evaluation["verdicts"][definition]["verdict"],
        },
        description=evaluation["verdicts"][definition]["sentence"],
    )


def _summary(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "definition": version.definition,
        "status": version.status,
        "threshold": version.threshold,
        "constraint_met": version.constraint_met,
        "metrics": dict(version.metrics),
        "created": version.created_at,
    }
