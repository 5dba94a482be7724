"""What past runs tell the cards and the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.records import Record
from scarcegan.registry.contract import Decision
from scarcegan.registry.release import Release


@dataclass(frozen=True)
class DecidedVersion(Record):
    """A registered model with every decision about it, the oldest first; none while it waits for one."""

    version: int
    definition: str
    decisions: Sequence[Decision]


@dataclass(frozen=True)
class Dossier(Record):
    """What a reviewer reads before a run's release is approved.

    Attributes:
        run: its id.
        created: day and time, UTC.
        user: who ran it.
        settings: by dotted key, as text.
        release: None before the run has registered one.
        versions: of that release.
    """

    run: str
    created: str
    user: str
    settings: Mapping[str, str]
    data_report: DataReport
    evaluation: Evaluation
    release: Release | None
    versions: Sequence[DecidedVersion]
