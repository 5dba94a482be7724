import hashlib
import importlib.util
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.data.scaling import fit_scaler
from scarcegan.serving.export import export, serving_files
from scarcegan.serving.model import Model
from scarcegan.settings import Scaling

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).with_name("serve_archive.py")


@pytest.fixture(scope="session")
def start_image():
    spec = importlib.util.spec_from_file_location("serve_archive", STAND_IN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Image


@pytest.fixture
def unpacked(tmp_path):
    """Write a model's archive and unpack it in an empty folder, as SageMaker does under /opt/ml/model."""

    def unpack(model):
        model.save(tmp_path / "model.tar.gz", {})
        with tarfile.open(tmp_path / "model.tar.gz") as tar:
            tar.extractall(tmp_path / "model", filter="data")
        return tmp_path / "model"

    return unpack


def as_csv(raw):
    return "\n".join(",".join(repr(float(value)) for value in row) for row in raw)


def as_csv_with_gaps(raw):
    return as_csv(raw).replace("nan", "")


def assert_same_numbers(answer, model, raw):
    players = json.loads(answer)["predictions"]
    scores = np.array([player["risk_score"] for player in players])
    shares = np.array([list(player["class_probabilities"].values()) for player in players])
    np.testing.assert_allclose(scores, model.risk(raw), atol=1e-5)
    np.testing.assert_allclose(shares, model.probabilities(raw), atol=1e-5)
    assert [player["is_flagged"] for player in players] == (scores >= model.threshold).tolist()


@pytest.mark.parametrize("calibration", [None, Calibration(0.8, 1.6, -3.0)])
@pytest.mark.parametrize("thresholds", [0, 2])
@pytest.mark.parametrize("classes", [("dormant", "normal", "risky", "unknown"), ("dormant", "normal", "risky")])
def test_the_unpacked_archive_answers_with_the_scorers_numbers(
    start_image, unpacked, make_model, raw, classes, thresholds, calibration
):
    model = make_model(classes=classes, thresholds=thresholds, calibration=calibration)
    status, answer, kind = start_image(unpacked(model)).invoke(as_csv(raw))
    assert (status, kind) == (200, "application/json"), answer
    assert_same_numbers(answer, model, raw)


@pytest.mark.parametrize("calibration", [None, Calibration(0.8, 1.6, -3.0)])
@pytest.mark.parametrize(
    "families", [{"forest": 0.3, "boosting": 0.25, "linear": 0.2}, {"boosting": 0.6, "linear": 0.4}, {"forest": 1.0}]
)
def test_all_families_live_in_the_saved_model_and_take_missing_values(
    start_image, unpacked, make_model, gaps, families, calibration
):
    model = make_model(indicators=(0, 3), families=families, calibration=calibration)
    answer = start_image(unpacked(model)).invoke(as_csv_with_gaps(gaps))[1]
    assert_same_numbers(answer, model, gaps)


@pytest.mark.parametrize("kind", ["quantile_normal", "log_minmax"])
def test_fitted_scalers_give_the_same_numbers_at_their_knots_and_beyond(start_image, unpacked, make_model, kind):
    model = make_model()
    rng = np.random.default_rng(3)
    rows = np.column_stack(
        [
            rng.lognormal(0, 2, 3000),
            rng.poisson(3, 3000),
            rng.lognormal(size=3000) * (rng.random(3000) < 0.2),
            -rng.lognormal(size=3000),
            np.full(3000, 7.0),
            rng.integers(0, 2, 3000),
        ]
    ).astype(np.float32)
    scaler = fit_scaler(rows, Scaling(kind=kind))
    model = replace(model, parts=tuple(replace(part, scaler=scaler) for part in model.parts))
    beyond = np.repeat(np.array([[-1e9], [-0.0], [0.0], [1e9], [3e38]], dtype=np.float32), 6, axis=1)
    raw = np.concatenate([rows[:200], beyond])
    answer = start_image(unpacked(model)).invoke(as_csv(raw))[1]
    assert_same_numbers(answer, model, raw)


@pytest.mark.parametrize("thresholds", [0, 2])
def test_missing_values_give_the_scorers_numbers_and_are_counted(start_image, unpacked, make_model, gaps, thresholds):
    model = make_model(thresholds=thresholds, indicators=(0, 3), calibration=Calibration(0.8, 1.6, -3.0))
    status, answer, _ = start_image(unpacked(model)).invoke(as_csv_with_gaps(gaps))
    assert status == 200, answer
    assert_same_numbers(answer, model, gaps)
    counted = [player["missing_values"] for player in json.loads(answer)["predictions"]]
    assert counted == np.isnan(gaps).sum(axis=1).tolist()


def test_same_weights_same_bytes_in_any_process(make_model, tmp_path):
    """No fingerprint, time, path, hash seed or version of TensorFlow gets in."""
    model = make_model()
    model.save(tmp_path / "model.tar.gz", {})
    code = (
        "import hashlib, sys\n"
        "from scarcegan.serving.export import export\n"
        "from scarcegan.serving.model import Model\n"
        "print(hashlib.sha256(export(Model.load(sys.argv[1]))).hexdigest(), 'tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code, tmp_path / "model.tar.gz"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "99"}, cwd=ROOT)
    assert answer.stdout.split() == [hashlib.sha256(export(model)).hexdigest(), "False"]
    assert serving_files(model) == serving_files(Model.load(tmp_path / "model.tar.gz"))


def test_a_sure_score_is_calibrated_as_in_the_scorer(start_image, unpacked, make_model, raw):
    """Where the networks say exactly 0 or 1, a logarithm would be infinite."""
    model = make_model(calibration=Calibration(0.8, 1.6, -3.0))
    for part, bias in zip(model.parts, (1e4, 1e4), strict=True):
        part.layers[-1].bias[:, 2] = bias
    assert_same_numbers(start_image(unpacked(model)).invoke(as_csv(raw))[1], model, raw)
    for part in model.parts:
        part.layers[-1].bias[:, 2] = -1e4
    assert_same_numbers(start_image(unpacked(model)).invoke(as_csv(raw))[1], model, raw)


@pytest.mark.parametrize(("calibration", "kind"), [(None, "relative"), (Calibration(1, 1, -2), "probability")])
def test_the_served_schema_says_what_a_score_means(unpacked, make_model, calibration, kind):
    schema = json.loads((unpacked(make_model(calibration=calibration)) / "code" / "schema.json").read_text())
    assert schema["score_kind"] == kind


def test_the_signature_tells_names_and_shapes(start_image, unpacked, make_model):
    signature = start_image(unpacked(make_model())).signature
    assert signature.structured_input_signature[1]["features"].shape.as_list() == [None, 6]
    shapes = {name: output.shape.as_list() for name, output in signature.structured_outputs.items()}
    assert shapes == {"class_probabilities": [None, 4], "risk_score": [None]}


@pytest.mark.slow
def test_the_serving_images_tensorflow_answers_with_the_same_numbers(unpacked, make_model, raw):
    """The images lag behind training: their version loads the archive in an environment of its own."""
    python = ROOT / "build" / "serving" / "bin" / "python"
    made = subprocess.run(["make", "serving"], cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the serving image's TensorFlow cannot be had here: {made.stderr.strip()[-300:]}")
    model = make_model()
    requests = [[as_csv(raw)], [json.dumps({"instances": raw.tolist()}), "application/json"]]
    command = [python, STAND_IN, unpacked(model)]
    answered = subprocess.run(command, input=json.dumps(requests), capture_output=True, text=True, check=True)
    told = json.loads(answered.stdout)
    assert told["version"].startswith("2.20.")
    for status, answer, _ in told["answers"]:
        assert status == 200, answer
        assert_same_numbers(answer, model, raw)
