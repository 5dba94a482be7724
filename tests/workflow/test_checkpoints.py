"""Checkpoints where tasks move between machines: what one machine saved, another one continues."""

import numpy as np
import pytest

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.problems import CheckpointProblem, DataProblem
from scarcegan.workflow.retraining.checkpoints import checkpoint_at, drop_checkpoints

FOLDER = "s3://models/metaflow/RetrainFlow/checkpoints/17"
FINGERPRINT = "0123456789abcdef"
ARRAYS = {"weights": np.arange(6, dtype=np.float32)}


@pytest.fixture
def keys(aws_account):
    return lambda: [item["Key"] for item in aws_account("s3").list_objects_v2(Bucket="models").get("Contents", ())]


def saved_on_one_machine(rounds=4, fold=0):
    checkpoint = checkpoint_at(f"{FOLDER}/fold_{fold}.npz", FINGERPRINT)
    assert checkpoint.load() is None
    checkpoint.save(ARRAYS, {"round": rounds})
    return checkpoint


def test_another_machine_finds_what_was_saved(keys):
    here = saved_on_one_machine()
    there = checkpoint_at(f"{FOLDER}/fold_0.npz", FINGERPRINT)
    assert there.path != here.path
    arrays, meta = there.load()
    assert np.array_equal(arrays["weights"], ARRAYS["weights"])
    assert meta["round"] == 4
    assert keys() == ["metaflow/RetrainFlow/checkpoints/17/fold_0.npz"]


def test_the_copy_counts_not_what_is_left_on_this_machine(keys):
    here = saved_on_one_machine()
    there = checkpoint_at(f"{FOLDER}/fold_0.npz", FINGERPRINT)
    there.load()
    there.save(ARRAYS, {"round": 8})
    assert here.load()[1]["round"] == 8


def test_another_run_does_not_see_it(keys):
    saved_on_one_machine()
    assert checkpoint_at(f"{FOLDER.replace('17', '18')}/fold_0.npz", FINGERPRINT).load() is None


def test_a_refused_copy_is_named_by_its_address(keys):
    saved_on_one_machine()
    expected = f"{FOLDER}/fold_0.npz belongs to another training"
    with pytest.raises(CheckpointProblem, match=expected):
        checkpoint_at(f"{FOLDER}/fold_0.npz", "f" * 16).load()


def test_a_bucket_that_is_not_there_is_a_problem_in_words(aws_account):
    checkpoint = checkpoint_at("s3://nobodys/fold_0.npz", FINGERPRINT)
    with pytest.raises(DataProblem, match=r"cannot write s3://nobodys/fold_0\.npz"):
        checkpoint.save(ARRAYS, {"round": 4})


def test_nothing_of_it_stays_on_this_machine(keys):
    checkpoint = saved_on_one_machine()
    folder = checkpoint.path.parent
    assert checkpoint.path.exists()
    del checkpoint
    assert not folder.exists()
    assert len(keys()) == 1


def test_the_end_of_a_run_drops_its_checkpoints_alone(keys):
    for fold in (0, 1):
        saved_on_one_machine(fold=fold)
    drop_checkpoints(FOLDER, ["fold_0.npz"])
    drop_checkpoints(FOLDER, ["fold_0.npz"])  # nothing there is no problem
    assert keys() == ["metaflow/RetrainFlow/checkpoints/17/fold_1.npz"]


def test_a_local_folder_goes_as_a_whole(tmp_path):
    checkpoint = checkpoint_at(str(tmp_path / "17" / "fold_0.npz"), FINGERPRINT)
    assert checkpoint == CheckpointFile(tmp_path / "17" / "fold_0.npz", FINGERPRINT)
    checkpoint.save(ARRAYS, {"round": 4})
    drop_checkpoints(str(tmp_path / "17"), [])
    assert list(tmp_path.iterdir()) == []
    drop_checkpoints(str(tmp_path / "17"), [])  # nothing there is no problem


def test_checkpoints_that_cannot_be_dropped_are_a_problem_in_words(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(DataProblem, match=r"cannot remove \S+: Permission denied; check the path"):
        drop_checkpoints(str(tmp_path), [])
