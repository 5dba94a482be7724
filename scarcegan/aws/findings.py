"""What a check of the account finds, and how a check says no."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line of the preflight's report.

    Attributes:
        what: the thing checked.
        state: 'failed' stops the run; 'warning' does not stop it, but the user is told.
        found: what is there.
        advice: what to do; empty when all is well or `found` says it already.
    """

    what: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


class Refused(Exception):
    """Raised inside a check to end it with what was found and what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.finding = (found, advice)


@contextmanager
def asking_aws(advice: str) -> Iterator[None]:
    """Turn an error of AWS into `Refused`, with this advice."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:  # the last: a proxy answers instead of AWS
        raise Refused(str(error), advice) from error
