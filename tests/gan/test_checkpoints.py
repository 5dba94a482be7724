import numpy as np
import pytest

from scarcegan.gan import checkpoints
from scarcegan.gan.checkpoints import CheckpointFile, training_fingerprint
from scarcegan.problems import CheckpointProblem

ARRAYS = {"program/weights/trunk/0/bias": np.arange(6, dtype=np.float32).reshape(2, 1, 3), "scores/0": np.zeros((2, 9))}
META = {"round": 4, "iterations": [5, 10], "progress": {"loss": [[0.1, float("inf")]]}}


@pytest.fixture(params=["local", "s3"])
def file(request, tmp_path):
    """A checkpoint on this machine, and one where another machine finds it."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return CheckpointFile("s3://models/RetrainFlow/checkpoints/17/fold_0.npz", "0123456789abcdef")
    return CheckpointFile(str(tmp_path / "run" / "fold_0.npz"), "0123456789abcdef")


@pytest.fixture
def saved(file):
    file.save(ARRAYS, META)
    return file


@pytest.fixture
def path(tmp_path):
    """The file of the checkpoint on this machine."""
    return tmp_path / "run" / "fold_0.npz"


on_this_machine = pytest.mark.parametrize("file", ["local"], indirect=True)


def test_there_is_no_checkpoint_before_the_first_save(file):
    assert file.load() is None


def test_what_was_saved_is_loaded(saved):
    arrays, meta = saved.load()
    assert set(arrays) == set(ARRAYS)
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert arrays["program/weights/trunk/0/bias"].dtype == np.float32
    assert META.items() <= meta.items()


def test_a_later_save_replaces_the_former(saved):
    saved.save(ARRAYS, META | {"round": 8})
    assert saved.load()[1]["round"] == 8


def test_a_checkpoint_of_another_training_is_refused(saved):
    other = CheckpointFile(saved.location, "ffffffffffffffff")
    expected = " belongs to another training: expected fingerprint f{16}, got 0123456789abcdef; .* delete the file"
    with pytest.raises(CheckpointProblem, match=saved.location + expected):
        other.load()


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    # Inside an array's numbers: only the checksum tells.
    at = content.index(np.float32(3).tobytes())
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def unknown_method(content):
    # How the first array is packed, in the directory at the end: a way that nobody knows.
    at = content.index(b"PK\x01\x02") + 10
    return content[:at] + b"\x63" + content[at + 1 :]


@on_this_machine
@pytest.mark.parametrize("damage", [truncated, flipped, unknown_method, lambda _: b"", lambda _: b"not a checkpoint"])
def test_a_damaged_checkpoint_is_refused_with_what_to_do(saved, path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        CheckpointProblem, match=r"fold_0\.npz is no readable checkpoint .*: delete it to train this fold"
    ):
        saved.load()


@on_this_machine
def test_another_npz_file_is_refused(file, path):
    path.parent.mkdir()
    np.savez(path, weights=np.ones(3))
    with pytest.raises(CheckpointProblem, match=r"no readable checkpoint .*meta\.json"):
        file.load()


@on_this_machine
@pytest.mark.parametrize("meta", ["null", "{}", "[" * 100_000])
def test_metadata_of_another_shape_are_refused(file, path, meta):
    path.parent.mkdir()
    with path.open("wb") as opened:
        np.savez(opened, **{"meta.json": np.array(meta)})
    with pytest.raises(CheckpointProblem, match=r"fold_0\.npz is no readable checkpoint"):
        file.load()


@pytest.mark.reliability(
    case="Training is killed while it saves a checkpoint",
    sees="the task has failed, and is started again",
    resume="goes on from the checkpoint before",
)
@on_this_machine
def test_a_kill_while_saving_leaves_the_former_checkpoint(saved, path, monkeypatch):
    def killed(file, **_):
        file.write(b"half of the new")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        saved.save(ARRAYS, META | {"round": 8})
    assert saved.load()[1]["round"] == 4
    assert [file.name for file in path.parent.iterdir()] == ["fold_0.npz"]


def test_the_fingerprint_changes_with_data_settings_and_fold():
    trainings = [("d", "s", 0), ("e", "s", 0), ("d", "t", 0), ("d", "s", 1)]
    assert len({training_fingerprint(*training) for training in trainings}) == 4
    assert training_fingerprint("d", "s", 0) == training_fingerprint("d", "s", 0)


def test_the_fingerprint_changes_with_the_code(tmp_path, monkeypatch):
    for name in ("losses.py", "program.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    monkeypatch.setattr(checkpoints, "__file__", str(tmp_path / "checkpoints.py"))
    before = training_fingerprint("d", "s", 0)
    (tmp_path / "program.py").write_text("# another program\n")
    assert training_fingerprint("d", "s", 0) != before
