"""Versions side by side, each against the champion of its definition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scarcegan.registry.versions import ModelVersion


@dataclass(frozen=True)
class BesideChampion:
    """One version (perhaps the champion itself) and the champion of its definition, None while there is none."""

    version: ModelVersion
    champion: ModelVersion | None

    @property
    def differences(self) -> dict[str, float]:
        """Version minus champion for the metrics that both have: plain differences of what two runs measured.

        The verdict with its interval is in the evaluation.
        """
        theirs = self.champion.metrics if self.champion else {}
        return {name: value - theirs[name] for name, value in self.version.metrics.items() if name in theirs}


def compare(versions: Sequence[ModelVersion], registered: Iterable[ModelVersion]) -> list[BesideChampion]:
    """Compare versions with the champions among all registered ones."""
    champions = {version.definition: version for version in registered if version.is_champion}
    return [BesideChampion(version, champions.get(version.definition)) for version in versions]
