"""Where files are: local folders and S3 prefixes, seen alike. A location is a path or an `s3://` address.

Each of these functions raises a StorageOutage where S3 or the way to it is down for longer than it was asked again.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scarcegan.problems import DataProblem, Problem, StorageOutage

# S3's ways to say "later" with a status that blames who asks.
LATER = ("RequestTimeout", "OperationAborted", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown")


def join(folder: str, name: str) -> str:
    """Return the location of `name` inside a folder."""
    return f"{folder.rstrip('/')}/{name}"


def is_s3(location: str) -> bool:
    """Tell whether a location is an `s3://` address."""
    return location.startswith("s3://")


def list_names(folder: str) -> list[str]:
    """List the names of the files and folders directly in a folder, sorted; hidden ones are left out.

    Raises:
        DataProblem: the folder does not exist or cannot be read.
    """
    if is_s3(folder):
        names = _s3_names(folder)
    else:
        with _local_errors(folder):
            names = [entry.name for entry in _path(folder).iterdir()]
    return sorted(name for name in names if not _is_hidden(name))


def is_folder(location: str) -> bool:
    """Tell whether there is a folder, or anything under an S3 prefix.

    Raises:
        DataProblem: the bucket cannot be read.
    """
    if not is_s3(location):
        return _path(location).is_dir()
    prefix = f"{_bucket_and_key(location)[1].rstrip('/')}/".lstrip("/")
    with _s3_client(location) as client:
        found = client.list_objects_v2(Bucket=_bucket_and_key(location)[0], Prefix=prefix, MaxKeys=1)
        return bool(found["KeyCount"])


def is_file(location: str) -> bool:
    """Tell whether there is a file.

    Raises:
        DataProblem: the bucket cannot be read.
    """
    if not is_s3(location):
        return _path(location).is_file()
    key = _bucket_and_key(location)[1]
    return key in [item["Key"] for page in _s3_pages(location, Prefix=key) for item in page.get("Contents", ())]


def find_parts(location: str) -> list[str]:
    """Return the location itself if it is a file, or the files in and below it, sorted.

    Names that begin with `.` or `_` (`_SUCCESS`, for instance) are left out.

    Raises:
        DataProblem: nothing is there, or it cannot be read.
    """
    found = _s3_parts(location) if is_s3(location) else _local_parts(location)
    if not found:
        raise DataProblem(
            f"expected a file or a folder of parts at {location}, found nothing: check the path and its files"
        )
    return found


@contextmanager
def local_file(location: str) -> Iterator[Path]:
    """Give a local path to read a file from: the file itself, or a temporary copy of an S3 object.

    Raises:
        DataProblem: the object cannot be fetched.
    """
    if not is_s3(location):
        yield _path(location)
        return
    bucket, key = _bucket_and_key(location)
    with tempfile.TemporaryDirectory(prefix="scarcegan-") as folder:
        path = Path(folder, Path(key).name)
        with _s3_client(location) as client:
            client.download_file(bucket, key, str(path))
        yield path


@contextmanager
def draft_beside(folder: str) -> Iterator[Path]:
    """Give a local path to write a file to that `put_file` then moves into the folder; else it is forgotten.

    Raises:
        DataProblem: the folder cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix=".scarcegan-", dir=_made(folder)) as scratch:
        yield Path(scratch, "draft")


def put_file(draft: Path, location: str) -> None:
    """Move a file from `draft_beside` to its location, where it appears whole or not at all; folders are made.

    Raises:
        DataProblem: the location cannot be written.
    """
    if is_s3(location):
        bucket, key = _bucket_and_key(location)
        with _s3_client(location, "write") as client:
            client.upload_file(str(draft), bucket, key)
    else:
        with _local_errors(location, "write"):
            _path(location).parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft, _path(location))


def write_once(location: str, content: bytes) -> bool:
    """Write a small file unless there is one; of several writers at once exactly one is told True.

    Raises:
        DataProblem: the location cannot be written.
    """
    if is_s3(location):
        return _s3_put_once(location, content)
    with draft_beside(str(Path(location).parent)) as draft, _local_errors(location, "write"):
        draft.write_bytes(content)
        try:
            os.link(draft, _path(location))
        except FileExistsError:
            return False
    return True


def read_bytes(location: str) -> bytes:
    """Return the content of a small file.

    Raises:
        DataProblem: it is not there or cannot be read.
    """
    with local_file(location) as path, _local_errors(location):
        return path.read_bytes()


def remove(location: str) -> None:
    """Remove a file; one that is not there is no problem.

    Raises:
        DataProblem: it cannot be removed.
    """
    if not is_s3(location):
        with _local_errors(location, "remove"):
            _path(location).unlink(missing_ok=True)
        return
    bucket, key = _bucket_and_key(location)
    with _s3_client(location, "remove") as client:
        client.delete_object(Bucket=bucket, Key=key)


def remove_folder(folder: str) -> None:
    """Remove a folder with all that is in it; one that is not there is no problem.

    Raises:
        DataProblem: it cannot be removed.
    """
    if not is_folder(folder):
        return
    if not is_s3(folder):
        with _local_errors(folder, "remove"):
            shutil.rmtree(_path(folder))
        return
    for file in find_parts(folder):
        remove(file)


def _path(location: str) -> Path:
    """Return the path of a local location; `~` is one's home, whatever is done there."""
    return Path(location).expanduser()


def _made(folder: str) -> Path | None:
    """Make a local folder, so that a rename into it is atomic; None for S3: a draft may be anywhere."""
    if is_s3(folder):
        return None
    with _local_errors(folder, "write"):
        _path(folder).mkdir(parents=True, exist_ok=True)
    return _path(folder)


def _s3_put_once(location: str, content: bytes) -> bool:
    from botocore.exceptions import ClientError

    bucket, key = _bucket_and_key(location)
    with _s3_client(location, "write") as client:
        try:
            client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            # Both mean that somebody else's file is there, or is just being written.
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
    return True


def _local_parts(location: str) -> list[str]:
    path = _path(location)
    with _local_errors(location):
        # stat() tells what is wrong with a path; is_file() would only say no.
        path.stat()
        if path.is_file():
            return [str(path)]
        files = [file.relative_to(path) for file in path.rglob("*") if file.is_file()]
    return [str(path / file) for file in sorted(files) if not any(map(_is_hidden, file.parts))]


def _s3_parts(location: str) -> list[str]:
    bucket, key = _bucket_and_key(location)
    prefix = f"{key.rstrip('/')}/" if key else ""
    keys = [item["Key"] for page in _s3_pages(location, Prefix=prefix) for item in page.get("Contents", ())]
    below = [item for item in sorted(keys) if not any(map(_is_hidden, item.removeprefix(prefix).split("/")))]
    if below or not key:
        return [f"s3://{bucket}/{item}" for item in below]
    same = [item["Key"] for page in _s3_pages(location, Prefix=key) for item in page.get("Contents", ())]
    return [location] if key in same else []


def _s3_names(folder: str) -> list[str]:
    _, key = _bucket_and_key(folder)
    prefix = f"{key.rstrip('/')}/" if key else ""
    names = []
    for page in _s3_pages(folder, Prefix=prefix, Delimiter="/"):
        names += [item["Key"] for item in page.get("Contents", ())]
        names += [item["Prefix"] for item in page.get("CommonPrefixes", ())]
    if not names:
        raise DataProblem(f"expected a folder at {folder}, found nothing: check the bucket and the prefix")
    return [name.removeprefix(prefix).rstrip("/") for name in names]


def _s3_pages(location: str, **request: str) -> list[Any]:
    with _s3_client(location) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=_bucket_and_key(location)[0], **request)
        return list(pages)


@contextmanager
def _s3_client(location: str, verb: str = "read") -> Iterator[Any]:
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    # A run of hours outlasts minutes in which S3 is busy or broken.
    patient = Config(retries={"mode": "standard", "max_attempts": 10})
    try:
        yield boto3.client("s3", config=patient)
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise _s3_problem(error, f"cannot {verb} {location}: {error}") from error


def _s3_problem(error: Exception, what: str) -> Problem:
    if _may_pass(error):
        return StorageOutage(f"{what}; try again later; if it stays so, check the network, the region and the endpoint")
    return DataProblem(f"{what}; check the address, the region and your AWS credentials")


def _may_pass(error: BaseException | None) -> bool:
    """Tell an outage, which another try may find over, from what somebody has to mend."""
    from boto3.exceptions import RetriesExceededError, S3UploadFailedError
    from botocore import exceptions as botocore

    if isinstance(error, S3UploadFailedError):
        error = error.__context__  # boto3 keeps of the answer no more than its text
    if isinstance(error, botocore.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return not 400 <= status < 500 or status in (408, 429) or error.response["Error"]["Code"] in LATER
    lost = (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError, RetriesExceededError)
    # The last two: the job's role is asked for over the network, too.
    return isinstance(error, (*lost, botocore.MetadataRetrievalError, botocore.CredentialRetrievalError))


@contextmanager
def _local_errors(location: str, verb: str = "read") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataProblem(f"cannot {verb} {location}: {error.strerror}; check the path and its permissions") from error


def _bucket_and_key(location: str) -> tuple[str, str]:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise DataProblem(f"expected s3://bucket/prefix, got '{location}': name the bucket")
    return bucket, key


def _is_hidden(name: str) -> bool:
    return not name or name.startswith((".", "_"))
