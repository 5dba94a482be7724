"""How a check of the account warns or says no, and how AWS is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from scarcegan.problems import Outage, Problem
from scarcegan.storage.s3 import AGAIN, errors, make_client, may_pass


class Doubt(NamedTuple):
    """What a check returns that warns: what it found, and what to do. One that finds nothing amiss returns words."""

    found: str
    advice: str


class Refused(Exception):
    """Raised inside a check to end it with what was found and what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.told = Doubt(found, advice)


@contextmanager
def asking_aws(advice: str) -> Iterator[None]:
    """Turn an error of AWS into `Refused`, with this advice unless another try may find it over."""
    try:
        yield
    except errors() as error:
        raise Refused(str(error), AGAIN if may_pass(error) else advice) from error


@contextmanager
def expecting_aws(to: str, kind: type[Problem]) -> Iterator[None]:
    """Turn an error of AWS into a problem that says what AWS was expected to do: an Outage if it may pass, as S3's."""
    try:
        yield
    except errors() as error:
        expected = f"expected AWS to {to}, got: {error}"
        if may_pass(error):
            raise Outage(f"{expected}; {AGAIN}") from error
        raise kind(f"{expected}; check credentials, region and permissions, then try again") from error


def patient_client(service: str) -> Any:
    """Make a boto3 client that waits for the account's rate where others ask as well, and does not fail."""
    return make_client(service, "adaptive")
