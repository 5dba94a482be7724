"""Scoring's step `start`: choose an approved model and a snapshot, check that they fit, and take both up again."""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan import words
from scarcegan.features.catalogue import units_of
from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.project import located
from scarcegan.registry import ModelVersion, Registry, rules
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Background
from scarcegan.settings import Settings
from scarcegan.settings.markers_section import markers_of, patterns_of
from scarcegan.settings.model_sections import headline_of
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.store import PUBLISH
from scarcegan.storage import join
from scarcegan.workflow.scoring.records import ScoredSnapshot, ScoringModel, ScoringPlan


def plan_scoring(
    settings: Settings, registry: Registry, definition: str | None, version: int | None, snapshot: str | None, run: str
) -> ScoringPlan:
    """Choose the model and the snapshot and check that they fit; nothing is scored before.

    Without a version, the definition's champion is taken; without a definition, that of the one which stands out in the
    settings. Without a name, the snapshot is the newest that begins with `snapshots.prefix`. The run's name is the same
    for all its retries and resumes.

    Raises:
        RegistryProblem: no such approved version, its approval has long expired or is not another's where four eyes are
            asked for, or its archive was changed.
        DataProblem: no such snapshot, or it lacks features of the model.
    """
    try:
        found = _approved(registry, definition or headline_of(settings.definitions), version)
    except RegistryProblem as problem:  # which may follow from what cannot be read
        raise RegistryProblem("; ".join([str(problem), *registry.left_out])) from problem
    expired = rules.check_expiry(found, settings.registry.approval_days, settings.registry.grace_days)
    model = Model.load(registry.fetch(found.sha256), found.sha256)
    store = open_snapshots(settings.own_snapshots.folder)
    manifest = _manifest(store, settings.own_snapshots.prefix, snapshot)
    check_features(model, found.version, manifest)
    # As exact as scores are: a player exactly at the threshold is flagged.
    of_run = {"run": found.run_pathspec, "threshold": float(np.float32(model.threshold))}
    of_run["data_fingerprint"] = found.metadata.get("data_fingerprint", "")
    scores_by = ScoringModel.from_plain(vars(found) | of_run)
    scored = (manifest.name, manifest.frame.cutoff, manifest.origin, manifest.players, len(manifest.parts))
    root = located(settings.own_scoring.folder)
    # A run's pathspec has a slash, which would make one more folder.
    folder = join(join(root, manifest.name), f"v{found.version}-{run.replace('/', '-')}")
    left_out = (*registry.left_out, *store.left_out)
    markers = patterns_of(settings.markers, settings.telemetry.roles)
    return ScoringPlan(run, scores_by, ScoredSnapshot(*scored), folder, left_out, markers, expired)


def planned_model(plan: ScoringPlan, registry: Registry) -> Model:
    """Return the model of a plan as the registry keeps it, by its digest: plain arrays, nothing is unpickled."""
    return Model.load(registry.fetch(plan.model.sha256), plan.model.sha256)


def check_features(model: Model, version: int, manifest: Manifest) -> None:
    """Refuse, with a DataProblem, a snapshot that lacks features of the model; their order does not matter."""
    missing = [name for name in model.feature_names if name not in manifest.frame.columns]
    if missing:
        raise DataProblem(
            f"expected the {len(model.feature_names)} features of version {version} in snapshot '{manifest.name}', "
            f"got none called {words.first(missing, 5)} ({len(missing)} missing): "
            "score a snapshot made as for the training (of a table: with these columns, as numbers), or retrain on this"
        )


def background_of(model: Model, manifest: Manifest, markers: Mapping[str, Sequence[str]]) -> Background:
    """Return the background of a model's features in a snapshot; markers are what `patterns_of` returns."""
    units = units_of(manifest.frame.columns)
    described = [manifest.statistics[name] for name in model.feature_names]
    quantiles = np.array([one.quantiles for one in described], np.float32)
    # Zeros stand for what nobody has: they are usual for nobody.
    quantiles[[one.missing_share == 1 for one in described]] = np.nan
    own_units = tuple(units.get(name, "") for name in model.feature_names)
    return Background(model.feature_names, quantiles, markers_of(model.feature_names, markers), own_units)


def _approved(registry: Registry, definition: str, version: int | None) -> ModelVersion:
    if version is not None:
        found = registry.show(version)
        if found.status != "Approved":
            raise RegistryProblem(
                f"expected an approved version, got {version}, which is {found.status}: approve it "
                f"(`scarcegan models approve {version} --reason 'why'`) or name another one"
            )
        registry.require_approver(found)
        return found
    return registry.require_champion(definition)


def _manifest(store: SnapshotStore, prefix: str, name: str | None) -> Manifest:
    if name:
        return store.describe(name)
    found = store.latest(prefix)
    if found is None:
        raise DataProblem(
            f"expected a snapshot '{prefix}...' in {store.folder}, got {store.names() or 'none'}: {PUBLISH}, "
            "or name it with --snapshot"
        )
    return found
