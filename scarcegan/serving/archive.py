"""The model archive: `model.tar.gz` with plain arrays and JSON, the same bytes for the same content.

`model.json` holds what `Model.to_plain` returns, each array as the name of a `.npy` file beside it; nothing is
pickled. `evaluation.json` tells how the model did. What SageMaker serves lies beside them: `1/` and `code/`, see
`scarcegan.serving.export`.

Format 2 says the kind of each part: in format 1 all parts are networks. Format 3 may have a calibration and fills for
missing values. Format 4 may have other families beside ScarceGAN. All of them are read.
"""

import functools
import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scarcegan.problems import Problem, RegistryProblem
from scarcegan.storage import write_bytes

FORMAT = 4
READ_FORMATS = (1, 2, 3, FORMAT)

Made = TypeVar("Made")


def write_archive(
    model: Mapping[str, Any], evaluation: Mapping[str, Any], destination: str | Path, beside: Mapping[str, bytes]
) -> str:
    """Write a model's plain data, its evaluation and further files as one archive; see `Model.save`."""
    content = _pack({**_plain_files(model, evaluation), **beside})
    write_bytes(str(destination), content)
    return hashlib.sha256(content).hexdigest()


def content_digest(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Return the sha256 of what a model's plain data and its evaluation say."""
    return hashlib.sha256(_pack(_plain_files(model, evaluation))).hexdigest()


def read_archive(path: str | Path, expect_sha256: str | None, make: Callable[[Any], Made]) -> Made:
    """Read what `make` makes of an archive's model, which it gets as plain data; see `Model.load`."""
    files = unpack(Path(path), expect_sha256)
    try:
        tree = json.loads(files["model.json"], object_hook=functools.partial(_with_array, files))
        if tree["format"] not in READ_FORMATS:
            raise RegistryProblem(
                f"expected an archive format of {', '.join(map(str, READ_FORMATS))}, got {tree['format']} in {path}: "
                "use the scarcegan version that wrote it"
            )
        return make(tree["model"])
    # What the model itself refuses is told in its own words, not as a damaged archive.
    except RegistryProblem:
        raise
    except (KeyError, TypeError, ValueError, EOFError, Problem) as error:
        raise RegistryProblem(
            f"expected a model archive of scarcegan, got {path} ({error}): register the model again"
        ) from error


def _plain_files(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, bytes]:
    arrays: dict[str, np.ndarray] = {}
    tree = {"format": FORMAT, "model": _take_arrays_out(model, "arrays", arrays)}
    files = {"model.json": _to_json("model", tree), "evaluation.json": _to_json("evaluation", evaluation)}
    for name, array in arrays.items():
        file = io.BytesIO()
        # Row-major and little-endian whatever the array's layout in memory was: same numbers, same bytes.
        np.save(file, np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")), allow_pickle=False)
        files[name] = file.getvalue()
    return files


def _take_arrays_out(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[f"{name}.npy"] = value
        return {"array": f"{name}.npy"}
    if isinstance(value, Mapping):
        return {key: _take_arrays_out(inner, f"{name}/{key}", arrays) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_take_arrays_out(inner, f"{name}/{index}", arrays) for index, inner in enumerate(value)]
    return value


def _with_array(files: Mapping[str, bytes], value: dict[str, Any]) -> Any:
    # No pickle: an archive that was tampered with can run no code.
    return np.load(io.BytesIO(files[value["array"]]), allow_pickle=False) if value.keys() == {"array"} else value


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


def _pack(files: Mapping[str, bytes]) -> bytes:
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            # TarInfo's defaults have neither time nor owner: equal content gives equal bytes.
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            tar.addfile(entry, io.BytesIO(files[name]))
    # Stored, not deflated: weights hardly shrink, and deflate's bytes differ between zlib builds.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=0, mtime=0) as compressed:
        compressed.write(plain.getvalue())
    return packed.getvalue()


def unpack(path: Path, expect_sha256: str | None) -> dict[str, bytes]:
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
