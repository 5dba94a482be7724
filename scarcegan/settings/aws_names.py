"""What AWS takes as names and schedules, checked where settings are read: AWS itself would say so hours later.

Sources: the API references of SageMaker (CreateModelPackageGroup, CreateFeatureGroup), of Step Functions
(CreateStateMachine) and EventBridge's "Cron expressions reference".
"""

import re
from typing import Annotated

from pydantic import AfterValidator

# Metaflow cuts a longer name and puts a hash at its end: then the stack's policies, which tell flows apart by the end
# of the name, do not know it, and ScoreFlow does not find the RetrainFlow deployed beside it.
LONGEST_STATE_MACHINE = 60
_LONGEST_BRANCH_AND_FLOW = ".test.staging.FeaturesFlow"
_LONGEST_PROJECT = LONGEST_STATE_MACHINE - len(_LONGEST_BRANCH_AND_FLOW)

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# A field's name, its least and largest value, the names of its values from the least on.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)
# What stands for whole items of the two fields of days, beside values, ranges and steps.
_WORDS = {"day of month": r"L|(3[01]|[12]?[0-9])W", "day of week": r"[1-7]?L"}
_NUMBER = re.compile("[0-9]{1,4}")
_NTH = re.compile(rf"([1-7]|{'|'.join(_DAYS)})#[1-5]")  # the second Tuesday: 3#2
_EXAMPLE = '"0 5 ? * MON *" (Mondays at 5) or "30 2 1 * ? *" (the first of each month at 2:30)'


def checked_cron(text: str) -> str:
    """Return EventBridge's cron expression, without `cron(...)`; empty where nothing is scheduled."""
    if not text:
        return text
    fields = text.upper().split()
    if len(fields) != len(_FIELDS):
        told = ", ".join(name for name, *_ in _FIELDS)
        raise ValueError(f"expected EventBridge's six fields ({told}), got {len(fields)} in {text!r}: type {_EXAMPLE}")
    faults = [
        f"{name} '{field}' is not {least}-{most}{f' or {named[0]}-{named[-1]}' if named else ''}"
        for field, (name, least, most, named) in zip(fields, _FIELDS, strict=True)
        if not _is_field(field, name, least, most, named)
    ]
    if (fields[2] == "?") == (fields[4] == "?"):
        faults.append("of day of month and day of week exactly one must be '?'")
    if faults:
        raise ValueError(f"expected EventBridge's cron expression: {'; '.join(faults)}; type {_EXAMPLE}")
    return text


def _is_field(field: str, name: str, least: int, most: int, named: tuple[str, ...]) -> bool:
    if name in _WORDS and (field == "?" or (name == "day of week" and _NTH.fullmatch(field))):
        return True
    return all(
        re.fullmatch(_WORDS.get(name, "(?!)"), item) or _is_item(item, least, most, named) for item in field.split(",")
    )


def _is_item(item: str, least: int, most: int, named: tuple[str, ...]) -> bool:
    """Tell whether an item is `*`, a value or a range, each with a step where there is one."""
    span, has_step, step = item.partition("/")
    if has_step and not (_NUMBER.fullmatch(step) and 0 < int(step) <= most):
        return False
    values = [str(named.index(one) + least) if one in named else one for one in span.split("-")]
    return span == "*" or (
        len(values) <= 2 and all(_NUMBER.fullmatch(one) and least <= int(one) <= most for one in values)
    )


def _name(pattern: str, longest: int, letters: str, example: str) -> AfterValidator:
    """Check a name against a pattern and its greatest length; a refusal says which letters it may have."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII) or len(text) > longest:
            raise ValueError(
                f'expected at most {longest} {letters}, got {text!r} ({len(text)} characters): type "{example}", for '
                "instance"
            )
        return text

    return AfterValidator(checked)


_HYPHENS = "letters and digits, with hyphens between them, as SageMaker names its groups"
_UNDERSCORES = "letters and digits, with hyphens or underscores between them, as SageMaker names its feature groups"
_SMALL = f"small letters, digits and underscores, so that <project>{_LONGEST_BRANCH_AND_FLOW} names a state machine"
Cron = Annotated[str, AfterValidator(checked_cron)]
GroupName = Annotated[str, _name("[a-zA-Z0-9](-*[a-zA-Z0-9])*", 63, _HYPHENS, "risky-players")]
# Empty where there is none.
FeatureGroupName = Annotated[str, _name("([a-zA-Z0-9]([_-]*[a-zA-Z0-9])*)?", 64, _UNDERSCORES, "player-features")]
ProjectName = Annotated[str, _name("[a-z0-9_]+", _LONGEST_PROJECT, _SMALL, "scarcegan")]
