"""The embedded registry: one SQLite file and a folder of archives, safe for several processes on one machine."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.registry.archives import archive_path, keep_archive
from scarcegan.registry.contract import Choice, Registry
from scarcegan.registry.database import SCHEMA_VERSION, bring_up_to_date, create, layout
from scarcegan.registry.versions import AgainstChampion, Decision, ModelToRegister, ModelVersion

BUSY_SECONDS = 30.0
# Columns that are fields of a model as they are.
_PLAIN = ("definition", "release_id", "origin_run_id", "run_pathspec", "sha256", "description")

# Champion is whom the last approval names: its number counts, as a clock that is set back changes nothing.
_VERSIONS = """
WITH known AS (
    SELECT version.*, event.id AS event_id, event.status, event.who, event.why, event.at
    FROM version LEFT JOIN approval_event AS event ON event.id = (
        SELECT max(id) FROM approval_event AS last
        WHERE last.group_name = version.group_name AND last.version = version.version)
    WHERE version.group_name = ?)
SELECT *, coalesce(event_id = max(event_id) FILTER (WHERE status = 'Approved') OVER (PARTITION BY definition), 0)
    AS is_champion
FROM known ORDER BY version
"""

_INSERT_VERSION = """
INSERT INTO version VALUES (
    :group_name, (SELECT coalesce(max(version), 0) + 1 FROM version WHERE group_name = :group_name),
    :token, :definition, :release_id, :release_size, :origin_run_id, :run_pathspec, :sha256, :threshold,
    :constraint_met, :metrics, :metadata, :description, :created_at, :against_champion)
"""

_INSERT_EVENT = """
INSERT INTO approval_event (group_name, version, status, who, why, forced, at)
VALUES (:group_name, :version, :status, :who, :why, :forced, :at)
"""


class LocalRegistry(Registry):
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

    def events(self, version: int) -> list[Decision]:
        """Return the decisions about one version, oldest first."""
        self.show(version)
        query = "SELECT * FROM approval_event WHERE group_name = ? AND version = ? ORDER BY id"
        with self._open() as connection:
            rows = connection.execute(query, (self.group, version)).fetchall()
        return [Decision(row["status"], row["who"], row["why"], row["at"], forced=bool(row["forced"])) for row in rows]

    def _versions(self) -> list[ModelVersion]:
        """Read all versions; none before the first registration."""
        if not self._database.exists():
            return []
        with self._open() as connection:
            return self._read(connection)

    def _fetch(self, sha256: str) -> Path:
        """Return the path of an archive, its digest checked."""
        path = archive_path(self._archives, sha256)
        rules.check_digest(path, sha256)
        return path

    def _decide(self, choose: Choice, decision: Decision) -> None:
        """Choose and record under one lock: of two processes the second one sees what the first has decided."""
        if not self._database.exists():
            choose([])
            return
        with self._writing() as connection:
            chosen = choose(self._read(connection))
            rows = [asdict(decision) | {"group_name": self.group, "version": one.version} for one in chosen]
            connection.executemany(_INSERT_EVENT, rows)

    def _insert(self, connection: sqlite3.Connection, model: ModelToRegister, release_size: int) -> None:
        known = "SELECT 1 FROM version WHERE group_name = ? AND token = ?"
        if connection.execute(known, (self.group, model.token)).fetchone():
            return
        row: dict[str, Any] = {name: getattr(model, name) for name in _PLAIN} | {"token": model.token}
        row |= {"group_name": self.group, "release_size": release_size, "created_at": rules.now()}
        row |= {"threshold": float(model.threshold), "constraint_met": int(model.constraint_met)}
        metrics = {name: float(number) for name, number in model.metrics.items()}
        row |= {"metrics": json.dumps(metrics), "metadata": json.dumps(dict(model.metadata))}
        against = model.against_champion and json.dumps(model.against_champion.to_plain())
        connection.execute(_INSERT_VERSION, row | {"against_champion": against})

    def _read(self, connection: sqlite3.Connection) -> list[ModelVersion]:
        return [self._version(row) for row in connection.execute(_VERSIONS, (self.group,))]

    def _version(self, row: sqlite3.Row) -> ModelVersion:
        stored = dict(row)
        against = stored.get("against_champion")  # the first layout lacks it
        return ModelVersion(
            **{name: stored[name] for name in (*_PLAIN, "version", "token", "release_size", "threshold", "created_at")},
            group=stored["group_name"],
            status=stored["status"] or "PendingManualApproval",
            is_champion=bool(stored["is_champion"]),
            constraint_met=bool(stored["constraint_met"]),
            metrics=json.loads(stored["metrics"]),
            metadata=json.loads(stored["metadata"]),
            against_champion=AgainstChampion.from_plain(json.loads(against)) if against else None,
            location=str(archive_path(self._archives, stored["sha256"])),
            decided_at=stored["at"] or "",
            decided_by=stored["who"] or "",
            reason=stored["why"] or "",
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            # IMMEDIATE takes the write lock before the first read, so that two processes decide one after the other.
            connection.execute("BEGIN IMMEDIATE")
            try:
                bring_up_to_date(connection)
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
                found = layout(connection)
                if not 1 <= found <= SCHEMA_VERSION:
                    raise RegistryProblem(
                        f"expected registry layout 1 to {SCHEMA_VERSION}, got {found} in {self._database}: "
                        "use the scarcegan version that made it, or another folder"
                    )
                yield connection
        except sqlite3.Error as error:
            raise RegistryProblem(
                f"expected a registry that can be read and written at {self._database}, got: {error}; "
                "try again if another process holds it, otherwise restore the file or choose another folder"
            ) from error
