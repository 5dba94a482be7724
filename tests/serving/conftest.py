import gzip
import importlib.util
import io
import itertools
import json
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

from scarcegan.data.scaling import Scaler
from scarcegan.serving.ensemble import Family
from scarcegan.serving.export import serving_files
from scarcegan.serving.forward import Layer
from scarcegan.serving.linear import Linear
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.serving.trees import Trees

FEATURES, KNOTS = 6, 9


def _layer(rng, members, inputs, outputs):
    weights, bias = rng.normal(size=(members, inputs, outputs)), rng.normal(size=(members, outputs))
    return Layer(weights.astype(np.float32), bias.astype(np.float32))


def _part(rng, members, widths, thresholds, indicators):
    inputs = FEATURES + len(indicators)
    sizes = [inputs * (1 + thresholds), *widths]
    layers = [_layer(rng, members, *pair) for pair in itertools.pairwise(sizes)]
    if thresholds:
        places = rng.normal(size=(members, inputs * thresholds)).astype(np.float32)
        layers[0] = Layer(layers[0].weights, layers[0].bias, places, np.full(members, 2.0, dtype=np.float32))
    knots = np.sort(rng.normal(size=(FEATURES, KNOTS)), axis=1).astype(np.float32)
    values = np.tile(np.linspace(-3, 3, KNOTS, dtype=np.float32), (FEATURES, 1))
    fill = knots[:, KNOTS // 2] if indicators else None
    return Networks(Scaler("quantile_normal", knots, values, fill, indicators), tuple(layers), 0.2)


def _linear(part, seed):
    """A logistic regression behind a part's scaler."""
    rng, width = np.random.default_rng(seed), part.scaler.width
    return Linear(part.scaler, rng.normal(size=width).astype(np.float32), float(rng.normal()))


@pytest.fixture
def make_model(make_trees):
    """A model of two parts with different member counts, so that a mean of means would show.

    One with indicators fills missing values, the others are of a time before that. Families beside ScarceGAN are given
    by their shares: `forest`, `boosting` and `linear`, each with as many parts.
    """

    def make(
        seed=0,
        classes=("dormant", "normal", "risky", "unknown"),
        members=(2, 3),
        thresholds=0,
        calibration=None,
        indicators=(),
        families=None,
    ):
        rng, families = np.random.default_rng(seed), families or {}
        parts = tuple(_part(rng, count, (8, 5, len(classes)), thresholds, indicators) for count in members)
        of_kind = {
            "forest": lambda at: make_trees("mean", seed=at),
            "boosting": lambda at: make_trees("logit", seed=10 + at),
            "linear": lambda at: _linear(parts[at], seed=20 + at),
        }
        return Model(
            class_names=classes,
            rare_index=2,
            feature_names=tuple(f"feature_{number}" for number in range(FEATURES)),
            threshold=0.25,
            definition="balanced",
            parts=parts,
            calibration=calibration,
            share=1.0 - sum(families.values()),
            families=tuple(
                Family(name, share, tuple(of_kind[name](at) for at in range(len(parts))))
                for name, share in families.items()
            ),
        )

    return make


@pytest.fixture
def raw():
    return np.random.default_rng(1).normal(size=(37, FEATURES)).astype(np.float32)


@pytest.fixture
def gaps(raw):
    """The same players with missing values: of some features often, of one in a single player, of one never."""
    found = raw.copy()
    found[np.random.default_rng(2).random(raw.shape) < 0.2] = np.nan
    found[:, 2] = raw[:, 2]
    found[:, 5] = raw[:, 5]
    found[3, 5] = np.nan
    found[4, :] = np.nan
    return found


@pytest.fixture
def make_trees():
    """Random trees that grow a node at a time, so that depths differ; the last one is a leaf."""

    def make(link="mean", count=7, nodes=41, seed=0):
        rng = np.random.default_rng(seed)
        feature, left, right, roots = [], [], [], []
        for size in [nodes] * (count - 1) + [1]:
            root = len(feature)
            roots.append(root)
            own = range(root, root + size)
            feature += [-1] * size
            left += own
            right += own
            leaves = [root]
            for child in range(root + 1, root + size, 2):
                node = leaves.pop(rng.integers(len(leaves)))
                feature[node], left[node], right[node] = rng.integers(FEATURES), child, child + 1
                leaves += [child, child + 1]
        total = len(feature)
        # Few distinct thresholds, which players share: ties are common.
        threshold = rng.integers(-4, 5, total).astype(np.float32) / 4
        threshold[rng.random(total) < 0.05] = -np.inf
        values = rng.random(total) if link == "mean" else rng.normal(size=total)
        feature, left, right, roots = (np.array(array, dtype=np.int32) for array in (feature, left, right, roots))
        missing_left, values = rng.random(total) < 0.5, values.astype(np.float32)
        return Trees(feature, threshold, missing_left, left, right, values, roots, link)

    return make


@pytest.fixture
def tied():
    """Players on the thresholds of such trees, between and far beyond them, and without some values or any."""
    rng = np.random.default_rng(5)
    found = rng.integers(-9, 10, (200, FEATURES)).astype(np.float32) / 8
    found[rng.random(found.shape) < 0.15] = np.nan
    found[:4] = np.array([[-3e38], [3e38], [-0.0], [np.nan]], dtype=np.float32)
    return found


@pytest.fixture
def unpacked_handlers(tmp_path):
    """Unpack a model's own `code/inference.py` beside its schema, and load it as the image does."""

    def unpack(model):
        for name, content in serving_files(model).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        spec = importlib.util.spec_from_file_location("inference", tmp_path / "code" / "inference.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return unpack


@pytest.fixture
def passed_on():
    """What handlers pass on to TensorFlow Serving for a request: rows of numbers."""

    def send(handlers, body, content_type):
        context = SimpleNamespace(request_content_type=content_type, accept_header="application/json")
        content = body if isinstance(body, bytes) else body.encode()
        return json.loads(handlers.input_handler(io.BytesIO(content), context))["instances"]

    return send


@pytest.fixture(scope="session")
def packed():
    """Pack files by hand, as other code or somebody with other aims may have done."""

    def pack(path, files):
        with gzip.open(path, "wb") as compressed, tarfile.open(fileobj=compressed, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))

    return pack
