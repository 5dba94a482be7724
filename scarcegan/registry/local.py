"""The embedded registry: one SQLite file and a folder of archives, safe for several processes on one machine."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.registry.archives import archive_path, keep_archive
from scarcegan.registry.contract import Decision, ModelToRegister, ModelVersion
from scarcegan.registry.database import SCHEMA_VERSION, create

BUSY_SECONDS = 30.0

_VERSIONS = """
SELECT version.*, event.id AS event_id, event.status, event.who, event.why, event.at
FROM version LEFT JOIN approval_event AS event ON event.id = (
    SELECT max(id) FROM approval_event AS last
    WHERE last.group_name = version.group_name AND last.version = version.version)
WHERE version.group_name = ? ORDER BY version.version
"""

_INSERT_VERSION = """
INSERT INTO version VALUES (
    :group_name, (SELECT coalesce(max(version), 0) + 1 FROM version WHERE group_name = :group_name),
    :token, :definition, :release_id, :release_size, :origin_run_id, :run_pathspec, :sha256, :threshold,
    :constraint_met, :metrics, :metadata, :description, :created_at)
"""

_INSERT_EVENT = """
INSERT INTO approval_event (group_name, version, status, who, why, forced, at)
VALUES (:group_name, :version, :status, :who, :why, :forced, :at)
"""


class LocalRegistry:
    """A registry in a folder on a local disk (SQLite's write-ahead log is unsafe on network file systems).

    Args:
        folder: holds `registry.sqlite` and `archives/`; made by the first registration.
        group: model package group; several share one folder without seeing each other.
    """

    def __init__(self, folder: Path, group: str) -> None:
        self.folder = folder
        self.group = group
        self._database = folder / "registry.sqlite"
        self._archives = folder / "archives"

    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Register the models of one release: all of them or none; twice gives the same versions."""
        rules.check_release(models)
        for model in models:
            # Before the transaction: a crash in between leaves an archive nobody names, never a version without one.
            keep_archive(model.archive, self._archives, model.sha256)
        create(self._database)
        with self._writing() as connection:
            for model in models:
                self._insert(connection, model, len(models))
        by_token = {version.token: version for version in self.versions()}
        return [by_token[model.token] for model in models]

    def versions(self, *, release_id: str | None = None) -> list[ModelVersion]:
        """Return all versions, or those of one release, oldest first; none before the first registration."""
        if not self._database.exists():
            return []
        with self._open() as connection:
            versions = self._read(connection)
        return [version for version in versions if release_id in (None, version.release_id)]

    def show(self, version: int) -> ModelVersion:
        """Return one version."""
        return rules.find(self.versions(), version)

    def events(self, version: int) -> list[Decision]:
        """Return the decisions about one version, oldest first."""
        self.show(version)
        query = "SELECT * FROM approval_event WHERE group_name = ? AND version = ? ORDER BY id"
        with self._open() as connection:
            rows = connection.execute(query, (self.group, version)).fetchall()
        return [Decision(row["status"], row["who"], row["why"], row["at"], forced=bool(row["forced"])) for row in rows]

    def approve(self, *versions: int, who: str, why: str, force: bool = False) -> list[ModelVersion]:
        """Approve versions, all or none: each becomes the champion of its definition."""
        decision = rules.decide("Approved", who, why, forced=force)
        for version in versions:
            self.fetch_archive(version)
        with self._writing() as connection:
            known = self._read(connection)
            for number in versions:
                rules.check_complete(rules.find(known, number), known, force=force)
            self._record(connection, versions, decision)
        after = self.versions()
        return [rules.find(after, version) for version in versions]

    def reject(self, *versions: int, who: str, why: str) -> list[ModelVersion]:
        """Reject versions, all or none; a rejected champion gives its place back to the one before."""
        decision = rules.decide("Rejected", who, why)
        chosen = [self.show(version).version for version in versions]
        with self._writing() as connection:
            self._record(connection, chosen, decision)
        after = self.versions()
        return [rules.find(after, version) for version in versions]

    def rollback(self, *, who: str, why: str, release_id: str | None = None, force: bool = False) -> list[ModelVersion]:
        """Withdraw a release (by default the one approved last) and return the champions there are then."""
        decision = rules.decide("Rejected", who, why, forced=force)
        if self._database.exists():
            with self._writing() as connection:
                withdrawn = rules.rollback_plan(self._read(connection), release_id, force=force)
                self._record(connection, [version.version for version in withdrawn], decision)
        else:
            rules.rollback_plan([], release_id, force=force)
        return [version for version in self.versions() if version.is_champion]

    def champion(self, definition: str) -> ModelVersion | None:
        """Return the champion of a business definition, or None while none is approved."""
        champions = [version for version in self.versions() if version.is_champion]
        return next((version for version in champions if version.definition == definition), None)

    def fetch_archive(self, version: int) -> Path:
        """Return the path of a version's archive, its digest checked."""
        sha256 = self.show(version).sha256
        rules.check_digest(archive_path(self._archives, sha256), sha256)
        return archive_path(self._archives, sha256)

    def _insert(self, connection: sqlite3.Connection, model: ModelToRegister, release_size: int) -> None:
        known = "SELECT 1 FROM version WHERE group_name = ? AND token = ?"
        if connection.execute(known, (self.group, model.token)).fetchone():
            return
        row: dict[str, Any] = {
            name: getattr(model, name)
            for name in ("token", "definition", "release_id", "origin_run_id", "run_pathspec", "sha256")
        }
        row |= {"group_name": self.group, "release_size": release_size, "created_at": rules.now()}
        row |= {"threshold": float(model.threshold), "constraint_met": int(model.constraint_met)}
        metrics = {name: float(number) for name, number in model.metrics.items()}
        row |= {"metrics": json.dumps(metrics), "metadata": json.dumps(dict(model.metadata))}
        connection.execute(_INSERT_VERSION, row | {"description": model.description})

    def _record(self, connection: sqlite3.Connection, versions: Sequence[int], decision: Decision) -> None:
        rows = [asdict(decision) | {"group_name": self.group, "version": number} for number in versions]
        connection.executemany(_INSERT_EVENT, rows)

    def _read(self, connection: sqlite3.Connection) -> list[ModelVersion]:
        rows = connection.execute(_VERSIONS, (self.group,)).fetchall()
        # The event's number, not its time: a clock that is set back changes no champion.
        last = {row["definition"]: 0 for row in rows}
        for row in rows:
            if row["status"] == "Approved":
                last[row["definition"]] = max(last[row["definition"]], row["event_id"])
        return [
            replace(
                self._version(row),
                is_champion=row["status"] == "Approved" and row["event_id"] == last[row["definition"]],
            )
            for row in rows
        ]

    def _version(self, row: sqlite3.Row) -> ModelVersion:
        return ModelVersion(
            version=row["version"],
            group=row["group_name"],
            definition=row["definition"],
            status=row["status"] or "PendingManualApproval",
            is_champion=False,
            threshold=row["threshold"],
            constraint_met=bool(row["constraint_met"]),
            release_id=row["release_id"],
            release_size=row["release_size"],
            origin_run_id=row["origin_run_id"],
            run_pathspec=row["run_pathspec"],
            metrics=json.loads(row["metrics"]),
            metadata=json.loads(row["metadata"]),
            description=row["description"],
            location=str(archive_path(self._archives, row["sha256"])),
            sha256=row["sha256"],
            token=row["token"],
            created_at=row["created_at"],
            decided_at=row["at"] or "",
            decided_by=row["who"] or "",
            reason=row["why"] or "",
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            # IMMEDIATE takes the write lock before the first read, so that two processes decide one after the other.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            # isolation_level=None: transactions begin and end where this file says so.
            with closing(sqlite3.connect(self._database, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found != SCHEMA_VERSION:
                    raise RegistryProblem(
                        f"expected registry layout {SCHEMA_VERSION}, got {found} in {self._database}: "
                        "use the scarcegan version that made it, or another folder"
                    )
                yield connection
        except sqlite3.Error as error:
            raise RegistryProblem(
                f"expected a registry that can be read and written at {self._database}, got: {error}; "
                "try again if another process holds it, otherwise restore the file or choose another folder"
            ) from error
