"""What a registry refuses, how it keeps archives, who is champion: plain functions, the same for every backend."""

import hashlib
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from scarcegan.problems import RegistryProblem
from scarcegan.registry.versions import Decision, ModelToRegister, ModelVersion, Status
from scarcegan.storage import new_file

LONGEST_REASON = 256
REPAIR = "put a copy with that digest back (`scarcegan models repair VERSION FILE`), or run the registration again"
# The fact of a version that says who launched its run, as `Registry.identity` names people.
LAUNCHED_BY = "launched_by"
# The fact of a version that names, by its digest, the report of quality by attributes; see `Registry.keep_report`.
GROUPS = "groups_sha256"
LEAK = "a likely leak"  # as a warning of `scarcegan.data.report` says it


def check_release(models: Sequence[ModelToRegister]) -> None:
    """Check that models form one release and can all be registered, before any of them is.

    A RegistryProblem: no models, several releases or runs, a definition twice, a number that is not finite, an archive
    that is missing or has another digest.
    """
    if not models:
        raise RegistryProblem("expected the models of a release, got none: select models first")
    for key in ("release_id", "origin_run_id"):
        values = sorted({str(getattr(model, key)) for model in models})
        if len(values) > 1:
            raise RegistryProblem(f"expected one {key} in a release, got {values}: register them one by one")
    names = [model.definition for model in models]
    if len(set(names)) < len(names):
        raise RegistryProblem(f"expected one model per definition, got {names}: choose one of each")
    for model in models:
        for name, number in {"threshold": model.threshold, **model.metrics}.items():
            if not math.isfinite(number):
                raise RegistryProblem(f"expected a finite {name} for '{model.definition}', got {number}: leave it out")
        check_digest(model.archive, model.sha256)


def check_digest(archive: Path, sha256: str, shown: str = "") -> None:
    """Raise a RegistryProblem unless an archive is there and has the digest; `shown` names the place of a copy."""
    try:
        with archive.open("rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RegistryProblem(f"expected an archive at {shown or archive}, got: {error.strerror}; {REPAIR}") from error
    if got != sha256:
        raise RegistryProblem(
            f"expected the archive with sha256 {sha256}, got {got} at {shown or archive}: it was changed; do not use "
            f"it; {REPAIR}"
        )


def archive_path(folder: Path, sha256: str) -> Path:
    """Return where the archive with that digest lies, or would lie."""
    return folder / f"{sha256}.tar.gz"


def keep_archive(archive: Path, folder: Path, sha256: str) -> Path:
    """Copy an archive into the folder, over a damaged one, and return it; a RegistryProblem if its digest differs."""
    kept = archive_path(folder, sha256)
    try:
        check_digest(kept, sha256)
    except RegistryProblem:
        with new_file(str(kept)) as draft:
            shutil.copyfile(archive, draft)
            # The copy is checked before it takes its place: a damaged one never has this name.
            check_digest(draft, sha256)
    return kept


def decide(
    status: Status, who: str, why: str, *, forced: bool = False, identity: str = "", until: str = ""
) -> Decision:
    """Return a decision taken now; a RegistryProblem unless who and why are a line of 1 to 256 characters each."""
    for name, text in (("who decides", who), ("a reason", why)):
        if not text.strip() or len(text) > LONGEST_REASON or not text.isprintable():
            raise RegistryProblem(
                f"expected {name}, one line of at most {LONGEST_REASON} characters, got {text!r:.100}: "
                "write one, the record is kept for good"
            )
    return Decision(status, who.strip(), why.strip(), now(), forced, identity, until)


def after(decision: Decision, versions: Iterable[ModelVersion]) -> Decision:
    """Return a decision whose time is after all others': where time alone orders them, a clock may be set back."""
    last = max((version.decided_at for version in versions), default="")
    if decision.at > last:
        return decision
    later = datetime.fromisoformat(last) + timedelta(microseconds=1)
    return replace(decision, at=later.isoformat(timespec="microseconds"))


def decided(versions: Sequence[ModelVersion], numbers: Sequence[int], decision: Decision) -> list[ModelVersion]:
    """Return all versions as they are once a decision about some of them is on record."""
    last = max((version.decision_order for version in versions), default=0)
    order = {number: last + place for place, number in enumerate(numbers, 1)}
    return with_champions(
        [with_decision(one, decision, order[one.version]) if one.version in order else one for one in versions]
    )


def with_decision(version: ModelVersion, decision: Decision, order: int) -> ModelVersion:
    """Return a version as its last decision leaves it, but for who is champion then."""
    return replace(
        version,
        status=decision.status,
        decided_at=decision.at,
        decided_by=decision.who,
        decided_as=decision.identity,
        reason=decision.why,
        approved_until=decision.until,
        decision_order=order,
    )


def with_champions(versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """Return versions of which the one approved last is champion of its definition; of one order, the last version."""
    known = list(versions)
    in_order = sorted(known, key=lambda one: (one.decision_order, one.version))
    champions = {one.definition: one.version for one in in_order if one.status == "Approved"}
    return [replace(one, is_champion=champions.get(one.definition) == one.version) for one in known]


def check_four_eyes(versions: Iterable[ModelVersion], identity: str) -> None:
    """Raise a RegistryProblem unless all versions are known to be of runs that somebody else has launched."""
    faults = []
    for version in versions:
        launched_by = version.metadata.get(LAUNCHED_BY, "")
        if not launched_by or launched_by == identity:
            who = "the same" if launched_by else "somebody that the registry does not know"
            faults.append(f"version {version.version} is of {version.run_pathspec}, launched by {who}")
    if faults or not identity:
        raise RegistryProblem(
            f"registry.four_eyes expects an approver who has not launched the run, got '{identity or 'nobody known'}': "
            f"{'; '.join(faults) or 'the system tells no identity'}. Let somebody else approve; if it is not known who "
            "launched a run, train anew. --force does not lift this"
        )


def check_approver(version: ModelVersion, decisions: Sequence[Decision]) -> None:
    """Raise a RegistryProblem unless the last decision about a version approves it, on record as that of another.

    Of another identity than that of who has launched its run; one that was taken elsewhere has no identity.
    """
    launched_by = version.metadata.get(LAUNCHED_BY, "")
    last = decisions[-1] if decisions else None
    approver = last.identity if last and last.status == version.status == "Approved" else ""
    if not launched_by or approver in ("", launched_by):
        raise RegistryProblem(
            f"registry.four_eyes expects an approval on record by somebody else than who has launched the run, got "
            f"version {version.version} ({version.definition}), approved by {approver or 'nobody that is on record'}; "
            f"{version.run_pathspec} was launched by {launched_by or 'somebody that the registry does not know'}. Let "
            f"somebody else approve it (`scarcegan models approve {version.version} --reason 'why'`); an approval in "
            "SageMaker's console is none"
        )


def last_day(until: str, days: int) -> str:
    """Return the last day of an approval given today, ISO date: the one that is asked for, or so many days from today.

    A RegistryProblem: no date, or one that has passed.
    """
    if not until:
        return (today() + timedelta(days=days)).isoformat() if days else ""
    try:
        asked = date.fromisoformat(until)
    except ValueError:
        asked = None
    if asked is None or asked < today():
        raise RegistryProblem(
            f"expected --until with a date from {today()} on, as in 2027-01-31, got '{until}': mend it"
        )
    return asked.isoformat()


def expiry(version: ModelVersion, days: int) -> str:
    """Return the last day of a version's approval; without one of its own, so many days after it (0: empty)."""
    if version.approved_until or not days or not version.decided_at:
        return version.approved_until
    return (datetime.fromisoformat(version.decided_at) + timedelta(days=days)).date().isoformat()


def check_expiry(version: ModelVersion, days: int, grace_days: int) -> str:
    """Return a warning if a version's approval has expired, else nothing; a RegistryProblem once the grace is over."""
    last = expiry(version, days)
    if not last or (late := (today() - date.fromisoformat(last)).days) <= 0:
        return ""
    told = f"the approval of version {version.version} ({version.definition}) has expired on {last}"
    advice = (
        f"approve it again (`scarcegan models approve {version.version} --reason 'why'`) or another version "
        "(`scarcegan models list`)"
    )
    if late > grace_days:
        raise RegistryProblem(
            f"expected an approval that holds, got: {told}, more than {grace_days} days (registry.grace_days) ago: "
            f"{advice}"
        )
    return f"{told}; scoring refuses it in {grace_days - late + 1} days: {advice}"


def now() -> str:
    """Return the time, ISO in UTC, always with microseconds: moments of one format sort as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def today() -> date:
    """Return the day, in UTC."""
    return datetime.now(UTC).date()


def find(versions: Iterable[ModelVersion], number: int) -> ModelVersion:
    """Return the version with that number, or raise a RegistryProblem if there is none."""
    known = {version.version: version for version in versions}
    if number not in known:
        raise RegistryProblem(
            f"expected a registered version ({_spans(known)}), got {number}: see `scarcegan models list`"
        )
    return known[number]


def _spans(numbers: Iterable[int]) -> str:
    """Return numbers as people write them, as in `1 to 3, 7`: versions may have been removed, or not be readable."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans) or "there is none yet"


def find_all(versions: Sequence[ModelVersion], numbers: Iterable[int]) -> list[ModelVersion]:
    """Return the versions with these numbers, in their order; one that is named twice is one."""
    return [find(versions, number) for number in dict.fromkeys(numbers)]


def check_one_each(versions: Iterable[ModelVersion]) -> None:
    """Raise a RegistryProblem if several versions of one definition are to be approved: only one can be champion."""
    found: dict[str, list[str]] = {}
    for version in versions:
        found.setdefault(version.definition, []).append(str(version.version))
    twice = [f"{' and '.join(numbers)} of {name}" for name, numbers in found.items() if len(numbers) > 1]
    if twice:
        raise RegistryProblem(
            f"expected one version of each definition to approve, got {', '.join(twice)}: name the one that is to be "
            "champion"
        )


def check_complete(version: ModelVersion, versions: Iterable[ModelVersion]) -> None:
    """Raise a RegistryProblem unless the release of a version to be approved is complete and of one run."""
    release = [other for other in versions if other.release_id == version.release_id]
    definitions = {other.definition for other in release}
    runs = sorted({other.origin_run_id for other in release})
    size = max(other.release_size for other in release)
    if len(definitions) < size:
        fault = f"incomplete: {len(definitions)} of {size} models ({', '.join(sorted(definitions))})"
    elif len(runs) > 1:
        fault = f"mixed from runs {', '.join(runs)}"
    elif len(release) > size:
        fault = f"mixed: {len(release)} versions for {size} definitions"
    else:
        return
    raise RegistryProblem(
        f"expected a complete release to approve version {version.version}, got release "
        f"'{version.release_id}' {fault}: run the registration again, or add --force"
    )


def doubts(version: ModelVersion) -> list[str]:
    """Say, a phrase each, why a person should hesitate to approve a version; most have none."""
    found = []
    if version.bound and version.bound.state == "missed":
        found.append("its bound is missed on test players")
    if (against := version.against_champion) and against.verdict == "worse":
        found.append(f"it is worse than version {against.version}, the champion when it was evaluated")
    return found + [f"its data are suspect: {warning}" for warning in version.warnings if LEAK in warning]


def rollback_plan(versions: Sequence[ModelVersion], release_id: str | None, *, force: bool) -> list[ModelVersion]:
    """Return the approved versions that a rollback of a release, by default the last champion's, withdraws.

    A RegistryProblem: nothing is approved, or a definition would be left without a champion and that is not forced.
    """
    champions = [version for version in versions if version.is_champion]
    if release_id is None and champions:
        release_id = max(champions, key=lambda version: version.decision_order).release_id
    approved = [version for version in versions if version.status == "Approved"]
    withdrawn = [version for version in approved if version.release_id == release_id]
    if not withdrawn:
        what = f"release '{release_id}'" if release_id else "any release"
        raise RegistryProblem(
            f"expected approved versions of {what} to roll back, got none: see `scarcegan models list`"
        )
    kept = {version.definition for version in approved if version not in withdrawn}
    left = sorted({version.definition for version in withdrawn} - kept)
    if left and not force:
        raise RegistryProblem(
            f"expected a former champion for each definition, got none for {', '.join(left)}: "
            "approve another version first, or add --force to leave them without"
        )
    return withdrawn
