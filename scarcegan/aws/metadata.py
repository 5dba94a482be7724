"""A model's facts as flat text, within the limits of SageMaker's customer metadata."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from scarcegan.problems import RegistryProblem
from scarcegan.records import Bound
from scarcegan.registry.versions import AgainstChampion, ModelToRegister

MOST_ENTRIES = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256
LONGEST_DESCRIPTION = 1_024
METRIC, CHAMPION, BOUND, WARNING = "metric.", "champion.", "bound.", "warning."
OURS = (METRIC, CHAMPION, BOUND, WARNING)
MOST_WARNINGS = 10
FACTS = ("definition", "threshold", "release_id", "origin_run_id", "run_pathspec", "sha256", "token")
OWN_KEYS = (*FACTS, "release_size")


def to_metadata(model: ModelToRegister, release_size: int) -> dict[str, str]:
    """Return everything worth keeping about a model as flat text.

    A RegistryProblem tells of a reserved key, or one of SageMaker's limits (50 entries, 128 and 256 characters,
    letters, digits, spaces and _.:/=+-@).
    """
    # `from_metadata` tells the registry's entries by their keys: other facts must not use them.
    taken = [key for key in model.metadata if key in OWN_KEYS or key.startswith((*OURS, "decision."))]
    if taken:
        raise RegistryProblem(f"expected metadata without reserved keys, got {taken}: rename them")
    own = {key: str(getattr(model, key)) for key in FACTS}
    # repr keeps every digit: the threshold that is read back is the same number.
    own |= {"threshold": repr(float(model.threshold)), "release_size": str(release_size)}
    metrics = {METRIC + name: repr(float(number)) for name, number in model.metrics.items()}
    records = {CHAMPION: model.against_champion, BOUND: model.bound}
    told = {
        prefix + name: str(value)
        for prefix, record in records.items()
        for name, value in (record.to_plain() if record else {}).items()
        if value is not None
    }
    entries = {**own, **metrics, **told, **model.metadata}
    entries |= _warnings(model.warnings, MOST_ENTRIES - len(entries))
    _check_limits(model.definition, entries, model.description)
    return entries


def from_metadata(entries: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a `ModelVersion` that `to_metadata` wrote."""
    own: dict[str, Any] = {key: entries[key] for key in OWN_KEYS}
    own["threshold"] = float(own["threshold"])
    own["release_size"] = int(own["release_size"])
    own["metrics"] = {name: float(value) for name, value in _under(METRIC, entries).items()}
    against, bound = _under(CHAMPION, entries), _under(BOUND, entries)
    own["against_champion"] = AgainstChampion.from_plain(against) if against else None
    own["bound"] = Bound.from_plain(bound) if bound else None
    own["warnings"] = tuple(_unescaped(text) for _, text in sorted(_under(WARNING, entries).items()))
    # Packages of before bounds were judged on test players have `constraint_met`.
    known = (*OWN_KEYS, "constraint_met")
    own["metadata"] = {key: value for key, value in entries.items() if key not in known and not key.startswith(OURS)}
    return own


def _warnings(warnings: Sequence[str], room: int) -> dict[str, str]:
    """Return the warnings in so many entries at most, each cut off at an entry's end; the last one counts the rest."""
    most = max(1, min(MOST_WARNINGS, room))
    if len(warnings) > most:
        rest = len(warnings) - most + 1
        warnings = [*warnings[: most - 1], f"and {rest} more, see the card of the run's step preprocess"]
    return {f"{WARNING}{number:02d}": _shortened(text) for number, text in enumerate(warnings, 1)}


def _shortened(text: str) -> str:
    kept = text
    while len(_escaped(text)) > LONGEST_VALUE:
        kept = kept[:-1]
        text = f"{kept}..."
    return _escaped(text)


def _escaped(text: str) -> str:
    """Write what SageMaker does not take, quotes and brackets for instance, as `=` and two hexadecimal digits."""
    return quote(text, safe=" :/+@").replace("~", "%7E").replace("%", "=")


def _unescaped(text: str) -> str:
    return unquote(text.replace("=", "%"))


def _under(prefix: str, entries: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in entries.items() if key.startswith(prefix)}


def _check_limits(definition: str, entries: Mapping[str, str], description: str) -> None:
    if len(entries) > MOST_ENTRIES:
        raise RegistryProblem(
            f"expected at most {MOST_ENTRIES} metadata entries for '{definition}', got {len(entries)} with "
            "the metrics and the registry's own: register fewer metrics"
        )
    for key, value in entries.items():
        _check_text(f"metadata key {key!r} of '{definition}'", key, LONGEST_KEY)
        _check_text(f"metadata '{key}' of '{definition}'", value, LONGEST_VALUE)
    if len(description) > LONGEST_DESCRIPTION or not description.isprintable():
        raise RegistryProblem(
            f"expected a description of at most {LONGEST_DESCRIPTION} printable characters for '{definition}', "
            f"got {len(description)}: shorten it to one line"
        )


def _check_text(name: str, text: str, longest: int) -> None:
    if not 1 <= len(text) <= longest:
        raise RegistryProblem(
            f"expected {name} with 1 to {longest} characters, got {len(text)}: shorten it, or leave it out"
        )
    # Letters, numbers and separators of all scripts, by the first letter of their Unicode categories.
    strange = sorted({one for one in text if one not in "_.:/=+-@" and unicodedata.category(one)[0] not in "LNZ"})
    if strange:
        raise RegistryProblem(
            f"expected {name} in letters, digits, spaces and _.:/=+-@ , got {strange}: SageMaker takes no others"
        )
