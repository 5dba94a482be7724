"""What a reviewer reads of a run: kept, as plain JSON, in the archive of each model, whose digest the registry holds.

A run's own artifacts are pickles, and to read one runs what it says; whoever may write them could act as the reviewer.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import AttributeGroups, Evaluation
from scarcegan.problems import Problem, RegistryProblem
from scarcegan.records import Record
from scarcegan.registry import ModelVersion, Registry, rules
from scarcegan.serving.archive import unpack
from scarcegan.settings import Settings

FILE = "review.json"
# The settings that say how models are made and watched; others may name places and people.
METHOD: dict[str, Any] = {
    **dict.fromkeys(("seed", "model", "folds", "train", "monitoring"), True),
    "outcomes": {"decisions", "agreeing"},
    "scoring": {"audit_share"},
}


class Review(Record):
    """The whole evaluation of a run, its data report, and the settings that made its models, by section."""

    evaluation: Evaluation
    data_report: DataReport
    settings: Mapping[str, Any]

    def to_file(self) -> bytes:
        """Return the record as JSON; equal records give equal bytes."""
        # As text NaN comes back: what could not be measured stays so.
        return to_json(self.to_plain(), inf_nan_mode="strings")


def review_of(evaluation: Evaluation, data_report: DataReport, settings: Settings) -> Review:
    """Put together what a reviewer reads.

    Without groups by attributes, which `keep_groups` keeps: an archive goes wherever scores are made.
    """
    return Review(
        replace(evaluation, attribute_groups=None), data_report, settings.model_dump(mode="json", include=METHOD)
    )


def read_review(archive: Path, sha256: str) -> Review:
    """Read what the archive with that digest keeps for reviewers; a RegistryProblem for another, or one without."""
    files = unpack(archive, sha256)
    try:
        return Review.from_plain(json.loads(files[FILE]))
    except (KeyError, ValueError, Problem) as error:
        raise RegistryProblem(
            f"expected {FILE} in the archive {archive}, got none that can be read ({error}): other code has registered "
            "the model; use that code's report, or retrain"
        ) from error


def keep_groups(evaluation: Evaluation, registry: Registry) -> dict[str, str]:
    """Keep the groups by attributes, if there are some, beside the archives; return the fact that names them."""
    groups = evaluation.attribute_groups
    if groups is None:
        return {}
    return {rules.GROUPS: registry.keep_report(to_json(groups.to_plain(), inf_nan_mode="strings").decode())}


def groups_of(version: ModelVersion, registry: Registry) -> AttributeGroups | None:
    """Return the groups by attributes that were kept with a version; None where nothing was measured by attributes.

    Those that are gone, were changed, or are those of other code, are a RegistryProblem.
    """
    sha256 = version.metadata.get(rules.GROUPS)
    if not sha256:
        return None
    text = registry.read_report(sha256)
    try:
        return AttributeGroups.from_plain(json.loads(text))
    except (ValueError, Problem) as error:
        raise RegistryProblem(f"expected groups by attributes in report {sha256}, got: {error}") from error
