"""The model archive: `model.tar.gz` with plain arrays and JSON, the same bytes for the same model.

A model is a plain dict:

    {"class_names": [..., "unknown"], "rare_index": int, "feature_names": [...],
     "threshold": float, "definition": str,
     "reference": {...},  # how it scores unlabelled players it has not seen, see scarcegan.serving.distribution
     "parts": [{"scaler": {"kind": str, "knots": [F, K], "values": [F, K]},
                "layers": [{"weights": [members, in, out], "bias": [members, out]}, ...],
                "slope": float}, ...]}

One part per fold, arrays in float32. Hidden layers are dense with LeakyReLU(slope); the last one gives the logits of
`class_names`. If members see steps, their first layer also has `thresholds` [members, F x T] and `steepness`
[members]: its inputs are the F scaled features z, and then clip(steepness (z - t), -1, 1), every feature's first
threshold before the second ones. In the archive each array is a `.npy` file and `model.json` says where it belongs;
nothing is pickled. `evaluation.json` tells how the model did. What SageMaker serves lies beside them: `1/` and
`code/`, see `scarcegan.serving.export`.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from scarcegan.problems import RegistryProblem
from scarcegan.serving.shape import check_model
from scarcegan.storage import write_bytes

FORMAT = 1


def write_archive(
    model: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    destination: str | Path,
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Write a model and its evaluation as one archive, whole or not at all.

    The bytes depend on the content alone: no times, owners or names of machines get in.

    Args:
        model: plain arrays, see above.
        evaluation: plain data, finite numbers only; numpy scalars and arrays are welcome.
        destination: path of the archive; an older one is replaced.
        beside: further files by their path in the archive, as `serving_files` makes them.

    Returns:
        The archive's sha256, 64 hex digits.

    Raises:
        RegistryProblem: the model's arrays do not fit together, or the evaluation is no JSON.
    """
    content = _pack({**_plain_files(model, evaluation), **beside})
    write_bytes(str(destination), content)
    return hashlib.sha256(content).hexdigest()


def content_digest(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Return the sha256 of what a model and its evaluation say; raises as `write_archive` does."""
    return hashlib.sha256(_pack(_plain_files(model, evaluation))).hexdigest()


def _plain_files(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, bytes]:
    check_model(model)
    arrays: dict[str, np.ndarray] = {}
    tree = {"format": FORMAT, "model": _take_arrays_out(model, "arrays", arrays)}
    files = {"model.json": _to_json("model", tree), "evaluation.json": _to_json("evaluation", evaluation)}
    return files | {name: _to_npy(array) for name, array in arrays.items()}


def read_archive(path: str | Path, expect_sha256: str | None = None) -> dict[str, Any]:
    """Read the model of an archive.

    Args:
        path: the archive.
        expect_sha256: the digest that the registry holds; None trusts the file.

    Raises:
        RegistryProblem: no such file, another digest than expected, an archive that is damaged or not ours.
    """
    files = _unpack(Path(path), expect_sha256)
    try:
        tree = json.loads(files["model.json"])
        if tree["format"] != FORMAT:
            raise RegistryProblem(
                f"expected archive format {FORMAT}, got {tree['format']} in {path}: "
                "use the scarcegan version that wrote it"
            )
        model: dict[str, Any] = _put_arrays_back(tree["model"], files)
        check_model(model)
    except (KeyError, TypeError, ValueError, EOFError) as error:
        raise RegistryProblem(
            f"expected a model archive of scarcegan, got {path} ({error}): register the model again"
        ) from error
    return model


def read_evaluation(path: str | Path, expect_sha256: str | None = None) -> dict[str, Any]:
    """Read the evaluation that lies beside the model in an archive; raises as `read_archive` does."""
    files = _unpack(Path(path), expect_sha256)
    try:
        evaluation: dict[str, Any] = json.loads(files["evaluation.json"])
    except (KeyError, ValueError) as error:
        raise RegistryProblem(
            f"expected a model archive of scarcegan, got {path} ({error}): register the model again"
        ) from error
    return evaluation


def _take_arrays_out(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[f"{name}.npy"] = value
        return {"array": f"{name}.npy"}
    if isinstance(value, Mapping):
        return {key: _take_arrays_out(inner, f"{name}/{key}", arrays) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_take_arrays_out(inner, f"{name}/{index}", arrays) for index, inner in enumerate(value)]
    return value


def _put_arrays_back(value: Any, files: Mapping[str, bytes]) -> Any:
    if isinstance(value, dict) and value.keys() == {"array"}:
        return np.load(io.BytesIO(files[value["array"]]), allow_pickle=False)
    if isinstance(value, dict):
        return {key: _put_arrays_back(inner, files) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put_arrays_back(inner, files) for inner in value]
    return value


def _to_json(what: str, tree: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(tree, sort_keys=True, allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise RegistryProblem(
            f"expected plain data with finite numbers in the {what}, got: {error}; leave such values out"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no plain data")


def _to_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    # Row-major and little-endian whatever the array's layout in memory was: same numbers, same bytes.
    np.save(file, np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")), allow_pickle=False)
    return file.getvalue()


def _pack(files: Mapping[str, bytes]) -> bytes:
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            tar.addfile(entry, io.BytesIO(files[name]))
    # Stored, not deflated: weights hardly shrink, and deflate's bytes differ between zlib builds.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=0, mtime=0) as compressed:
        compressed.write(plain.getvalue())
    return packed.getvalue()


def _unpack(path: Path, expect_sha256: str | None) -> dict[str, bytes]:
    """Return the archive's files; read into memory, so that no name in it can point elsewhere on the disk."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RegistryProblem(
            f"expected a model archive at {path}, got: {error.strerror}; see `scarcegan models list`"
        ) from error
    got = hashlib.sha256(content).hexdigest()
    if expect_sha256 not in (None, got):
        raise RegistryProblem(
            f"expected the archive with sha256 {expect_sha256}, got {got} at {path}: it was changed after it "
            "was registered; do not use it, run the registration again"
        )
    try:
        # All of it at once: tarfile alone would stop before the checksum at the end.
        plain = io.BytesIO(gzip.decompress(content))
        with tarfile.open(fileobj=plain, mode="r:") as tar:
            entries = [(entry.name, tar.extractfile(entry)) for entry in tar if entry.isfile()]
            return {name: file.read() for name, file in entries if file}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise RegistryProblem(
            f"expected a whole model archive, got a damaged one at {path} ({error}): register the model again"
        ) from error
