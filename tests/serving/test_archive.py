import hashlib
import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.serving.model import Model

EVALUATION = {"models": {"balanced": {"recall": np.float32(0.5), "folds": np.array([1, 2])}}}


@pytest.mark.parametrize("calibration", [None, Calibration(0.8, 1.6, -3.0)])
@pytest.mark.parametrize("thresholds", [0, 2])
def test_round_trip_gives_the_same_scores(make_model, raw, tmp_path, thresholds, calibration):
    model = make_model(thresholds=thresholds, calibration=calibration)
    digest = model.save(tmp_path / "model.tar.gz", EVALUATION)
    back = Model.load(tmp_path / "model.tar.gz", digest)
    np.testing.assert_array_equal(back.risk(raw), model.risk(raw))
    assert back.digest({}) == model.digest({})
    assert hashlib.sha256((tmp_path / "model.tar.gz").read_bytes()).hexdigest() == digest


def test_the_evaluation_lies_beside_the_model(make_model, tmp_path):
    make_model().save(tmp_path / "model.tar.gz", EVALUATION)
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        evaluation = json.load(tar.extractfile("evaluation.json"))
    assert evaluation == {"models": {"balanced": {"recall": 0.5, "folds": [1, 2]}}}


def test_same_model_same_bytes(make_model, tmp_path):
    """Neither the path, nor the time, nor the memory layout reaches the bytes."""
    model = make_model()
    turned = [replace(layer, weights=np.asfortranarray(layer.weights)) for layer in model.parts[0].layers]
    same = replace(model, parts=(replace(model.parts[0], layers=tuple(turned)), *model.parts[1:]))
    first = model.save(tmp_path / "a.tar.gz", EVALUATION)
    assert same.save(tmp_path / "elsewhere" / "b.tar.gz", EVALUATION) == first
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "elsewhere" / "b.tar.gz").read_bytes()


def test_another_weight_gives_another_digest(make_model, tmp_path):
    model = make_model()
    first = model.save(tmp_path / "model.tar.gz", EVALUATION)
    model.parts[1].layers[0].weights[0, 0, 0] += 1e-3
    assert model.save(tmp_path / "model.tar.gz", EVALUATION) != first


def test_nothing_is_pickled_and_entries_carry_no_time_or_owner(make_model, tmp_path):
    make_model().save(tmp_path / "model.tar.gz", EVALUATION)
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        entries = tar.getmembers()
    assert {entry.name.rsplit(".", 1)[-1] for entry in entries} == {"json", "npy", "pb", "py"}
    assert {(entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0, 0, "")}


def test_a_tampered_archive_is_refused(make_model, tmp_path):
    path = tmp_path / "model.tar.gz"
    digest = make_model().save(path, EVALUATION)
    make_model(seed=5).save(path, EVALUATION)
    with pytest.raises(RegistryProblem, match="changed after it was"):
        Model.load(path, digest)


@pytest.mark.parametrize("keep", [0, 10, 700, -100])
def test_a_cut_archive_is_refused(make_model, tmp_path, keep):
    path = tmp_path / "model.tar.gz"
    make_model().save(path, EVALUATION)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RegistryProblem, match="register the model again"):
        Model.load(path)


def test_a_flipped_byte_is_noticed_without_a_digest(make_model, tmp_path):
    path = tmp_path / "model.tar.gz"
    make_model().save(path, EVALUATION)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RegistryProblem, match="register the model again"):
        Model.load(path)


def test_a_strange_archive_is_refused(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("something.txt"), io.BytesIO())
    with pytest.raises(RegistryProblem, match=r"model\.json"):
        Model.load(tmp_path / "model.tar.gz")


def test_a_pickled_array_is_not_loaded(make_model, tmp_path, packed):
    path = tmp_path / "model.tar.gz"
    make_model().save(path, EVALUATION)
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    files["arrays/parts/0/layers/0/weights.npy"] = pickled.getvalue()
    packed(path, files)
    with pytest.raises(RegistryProblem, match="Object arrays"):
        Model.load(path)


def written_by_format(number, model):
    """The files of a one-part model's archive as format 1 laid them out: parts had no kind."""
    (part,) = model.parts
    layers = [{"weights": layer.weights, "bias": layer.bias} for layer in part.layers]
    arrays = {f"layers/{at}/{name}": array for at, layer in enumerate(layers) for name, array in layer.items()}
    arrays |= {"scaler/knots": part.scaler.knots, "scaler/values": part.scaler.values}
    files = {f"arrays/parts/0/{name}.npy": as_npy(array) for name, array in arrays.items()}

    def of(name):
        return {"array": f"arrays/parts/0/{name}.npy"}

    tree = {name: getattr(model, name) for name in ("class_names", "rare_index", "feature_names", "threshold")}
    scaler = {"kind": part.scaler.kind, "knots": of("scaler/knots"), "values": of("scaler/values")}
    named = [{name: of(f"layers/{at}/{name}") for name in layer} for at, layer in enumerate(layers)]
    tree |= {"definition": model.definition, "parts": [{"scaler": scaler, "layers": named, "slope": part.slope}]}
    return files | {"model.json": json.dumps({"format": number, "model": tree}).encode()}


def as_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_fills_and_indicators_come_back(make_model, gaps, tmp_path):
    model = make_model(indicators=(0, 3))
    model.save(tmp_path / "model.tar.gz", EVALUATION)
    back = Model.load(tmp_path / "model.tar.gz")
    np.testing.assert_array_equal(back.risk(gaps), model.risk(gaps))
    assert back.parts[0].scaler.indicators == (0, 3)


@pytest.mark.parametrize("number", [1, 2])
def test_an_archive_of_an_older_format_is_still_read(make_model, raw, tmp_path, number, packed):
    model = make_model(members=(2,))
    packed(tmp_path / "model.tar.gz", written_by_format(number, model))
    old = Model.load(tmp_path / "model.tar.gz")
    np.testing.assert_array_equal(old.risk(raw), model.risk(raw))
    assert (old.reference, old.calibration, old.score_kind) == (None, None, "relative")


def test_an_archive_of_a_later_format_is_refused(make_model, tmp_path, packed):
    packed(tmp_path / "model.tar.gz", written_by_format(5, make_model(members=(2,))))
    with pytest.raises(RegistryProblem, match=r"archive format of 1, 2, 3, 4, got 5 in .*: use the scarcegan version"):
        Model.load(tmp_path / "model.tar.gz")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(RegistryProblem, match=r"no_model\.tar\.gz"):
        Model.load(tmp_path / "no_model.tar.gz")


def test_nan_in_the_evaluation_is_refused_and_nothing_is_written(make_model, tmp_path):
    with pytest.raises(RegistryProblem, match="evaluation"):
        make_model().save(tmp_path / "model.tar.gz", {"recall": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_no_draft_and_the_old_archive(make_model, tmp_path, monkeypatch):
    path = tmp_path / "model.tar.gz"
    digest = make_model().save(path, EVALUATION)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(DataProblem, match=r"cannot write .*model.tar.gz: No space left on device"):
        make_model(seed=3).save(path, EVALUATION)
    assert [file.name for file in tmp_path.iterdir()] == ["model.tar.gz"]
    Model.load(path, digest)
