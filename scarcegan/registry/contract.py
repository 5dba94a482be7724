"""What a registry keeps and does, whatever its backend: the types and the one interface."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Status = Literal["PendingManualApproval", "Approved", "Rejected"]

# Fixed for ever: another namespace would register every model a second time.
_TOKENS = uuid.UUID("5c0f5a6e-1d0b-5d0e-9b0c-3a1f7d2e8b64")


@dataclass(frozen=True, kw_only=True)
class ModelToRegister:
    """One model of a release, ready to be registered.

    Attributes:
        definition: the business definition it serves.
        archive: path of `model.tar.gz`.
        sha256: the archive's digest, as `write_archive` returned it.
        threshold: risk score from which a player is flagged.
        constraint_met: whether the definition's constraint held on validation players.
        release_id: the same for all models of a release.
        origin_run_id: run that trained it; a resumed run keeps the id of the run it resumes.
        run_pathspec: run that registers it, as in `RetrainFlow/12`.
        metrics: headline metrics, finite numbers.
        metadata: further facts, text only; `who-made` shows `git_commit`, `data_fingerprint`,
            `settings_fingerprint`, `config` and `card`.
        description: one or two sentences for the reviewer.
        model_quality: report for SageMaker's registry, JSON text; empty: none.
        model_card: content of SageMaker's model card, JSON text; empty: none. The local registry keeps neither: both
            are made from the evaluation, which is in the archive.
    """

    definition: str
    archive: Path
    sha256: str
    threshold: float
    constraint_met: bool
    release_id: str
    origin_run_id: str
    run_pathspec: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    model_quality: str = ""
    model_card: str = ""

    @property
    def token(self) -> str:
        """Idempotency key: a retry, a resume and a second process all make the same one."""
        return str(uuid.uuid5(_TOKENS, f"{self.origin_run_id}/{self.definition}/{self.sha256}"))


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A registered model.

    Attributes:
        version: number within the group, from 1.
        group: model package group.
        status: `PendingManualApproval`, `Approved` or `Rejected`.
        is_champion: whether it is the approved model of its definition that scoring takes.
        release_size: models of its release when it was registered.
        location: path or URI of its archive.
        created_at: ISO time (UTC) of the registration.
        arn: its name in SageMaker; empty in the local registry.
        decided_at: ISO time (UTC) of the last approval event; empty while pending.
        decided_by: who decided.
        reason: why.

    The other attributes are those of `ModelToRegister`.
    """

    version: int
    group: str
    definition: str
    status: Status
    is_champion: bool
    threshold: float
    constraint_met: bool
    release_id: str
    release_size: int
    origin_run_id: str
    run_pathspec: str
    metrics: Mapping[str, float]
    metadata: Mapping[str, str]
    description: str
    location: str
    sha256: str
    token: str
    created_at: str
    arn: str = ""
    decided_at: str = ""
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Decision:
    """One event in a version's record: what was decided, by whom, why, when (ISO, UTC), against a refusal or not."""

    status: Status
    who: str
    why: str
    at: str
    forced: bool = False


class Registry(Protocol):
    """The model registry; every method raises `RegistryProblem` for what it refuses."""

    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Register the models of one release, in the given order; twice gives the same versions."""

    def versions(self, *, release_id: str | None = None) -> list[ModelVersion]:
        """Return all versions, or those of one release, oldest first."""

    def show(self, version: int) -> ModelVersion:
        """Return one version."""

    def events(self, version: int) -> list[Decision]:
        """Return the decisions about one version, oldest first."""

    def approve(self, *versions: int, who: str, why: str, force: bool = False) -> list[ModelVersion]:
        """Approve versions: each becomes the champion of its definition.

        A release that is incomplete, or mixed from several runs, is refused unless forced.
        """

    def reject(self, *versions: int, who: str, why: str) -> list[ModelVersion]:
        """Reject versions; a rejected champion gives its place back to the one before."""

    def rollback(self, *, who: str, why: str, release_id: str | None = None, force: bool = False) -> list[ModelVersion]:
        """Withdraw a release (by default the one approved last) and return the champions there are then.

        The champions before it take their places back. Refused, unless forced, when a definition would be
        left without a champion.
        """

    def champion(self, definition: str) -> ModelVersion | None:
        """Return the champion of a business definition, or None while none is approved."""

    def fetch_archive(self, version: int) -> Path:
        """Return a local path of the version's archive, its digest checked."""
