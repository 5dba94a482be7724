"""Settings of what people find out: where it is kept, what their decisions mean, when one is a label."""

from typing import Annotated, Literal

from pydantic import Field

from scarcegan.settings.section import Positive, Section

Meaning = Literal["risky", "harmless", "undecided"]
DECISIONS: dict[str, Meaning] = {"risky": "risky", "harmless": "harmless", "undecided": "undecided"}


class Outcomes(Section):
    """What reviewers decide of players, and when their decisions make a label."""

    folder: str = ""
    """Where outcomes are kept, local or `s3://`; empty: `.scarcegan/outcomes` in the project."""
    decisions: Annotated[dict[str, Meaning], Field(min_length=1)] = DECISIONS
    """What reviewers may decide, and whether that means `risky`, `harmless` or `undecided`."""
    agreeing: Positive = 1
    """Reviewers who must agree, and be the majority of those who have decided, before a decision is a label."""
