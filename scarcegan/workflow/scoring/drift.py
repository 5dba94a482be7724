"""The watch of a scored snapshot, with what the settings name for it."""

from scarcegan.backends import open_registry
from scarcegan.monitoring.watch import Watch, Watched
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.workflow.scoring.records import ScoreReport


def watch_scored(report: ScoreReport, model: Model, settings: Settings) -> Watched:
    """Watch the snapshot that a model has scored, see `scarcegan.monitoring.watch`.

    Shares of its players are those of the report, of everyone; only distances are measured on players that are drawn.

    Raises:
        DataProblem: a snapshot or the labels cannot be read, or a record cannot be kept.
    """
    version = open_registry(settings.registry).show(report.plan.model.version)
    store, data = open_snapshots(settings.snapshots.folder), settings.data
    # `data.path` is a labels table for this source alone.
    labels = read_labels(data.path, settings.populations) if data.source == "snapshot" and data.path else None
    watch = Watch(model, version, store, settings.monitoring, settings.seed, labels)
    return watch.watch(report.plan.snapshot.name, report.scored)
