"""The local registry's tables, and how the file that holds them comes to be."""

import sqlite3
from contextlib import closing
from pathlib import Path

from scarcegan.storage import draft_beside, put_file

SCHEMA_VERSION = 2

_TABLES = f"""
PRAGMA journal_mode = WAL;
CREATE TABLE version (
    group_name TEXT NOT NULL, version INTEGER NOT NULL, token TEXT NOT NULL, definition TEXT NOT NULL,
    release_id TEXT NOT NULL, release_size INTEGER NOT NULL, origin_run_id TEXT NOT NULL,
    run_pathspec TEXT NOT NULL, sha256 TEXT NOT NULL, threshold REAL NOT NULL, constraint_met INTEGER NOT NULL,
    metrics TEXT NOT NULL, metadata TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL,
    against_champion TEXT,
    PRIMARY KEY (group_name, version), UNIQUE (group_name, token)
) STRICT;
CREATE TABLE approval_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Approved', 'Rejected')),
    who TEXT NOT NULL, why TEXT NOT NULL, forced INTEGER NOT NULL, at TEXT NOT NULL
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
"""


def create(database: Path) -> None:
    """Create an empty registry file unless there is one; several processes may try at once.

    It is made elsewhere and put into place: whoever sees it, sees it whole, and the first process wins. (Switching a
    file that others open to the write-ahead log may fail with 'locked'.)
    """
    if database.exists():
        return
    with draft_beside(str(database.parent)) as draft:
        with closing(sqlite3.connect(draft)) as connection:
            connection.executescript(_TABLES)
        put_file(draft, str(database), once=True)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what the first layout lacks, within a writing transaction."""
    if layout(connection) == 1:
        connection.execute("ALTER TABLE version ADD COLUMN against_champion TEXT")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def layout(connection: sqlite3.Connection) -> int:
    """Return the number of a file's layout."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number
