import pytest
from history_samples import steps_of
from recorded_runs import Recorder

from scarcegan import history


@pytest.mark.slow
@pytest.mark.aws
def test_runs_whose_artifacts_are_in_a_bucket_are_read_the_same_way(aws_account, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr("metaflow.metaflow_config.DATASTORE_SYSROOT_S3", "s3://models/metaflow")
    recorder = Recorder(tmp_path, "s3://models/metaflow")
    recorder.run("first", steps_of("first"))
    recorder.run("second", steps_of("second", seed=11))
    assert history.runs()["settings.seed"].tolist() == [11, 7]
    assert history.compare("first", "second").settings["setting"].tolist() == ["seed"]
