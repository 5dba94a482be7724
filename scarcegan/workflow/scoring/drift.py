"""The watch of a scored snapshot, with what the settings name for it."""

from scarcegan.backends import open_registry
from scarcegan.monitoring.watch import Watch, Watched
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.workflow.scoring.records import ScoringPlan


def watch_scored(plan: ScoringPlan, model: Model, settings: Settings) -> Watched:
    """Watch the snapshot that a model has scored, see `scarcegan.monitoring.watch`.

    Raises:
        DataProblem: a snapshot or the labels cannot be read, or a record cannot be kept.
    """
    version = open_registry(settings.registry).show(plan.model.version)
    store, data = open_snapshots(settings.snapshots.folder), settings.data
    # `data.path` is a labels table for this source alone.
    labels = read_labels(data.path, settings.populations) if data.source == "snapshot" and data.path else None
    return Watch(model, version, store, settings.monitoring, settings.seed, labels).watch(plan.snapshot.name)
