from dataclasses import replace

import metaflow
import pytest

from scarcegan import history
from scarcegan.problems import HistoryProblem
from scarcegan.registry.release import Release


def tags_of(run):
    metaflow.namespace(None)
    return set(metaflow.Run(f"RetrainFlow/{run}").user_tags)


@pytest.fixture
def release(recorded):
    return Release.from_plain(history.artifact("second", "release"))


def test_a_registered_run_is_tagged_by_config_data_and_release_as_a_candidate(release):
    assert set(history.tag_release(release)) <= tags_of("second")
    assert tags_of("second") == {"config:retrain", "data:9f2c41d07be3a865", "release:release-second", "candidate"}
    assert history.runs(tags=["release:release-second"])["run"].tolist() == ["second"]


def test_a_release_registered_again_after_its_approval_is_no_candidate(release):
    decided = [replace(version, status="Approved") for version in release.versions]
    assert "candidate" not in history.tag_release(replace(release, versions=decided))


def test_tags_follow_the_registry_and_leave_others_alone(recorded):
    assert history.follow_registry({"RetrainFlow/first": {"champion"}, "RetrainFlow/second": set()}) == []
    assert tags_of("first") == {"nightly", "champion"}
    assert not {"candidate", "champion"} & tags_of("second")
    history.follow_registry({"RetrainFlow/first": {"candidate"}})
    assert tags_of("first") == {"nightly", "candidate"}


def test_a_run_that_cannot_be_reached_is_named_and_stops_nobody(release):
    gone = history.follow_registry({"RetrainFlow/gone": {"champion"}, "RetrainFlow/first": set()})
    assert (gone, tags_of("first")) == (["RetrainFlow/gone"], {"nightly"})
    assert history.tag_release(replace(release, lineage=replace(release.lineage, run="RetrainFlow/gone"))) == []


def test_tagging_leaves_a_run_as_old_as_it_was(recorded):
    before = history.runs().set_index("run")["created"]
    history.follow_registry({"RetrainFlow/first": {"candidate"}})
    after = history.runs().set_index("run")["created"]
    assert list(after.index) == ["fourth", "third", "second", "first"]
    assert (before == after).all()


def test_a_metadata_service_that_does_not_answer_stops_no_decision(recorded, monkeypatch):
    def refused(*_):
        raise ConnectionError("connection refused")

    monkeypatch.setattr(metaflow, "Run", refused)
    assert history.follow_registry({"RetrainFlow/first": {"champion"}}) == ["RetrainFlow/first"]
    with pytest.raises(HistoryProblem, match="got: connection refused; check METAFLOW_PROFILE"):
        history.show("first")
