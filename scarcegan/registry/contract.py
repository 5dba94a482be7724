"""The one interface of all registries, and what they share: who decides, what is refused, who is champion."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from scarcegan.problems import Problem, RegistryProblem, nearest
from scarcegan.registry import rules
from scarcegan.registry.versions import PENDING, Decision, DecisionOnRecord, ModelToRegister, ModelVersion
from scarcegan.storage import find_bytes, join, write_bytes

T = TypeVar("T")
Choice = Callable[[Sequence[ModelVersion]], list[ModelVersion]]


class Registry(ABC):
    """The model registry; every method raises `RegistryProblem` for what it refuses.

    A version or a decision that cannot be read (somebody, or other code, has written it) must not hide the others: it
    is left out, and `left_out` names all that readings had to do without.

    `four_eyes` and `approval_days` are those of the settings.
    """

    group: str
    left_out: Sequence[str] = ()
    four_eyes: bool = False
    approval_days: int = 0
    _reports: str  # folder or prefix of the reports, beside the archives and apart from them
    _tried: list[ModelVersion] | None = None  # of a rehearsal, the versions as they would be

    @abstractmethod
    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Register the models of one release, in the given order; twice gives the same versions."""

    @abstractmethod
    def require_writable(self) -> None:
        """Raise a Problem unless a release could be registered now: its places can be reached and written."""

    @abstractmethod
    def _all_events(self, versions: Sequence[ModelVersion]) -> list[tuple[int, Decision]]:
        """Return the decisions about versions, each with its version's number, oldest first."""

    @abstractmethod
    def identity(self) -> str:
        """Return who asks, as the system knows it and nobody can type it; it goes with each decision on record."""

    @abstractmethod
    def _versions(self) -> list[ModelVersion]:
        """Read all versions of the group, oldest first; none before the first registration."""

    @abstractmethod
    def fetch(self, sha256: str) -> Path:
        """Return a local path of the archive with that digest, checked, without asking which version has it."""

    def _verify(self, sha256: str) -> None:
        """Raise a Problem unless the archive with that digest lies, whole, where the registry keeps it."""
        self.fetch(sha256)

    @abstractmethod
    def _put_back(self, archive: Path, sha256: str) -> None:
        """Put a checked archive where the registry keeps it, over a damaged one."""

    @abstractmethod
    def _decide(self, choose: Choice, decision: Decision) -> None:
        """Record a decision about the versions that `choose` takes of all there are; it raises for a refusal.

        Where a registry takes one at a time, what it raises for a failure in between names those that are decided.
        """

    def versions(self) -> list[ModelVersion]:
        """Return all versions, oldest first."""
        return self._versions() if self._tried is None else list(self._tried)

    def show(self, version: int) -> ModelVersion:
        """Return one version."""
        return rules.find(self.versions(), version)

    def number_of(self, reference: str) -> int:
        """Return the number that `3`, `v3` or an ARN names.

        Numbers are given anew in each group, account and region: only the whole ARN of a version of this registry is
        taken, never the number at its end. A `RegistryProblem` for any other.
        """
        asked = reference.strip()
        if number := re.fullmatch(r"v?([0-9]{1,18})", asked):
            return int(number[1])
        found = [version.version for version in self.versions() if version.arn and version.arn == asked]
        if not found:
            raise RegistryProblem(
                f"expected a version of group '{self.group}', as in 3 or v3, or its whole ARN if the registry is "
                f"SageMaker's, got '{reference}': see `scarcegan models list`, and check --config"
            )
        return found[0]

    def newest_group(self) -> str:
        """Return the group that a release was registered in last, as far as the registry sees others than its own."""
        return self.group

    def events(self, version: int) -> list[Decision]:
        """Return the decisions about one version, oldest first."""
        # Refuses a version that does not exist: it would look like one without decisions.
        return [event for _, event in self._all_events([self.show(version)])]

    def decisions(self) -> list[DecisionOnRecord]:
        """Return all decisions of the group, oldest first, each with what it changed."""
        pending: dict[str, Any] = {"status": PENDING, "is_champion": False, "decision_order": 0}
        versions, told = self.versions(), []
        known = [replace(version, **pending) for version in versions]
        for number, event in self._all_events(versions):
            before, known = known, rules.decided(known, [number], event)
            version = rules.find(before, number)
            champions = [
                next((one.version for one in all_ if one.is_champion and one.definition == version.definition), None)
                for all_ in (before, known)
            ]
            said = (event.at, event.identity, event.who, event.why, event.status, event.forced, event.until)
            about = (self.group, number, version.definition, version.release_id, version.status)
            told.append(DecisionOnRecord(*said, *about, *champions))
        return told

    def definitions(self) -> list[str]:
        """Return the names of the business definitions that have models."""
        return sorted({version.definition for version in self.versions()})

    def champion(self, definition: str) -> ModelVersion | None:
        """Return the champion of a business definition, or None while none is approved."""
        return next((one for one in self.versions() if one.is_champion and one.definition == definition), None)

    def require_champion(self, definition: str) -> ModelVersion:
        """Return the champion of a business definition, or refuse and name the definitions that have models.

        Where four eyes are asked for, a champion that they have not seen is refused as well.
        """
        if (found := self.champion(definition)) is None:
            known = self.definitions()
            there = f" among {', '.join(known)}" if known else ", as there are no models yet,"
            hint = f"{nearest(definition, known)} Otherwise " if known and definition not in known else ""
            raise RegistryProblem(
                f"expected a champion of '{definition}', got none{there} in group '{self.group}': {hint}approve a "
                "version (`scarcegan models list`)"
            )
        self.require_approver(found)
        return found

    def require_approver(self, version: ModelVersion) -> None:
        """Refuse an approved version whose approval is not known to be another's, where four eyes are asked for."""
        if self.four_eyes:
            rules.check_approver(version, self.events(version.version))

    def keep_report(self, text: str) -> str:
        """Keep a report, JSON, and return its digest, which names it."""
        content = text.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        write_bytes(self.report_location(sha256), content)
        return sha256

    def report_location(self, sha256: str) -> str:
        """Return where the report with that digest lies, or would lie."""
        return join(self._reports, f"{sha256}.json")

    def read_report(self, sha256: str) -> str:
        """Return the report with that digest, checked."""
        location = self.report_location(sha256)
        content = find_bytes(location)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            got = "another one" if content else "none"
            raise RegistryProblem(
                f"expected the report with sha256 {sha256}, got {got} at {location}: restore the file"
            )
        return content.decode()

    def rehearsal(self) -> Self:
        """Return this registry as it is now, on which decisions are tried: refused as here, and kept nowhere."""
        tried = copy(self)
        tried._tried = self.versions()
        return tried

    def repair(self, version: int, archive: Path) -> ModelVersion:
        """Put a version's archive back that is missing or damaged; only one with its very digest is taken."""
        found = self.show(version)
        rules.check_digest(archive, found.sha256)
        self._put_back(archive, found.sha256)
        self._verify(found.sha256)
        return found

    def approve(self, *versions: int, who: str, why: str, force: bool = False, until: str = "") -> list[ModelVersion]:
        """Approve versions, all or none: each becomes the champion of its definition, until the ISO date if one is set.

        One that is named twice is approved once; two of one definition are refused. A release that is incomplete, or
        mixed from several runs, is refused unless forced; where four eyes are asked for, a version of a run that the
        approver has launched is refused in any case.
        """
        last_day, identity = rules.last_day(until, self.approval_days), self.identity()

        def choose(known: Sequence[ModelVersion]) -> list[ModelVersion]:
            chosen = rules.find_all(known, versions)
            rules.check_one_each(chosen)
            if self.four_eyes:
                rules.check_four_eyes(chosen, identity)
            for version in chosen:
                if not force:
                    rules.check_complete(version, known)
                # A model whose archive is gone or damaged must not become champion, whatever was fetched before.
                self._verify(version.sha256)
            return chosen

        self._take(choose, rules.decide("Approved", who, why, forced=force, identity=identity, until=last_day))
        return rules.find_all(self.read_back(), versions)

    def reject(self, *versions: int, who: str, why: str) -> list[ModelVersion]:
        """Reject versions, all or none; a rejected champion gives its place back to the one before."""
        decision = rules.decide("Rejected", who, why, identity=self.identity())
        self._take(lambda known: rules.find_all(known, versions), decision)
        return rules.find_all(self.read_back(), versions)

    def rollback(self, *, who: str, why: str, release_id: str | None = None, force: bool = False) -> list[ModelVersion]:
        """Withdraw a release (by default the one approved last) and return the champions there are then.

        The champions before it take their places back. Refused, unless forced, when a definition would be
        left without a champion.
        """
        decision = rules.decide("Rejected", who, why, forced=force, identity=self.identity())
        self._take(lambda known: rules.rollback_plan(known, release_id, force=force), decision)
        return [version for version in self.read_back() if version.is_champion]

    def read_back(self) -> list[ModelVersion]:
        """Return all versions after a decision; a Problem says that it stands, as one taken again is another one."""
        try:
            return self.versions()
        except Problem as problem:
            raise type(problem)(
                f"decided and kept on record, do not decide again: see `scarcegan models list` later; {problem}"
            ) from problem

    def _take(self, choose: Choice, decision: Decision) -> None:
        if self._tried is None:
            self._decide(choose, decision)
        else:
            chosen = [version.version for version in choose(self._tried)]
            self._tried = rules.decided(self._tried, chosen, decision)

    def _read_each(
        self, items: Iterable[T], read: Callable[[T], ModelVersion], name: Callable[[T], str]
    ) -> list[ModelVersion]:
        """Read versions one by one; one that cannot be read is left out and named."""
        found = list[ModelVersion]()
        for item in items:
            try:
                found.append(read(item))
            except (ValueError, TypeError, KeyError, Problem) as error:
                self._leave_out(name(item), error)
        return found

    def _leave_out(self, what: str, error: Exception) -> None:
        """Name what cannot be read, once however often it is met: a command that reads twice loses nothing of it."""
        told = f"{what} of group '{self.group}' cannot be read and is left out ({error})"
        self.left_out = list(dict.fromkeys([*self.left_out, told]))

    def _registered(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Return the versions of models that have just been registered."""
        by_token = {version.token: version for version in self.versions()}
        if missing := [model.definition for model in models if model.token not in by_token]:
            raise RegistryProblem(
                f"expected to read the registered versions of {', '.join(missing)} back, got none "
                f"({'; '.join(self.left_out) or 'the registry does not list them'}): mend or remove what cannot be read"
            )
        return [by_token[model.token] for model in models]
