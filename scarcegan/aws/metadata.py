"""A model's facts as flat text, within the limits of SageMaker's customer metadata."""

import math
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
METRIC, CHAMPION, BOUND, WARNING, TEXT = "metric.", "champion.", "bound.", "warning.", "text."
OURS = (METRIC, CHAMPION, BOUND, WARNING, TEXT)
MOST_WARNINGS = 10
FACTS = ("definition", "threshold", "release_id", "origin_run_id", "run_pathspec", "sha256", "token")
OWN_KEYS = (*FACTS, "release_size")


def to_metadata(model: ModelToRegister, release_size: int) -> dict[str, str]:
    """Return everything worth keeping about a model as flat text.

    A fact that SageMaker does not take as it is (256 characters: letters, digits, spaces and _.:/=+-@) is escaped and
    cut in its middle, and an empty one is left out: a path must not stop a release. A RegistryProblem tells of a
    reserved key, a key that is too long or has other characters, or more than 50 entries.
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
    facts = dict(_fact(name, text) for name, text in model.metadata.items() if text)
    entries = {**own, **metrics, **told, **facts}
    entries |= _warnings(model.warnings, MOST_ENTRIES - len(entries))
    _check_limits(model.definition, entries, model.description)
    return entries


def has_facts(entries: Mapping[str, str]) -> bool:
    """Tell whether metadata are those of a package of ours, even if somebody has edited some of them."""
    return len(entries.keys() & set(OWN_KEYS)) > 1


def from_metadata(entries: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a `ModelVersion` that `to_metadata` wrote.

    Raises:
        ValueError, Problem: an entry is missing or changed, as by hand in the console.
    """
    if missing := [key for key in OWN_KEYS if key not in entries]:
        raise ValueError(f"no {', '.join(missing)} in its metadata")
    own: dict[str, Any] = {key: entries[key] for key in OWN_KEYS}
    own["threshold"] = float(own["threshold"])
    own["release_size"] = int(own["release_size"])
    own["metrics"] = {name: float(value) for name, value in _under(METRIC, entries).items()}
    if not all(map(math.isfinite, (own["threshold"], *own["metrics"].values()))):
        raise ValueError("a number in its metadata that is not finite")
    against, bound = _under(CHAMPION, entries), _under(BOUND, entries)
    own["against_champion"] = AgainstChampion.from_plain(against) if against else None
    own["bound"] = Bound.from_plain(bound) if bound else None
    own["warnings"] = tuple(_unescaped(text) for _, text in sorted(_under(WARNING, entries).items()))
    own["metadata"] = {key: value for key, value in entries.items() if key not in OWN_KEYS and not key.startswith(OURS)}
    own["metadata"] |= {name: _unescaped(text) for name, text in _under(TEXT, entries).items()}
    return own


def _fact(name: str, text: str) -> tuple[str, str]:
    """Return a fact's entry: as it is where SageMaker takes it, else under another key, escaped and cut if need be."""
    return (name, text) if _fits(text, LONGEST_VALUE) else (TEXT + name, _shortened(text, keep_end=True))


def _warnings(warnings: Sequence[str], room: int) -> dict[str, str]:
    """Return the warnings in so many entries at most, each cut off at an entry's end; the last one counts the rest."""
    most = max(1, min(MOST_WARNINGS, room))
    if len(warnings) > most:
        rest = len(warnings) - most + 1
        warnings = [*warnings[: most - 1], f"and {rest} more, see the card of the run's step preprocess"]
    return {f"{WARNING}{number:02d}": _shortened(text) for number, text in enumerate(warnings, 1)}


def _shortened(text: str, *, keep_end: bool = False) -> str:
    """Escape a text and cut it to an entry's length: at its end, or in its middle, as the end of a path tells most."""
    whole, length = text, min(len(text), LONGEST_VALUE)
    while len(_escaped(text)) > LONGEST_VALUE:
        length -= 1
        end = length // 2 if keep_end else 0
        text = f"{whole[: length - end]}...{whole[len(whole) - end :]}"
    return _escaped(text)


def _escaped(text: str) -> str:
    """Write what SageMaker does not take, quotes and brackets for instance, as `=` and two hexadecimal digits."""
    # A path that is no UTF-8 has lone surrogates, which become question marks.
    return quote(text, safe=" :/+@", errors="replace").replace("~", "%7E").replace("%", "=")


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
    if not _fits(text, longest):
        raise RegistryProblem(
            f"expected {name} of 1 to {longest} letters, digits, spaces and _.:/=+-@ , got {text!r:.300}: SageMaker "
            "takes no others; shorten it, or leave it out"
        )


def _fits(text: str, longest: int) -> bool:
    # Letters, numbers and separators of all scripts, by the first letter of their Unicode categories.
    taken = all(one in "_.:/=+-@" or unicodedata.category(one)[0] in "LNZ" for one in text)
    return 1 <= len(text) <= longest and taken
