"""What the storage room asks of S3: one client for the process, and errors that say whether to try again.

boto3 and not obstore, which refuses a whole prefix for one key with an empty segment (`a//b`), cannot remove a
folder's marker (`a/`), and gives one error for an outage and for a refusal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from scarcegan.problems import DataProblem, MissingFile, Problem, StorageOutage

# AWS's ways to say "later" with a status that blames who asks, or with none.
LATER = ("RequestTimeout", "OperationAborted", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown")
GONE = ("404", "NoSuchKey")
AGAIN = "try again later; if it stays so, check the network, the region and the endpoint"
DELETED_AT_ONCE = 1000  # the most that S3 takes
# Seconds without a sign from AWS that end a try: what a slow line still has to send of a large file is silence, too.
SILENCE, SENDING, LARGE = 10, 60, 1 << 16
SILENT_TRIES = 2


def make_client(
    service: str, mode: str = "standard", *, silence: int = SILENCE, tries: int = 10, region: str | None = None
) -> Any:
    """Make a boto3 client from the environment, which gives up early where a server takes a request and says nothing.

    A run of hours outlasts minutes in which AWS is busy or broken; a wrong address or a lost way to it stays silent.
    """
    # Imported here: it takes half a second, and who works on local files does without.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

    def give_up(attempts: int, caught_exception: Exception | None, **_: Any) -> None:
        if attempts >= SILENT_TRIES and isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)):
            raise caught_exception

    retries, waits = {"mode": mode, "max_attempts": tries}, {"connect_timeout": silence, "read_timeout": silence}
    made = boto3.Session().client(service, region_name=region, config=Config(retries=retries, **waits))
    made.meta.events.register("needs-retry", give_up)
    return made


@cache
def client(silence: int = SILENCE) -> Any:
    """Return the process's client, made from the environment; threads may share it."""
    return make_client("s3", silence=silence)


def errors() -> tuple[type[Exception], ...]:
    """Return what boto3 raises where AWS, or what stands in between, does not do what is asked."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError  # a proxy answers instead of AWS

    return Boto3Error, BotoCoreError, ClientError, ResponseParserError


@contextmanager
def asking(location: str, verb: str = "read", **patience: int) -> Iterator[tuple[Any, dict[str, str]]]:
    """Give the client, and the bucket and key of a location as it takes them; errors become problems in words."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise DataProblem(f"expected s3://bucket/prefix, got '{location}': name the bucket")
    try:
        yield client(**patience), {"Bucket": bucket, "Key": key}
    except errors() as error:
        if _code(error) in GONE:
            raise MissingFile(f"expected a file at {location}, got none: check the address") from error
        raise _problem(f"cannot {verb} {location}: {error}", may_pass(error)) from error


def names_below(folder: str, **request: str) -> list[str]:
    """List the keys below a folder, or up to a `Delimiter`, relative to it; the folder's marker is empty."""
    with asking(folder) as (asked, place):
        prefix = _prefix(place)
        pages = asked.get_paginator("list_objects_v2").paginate(Bucket=place["Bucket"], Prefix=prefix, **request)
        return [name.removeprefix(prefix) for name in pages.search("[Contents[].Key, CommonPrefixes[].Prefix][][]")]


def objects_below(folder: str) -> list[tuple[str, int, float]]:
    """List name relative to the folder, bytes and last writing (seconds since 1970) of all objects below it."""
    with asking(folder) as (asked, place):
        prefix = _prefix(place)
        pages = asked.get_paginator("list_objects_v2").paginate(Bucket=place["Bucket"], Prefix=prefix)
        return [
            (item["Key"].removeprefix(prefix), item["Size"], item["LastModified"].timestamp())
            for page in pages
            for item in page.get("Contents", ())
        ]


def is_object(location: str) -> bool:
    """Tell whether there is an object."""
    with asking(location) as (asked, place):
        # Not by HEAD, which cannot tell a missing bucket. A key is listed before the others that begin with it.
        answer = asked.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"], MaxKeys=1)
        return any(item["Key"] == place["Key"] for item in answer.get("Contents", ()))


def etag(location: str) -> str:
    """Return what S3 calls an object's very bytes by: another object, under the same key too, has another one."""
    with asking(location) as (asked, place):
        return str(asked.head_object(**place)["ETag"]).strip('"')


def put(path: Path, location: str, once: bool) -> bool:
    """Write an object, if `once` unless there is one, and tell whether this call wrote it."""
    writer = uuid4().hex
    patience = {"silence": SENDING} if path.stat().st_size > LARGE else {}
    with asking(location, "write", **patience) as (asked, place), path.open("rb") as body:
        try:
            if once:
                asked.put_object(**place, Body=body, IfNoneMatch="*", Metadata={"writer": writer})
            else:
                # This sends a large file in parts; put_object sends one request only.
                asked.upload_fileobj(body, **place)
        except asked.exceptions.ClientError as error:
            # The second: another one is just being written, or removed; S3 does not say whether any is there.
            if _code(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            # It may be this call's own: the client asks again where the answer to its first try is lost.
            there = _writer(asked, place)
            return put(path, location, once) if there is None else there == writer
    return True


def _writer(asked: Any, place: dict[str, str]) -> str | None:
    """Return who wrote an object once, empty where that is not noted; None if it was removed since."""
    try:
        return str(asked.head_object(**place)["Metadata"].get("writer", ""))
    except asked.exceptions.ClientError as error:
        if _code(error) in GONE:
            return None
        raise


def remove_below(folder: str) -> None:
    """Remove all objects below a folder, and its marker."""
    names = names_below(folder)
    with asking(folder, "remove") as (asked, place):
        keys = [{"Key": _prefix(place) + name} for name in names]
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some = {"Objects": keys[start : start + DELETED_AT_ONCE], "Quiet": True}
            for left in asked.delete_objects(Bucket=place["Bucket"], Delete=some).get("Errors", ()):
                told = f"cannot remove {folder}: {left['Key']} is left, {left['Code']}"
                raise _problem(told, left["Code"] in (*LATER, "InternalError"))


def _code(error: Exception) -> str:
    """Return AWS's own word for an error; empty where AWS has not answered."""
    return str((getattr(error, "response", None) or {}).get("Error", {}).get("Code", ""))


def _prefix(place: dict[str, str]) -> str:
    # A bucket's root has no prefix: a lone slash would match no key. But a key may begin with one, as below `b//a`.
    key = place["Key"].rstrip("/")
    return f"{key}/" if key else ""


def _problem(told: str, is_outage: bool) -> Problem:
    if is_outage:
        return StorageOutage(f"{told}; {AGAIN}")
    return DataProblem(f"{told}; check the address, the region and your AWS credentials")


def may_pass(error: Exception) -> bool:
    """Tell an outage, which another try may find over, from what somebody has to mend."""
    from boto3.exceptions import RetriesExceededError
    from botocore import exceptions as botocore

    if isinstance(error, botocore.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        # 5xx is AWS's own trouble; 408 and 429 ask to come back later.
        return status >= 500 or status in (408, 429) or _code(error) in LATER
    lost = (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError, RetriesExceededError)
    # The last two: the job's role is asked for over the network, too.
    return isinstance(error, (*lost, botocore.MetadataRetrievalError, botocore.CredentialRetrievalError))
