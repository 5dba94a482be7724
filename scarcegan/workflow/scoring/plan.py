"""Scoring's first job: choose an approved model and a snapshot, and check that they fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.project import located
from scarcegan.registry.contract import ModelVersion, Registry
from scarcegan.serving.archive import read_archive
from scarcegan.settings import Settings
from scarcegan.snapshots import Manifest, open_snapshots
from scarcegan.storage import join


def plan_scoring(
    settings: Settings, registry: Registry, definition: str, version: int | None, snapshot: str | None, run: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Choose the model and the snapshot and check that they fit; nothing is scored before.

    Args:
        settings: the resolved settings.
        registry: where the model is.
        definition: its champion is taken, unless a version is named.
        version: an approved version; None: the champion.
        snapshot: name of the snapshot; None: the newest that begins with `snapshots.prefix`.
        run: names the run, the same for all its retries and resumes.

    Returns:
        The model, see `scarcegan.serving.archive`; and the plan, a plain dict: `run`, `model` (version, definition,
        threshold, ...), `snapshot` (name, fingerprint, cutoff, players, parts), `folder` of the scores.

    Raises:
        RegistryProblem: no such approved version, or its archive was changed.
        DataProblem: no such snapshot, or it lacks features of the model.
    """
    found = _approved(registry, definition, version)
    model = read_archive(registry.fetch_archive(found.version), found.sha256)
    manifest = _manifest(settings, snapshot)
    check_features(model, found.version, manifest)
    root = located(settings.scoring.folder or ".scarcegan/scores")
    plan = {
        "run": run,
        "model": {
            **{key: getattr(found, key) for key in ("version", "definition", "group", "sha256", "release_id")},
            "run": found.run_pathspec,
            "threshold": float(np.float32(model["threshold"])),
            "data_fingerprint": found.metadata.get("data_fingerprint", ""),
        },
        "snapshot": {
            **{"name": manifest.name, "fingerprint": manifest.fingerprint, "cutoff": manifest.frame.cutoff},
            **{"players": manifest.players, "parts": len(manifest.parts)},
        },
        "folder": join(join(root, manifest.name), f"v{found.version}-{run.replace('/', '-')}"),
    }
    return model, plan


def check_features(model: Mapping[str, Any], version: int, manifest: Manifest) -> None:
    """Refuse, with a DataProblem, a snapshot that lacks features of the model; their order does not matter."""
    missing = [name for name in model["feature_names"] if name not in manifest.frame.columns]
    if missing:
        raise DataProblem(
            f"expected the {len(model['feature_names'])} features of version {version} in snapshot '{manifest.name}', "
            f"got none called {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''} ({len(missing)} missing): "
            "score a snapshot made with the same counters and feature set, or retrain on this one"
        )


def _approved(registry: Registry, definition: str, version: int | None) -> ModelVersion:
    if version is not None:
        found = registry.show(version)
        if found.status != "Approved":
            raise RegistryProblem(
                f"expected an approved version, got {version}, which is {found.status}: approve it "
                f"(`scarcegan models approve {version} --reason 'why'`) or name another one"
            )
        return found
    champion = registry.champion(definition)
    if champion is None:
        known = sorted({one.definition for one in registry.versions()})
        raise RegistryProblem(
            f"expected a champion of '{definition}', got none among {', '.join(known) or 'no registered models'}: "
            "approve a version (`scarcegan models list`), or name one with --version"
        )
    return champion


def _manifest(settings: Settings, name: str | None) -> Manifest:
    store = open_snapshots(settings.snapshots.folder)
    if name:
        return store.describe(name)
    found = store.latest(settings.snapshots.prefix)
    if found is None:
        raise DataProblem(
            f"expected a snapshot '{settings.snapshots.prefix}...' in {store.folder}, got {store.names() or 'none'}: "
            "publish one with flows/features_flow.py, or name it with --snapshot"
        )
    return found
