import itertools
import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager

import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.registry.local import LocalRegistry
from scarcegan.registry.rules import keep_archive

REVIEW = {"who": "rita", "why": "good"}
# Processes of their own, forked from one that has imported what they need and opened nothing.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", "scarcegan.registry.local"])


@pytest.fixture(scope="module")
def eight():
    """Eight processes that are up before the first of them gets work, so that they meet."""
    together = PROCESSES.Barrier(8)
    with ProcessPoolExecutor(8, mp_context=PROCESSES, initializer=together.wait) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "registry"


@pytest.fixture
def registry(folder):
    return LocalRegistry(folder, "players")


def register(folder, models):
    return [version.version for version in LocalRegistry(folder, "players").register_release(models)]


def meddle(folder, *statements):
    """Change the registry's file behind its back."""
    with closing(sqlite3.connect(folder / "registry.sqlite", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def decide(folder, version):
    LocalRegistry(folder, "players").approve(version, **REVIEW)


def register_and_die(folder, models, where):
    """Register, but end the process at `where` without any clean-up, as a lost machine would."""
    dying = LocalRegistry(folder, "players")
    if where == "before the transaction":
        dying._writing = lambda: os._exit(9)
    else:
        insert, calls = dying._insert, []

        def insert_two(*arguments):
            if len(calls) == 2:
                os._exit(9)
            calls.append(insert(*arguments))

        dying._insert = insert_two
    dying.register_release(models)


def test_eight_processes_register_one_release_once(eight, folder, make_release):
    answers = list(eight.map(register, [folder] * 8, [make_release()] * 8))
    assert answers == [[1, 2, 3, 4]] * 8
    assert len(LocalRegistry(folder, "players").versions()) == 4
    assert len(list((folder / "archives").iterdir())) == 4


def test_eight_processes_register_eight_releases_without_loss(eight, folder, make_release):
    releases = [make_release(str(run)) for run in range(20, 28)]
    answers = list(eight.map(register, [folder] * 8, releases))
    assert sorted(itertools.chain(*answers)) == list(range(1, 33))
    for first, *others in answers:
        assert others == [first + 1, first + 2, first + 3]


@pytest.mark.reliability(
    case="`register` is killed half-way",
    sees="no part of the release",
    resume="registers the whole release, each model once",
)
@pytest.mark.parametrize("where", ["before the transaction", "between the second model and the third"])
def test_a_lost_process_leaves_no_part_of_a_release_and_a_rerun_completes_it(folder, registry, make_release, where):
    process = PROCESSES.Process(target=register_and_die, args=(folder, make_release(), where))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert len(list((folder / "archives").iterdir())) == 4
    assert registry.versions() == []
    assert [version.version for version in registry.register_release(make_release())] == [1, 2, 3, 4]
    registry.approve(1, **REVIEW)


def test_a_new_registry_is_whole_in_its_file_before_it_has_its_name(registry, make_release, monkeypatch):
    """SQLite copies its log into the file when the last one closes it, and says nothing if the disk refuses that."""
    held = []

    @contextmanager
    def not_copied(connection):
        yield connection
        held.append(sqlite3.connect(connection.execute("PRAGMA database_list").fetchone()[2]))
        held[-1].execute("SELECT * FROM sqlite_schema").fetchall()
        connection.close()

    with monkeypatch.context() as refused:
        refused.setattr("scarcegan.registry.local.closing", not_copied)
        registry._create()
    held[0].close()
    assert [version.version for version in registry.register_release(make_release())] == [1, 2, 3, 4]


def test_eight_processes_approve_and_one_is_champion(eight, folder, registry, make_release):
    for run in range(20, 28):
        registry.register_release(make_release(str(run), definitions=("balanced",)))
    list(eight.map(decide, [folder] * 8, range(1, 9)))
    assert {version.status for version in registry.versions()} == {"Approved"}
    assert sum(version.is_champion for version in registry.versions()) == 1


def test_a_changed_archive_is_not_handed_out_nor_approved_until_a_registration_mends_it(registry, make_release):
    models = make_release()
    version = registry.register_release(models)[0]
    registry.fetch(registry.show(1).sha256).write_bytes(b"other weights")
    for attempt in (lambda: registry.fetch(registry.show(1).sha256), lambda: registry.approve(1, **REVIEW)):
        with pytest.raises(RegistryProblem, match=version.sha256):
            attempt()
    assert registry.show(1).status == "PendingManualApproval"
    registry.register_release(models)
    assert registry.fetch(registry.show(1).sha256).read_bytes() == models[0].archive.read_bytes()


def test_an_archive_that_changes_under_the_copy_is_refused(tmp_path, make_release):
    model = make_release()[0]
    with pytest.raises(RegistryProblem, match="changed"):
        keep_archive(model.archive, tmp_path / "archives", "0" * 64)
    assert list((tmp_path / "archives").iterdir()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM approval_event",
        "UPDATE approval_event SET who = 'nobody'",
        "DELETE FROM version",
        "UPDATE version SET threshold = 0",
    ],
)
def test_the_record_can_only_grow(folder, registry, make_release, statement):
    registry.register_release(make_release())
    registry.approve(1, **REVIEW)
    with pytest.raises(sqlite3.IntegrityError, match="never"):
        meddle(folder, statement)


def test_groups_in_one_folder_do_not_see_each_other(folder, registry, make_release):
    registry.register_release(make_release())
    other = LocalRegistry(folder, "others")
    assert other.versions() == []
    assert other.register_release(make_release())[0].version == 1
    other.approve(1, **REVIEW)
    assert registry.champion("recall_first") is None


def test_reading_makes_no_folder(folder, registry):
    assert registry.versions() == []
    assert not folder.exists()


def test_a_clock_that_is_set_back_changes_no_champion(registry, make_release, monkeypatch):
    registry.register_release(make_release("11"))
    registry.register_release(make_release("12"))
    registry.approve(1, **REVIEW)
    monkeypatch.setattr("scarcegan.registry.rules.now", lambda: "1999-12-31T00:00:00.000000+00:00")
    registry.approve(5, **REVIEW)
    assert registry.champion("recall_first").version == 5


def test_a_file_that_is_no_registry_is_refused(folder, registry, make_release):
    folder.mkdir()
    (folder / "registry.sqlite").write_text("not a database, " * 100)
    for attempt in (registry.versions, lambda: registry.register_release(make_release())):
        with pytest.raises(RegistryProblem, match="not a database"):
            attempt()


def test_a_registry_whose_file_is_empty_is_to_be_restored(folder, registry, make_release):
    registry.register_release(make_release())
    (folder / "registry.sqlite").write_bytes(b"")
    with pytest.raises(RegistryProblem, match=r"layout 1 to 4, got none in .*registry.sqlite: restore the file"):
        registry.versions()


def test_a_registry_of_another_layout_is_refused(folder, registry, make_release):
    registry.register_release(make_release())
    meddle(folder, "PRAGMA user_version = 7")
    with pytest.raises(RegistryProblem, match="expected registry layout 1 to 4, got 7"):
        registry.versions()


@pytest.mark.parametrize(
    ("layout", "lacks"), [(1, ("bound", "warnings", "against_champion")), (2, ("bound", "warnings"))]
)
def test_a_registry_of_an_earlier_layout_is_read_and_written_on(folder, registry, make_release, layout, lacks):
    registry.register_release(make_release("12"))
    added = "ALTER TABLE version ADD COLUMN constraint_met INTEGER NOT NULL DEFAULT 1"
    gone = [f"ALTER TABLE version DROP COLUMN {name}" for name in lacks]
    gone += [f"ALTER TABLE approval_event DROP COLUMN {name}" for name in ("identity", "until")]
    meddle(folder, added, *gone, f"PRAGMA user_version = {layout}")
    known = registry.versions()
    assert [(version.bound, version.warnings) for version in known] == [(None, ())] * 4
    assert [version.against_champion is None for version in known] == [layout == 1] * 4
    again = registry.register_release(make_release("13"))
    assert [(version.against_champion.verdict, len(version.warnings)) for version in again] == [("worse", 1)] * 4
    assert [version.bound.state for version in again] == ["kept", "missed", "kept", "kept"]
    assert registry.versions() == [*known, *again]
    assert [version.version for version in registry.versions()] == list(range(1, 9))


def test_paths_and_texts_are_free_here(registry, make_release):
    metadata = {"config": "own (copy).toml", "note": "any\ntext, " * 100}
    assert registry.register_release(make_release(metadata=metadata))[0].metadata == metadata


def test_a_registry_that_stays_locked_is_said_to_be(folder, registry, make_release, monkeypatch):
    registry.register_release(make_release())
    monkeypatch.setattr("scarcegan.registry.local.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(folder / "registry.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(RegistryProblem, match="locked"):
        registry.approve(1, **REVIEW)
    holder.close()
    registry.approve(1, **REVIEW)
