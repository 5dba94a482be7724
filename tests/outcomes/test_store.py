"""Outcomes are kept for good: each once, whoever adds them, however often, and however many at the same time."""

import multiprocessing
import os
from pathlib import Path

import outcome_samples
import pandas as pd
import pytest
from outcome_samples import rows

from scarcegan.outcomes.records import Added
from scarcegan.outcomes.store import OutcomeStore, as_records
from scarcegan.problems import DataProblem
from scarcegan.storage import find_bytes, list_names


def test_what_is_added_is_read_back_by_time_and_the_same_again_adds_nothing(store):
    later, earlier = rows([1, 2], when="2026-01-12T09:00:00Z"), rows([1], decision="no_harm")
    assert [store.add(one) for one in (later, earlier, later)] == [Added(2, 0), Added(1, 0), Added(0, 2)]
    found = as_records(store.table())
    assert [(one.player_id, one.decision) for one in found] == [("1", "no_harm"), ("1", "harm"), ("2", "harm")]
    assert (found[0].when, found[0].recorded_at) == ("2026-01-10T09:00:00Z", "2026-01-11T00:00:00Z")


def test_of_a_file_that_overlaps_the_new_outcomes_are_added(store):
    store.add(rows([1, 2]))
    assert store.add(rows([2, 3])) == Added(1, 1)
    assert list(store.table()["player_id"]) == ["1", "2", "3"]


def test_groups_do_not_see_each_other(store, folder):
    store.add(rows([1]))
    assert OutcomeStore(folder, "other").table().empty


@pytest.mark.parametrize("folder", ["local", pytest.param("s3", marks=pytest.mark.slow)], indirect=True)
def test_sixteen_processes_at_once_lose_nothing_and_forgotten_players_stay_so(folder):
    environment = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scarcegan.outcomes.store", "boto3"])  # else each process imports them
    writers = [context.Process(target=outcome_samples.write, args=(folder, n, environment)) for n in range(1, 17)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 16
    players = {str(1000 * number + turn) for number in range(1, 17) for turn in range(3)} | {"0"}
    table = OutcomeStore(folder, "shelf").table()
    assert set(table["player_id"]) == players - {str(1000 * number) for number in (4, 8, 12, 16)}
    assert table["player_id"].is_unique


def test_a_forgotten_player_leaves_nothing_and_a_receipt_says_what_went(store, folder):
    store.add(rows([1, 2]))
    store.add(rows([1], reviewer="otto"))
    receipt = store.forget("1", "2026-02-01T00:00:00Z")
    assert (receipt.outcomes, len(receipt.removed), len(receipt.written)) == (2, 2, 1)
    assert list(store.table()["player_id"]) == ["2"]
    files = [name for name in list_names(store.folder) if name.endswith(".parquet")]
    assert files == [f"{receipt.written[0]}.parquet"]
    assert all(b'"1"' not in find_bytes(f"{store.folder}/{name}") for name in files)
    assert store.forget("1", "2026-02-02T00:00:00Z").outcomes == 0


def test_a_player_forgotten_while_another_process_adds_is_not_read_again(store):
    store.forget("1", "2026-02-01T00:00:00Z")
    store.add(rows([1, 2]))
    assert list(store.table()["player_id"]) == ["2"]
    assert store.forget("1", "2026-02-01T00:00:00Z").outcomes == 1


@pytest.mark.parametrize("folder", ["local"], indirect=True)
def test_a_damaged_file_is_named(store, folder):
    store.add(rows([1]))
    [path] = Path(folder, "shelf").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataProblem, match=f"{path} holds no outcomes that can be read"):
        store.table()


@pytest.mark.parametrize("folder", ["local"], indirect=True)
def test_a_file_that_somebody_has_changed_is_refused(store, folder):
    store.add(rows([1]))
    [path] = Path(folder, "shelf").glob("*.parquet")
    pd.read_parquet(path).assign(decision="no_harm").to_parquet(path)
    with pytest.raises(DataProblem, match=r"others than those by which it is named\): restore"):
        store.table()
