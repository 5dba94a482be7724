"""Settings of the markers of harm: under which names reasons are grouped, and whose features those are."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from scarcegan.problems import nearest
from scarcegan.settings.data_sections import RoleNames

OTHER = "other"
ROLE = "role:"


def _known_role(pattern: str) -> str:
    role = pattern.removeprefix(ROLE)
    if pattern.startswith(ROLE) and role not in RoleNames.model_fields:
        raise ValueError(f"no role is called '{role}': {nearest(role, RoleNames.model_fields)}")
    return pattern


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_known_role)]
Markers = dict[str, tuple[Pattern, ...]]

# Of a feature that several markers match, the first one has it. Kinds of indicators as UKGC's Social Responsibility
# Code 3.4.3 lists them: spend and its patterns, time spent, behaviour, contacts, gambling management tools, accounts.
MARKERS: Markers = {
    "chasing": ("chasing_*", "deposit_again_share", "deposit_with_loss"),
    "limits and time-outs": ("*limit*", "*timeout*", "*time_out*", "*exclusion*", "*reality_check*"),
    "contacts": ("*contact*", "*complaint*", "*support*"),
    "payment methods": ("*payment*", "*withdraw*", "*wallet*"),
    "time of day": ("role:night", "night*"),
    "spend": ("role:loss", "role:win", "role:deposit", "role:intensity", "intensity_*", "*spend*", "*stake*"),
    "frequency": ("role:activity", "escalation_*", "*sessions*", "*active_days*"),
}


def patterns_of(markers: Markers, roles: RoleNames) -> dict[str, list[str]]:
    """Put the features of its counter into the place of each role; a role that is left empty has none."""
    return {name: [one for one in (_pattern(each, roles) for each in own) if one] for name, own in markers.items()}


def markers_of(features: Sequence[str], patterns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the marker of each feature: the first that has a pattern of its name, else `other`."""
    return tuple(
        next((name for name, own in patterns.items() if any(fnmatchcase(feature, one) for one in own)), OTHER)
        for feature in features
    )


def _pattern(pattern: str, roles: RoleNames) -> str:
    if not pattern.startswith(ROLE):
        return pattern
    counter: str = getattr(roles, pattern.removeprefix(ROLE))
    return counter and f"{counter}_*"
