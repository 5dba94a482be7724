"""The local registry in a folder that its user may read and not write."""

import sqlite3

import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.registry.local import LocalRegistry


def test_who_may_not_write_beside_the_registrys_file_is_told_that_reading_takes_it_too(
    tmp_path, make_release, monkeypatch
):
    registry = LocalRegistry(tmp_path, "shelf")
    registry.register_release(make_release())

    def refuse(*_, **__):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(
        RegistryProblem, match=r"readonly database; .*let this user write in its folder \(reading takes"
    ):
        registry.versions()
