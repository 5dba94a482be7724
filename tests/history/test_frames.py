import time

import pytest
from history_samples import steps_of
from recorded_runs import Recorder

from scarcegan import history
from scarcegan.evaluation.records import Evaluation
from scarcegan.history import comparison, frames
from scarcegan.problems import HistoryProblem


@pytest.fixture(scope="module")
def frame(recorded):
    return history.runs()


def test_runs_are_listed_newest_first_without_loading_what_is_large(frame):
    assert list(frame["run"]) == ["fourth", "third", "second", "first"]
    assert not any(frame["unread"])


def test_each_run_tells_how_it_ended_and_where_it_stopped(frame):
    ended = dict(zip(frame["run"], frame["status"] + " in " + frame["step"], strict=True))
    assert ended.pop("first") == ended.pop("second") == "finished in end"
    assert ended == {"third": "failed in train", "fourth": "unfinished in start"}


def test_facts_settings_and_metrics_are_columns(frame):
    expected = {
        "user": "omar", "config": "config/retrain.toml", "data": "00000000ffffffff", "release": "release-second",
        "money": 1.25, "settings.train.members": 16, "settings.model.trunk": "200, 50",
        "settings.definitions.recall_first.bound": 0.85, "metrics.review_budget.recall": pytest.approx(0.6),
    }  # fmt: skip
    assert frame.set_index("run").loc["second", list(expected)].to_dict() == expected
    assert list(frame["origin_run"]) == ["fourth", "first", "second", "first"], "a resume names its chain's first run"


def test_a_run_began_when_the_registry_says_wherever_it_is_asked(frame, recorded, monkeypatch):
    began = frame.set_index("run").loc["first"]
    try:
        monkeypatch.setenv("TZ", "EAST-14")
        time.tzset()
        there = history.show("first")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert there["created"].isoformat() == began["created"].isoformat()
    assert there["created"].tzname() == "UTC"
    assert there["seconds"] == began["seconds"]


def test_what_a_run_has_not_made_is_missing(frame):
    assert frame.set_index("run").loc[["third", "fourth"], "metrics.balanced.recall"].isna().all()
    assert set(frame[frame["seconds"].notna()]["run"]) == {"first", "second"}


@pytest.mark.parametrize(("chosen", "expected"), [
    ({"tags": ["nightly"]}, ["first"]),
    ({"user": "omar"}, ["fourth", "second"]),
    ({"status": "failed"}, ["third"]),
    ({"namespace": "user:omar"}, ["fourth", "second"]),
    ({"namespace": "user:nobody"}, []),
    ({"until": "2020-01-01"}, []),
    ({"since": "2020-01-01", "status": "finished"}, ["second", "first"]),
    ({"tags": ["nobody"]}, []),
])  # fmt: skip
def test_runs_are_chosen_by_tag_date_user_status_and_namespace(recorded, chosen, expected):
    assert list(history.runs(**chosen)["run"]) == expected


def test_the_notebooks_own_namespace_stays_as_it_was(recorded):
    import metaflow

    metaflow.namespace("user:ada")
    history.runs()
    assert metaflow.get_namespace() == "user:ada"


@pytest.mark.parametrize("reference", ["fifth", "RetrainFlow/fifth", "a/b/c"])
def test_an_unknown_run_is_named_with_the_place_that_was_searched(recorded, reference):
    with pytest.raises(HistoryProblem, match=f"run of local@.*, got '{reference}', .*scarcegan runs list"):
        history.show(reference)


def test_a_metric_of_newer_code_is_missing_in_the_runs_before_it(recorded, monkeypatch):
    # As if the code had begun to tell it after these runs, whose evaluation has none.
    monkeypatch.setattr(frames, "HEADLINES", ("recall", "unknown_share"))
    monkeypatch.setattr(comparison, "METRICS", (*comparison.METRICS, "unknown_share"))
    assert history.facts_of_run("first").metrics["balanced"] == {"recall": 0.4}
    assert "unknown_share" not in set(history.compare("first", "second").metrics["metric"])


def test_a_run_of_older_code_is_read_with_its_release_and_its_prevalence(recorder):
    steps = steps_of("old")
    [evaluated], [registered] = steps["evaluate"], steps["register"]
    plain = evaluated["evaluation"]
    plain["prevalence"] = {"value": 0.01, "how": "from config"}
    for model in plain["models"].values():
        for name in ("promise", "bound", "score_kind"):
            del model[name]
    del registered["release"]["warnings"]
    for version in registered["release"]["versions"]:
        del version["bound"]
        version["constraint_met"] = True
    recorder.run("old", steps)
    facts = history.facts_of_run("old")
    assert (facts.release, facts.unread) == ("release-old", [])
    evaluation = Evaluation.from_plain(history.artifact("old", "evaluation"))
    assert evaluation.prevalence.in_words() == "1\N{NO-BREAK SPACE}% (from older code)"


def test_without_any_run_the_frame_is_empty_but_has_its_columns(recorder):
    frame = history.runs()
    assert len(frame) == 0
    assert {"run", "status", "step", "unread"} <= set(frame)


def test_a_run_of_other_code_is_listed_as_far_as_it_can_be_read(recorder):
    other = steps_of("other")
    other["evaluate"][0]["evaluation"] = {"test_sets": ["test"], "baselines": {}}
    other["end"][0]["cost"] = {"money": "a lot"}
    recorder.run("first", steps_of("first"))
    recorder.run("other", other)
    row = history.runs().set_index("run").loc["other"]
    assert (row["release"], row["settings.seed"]) == ("release-other", 7)
    assert row[["money", "metrics.balanced.recall"]].isna().all()
    assert [line.partition(":")[0] for line in row["unread"]] == ["evaluation", "cost"]
    assert "use that version of the code" in row["unread"][0]


def test_an_artifact_that_cannot_be_loaded_takes_no_list_down(recorder, tmp_path):
    recorder.run("first", steps_of("first", until="start"))
    for blob in (tmp_path / ".metaflow" / "RetrainFlow" / "data").glob("*/*"):
        blob.unlink()
    [row] = history.runs().to_dict("records")
    assert row["status"] == "unfinished"
    assert "the artifact 'settings' of RetrainFlow/first/start/" in row["unread"][0]


@pytest.mark.slow
@pytest.mark.aws
def test_runs_whose_artifacts_are_in_a_bucket_are_read_the_same_way(aws_account, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr("metaflow.metaflow_config.DATASTORE_SYSROOT_S3", "s3://models/metaflow")
    recorder = Recorder(tmp_path, "s3://models/metaflow")
    recorder.run("first", steps_of("first"))
    recorder.run("second", steps_of("second", seed=11))
    assert history.runs()["settings.seed"].tolist() == [11, 7]
    assert history.compare("first", "second").settings["setting"].tolist() == ["seed"]
