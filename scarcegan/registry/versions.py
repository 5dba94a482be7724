"""What a registry keeps: models before and after their registration, and the decisions about them."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from scarcegan.records import Bound, Comparison, Record

Status = Literal["PendingManualApproval", "Approved", "Rejected"]
PENDING: Status = "PendingManualApproval"
LAST_YEAR = 8999

# Fixed for ever: another namespace would register every model a second time.
_TOKENS = uuid.UUID("5c0f5a6e-1d0b-5d0e-9b0c-3a1f7d2e8b64")


class AgainstChampion(Comparison, kw_only=True):
    """How a model did against the champion of its time, which has this version, on the same test players."""

    version: int


class ModelFacts(Record, kw_only=True):
    """What is known of a model before and after it is registered.

    Attributes:
        origin_run_id: run that trained it; a resumed run keeps the id of the run it resumes.
        run_pathspec: run that registers it, as in `RetrainFlow/12`.
        metrics: headline metrics, finite numbers.
        metadata: further facts; `who-made` shows some of them.
        against_champion: None while its definition has no champion.
        bound: None where the definition has none, or was registered before bounds were judged on test players.
        description: one or two sentences for the reviewer.
        warnings: of the data, and of what was left out, a sentence each; a registry may shorten long ones.
    """

    definition: str
    sha256: str
    threshold: float
    release_id: str
    origin_run_id: str
    run_pathspec: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    against_champion: AgainstChampion | None = None
    bound: Bound | None = None
    description: str = ""
    warnings: tuple[str, ...] = ()


class ModelToRegister(ModelFacts, kw_only=True):
    """One model of a release, ready to be registered.

    `evaluation` is the run's `Evaluation`, for a registry that shows more of it than the facts; None: not known.
    """

    archive: Path
    evaluation: Record | None = None

    @property
    def token(self) -> str:
        """Idempotency key: a retry, a resume and a second process all make the same one."""
        return str(uuid.uuid5(_TOKENS, f"{self.origin_run_id}/{self.definition}/{self.sha256}"))


class ModelVersion(ModelFacts, kw_only=True):
    """A registered model; times are ISO in UTC.

    Attributes:
        version: number within the group, from 1.
        is_champion: whether it is the approved model of its definition that scoring takes.
        release_size: models of its release when it was registered.
        location: path or URI of its archive.
        arn: its name in SageMaker; empty in the local registry.
        decided_at: of the last decision; empty while pending.
        decision_order: a larger one was decided later, whatever the clocks said; 0 while pending.
        decided_as: the identity of who decided, see `Decision`.
        approved_until: last day of the approval, ISO date; empty: it names none.
    """

    version: int
    group: str
    status: Status
    is_champion: bool
    release_size: int
    location: str
    token: str
    created_at: str
    arn: str = ""
    decided_at: str = ""
    decided_by: str = ""
    reason: str = ""
    decision_order: int = 0
    decided_as: str = ""
    approved_until: str = ""


class Decision(Record):
    """One event in a version's record: what was decided, by whom, why, when (ISO, UTC), against a refusal or not.

    A time or a day that is none, as by hand in the console, is refused.

    Attributes:
        who: as typed.
        identity: as the system knows it, see `Registry.identity`; empty: decided before it was kept, or elsewhere.
        until: last day of an approval, ISO date; empty: none was set.
    """

    status: Status
    who: str
    why: str
    at: str
    forced: bool = False
    identity: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        # Later decisions, and the end of this one, follow its time: the calendar's last years leave no room.
        if self.at and datetime.fromisoformat(self.at).year > LAST_YEAR:
            raise ValueError(f"expected a time before the year {LAST_YEAR + 1}")
        if self.until:
            date.fromisoformat(self.until)


class DecisionOnRecord(Record):
    """A decision as an auditor reads it, with what it changed; a champion is a version's number, None for none."""

    at: str
    identity: str
    who: str
    why: str
    decision: Status
    forced: bool
    until: str
    group: str
    version: int
    definition: str
    release_id: str
    status_before: Status
    champion_before: int | None
    champion_after: int | None


class BesideChampion(Record):
    """One version (perhaps the champion itself) and the champion of its definition, None while there is none."""

    version: ModelVersion
    champion: ModelVersion | None

    @property
    def differences(self) -> dict[str, float]:
        """Version minus champion for the metrics that both have; the verdict with its interval is in the evaluation."""
        theirs = self.champion.metrics if self.champion else {}
        return {name: value - theirs[name] for name, value in self.version.metrics.items() if name in theirs}


def compare(versions: Sequence[ModelVersion], registered: Iterable[ModelVersion]) -> list[BesideChampion]:
    """Compare versions with the champions among all registered ones."""
    champions = {version.definition: version for version in registered if version.is_champion}
    return [BesideChampion(version, champions.get(version.definition)) for version in versions]
