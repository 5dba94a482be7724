"""A model's facts as flat text, within the limits of SageMaker's customer metadata.

Both backends hold to the limits, so that a release which lands in the local registry also lands in SageMaker.
"""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any, NoReturn

from scarcegan.problems import RegistryProblem
from scarcegan.registry.contract import ModelToRegister

MOST_ENTRIES = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256
LONGEST_DESCRIPTION = 1_024
LONGEST_CARD = 100_000
METRIC = "metric."
OWN_KEYS = (
    "definition",
    "threshold",
    "constraint_met",
    "release_id",
    "release_size",
    "origin_run_id",
    "run_pathspec",
    "sha256",
    "token",
)


def to_metadata(model: ModelToRegister, release_size: int) -> dict[str, str]:
    """Return everything worth keeping about a model as flat text.

    Raises:
        RegistryProblem: a reserved key, a number that is not finite, or one of SageMaker's limits (50 entries,
            128 and 256 characters, letters, digits, spaces and _.:/=+-@).
    """
    own = {key: str(getattr(model, key)) for key in OWN_KEYS if key != "release_size"}
    own |= {"threshold": repr(float(model.threshold)), "release_size": str(release_size)}
    numbers = {"threshold": model.threshold, **model.metrics}
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise RegistryProblem(f"expected a finite {name} for '{model.definition}', got {number}: leave it out")
    metrics = {METRIC + name: repr(float(number)) for name, number in model.metrics.items()}
    _refuse_reserved(model)
    entries = {**own, **metrics, **model.metadata}
    _check_limits(model.definition, entries, model.description)
    return entries


def from_metadata(entries: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a `ModelVersion` that `to_metadata` wrote."""
    own: dict[str, Any] = {key: entries[key] for key in OWN_KEYS}
    own["threshold"] = float(own["threshold"])
    own["constraint_met"] = own["constraint_met"] == "True"
    own["release_size"] = int(own["release_size"])
    own["metrics"] = {
        key.removeprefix(METRIC): float(value) for key, value in entries.items() if key.startswith(METRIC)
    }
    own["metadata"] = {
        key: value for key, value in entries.items() if key not in OWN_KEYS and not key.startswith(METRIC)
    }
    return own


def check_documents(model: ModelToRegister) -> None:
    """Check the model card and the quality report.

    Raises:
        RegistryProblem: one is no strict JSON (NaN and infinity are none), or the card has more than 100,000
            characters.
    """
    for name, text in (("model card", model.model_card), ("model quality report", model.model_quality)):
        try:
            json.loads(text or "{}", parse_constant=_refuse_constant)
        except ValueError as error:
            raise RegistryProblem(
                f"expected strict JSON as {name} of '{model.definition}', got: {error}; leave such values out"
            ) from error
    if len(model.model_card) > LONGEST_CARD:
        raise RegistryProblem(
            f"expected a model card of at most {LONGEST_CARD:,} characters for '{model.definition}', "
            f"got {len(model.model_card):,}: shorten it"
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse_reserved(model: ModelToRegister) -> None:
    taken = [key for key in model.metadata if key in OWN_KEYS or key.startswith((METRIC, "decision."))]
    if taken:
        raise RegistryProblem(f"expected metadata without reserved keys, got {taken}: rename them")


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
    strange = sorted({character for character in text if not _is_allowed(character)})
    if strange:
        raise RegistryProblem(
            f"expected {name} in letters, digits, spaces and _.:/=+-@ , got {strange}: SageMaker takes no others"
        )


def _is_allowed(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ"
