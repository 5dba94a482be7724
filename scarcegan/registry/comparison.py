"""Versions side by side, each against the champion of its definition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scarcegan.registry.versions import ModelVersion


@dataclass(frozen=True)
class Comparison:
    """One version against the champion of its definition.

    Attributes:
        version: the challenger (or the champion itself).
        champion: None while the definition has none.
        differences: metric name -> version minus champion, for the metrics that both have. Plain differences of
            numbers that were measured in two runs: the verdict with an interval is in the evaluation.
    """

    version: ModelVersion
    champion: ModelVersion | None
    differences: dict[str, float]


def compare(versions: Sequence[ModelVersion], registered: Iterable[ModelVersion]) -> list[Comparison]:
    """Compare versions with the champions among all registered ones."""
    champions = {version.definition: version for version in registered if version.is_champion}
    return [_against(version, champions.get(version.definition)) for version in versions]


def _against(version: ModelVersion, champion: ModelVersion | None) -> Comparison:
    if champion is None:
        return Comparison(version, None, {})
    differences = {
        name: value - champion.metrics[name] for name, value in version.metrics.items() if name in champion.metrics
    }
    return Comparison(version, champion, differences)
