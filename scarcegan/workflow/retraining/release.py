"""The step `register`: archives, and one release of all the run's models."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from scarcegan import words
from scarcegan.aws.model_quality import model_quality_csv, model_quality_json
from scarcegan.evaluation.records import Evaluation
from scarcegan.evaluation.verdict import deciding
from scarcegan.problems import RegistryProblem
from scarcegan.project import card_command, command
from scarcegan.registry import AgainstChampion, ModelToRegister, ModelVersion, Registry, rules
from scarcegan.registry.release import Lineage, Release
from scarcegan.serving.model import Model
from scarcegan.storage import scratch_folder
from scarcegan.workflow.retraining.review import FILE, Review, keep_groups

HEADLINES = ("pr_auc", "recall", "precision", "flagged_share", "recall_at_budget")


def register_models(
    models: Mapping[str, Model],
    evaluation: Evaluation,
    lineage: Lineage,
    registry: Registry,
    *,
    warnings: Sequence[str] = (),
    worse_challenger: Literal["register", "refuse"] = "register",
    review: Review | None = None,
) -> list[ModelVersion]:
    """Pack each model with its evaluation and register all of them as one release; again gives the same versions.

    A model that is worse than its champion is registered and marked, or left out of the release. The warnings are
    those of the data report: whoever approves has to see them. That no model is left is a RegistryProblem.
    """
    against = {name: evaluation.verdicts[name].against_champion for name in models}
    worse = [name for name, compared in against.items() if compared and compared.verdict == "worse"]
    accepted = {name: model for name, model in models.items() if worse_challenger == "register" or name not in worse}
    if not accepted:
        raise RegistryProblem(
            f"expected a model that is no worse than its champion, got worse ones for {', '.join(worse)}: set "
            "registry.worse_challenger = 'register' and start a new run to register them, marked"
        )
    release = release_id(lineage.origin_run, accepted, evaluation, review)
    with scratch_folder() as folder:
        packed = [
            _to_register(definition, model, evaluation, lineage, release, folder, review)
            for definition, model in accepted.items()
        ]
        beside = keep_groups(evaluation, registry)
        return registry.register_release(
            [replace(one, warnings=tuple(warnings), metadata={**one.metadata, **beside}) for one in packed]
        )


def release_summary(
    versions: Sequence[ModelVersion], evaluation: Evaluation, lineage: Lineage, *, warnings: Sequence[str] = ()
) -> Release:
    """Describe a release, as the registry returned it, for its card, the terminal and the run's tags."""
    advised = advised_version(versions, evaluation)
    commands = [
        command(f"models compare {' '.join(str(version.version) for version in versions)}", lineage.config),
        command(f"report {lineage.run.split('/', 1)[1]}", lineage.config),
        *([command(f"models approve {advised.version} --reason 'why'", lineage.config)] if advised else []),
        card_command(lineage.card),
    ]
    return Release.of(versions, evaluation.models, lineage, commands=commands, warnings=list(warnings))


def advised_version(versions: Sequence[ModelVersion], evaluation: Evaluation) -> ModelVersion | None:
    """Return the version to approve by its verdict: of those that nothing speaks against, the best beside its rival.

    Of equals, a bound that is kept goes before one that cannot be told, then the model that stands out. None: something
    speaks against every version.
    """
    order: list[str] = ["better", "tie", "no rival"]

    def rank(version: ModelVersion) -> tuple[int, bool, bool]:
        verdict = evaluation.verdicts[version.definition]
        against = deciding(verdict.against_rival, verdict.by_pr_auc).verdict
        untold = version.bound is not None and version.bound.state != "kept"
        place = order.index(against) if against in order else len(order) + (against == "worse")
        return place, untold, version.definition != evaluation.headline

    return min((one for one in versions if not rules.doubts(one)), key=rank, default=None)


def release_id(
    origin_run: str, models: Mapping[str, Model], evaluation: Evaluation, review: Review | None = None
) -> str:
    """Name a release: the run that trained it, and a digest of all its models with their evaluation and its review.

    A retry makes the same name. A resume that measures or chooses anew, after a release was registered, makes
    another one: a whole second release beside the first, never one mixed of both.
    """
    digests = [model.digest(_archived(evaluation, name)) for name, model in models.items()]
    digests += [hashlib.sha256(review.to_file()).hexdigest()] if review else []
    return f"release-{origin_run}-{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:8]}"


def _to_register(
    definition: str,
    model: Model,
    evaluation: Evaluation,
    lineage: Lineage,
    release: str,
    folder: Path,
    review: Review | None,
) -> ModelToRegister:
    measures, verdict = evaluation.on_first_test_set(definition), evaluation.verdicts[definition]
    against = None
    if verdict.champion_version is not None and verdict.against_champion:
        against = AgainstChampion(version=verdict.champion_version, **vars(verdict.against_champion))
    metrics = {name: getattr(measures, name).value for name in HEADLINES}
    if not (measures.truth_known or evaluation.prevalence.is_known):
        # It would follow from a prevalence that nobody knows.
        metrics["precision"] = math.nan
    reports = {
        "model_quality.json": model_quality_json(measures).encode(),
        "model_quality.csv": model_quality_csv(measures).encode(),
        **({FILE: review.to_file()} if review else {}),
    }
    # The release's name in each archive makes all of them differ from those of another release.
    own = {"release_id": release, **_archived(evaluation, definition)}
    archive = folder / f"{definition}.tar.gz"
    # NaN is no JSON: what could not be measured is named in the metadata.
    missing = [name for name, value in metrics.items() if not math.isfinite(value)]
    return ModelToRegister(
        definition=definition,
        archive=archive,
        sha256=model.save(archive, own, reports),
        threshold=model.threshold,
        bound=evaluation.models[definition].bound.get(evaluation.test_sets[0]),
        release_id=release,
        origin_run_id=lineage.origin_run,
        run_pathspec=lineage.run,
        metrics={name: value for name, value in metrics.items() if name not in missing},
        metadata=_facts(lineage, evaluation, definition) | ({"not_measured": " ".join(missing)} if missing else {}),
        against_champion=against,
        description=verdict.sentence,
        evaluation=evaluation,
    )


def _archived(evaluation: Evaluation, definition: str) -> dict[str, Any]:
    """Return what an archive keeps of the evaluation: its model's part and the rivals'; None where not measured."""
    own = replace(
        evaluation,
        models={definition: evaluation.models[definition]},
        verdicts={definition: evaluation.verdicts[definition]},
        # An archive goes wherever scores are made: attributes of players have no place there.
        attribute_groups=None,
    )
    kept: dict[str, Any] = json.loads(to_json(own.to_plain(), inf_nan_mode="null"))
    return kept


def _families(shares: Mapping[str, float]) -> str:
    """Say the largest shares of the risk in letters, digits, dots and spaces, as registries take it."""
    # Five of the longest names fit into the 256 characters of an entry in SageMaker's registry.
    largest = sorted(shares, key=lambda name: -shares[name])[:5]
    return " ".join(f"{words.family_name(name)} {words.number(shares[name])}" for name in largest)


def _facts(lineage: Lineage, evaluation: Evaluation, definition: str) -> dict[str, str]:
    measures, verdict = evaluation.on_first_test_set(definition), evaluation.verdicts[definition]
    facts = {
        "git_commit": lineage.commit,
        **lineage.to_plain(),
        "test_players": str(measures.players),
        "risky_test_players": str(measures.risky),
        "fold_spread_recall": f"{evaluation.models[definition].fold_spread['recall'].std:.4f}",
        "verdict": deciding(verdict.against_rival, verdict.by_pr_auc).verdict,
        "score_kind": evaluation.models[definition].score_kind,
        "prevalence": evaluation.prevalence.as_fact(),
        "families": _families(evaluation.models[definition].shares),
        # What `scarcegan models` calls the players; the words that hold without settings are left out.
        **evaluation.words.model_dump(include={"rows", "rare"}, exclude_defaults=True),
    }
    # The three have other names in the registry: run_pathspec, origin_run_id, git_commit.
    return {name: value for name, value in facts.items() if value and name not in ("run", "origin_run", "commit")}
