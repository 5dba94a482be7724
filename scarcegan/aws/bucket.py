"""What SageMaker's registry leaves to S3: the archives, kept by content, and every decision ever taken."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scarcegan.problems import DataProblem, MissingFile, Problem, RegistryProblem
from scarcegan.registry.rules import REPAIR, archive_path, check_digest, keep_archive
from scarcegan.registry.versions import Decision
from scarcegan.storage import find_bytes, join, list_names, local_file, put_file, remove, write_bytes
from scarcegan.storage.s3 import etag


class Bucket:
    """A prefix `s3://bucket/prefix`; fetched archives are kept in the folder `cache`."""

    def __init__(self, prefix: str, cache: Path) -> None:
        if not prefix.removeprefix("s3://").strip("/") or not prefix.startswith("s3://"):
            raise RegistryProblem(
                f"expected registry.archives = 's3://bucket/prefix' for SageMaker, got '{prefix}': set it"
            )
        self._prefix, self._cache = prefix, cache
        self.archives, self.reports = join(prefix, "archives"), join(prefix, "reports")

    def uri(self, sha256: str) -> str:
        """Return where the archive with that digest lies, or would lie."""
        return join(self.archives, f"{sha256}/model.tar.gz")

    def keep(self, archive: Path, sha256: str) -> str:
        """Upload a checked archive as `put_back` does, and return the object's ETag."""
        self.put_back(archive, sha256)
        return etag(self.uri(sha256))

    def fetch(self, sha256: str) -> Path:
        """Return a local path of an archive with that digest: fetched before, or the bucket's."""
        kept = archive_path(self._cache, sha256)
        with suppress(RegistryProblem):
            check_digest(kept, sha256)
            return kept
        with self._whole(sha256) as fetched:
            return keep_archive(fetched, self._cache, sha256)

    def verify(self, sha256: str) -> None:
        """Raise a Problem unless the bucket's own object has that digest, whatever was fetched before."""
        with self._whole(sha256):
            pass

    @contextmanager
    def _whole(self, sha256: str) -> Iterator[Path]:
        """Give a checked copy of the bucket's own object; where that is gone or changed, say how it comes back."""
        location = self.uri(sha256)
        try:
            with local_file(location) as fetched:
                check_digest(fetched, sha256, location)
                yield fetched
        except MissingFile as problem:
            raise RegistryProblem(f"expected an archive at {location}, got none: {REPAIR}") from problem

    def put_back(self, archive: Path, sha256: str) -> None:
        """Upload a checked archive where there is none, or in the place of a damaged one if S3 permits that."""
        if put_file(archive, self.uri(sha256), once=True):
            return
        try:
            self.verify(sha256)
        except RegistryProblem as damaged:
            try:
                remove(self.uri(sha256))
            except DataProblem as problem:
                raise RegistryProblem(f"{damaged}; first {problem}") from problem
            # Written as before, in one request: packages name the object's ETag, which tells how it was written.
            put_file(archive, self.uri(sha256), once=True)

    def record(self, group: str, version: int, decision: Decision) -> None:
        """Add a decision to a version's record; the same one twice is one entry."""
        said = json.dumps(decision.to_plain(), ensure_ascii=False)
        # Named by its moment: names in order are decisions in order.
        write_bytes(join(self._decisions(group, version), f"{decision.at}.json"), said.encode())

    def recorded(self, group: str, version: int) -> tuple[list[Decision], dict[str, Exception]]:
        """Return the recorded decisions about a version, oldest first, and by place those that cannot be read."""
        folder, found, unread = self._decisions(group, version), list[Decision](), dict[str, Exception]()
        for place in (join(folder, name) for name in list_names(folder)):
            said = find_bytes(place) or b""
            try:
                found.append(Decision.from_plain(json.loads(said)))
            except (ValueError, Problem, RecursionError) as error:
                unread[place] = error
        return found, unread

    def _decisions(self, group: str, version: int) -> str:
        return join(self._prefix, f"decisions/{group}/{version}")
