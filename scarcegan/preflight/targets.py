"""What a run hands its results to: one list, checked at launch and again by the first step, where the run is."""

from collections.abc import Callable, Mapping
from functools import partial

from scarcegan.aws.findings import Doubt
from scarcegan.backends import open_registry
from scarcegan.machine import BATCH_JOB, require_user
from scarcegan.project import located
from scarcegan.settings import Settings, tables_read
from scarcegan.settings.steps import FEATURES_FLOW, RETRAIN_FLOW, SCORE_FLOW
from scarcegan.snapshots import open_snapshots
from scarcegan.storage import join, require_writable, scratch_folder

Check = tuple[str, Callable[[], Doubt | str]]


def targets(settings: Settings, flow: str, environment: Mapping[str, str]) -> list[Check]:
    """Return the checks of all that a run of this flow registers in, or writes to, beside Metaflow's own store."""
    checks: list[Check] = [("temporary files", _check_scratch)]
    checks += [(name, partial(_check_place, place)) for name, place in _places(settings, flow, environment).items()]
    if flow == RETRAIN_FLOW:
        checks.append(("registry", partial(check_registry, settings)))
    return checks


def shared_places(settings: Settings, flow: str) -> dict[str, str]:
    """Return what all jobs of this flow have to see, by the setting that names it: what they read, or hand on."""
    data, snapshots = settings.data, {"snapshots.folder": settings.snapshots.folder}
    outcomes = {"outcomes.folder": settings.outcomes.folder}
    kept, sections = snapshots, ["telemetry."]
    if flow == SCORE_FLOW:
        # Where a job finds no outcomes, there are none for it: the recall that they tell would be missing.
        kept = snapshots | {"scoring.folder": settings.scoring.folder} | outcomes
        sections = ["data.path"] if data.source == "snapshot" else []
    if flow == RETRAIN_FLOW:
        kept = snapshots if data.source == "snapshot" else {}
        kept |= outcomes if data.outcomes else {}
        sections = ["evaluate.", *(["data."] if data.source in ("tables", "snapshot") else [])]
    tables = tables_read(settings.model_dump())
    named = kept | {setting: place for setting, place in tables.items() if setting.startswith(tuple(sections))}
    return {setting: place and located(place) for setting, place in named.items()}


def check_user(environment: Mapping[str, str]) -> str:
    """Check that AWS Batch takes the user's name in the name of a job."""
    return f"jobs are called after {require_user(environment, on_batch=True)}"


def check_registry(settings: Settings) -> Doubt | str:
    """Check that the registry can be opened, read and written; versions that cannot be read are a warning."""
    registry = open_registry(settings.registry)
    known = len(registry.versions())
    registry.require_writable()
    if registry.left_out:
        return Doubt("; ".join(registry.left_out), "the run goes on without them")
    return f"{known} versions of {registry.group}"


def _places(settings: Settings, flow: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the folders that a run of this flow writes to, by what lies there."""
    simulated = located(settings.simulated_folder or ".scarcegan/simulated")
    is_simulated = settings.data.source == "simulated"
    snapshots = open_snapshots(settings.own_snapshots.folder).folder
    if flow == FEATURES_FLOW:
        return {"snapshots": snapshots} | ({} if settings.telemetry.path else {"simulated players": simulated})
    if flow == SCORE_FLOW:
        # Beside the snapshots scoring may write these alone.
        drift = join(snapshots, "_drift")
        return {"records of drift": drift, "scores": located(settings.own_scoring.folder)}
    # Elsewhere they lie beside Metaflow's artifacts on S3.
    own_disk = BATCH_JOB not in environment and environment.get("METAFLOW_DEFAULT_DATASTORE", "local") == "local"
    checkpoints = {"checkpoints": located(".scarcegan/checkpoints")} if own_disk else {}
    return checkpoints | ({"simulated players": simulated} if is_simulated else {})


def _check_place(place: str) -> str:
    require_writable(place)
    return f"{place} can be written"


def _check_scratch() -> str:
    with scratch_folder() as folder:
        require_writable(str(folder))
    return "can be written"
