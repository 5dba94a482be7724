"""What a check found, and how several are asked at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from scarcegan.problems import Problem

Check = Callable[[], "Finding"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: the thing checked.
        state: 'failed' would stop the run; 'warning' would not, but somebody will be sorry.
        found: what is there.
        advice: what to do; empty when all is well.
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


def run_checks(checks: Sequence[tuple[str, Callable[[], Finding | str]]]) -> list[Finding]:
    """Ask all checks side by side and return their findings in order; a check returns words or a whole finding."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda check: _run(*check), checks))


@contextmanager
def asking_aws(advice: str) -> Iterator[None]:
    """Turn what AWS answers into `Refused`, with this advice."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:  # the last: a proxy answers for AWS
        raise Refused(str(error), advice) from error


def _run(what: str, check: Callable[[], Finding | str]) -> Finding:
    try:
        answer = check()
    except Refused as refused:
        return Finding(what, "failed", *refused.finding)
    except Problem as problem:
        return Finding(what, "failed", str(problem), "see there")
    return replace(answer, what=what) if isinstance(answer, Finding) else Finding(what, "ok", answer)
