"""Records: what crosses the walls between rooms is a frozen dataclass; what is stored of it is plain data.

A flow stores `record.to_plain()` as an artifact and a later step, a card or a notebook reads `Kind.from_plain(...)`:
artifacts stay readable without this package, and code never asks a dict for a key by heart.
"""

import functools
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, cast, dataclass_transform

from pydantic import ConfigDict, TypeAdapter, ValidationError

from scarcegan.problems import Problem


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """Base of the records, dataclasses without the decorator: `class Known(Record)`."""

    # numpy arrays and pandas frames pass as they are.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    def __init_subclass__(cls, **options: bool) -> None:
        """Make a frozen dataclass of it; options in the class line, such as `eq=False`, are those of `dataclass`."""
        super().__init_subclass__()
        dataclass(frozen=True, **options)(cls)

    def to_plain(self) -> dict[str, Any]:
        """Return the record as dicts, lists, numbers, text and arrays."""
        plain: dict[str, Any] = _adapter(cast(Any, type(self))).dump_python(self)
        return plain

    def to_json(self) -> bytes:
        """Return the record as a file that people read, too; NaN and infinite numbers are a ValueError."""
        return readable_json(self.to_plain()).encode()

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Read what `to_plain` returned; keys that this version does not know are left out.

        Raises:
            Problem: something is missing or of another type, as in an artifact that other code has made.
        """
        try:
            record: Self = _adapter(cast(Any, cls)).validate_python(plain)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or cls.__name__
            raise Problem(
                f"expected a record '{cls.__name__}', got plain data of another shape ({where}: {first['msg']}): other "
                "code has made it; use that version of the code, or make it again"
            ) from error
        return record


BoundMeasure = Literal["recall", "precision", "flagged_share"]
BoundState = Literal["kept", "missed", "cannot be told"]


class Bound(Record):
    """What a test set says of a business definition's bound, from the evaluation to the registry and its tables.

    Attributes:
        measure: recall and precision are bound from below, the flagged share from above.
        value, low, high: of the measure on the test players; each limit holds with `confidence`.
        is_promised: whether validation players could promise it beforehand.
    """

    state: BoundState
    measure: BoundMeasure
    bound: float
    confidence: float
    value: float
    low: float
    high: float
    is_promised: bool


Judgement = Literal["better", "worse", "tie", "too few flagged", "too few risky", "no rival"]


class Comparison(Record):
    """Our measure less the other's with its 95 % interval: recall at our flagged share, or PR-AUC over all thresholds.

    Numbers are None without a rival; 'no rival' is a model of other features or classes as well.
    """

    verdict: Judgement
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    measure: Literal["recall", "pr_auc"] = "recall"


def readable_json(plain: Any) -> str:
    """Return plain data as the text of a file that people read, too; NaN and infinite numbers are a ValueError."""
    return json.dumps(plain, indent=1, allow_nan=False) + "\n"


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
