"""What every section of the settings is made of."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, NamedTuple, Self, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]


def _iso_date(text: str) -> str:
    try:
        return text and date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("expected a date such as 2023-04-13") from None


# Empty: not set. `20260101` is a date too, and TOML's own without quotes: written with hyphens, dates compare as text.
IsoDate = Annotated[str, BeforeValidator(str), AfterValidator(_iso_date)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Section(BaseModel):
    """A table of settings: unknown keys are refused, and nothing changes once it is read."""

    # A field's docstring is its description, of which docs/configuration.md is made.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if told := list(self._faults()):
            raise ValueError("\n".join(told))
        return self

    def _faults(self) -> Iterator[str]:
        """Say what of its keys cannot be meant together; none by default."""
        yield from ()


class Key(NamedTuple):
    """A dotted key with its documentation and its default; `section` has it as a field."""

    name: str
    meaning: str
    default: Any
    section: type[Section]
    is_table: bool


def keys_of(section: type[Section], prefix: str = "", defaults: Section | None = None) -> Iterator[Key]:
    """Yield the keys below a section in the tree's order; of tables those that have words of their own."""
    for name, field in section.model_fields.items():
        # A list of tables, such as [[definitions]], or tables by a name of the user's, such as [data.tables].
        listed = get_origin(field.annotation) in (tuple, dict)
        inner = get_args(field.annotation)[get_origin(field.annotation) is dict] if listed else field.annotation
        is_table = isinstance(inner, type) and issubclass(inner, Section)
        # A table's default may differ from its class's: roles are empty where only others are named.
        default = getattr(defaults, name, field.get_default(call_default_factory=True))
        if field.description or not is_table:
            yield Key(prefix + name, field.description or "", default, section, is_table)
        if is_table:
            below = f"{prefix}{name}.NAME." if isinstance(default, dict) else f"{prefix}{name}."
            yield from keys_of(cast(type[Section], inner), below, None if listed else default)
