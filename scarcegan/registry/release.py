"""A registered release as its card, the terminal and the run's tags show it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from scarcegan.records import Bound, Record
from scarcegan.registry.versions import ModelVersion


class Lineage(Record):
    """Where a release comes from.

    Attributes:
        run: pathspec of the run that registers, as in `RetrainFlow/12`.
        origin_run: id of the first run of a chain of resumes.
        commit: git commit of the code, `-dirty` appended when files differ from it.
        card: pathspec of the step whose card shows the evaluation.
        snapshot: that was trained on; empty for other sources. Later snapshots are compared with it.
        snapshot_origin: fingerprint that this snapshot was published with: a later one may bear its name.
        labels_known_by: ISO date by which its labels were known; empty: its cut-off.
        launched_by: who launched the run, as the registry knows people; empty where that is not known.
        overrides: settings that the run has laid over those of `config`, as `--set` takes them; empty: none.
        cost: what the run had cost when it registered, a sentence; empty where nothing was measured.
    """

    run: str
    origin_run: str
    commit: str
    data_fingerprint: str
    settings_fingerprint: str
    config: str
    card: str
    snapshot: str = ""
    snapshot_origin: str = ""
    labels_known_by: str = ""
    overrides: str = ""
    launched_by: str = ""
    cost: str = ""


class ReleasedVersion(Record):
    """One model of a release; what it reaches, and against the champion, is in the run's evaluation."""

    version: int
    definition: str
    status: str
    threshold: float
    metrics: Mapping[str, float]
    created: str
    bound: Bound | None = None


class Release(Record):
    """A release as it was registered.

    Refused are definitions whose model is worse than its champion, and left out; warnings are those of the data report,
    and what was left out of models and comparison.
    """

    release_id: str
    registry: str
    versions: Sequence[ReleasedVersion]
    refused: Sequence[str]
    lineage: Lineage
    commands: Sequence[str]
    warnings: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        versions: Sequence[ModelVersion],
        evaluated: Iterable[str],
        lineage: Lineage,
        *,
        commands: Sequence[str] = (),
        warnings: Sequence[str] = (),
    ) -> Self:
        """Describe a release by its versions, as the registry returned them; what else was evaluated was refused."""
        first, registered = versions[0], [version.definition for version in versions]
        return cls(
            release_id=first.release_id,
            registry=f"{'sagemaker' if first.arn else 'local'}: {first.group}",
            versions=[ReleasedVersion.from_plain(vars(one) | {"created": one.created_at}) for one in versions],
            refused=[name for name in evaluated if name not in registered],
            lineage=lineage,
            commands=commands,
            warnings=warnings,
        )
