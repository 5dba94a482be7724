"""What SageMaker's registry leaves to S3: the archives, kept by content, and every decision ever taken."""

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scarcegan.problems import RegistryProblem
from scarcegan.registry.archives import ArchiveFolder
from scarcegan.registry.versions import Decision


class Bucket:
    """A prefix in S3.

    Args:
        prefix: `s3://bucket/prefix`.
        client: boto3's S3 client.
        cache: folder for fetched archives.
    """

    def __init__(self, prefix: str, client: Any, cache: Path) -> None:
        name, _, path = prefix.removeprefix("s3://").partition("/")
        if not prefix.startswith("s3://") or not name:
            raise RegistryProblem(
                f"expected registry.archives = 's3://bucket/prefix' for SageMaker, got '{prefix}': set it"
            )
        self._name, self._path, self._client = name, path.strip("/"), client
        self._cache = ArchiveFolder(cache)

    def uri(self, sha256: str) -> str:
        """Return where the archive with that digest lies, or would lie."""
        return f"s3://{self._name}/{self._archive_key(sha256)}"

    def keep(self, archive: Path, sha256: str) -> None:
        """Upload an archive unless it is there; S3 shows an object whole or not at all."""
        key = self._archive_key(sha256)
        try:
            self._client.head_object(Bucket=self._name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
                raise
            self._client.put_object(Bucket=self._name, Key=key, Body=archive.read_bytes())

    def keep_report(self, text: str) -> tuple[str, str]:
        """Keep a report by its content and return its URI and its digest, `sha256:<hex>`."""
        body = text.encode()
        sha256 = hashlib.sha256(body).hexdigest()
        key = "/".join(filter(None, [self._path, "reports", f"{sha256}.json"]))
        self._client.put_object(Bucket=self._name, Key=key, Body=body, ContentType="application/json")
        return f"s3://{self._name}/{key}", f"sha256:{sha256}"

    def fetch(self, sha256: str) -> Path:
        """Return a local path of an archive, its digest checked.

        Raises:
            RegistryProblem: it was changed.
        """
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as fetched:
            self._client.download_fileobj(self._name, self._archive_key(sha256), fetched)
            fetched.flush()
            self._cache.keep(Path(fetched.name), sha256)
        return self._cache.fetch(sha256)

    def record(self, group: str, version: int, decision: Decision) -> None:
        """Add a decision to a version's record; the same one twice is one entry."""
        key = self._record_key(group, version) + f"{decision.at}.json"
        body = json.dumps(asdict(decision), ensure_ascii=False).encode()
        self._client.put_object(Bucket=self._name, Key=key, Body=body)

    def recorded(self, group: str, version: int) -> list[Decision]:
        """Return the recorded decisions about a version, oldest first."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=self._record_key(group, version)
        )
        keys = sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))
        bodies = [self._client.get_object(Bucket=self._name, Key=key)["Body"] for key in keys]
        return [Decision(**json.loads(body.read())) for body in bodies]

    def _archive_key(self, sha256: str) -> str:
        return "/".join(filter(None, [self._path, "archives", sha256, "model.tar.gz"]))

    def _record_key(self, group: str, version: int) -> str:
        return "/".join(filter(None, [self._path, "decisions", group, str(version)])) + "/"
