"""A row that was added by hand, in a terminal of another encoding, takes no list down."""

import sqlite3
from contextlib import closing

from scarcegan.registry.local import LocalRegistry


def test_letters_that_are_no_utf8_are_shown_as_such(tmp_path, make_release):
    registry = LocalRegistry(tmp_path / "registry", "risky-players")
    registry.register_release(make_release())
    registry.approve(1, who="rita", why="finds more")
    with closing(sqlite3.connect(tmp_path / "registry" / "registry.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO approval_event (group_name, version, status, who, why, forced, at) VALUES "
            "('risky-players', 2, 'Approved', 'rita', CAST(? AS TEXT), 0, '2026-01-01T00:00:00')",
            ["geprüft".encode("latin-1")],
        )
    assert [one.is_champion for one in registry.versions()] == [True, True, False, False]
    assert [one.why for one in registry.decisions()] == ["finds more", "gepr\N{REPLACEMENT CHARACTER}ft"]
