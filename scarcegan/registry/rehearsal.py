"""A registry on which decisions are tried: refused as the real one would, and kept nowhere."""

from collections.abc import Sequence
from pathlib import Path

from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.registry.contract import Choice, Registry
from scarcegan.registry.versions import Decision, ModelToRegister, ModelVersion


class Rehearsal(Registry):
    """Shows another registry as it is now, and as it would be after the decisions that are tried here."""

    def __init__(self, real: Registry) -> None:
        self.group, self.four_eyes, self.approval_days = real.group, real.four_eyes, real.approval_days
        self._real, self._known = real, real.versions()
        self.left_out = real.left_out

    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Refuse: nothing is registered here."""
        raise RegistryProblem(f"expected a decision to try, got a release of {len(models)} models to register")

    def events(self, version: int) -> list[Decision]:
        """Return the decisions that are on record."""
        return self._real.events(version)

    def _all_events(self, versions: Sequence[ModelVersion]) -> list[tuple[int, Decision]]:
        return self._real._all_events(versions)

    def require_writable(self) -> None:
        """Raise a Problem unless the real registry can be written."""
        self._real.require_writable()

    def identity(self) -> str:
        """Return who asks."""
        return self._real.identity()

    def keep_report(self, text: str) -> str:
        """Refuse: nothing is kept here."""
        raise RegistryProblem(f"expected a decision to try, got a report of {len(text)} characters to keep")

    def read_report(self, sha256: str) -> str:
        """Return the report with that digest, checked."""
        return self._real.read_report(sha256)

    def _versions(self) -> list[ModelVersion]:
        return self._known

    def _fetch(self, sha256: str) -> Path:
        return self._real._fetch(sha256)

    def _verify(self, sha256: str) -> None:
        self._real._verify(sha256)

    def _put_back(self, archive: Path, sha256: str) -> None:
        raise RegistryProblem(f"expected a decision to try, got the archive {archive.name} to put back")

    def _decide(self, choose: Choice, decision: Decision) -> None:
        chosen = [version.version for version in choose(self._known)]
        self._known = rules.decided(self._known, chosen, decision)
