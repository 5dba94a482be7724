import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.serving.archive import read_archive, read_evaluation, write_archive
from scarcegan.serving.forward import risk_score

EVALUATION = {"models": {"balanced": {"recall": np.float32(0.5), "folds": np.array([1, 2])}}}


@pytest.mark.parametrize("thresholds", [0, 2])
def test_round_trip_gives_the_same_scores(make_model, raw, tmp_path, thresholds):
    model = make_model(thresholds=thresholds)
    digest = write_archive(model, EVALUATION, tmp_path / "model.tar.gz")
    back = read_archive(tmp_path / "model.tar.gz", digest)
    np.testing.assert_array_equal(risk_score(back, raw), risk_score(model, raw))
    assert {key: back[key] for key in back if key != "parts"} == {key: model[key] for key in model if key != "parts"}


def test_the_evaluation_lies_beside_the_model(make_model, tmp_path):
    digest = write_archive(make_model(), EVALUATION, tmp_path / "model.tar.gz")
    evaluation = read_evaluation(tmp_path / "model.tar.gz", digest)
    assert evaluation == {"models": {"balanced": {"recall": 0.5, "folds": [1, 2]}}}


def test_same_model_same_bytes(make_model, tmp_path):
    """Neither the path, nor the time, nor the order of keys, nor the memory layout reaches the bytes."""
    model = make_model()
    shuffled = dict(reversed(model.items()))
    for part in shuffled["parts"]:
        part["layers"] = [{key: np.asfortranarray(layer[key]) for key in layer} for layer in part["layers"]]
    first = write_archive(model, EVALUATION, tmp_path / "a.tar.gz")
    second = write_archive(shuffled, EVALUATION, tmp_path / "elsewhere" / "b.tar.gz")
    assert first == second
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "elsewhere" / "b.tar.gz").read_bytes()


def test_the_digest_is_the_files(make_model, tmp_path):
    digest = write_archive(make_model(), EVALUATION, tmp_path / "model.tar.gz")
    assert hashlib.sha256((tmp_path / "model.tar.gz").read_bytes()).hexdigest() == digest


def test_another_weight_gives_another_digest(make_model, tmp_path):
    model = make_model()
    first = write_archive(model, EVALUATION, tmp_path / "model.tar.gz")
    model["parts"][1]["layers"][0]["weights"][0, 0, 0] += 1e-3
    assert write_archive(model, EVALUATION, tmp_path / "model.tar.gz") != first


def test_nothing_is_pickled_and_entries_carry_no_time_or_owner(make_model, tmp_path):
    write_archive(make_model(), EVALUATION, tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        entries = tar.getmembers()
    assert {entry.name.rsplit(".", 1)[-1] for entry in entries} == {"json", "npy"}
    assert {(entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0, 0, "")}


def test_a_tampered_archive_is_refused(make_model, tmp_path):
    path = tmp_path / "model.tar.gz"
    digest = write_archive(make_model(), EVALUATION, path)
    write_archive(make_model(seed=5), EVALUATION, path)
    with pytest.raises(RegistryProblem, match="changed after it was"):
        read_archive(path, digest)


@pytest.mark.parametrize("keep", [0, 10, 700, -100])
def test_a_cut_archive_is_refused(make_model, tmp_path, keep):
    path = tmp_path / "model.tar.gz"
    write_archive(make_model(), EVALUATION, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RegistryProblem, match="register the model again"):
        read_archive(path)


def test_a_flipped_byte_is_noticed_without_a_digest(make_model, tmp_path):
    path = tmp_path / "model.tar.gz"
    write_archive(make_model(), EVALUATION, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RegistryProblem, match="register the model again"):
        read_archive(path)


def test_a_strange_archive_is_refused(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("something.txt"), io.BytesIO())
    with pytest.raises(RegistryProblem, match=r"model\.json"):
        read_archive(tmp_path / "model.tar.gz")


def test_a_pickled_array_is_not_loaded(make_model, tmp_path):
    path = tmp_path / "model.tar.gz"
    write_archive(make_model(), EVALUATION, path)
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    files["arrays/parts/0/layers/0/weights.npy"] = pickled.getvalue()
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with pytest.raises(RegistryProblem, match="Object arrays"):
        read_archive(path)


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(RegistryProblem, match=r"no_model\.tar\.gz"):
        read_archive(tmp_path / "no_model.tar.gz")


def test_nan_in_the_evaluation_is_refused_and_nothing_is_written(make_model, tmp_path):
    with pytest.raises(RegistryProblem, match="evaluation"):
        write_archive(make_model(), {"recall": float("nan")}, tmp_path / "model.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_no_draft_and_the_old_archive(make_model, tmp_path, monkeypatch):
    path = tmp_path / "model.tar.gz"
    digest = write_archive(make_model(), EVALUATION, path)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(DataProblem, match=r"cannot write .*model.tar.gz: No space left on device"):
        write_archive(make_model(seed=3), EVALUATION, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.tar.gz"]
    read_archive(path, digest)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model["parts"].clear(), "at least one part"),
        (lambda model: model.update(rare_index=9), "rare_index"),
        (lambda model: model.update(threshold=float("nan")), "finite threshold"),
        (lambda model: model["class_names"].pop(), "layer 2"),
        (lambda model: model["feature_names"].pop(), "scaler knots"),
        (lambda model: model["parts"][1].update(slope=2.0), "part 1's slope"),
        (lambda model: model["parts"][0]["layers"][1]["bias"].fill(np.nan), "NaN"),
        (lambda model: model["parts"][0]["layers"].pop(1), "layer 1"),
        (
            lambda model: model["parts"][0]["layers"][0].update(bias=np.zeros((2, 8))),
            "float32, got float64",
        ),
        (lambda model: model["parts"][0]["layers"][0].update(thresholds=np.zeros((2, 11), np.float32)), "multiples"),
        (
            lambda model: model["parts"][1]["layers"][0].update(steepness=np.zeros(1, np.float32)),
            "part 1's steepness as",
        ),
        (lambda model: model["parts"][1]["layers"][0].pop("thresholds"), "weights of layer 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_writing(make_model, tmp_path, spoil, message):
    model = make_model(thresholds=2)
    spoil(model)
    with pytest.raises(RegistryProblem, match=message):
        write_archive(model, EVALUATION, tmp_path / "model.tar.gz")
    assert not list(tmp_path.iterdir())
