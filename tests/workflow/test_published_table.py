"""`scarcegan snapshots publish`: a team's table becomes a snapshot that can be scored."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.data import tables
from scarcegan.problems import DataProblem
from scarcegan.settings import load
from scarcegan.snapshots import SnapshotStore, open_snapshots
from scarcegan.workflow.features import table as published
from scarcegan.workflow.features.table import publish_table


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"account": np.arange(500, 0, -1), "stakes": rng.normal(size=500).round(3), "nights": 0})
    return frame.assign(shard=rng.integers(0, 9, 500), chases=rng.gamma(2, 3, 500).round(3))


@pytest.fixture
def chosen(tmp_path):
    """Settings of a team whose id column is `account`; keyword arguments are keys of [data]."""

    def choose(**data):
        keys = {"source": "tables", "id_column": "account", **data}
        return load({"data": keys, "snapshots": {"folder": str(tmp_path / "snapshots")}, "telemetry": {"shards": 3}})

    return choose


@pytest.fixture
def publish(frame, chosen, tmp_path):
    """Write a changed table to a file of that name, publish it, and return its snapshot."""

    def write_and_publish(change=lambda frame: frame, file="2026-11-01.parquet", name="", **data):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        rows = change(frame)
        if file.endswith(".parquet"):
            rows.to_parquet(path, index=False)
        else:
            text = rows.to_csv(index=False).encode()
            path.write_bytes(gzip.compress(text) if file.endswith(".gz") else text)
        settings = chosen(**data)
        manifest = publish_table(str(path), name, settings)
        return open_snapshots(settings.own_snapshots.folder).read(manifest.name)

    return write_and_publish


def test_a_table_becomes_a_snapshot_in_shards_by_id(publish, frame):
    found = publish()
    assert (found.manifest.name, found.manifest.frame.cutoff) == ("players-2026-11-01", "2026-11-01")
    assert found.manifest.frame.columns == ("stakes", "nights", "shard", "chases")
    assert len(found.manifest.parts) == 3
    assert found.ids.dtype == np.int64
    expected = frame.set_index("account").loc[found.ids].to_numpy(np.float32)
    np.testing.assert_array_equal(found.features, expected)


def test_any_form_of_the_same_table_is_found_there(publish, tmp_path, monkeypatch):
    first = publish().manifest
    monkeypatch.setattr(tables, "BATCH_ROWS", 64)
    monkeypatch.setattr(published, "COLLECTED_VALUES", 100)
    forms = (lambda frame: frame[::-1], lambda frame: frame.astype({"account": str}), lambda frame: frame.astype(float))
    for number, form in enumerate(forms):
        assert publish(form, file=f"{number}.parquet", name=first.name).manifest == first
    assert publish(file="a.csv.gz", name=first.name).manifest == first
    files = {path.name for path in (tmp_path / "snapshots" / first.name).iterdir()}
    assert files == {"manifest.json", *(part.file for part in first.parts)}


def test_a_name_without_a_date_keeps_the_date_of_its_first_day(publish):
    first = publish(file="a.parquet", name="november").manifest
    assert publish(file="2020-01-01.parquet", name="november").manifest == first


def test_other_content_under_the_same_name_is_refused_and_leaves_nothing(publish, tmp_path):
    first = publish().manifest
    with pytest.raises(DataProblem, match=r"'players-2026-11-01' in .* is published .* got other content"):
        publish(lambda frame: frame.assign(nights=1))
    files = {path.name for path in (tmp_path / "snapshots" / first.name).iterdir()}
    assert files == {"manifest.json", *(part.file for part in first.parts)}


def test_a_publishing_that_is_killed_half_way_leaves_no_snapshot_and_can_be_done_again(publish, tmp_path, monkeypatch):
    write, written = SnapshotStore.write_part, []

    def killed(*arguments):
        written.append(write(*arguments))
        if len(written) == 2:
            raise KeyboardInterrupt
        return written[-1]

    monkeypatch.setattr(SnapshotStore, "write_part", killed)
    with pytest.raises(KeyboardInterrupt):
        publish()
    assert open_snapshots(str(tmp_path / "snapshots")).names() == []
    monkeypatch.undo()
    found = publish()
    assert len(found.ids) == 500
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {found.manifest.name}


def test_labels_truth_text_and_row_numbers_are_no_features_and_are_named(publish):
    labels = {"population": "risky", "truth_risky": 1, "known_at": "2026-01-01", "country": "PT", "note": 1}
    found = publish(lambda frame: frame.assign(**labels, **{"Unnamed: 0": range(500)}), ignore_columns=["note"])
    assert found.manifest.frame.columns == ("stakes", "nights", "shard", "chases")
    told = " ".join(found.manifest.frame.notes)
    assert all(name in told for name in (*labels, "Unnamed: 0"))


def test_columns_that_only_the_names_of_folders_tell_are_named(frame, chosen, tmp_path):
    frame.to_parquet(tmp_path / "all", partition_cols=["nights"])
    found = publish_table(str(tmp_path / "all"), "all", chosen())
    assert found.frame.notes == (
        "1 column is left out, standing in the names of folders and not in the files: 'nights'",
    )


def test_missing_values_stay_missing_and_are_no_part_of_the_statistics(publish):
    def with_gaps(frame):
        return frame.assign(nights=np.nan, stakes=frame["stakes"].mask(frame["account"] <= 100))

    found = publish(with_gaps)
    assert np.isnan(found.features[:, 0]).sum() == 100
    stakes, nights = (found.manifest.statistics[name] for name in ("stakes", "nights"))
    assert (stakes.missing_share, nights.missing_share) == (pytest.approx(0.2), 1)
    assert stakes.mean == pytest.approx(float(np.nanmean(found.features[:, 0])), abs=1e-6)


def test_everything_wrong_with_the_table_is_told_at_once_and_nothing_is_published(publish, tmp_path):
    def damaged(frame):
        accounts = frame["account"].astype(str).mask(frame.index == 3, "").mask(frame.index == 4, "7")
        return frame.assign(account=accounts, stakes=["1,5", *["2"] * 499], chases=np.inf)

    with pytest.raises(DataProblem) as refused:
        publish(damaged, file="2026-11-01.csv")
    for told in (
        "got 1 without",
        "got 1 more often: keep",
        "in feature 'chases' of",
        "such as '1,5'",
        'ignore_columns = ["stakes"]',
    ):
        assert told in str(refused.value)
    assert list((tmp_path / "snapshots").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "name", "told"),
    [
        (
            lambda frame: frame.rename(columns={"account": "id"}),
            "",
            "expected id column 'account' in .* set data.id",
        ),
        (lambda frame: frame.assign(player_id=1), "", "no feature called 'player_id'"),
        (lambda frame: frame[:0], "", "got an empty table"),
        (lambda frame: frame[["account"]], "", "expected columns of numbers"),
        (lambda frame: frame, "a/b", "expected a snapshot's name of letters"),
        (lambda frame: frame, "players-2026-13-45", "expected a date in 'players-2026-13-45'"),
    ],
)
def test_a_table_or_a_name_that_cannot_be_meant_is_refused(publish, change, name, told):
    with pytest.raises(DataProblem, match=told):
        publish(change, name=name)


def test_the_names_that_the_settings_give_to_the_unlabelled_table_hold_for_a_published_one(publish, frame):
    first = publish().manifest
    tables = {"unlabeled": {"path": "elsewhere", "id_column": "who", "columns": {"stakes": "avg"}}}
    renamed = {"account": "who", "stakes": "avg"}
    again = publish(lambda frame: frame.rename(columns=renamed), file="a.parquet", name=first.name, tables=tables)
    assert again.manifest == first


def test_two_groups_do_not_see_each_others_snapshots(frame, tmp_path, monkeypatch):
    monkeypatch.setattr("scarcegan.project.project_root", lambda: tmp_path)
    frame.to_parquet(tmp_path / "2026-11-01.parquet")
    seen = {}
    for group in ("fraud", "games"):
        settings = load({"data": {"id_column": "account"}, "registry": {"group": group}})
        publish_table(str(tmp_path / "2026-11-01.parquet"), f"{group}-2026-11-01", settings)
        seen[group] = open_snapshots(settings.own_snapshots.folder).names()
    assert seen == {"fraud": ["fraud-2026-11-01"], "games": ["games-2026-11-01"]}
    assert (tmp_path / ".scarcegan/snapshots/fraud/fraud-2026-11-01/manifest.json").is_file()


def test_the_command_publishes_what_it_then_lists(frame, tmp_path):
    frame.to_csv(tmp_path / "november.csv", index=False)
    config = tmp_path / "ours.toml"
    config.write_text(f'[data]\nid_column = "account"\n[snapshots]\nfolder = "{tmp_path}/snapshots"\n')

    def run(*arguments):
        answer = CliRunner().invoke(app, ["snapshots", *arguments, "--config", str(config)])
        assert answer.exit_code == 0, answer.output
        return answer.output

    printed = run("publish", str(tmp_path / "november.csv"), "--name", "november")
    assert "Snapshot november" in printed
    assert "500 players, 4 features" in printed
    assert f"scarcegan score --config {config} --snapshot november" in printed
    assert [one["name"] for one in json.loads(run("list", "--json"))] == ["november"]
