"""The embedded registry: one SQLite file and a folder of archives, safe for several processes on one machine."""

import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from scarcegan.machine import os_user
from scarcegan.problems import Problem, RegistryProblem
from scarcegan.registry import rules
from scarcegan.registry.contract import Choice, Registry
from scarcegan.registry.versions import PENDING, Decision, ModelToRegister, ModelVersion
from scarcegan.storage import draft_beside, is_file, list_names, put_file, require_writable

BUSY_SECONDS = 30.0
SCHEMA_VERSION = 4

# The log is switched on last: what lay in it would be lost with the draft if it could not be copied at the close.
_TABLES = f"""
CREATE TABLE version (
    group_name TEXT NOT NULL, version INTEGER NOT NULL, token TEXT NOT NULL, definition TEXT NOT NULL,
    release_id TEXT NOT NULL, release_size INTEGER NOT NULL, origin_run_id TEXT NOT NULL,
    run_pathspec TEXT NOT NULL, sha256 TEXT NOT NULL, threshold REAL NOT NULL,
    metrics TEXT NOT NULL, metadata TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL,
    against_champion TEXT, bound TEXT, warnings TEXT,
    PRIMARY KEY (group_name, version), UNIQUE (group_name, token)
) STRICT;
CREATE TABLE approval_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Approved', 'Rejected')),
    who TEXT NOT NULL, why TEXT NOT NULL, forced INTEGER NOT NULL, at TEXT NOT NULL,
    identity TEXT NOT NULL DEFAULT '', until TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TRIGGER version_is_kept BEFORE DELETE ON version
    BEGIN SELECT raise(ABORT, 'versions are never deleted'); END;
CREATE TRIGGER version_stays BEFORE UPDATE ON version
    BEGIN SELECT raise(ABORT, 'versions are never changed'); END;
CREATE TRIGGER approval_event_is_kept BEFORE DELETE ON approval_event
    BEGIN SELECT raise(ABORT, 'approval events are never deleted'); END;
CREATE TRIGGER approval_event_stays BEFORE UPDATE ON approval_event
    BEGIN SELECT raise(ABORT, 'approval events are never changed'); END;
PRAGMA user_version = {SCHEMA_VERSION};
PRAGMA journal_mode = WAL;
"""

# What makes each layout the next one.
_CHANGES = (
    ("ALTER TABLE version ADD COLUMN against_champion TEXT",),
    # `constraint_met` told of validation players alone; the archives still say it.
    (
        "ALTER TABLE version DROP COLUMN constraint_met",
        "ALTER TABLE version ADD COLUMN bound TEXT",
        "ALTER TABLE version ADD COLUMN warnings TEXT",
    ),
    (
        "ALTER TABLE approval_event ADD COLUMN identity TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE approval_event ADD COLUMN until TEXT NOT NULL DEFAULT ''",
    ),
)

# Champion is whom the last approval names: its number counts, as a clock that is set back changes nothing.
_VERSIONS = """
SELECT version.*, event.*, coalesce(event.id = max(event.id)
    FILTER (WHERE event.status = 'Approved') OVER (PARTITION BY version.definition), 0) AS is_champion
FROM version LEFT JOIN approval_event AS event ON event.id = (
    SELECT max(id) FROM approval_event AS last
    WHERE last.group_name = version.group_name AND last.version = version.version)
WHERE version.group_name = ? ORDER BY version.version
"""

_INSERT_VERSION = """
INSERT INTO version (
    group_name, version, token, definition, release_id, release_size, origin_run_id, run_pathspec, sha256, threshold,
    metrics, metadata, description, created_at, against_champion, bound, warnings)
VALUES (
    :group_name, (SELECT coalesce(max(version), 0) + 1 FROM version WHERE group_name = :group_name),
    :token, :definition, :release_id, :release_size, :origin_run_id, :run_pathspec, :sha256, :threshold,
    :metrics, :metadata, :description, :created_at, :against_champion, :bound, :warnings)
ON CONFLICT (group_name, token) DO NOTHING
"""

# All columns: earlier layouts lack some.
_EVENTS = "SELECT * FROM approval_event WHERE group_name = ? ORDER BY id"

_INSERT_EVENT = """
INSERT INTO approval_event (group_name, version, status, who, why, forced, at, identity, until)
VALUES (:group_name, :version, :status, :who, :why, :forced, :at, :identity, :until)
"""


class LocalRegistry(Registry):
    """A registry in a folder on a local disk (SQLite's write-ahead log is unsafe on network file systems).

    The first registration makes the folder; several groups share it without seeing each other.
    """

    def __init__(self, folder: Path, group: str) -> None:
        self.group = group
        self.folder = folder
        self._database = folder / "registry.sqlite"
        self._archives = folder / "archives"
        self._reports = str(folder / "reports")

    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Register the models of one release: all of them or none; twice gives the same versions."""
        rules.check_release(models)
        # Before the first archive: archives without this file are those of a registry that is lost.
        self._create()
        for model in models:
            # Before the transaction: a crash in between leaves an archive nobody names, never a version without one.
            rules.keep_archive(model.archive, self._archives, model.sha256)
        with self._writing() as connection:
            for model in models:
                self._insert(connection, model, len(models))
        return self._registered(models)

    def identity(self) -> str:
        """Return the operating system's user."""
        return os_user()

    def require_writable(self) -> None:
        """Raise a Problem unless a release could be registered now."""
        for folder in (self.folder, self._archives):
            require_writable(str(folder))
        if self._exists():
            with self._open() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(f"PRAGMA user_version = {_layout(connection)}")
                connection.execute("ROLLBACK")

    def newest_group(self) -> str:
        """Return the group that a release was registered in last: several share the folder."""
        # By the order of rows: a clock that is set back changes nothing.
        newest = self._rows("SELECT group_name FROM version ORDER BY rowid DESC LIMIT 1")
        return str(newest[0]["group_name"]) if newest else self.group

    def _versions(self) -> list[ModelVersion]:
        return self._read(self._rows(_VERSIONS, self.group))

    def _all_events(self, versions: Sequence[ModelVersion]) -> list[tuple[int, Decision]]:
        numbers, found = {version.version for version in versions}, []
        for row in (row for row in self._rows(_EVENTS, self.group) if row["version"] in numbers):
            try:
                found.append((row["version"], Decision.from_plain(dict(row))))
            except Problem as problem:
                self._leave_out(f"a decision about version {row['version']}", problem)
        return found

    def fetch(self, sha256: str) -> Path:
        """Return the path of the archive with that digest, checked."""
        path = rules.archive_path(self._archives, sha256)
        rules.check_digest(path, sha256)
        return path

    def _put_back(self, archive: Path, sha256: str) -> None:
        rules.keep_archive(archive, self._archives, sha256)

    def _decide(self, choose: Choice, decision: Decision) -> None:
        """Choose and record under one lock: of two processes the second one sees what the first has decided."""
        if not self._exists():
            # Nothing is registered: the choice refuses it in its own words.
            choose([])
            return
        with self._writing() as connection:
            chosen = choose(self._read(connection.execute(_VERSIONS, (self.group,)).fetchall()))
            rows = [decision.to_plain() | {"group_name": self.group, "version": one.version} for one in chosen]
            connection.executemany(_INSERT_EVENT, rows)

    def _insert(self, connection: sqlite3.Connection, model: ModelToRegister, release_size: int) -> None:
        row = vars(model) | {"group_name": self.group, "token": model.token, "release_size": release_size}
        row |= {"threshold": float(model.threshold), "created_at": rules.now()}
        row |= {"metadata": json.dumps(dict(model.metadata)), "warnings": json.dumps(list(model.warnings))}
        row |= {"metrics": json.dumps({name: float(number) for name, number in model.metrics.items()})}
        for name in ("against_champion", "bound"):
            record = getattr(model, name)
            row[name] = record and json.dumps(record.to_plain())
        connection.execute(_INSERT_VERSION, row)

    def _rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        """Return the rows of a query; none while there is no registry."""
        if not self._exists():
            return []
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    def _read(self, rows: Sequence[sqlite3.Row]) -> list[ModelVersion]:
        return self._read_each(
            rows, self._version, lambda row: f"version {row['version']}, {row['status'] or PENDING},"
        )

    def _version(self, row: sqlite3.Row) -> ModelVersion:
        # Its columns are called as the fields; earlier layouts lack some.
        known = dict(row) | {"group": self.group, "status": PENDING}
        for name in ("metrics", "metadata", "against_champion", "bound", "warnings"):
            known[name] = json.loads(known.get(name) or ("[]" if name == "warnings" else "null"))
        location = str(rules.archive_path(self._archives, row["sha256"]))
        version = ModelVersion.from_plain(known | {"location": location})
        return version if row["id"] is None else rules.with_decision(version, Decision.from_plain(dict(row)), row["id"])

    def _exists(self) -> bool:
        """Tell whether there is a registry; a RegistryProblem if it is lost and its archives are still there."""
        if is_file(str(self._database)):
            return True
        kept = list_names(str(self._archives))
        # Asked again: another process may have made the file, and then an archive, in between.
        if kept and not is_file(str(self._database)):
            raise RegistryProblem(
                f"expected the registry's file {self._database} beside its {len(kept)} archives in {self._archives}, "
                "got none: restore it from a backup; to begin a new registry at version 1 on purpose, move the folder "
                "of archives away or name another registry.path"
            )
        return bool(kept)

    def _create(self) -> None:
        """Create an empty registry file unless there is one; several processes may try at once."""
        if self._exists():
            return
        # Made elsewhere and put into place, it is seen whole, and the first process wins. (Switching a file that others
        # open to the write-ahead log may fail with 'locked'.)
        with self._in_words(), draft_beside(str(self._database.parent)) as draft:
            with closing(sqlite3.connect(draft)) as connection:
                connection.executescript(_TABLES)
            put_file(draft, str(self._database), once=True)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            # IMMEDIATE takes the write lock before the first read, so that two processes decide one after the other.
            connection.execute("BEGIN IMMEDIATE")
            try:
                # Under the write lock: one process changes the layout, the next one finds it changed.
                for change in itertools.chain(*_CHANGES[_layout(connection) - 1 :]):
                    connection.execute(change)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                yield connection
            # Ctrl-C too must not leave half of a release.
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # isolation_level=None: transactions begin and end where this file says so.
        opened = partial(sqlite3.connect, self._database, timeout=BUSY_SECONDS, isolation_level=None)
        with self._in_words(), closing(opened()) as connection:
            connection.row_factory = sqlite3.Row
            # A letter that a terminal of another encoding has sent must not hide all versions.
            connection.text_factory = partial(str, encoding="utf-8", errors="replace")
            found = _layout(connection)
            if not 1 <= found <= SCHEMA_VERSION:
                got, mend = (found, "use the scarcegan version that made it") if found else ("none", "restore the file")
                raise RegistryProblem(
                    f"expected registry layout 1 to {SCHEMA_VERSION}, got {got} in {self._database}: {mend}, or choose "
                    "another folder"
                )
            yield connection

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise RegistryProblem(
                f"expected a registry that can be read and written at {self._database}, got: {error}; "
                "try again if another process holds it, free some room if the disk is full, let this user write in its "
                "folder (reading takes that, too), otherwise restore the file or choose another folder"
            ) from error


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
