"""TensorFlow's graph messages, written byte by byte: a SavedModel without TensorFlow, the same for all its versions.

TensorFlow's own exporter puts a fingerprint, unique names and its version into the file and takes ten seconds to
import. The messages themselves are few and their numbers are fixed for good; a field is a tag and a value.

Source: protobuf's encoding guide; tensorflow/core/framework/{graph,node_def,attr_value,tensor}.proto and
tensorflow/core/protobuf/{saved_model,meta_graph}.proto.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

# A graph version of 2019, which all of TensorFlow 2 reads; a newer one than the serving image's might be refused.
PRODUCER = 134
FLOAT, INT32, BOOL = 1, 3, 10
_NUMPY_TYPES = {FLOAT: "<f4", INT32: "<i4"}


# Whole numbers, decimals, or an encoded AttrValue, as `type_of` returns.
Attribute = int | float | bytes
# What a signature gives or takes: the operation that makes it, and its shape (-1: any size).
Tensor = tuple[str, tuple[int, ...]]


@dataclass
class Graph:
    """A graph that grows by one operation at a time; operations are named by their order."""

    nodes: list[bytes] = field(default_factory=list)

    def add(self, operation: str, inputs: Sequence[str], attributes: Mapping[str, Attribute], *, name: str = "") -> str:
        """Add an operation with its attributes and return its name."""
        name = name or f"{operation}_{len(self.nodes)}"
        parts = [_text(1, name), _text(2, operation), *(_text(3, one) for one in inputs)]
        # Sorted: a map has no order on the wire, and equal graphs are to give equal bytes.
        parts += [_entry(5, key, _attribute(attributes[key])) for key in sorted(attributes)]
        self.nodes.append(b"".join(parts))
        return name

    def constant(self, values: np.ndarray | Sequence[int] | float, kind: int = FLOAT) -> str:
        """Add constant numbers and return their name."""
        # `ascontiguousarray` turns a scalar into a list of one: its shape is put back.
        array = np.ascontiguousarray(values, dtype=_NUMPY_TYPES[kind]).reshape(np.shape(values))
        tensor = _number(1, kind) + _message(2, _shape(array.shape)) + _message(4, array.tobytes())
        return self.add("Const", [], {"dtype": type_of(kind), "value": _message(8, tensor)})

    def placeholder(self, name: str, shape: Sequence[int]) -> str:
        """Add the input, float32 of the given shape (-1: any size), and return its name."""
        return self.add("Placeholder", [], {"dtype": type_of(FLOAT), "shape": _message(7, _shape(shape))}, name=name)

    def floats(self, operation: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Add an operation on floats and return its name."""
        return self.add(operation, inputs, {"T": type_of(FLOAT), **attributes}, name=name)

    def between(self, values: str, low: float, high: float) -> str:
        """Add the clipping of values and return its name."""
        return self.floats("Minimum", self.floats("Maximum", values, self.constant(low)), self.constant(high))

    def is_missing(self, values: str) -> str:
        """Add the question which float values are NaN and return the name of its answers."""
        return self.add("IsNan", [values], {"T": type_of(FLOAT)})

    def as_floats(self, answers: str) -> str:
        """Add the change of answers to 1 and 0 and return the name of these floats."""
        return self.add("Cast", [answers], {"SrcT": type_of(BOOL), "DstT": type_of(FLOAT)})

    def take(
        self, values: str, indices: str, axis: int = 0, name: str = "", *, kind: int = FLOAT, batch: int = 0
    ) -> str:
        """Add the gathering of values along an axis and return its name.

        The first `batch` axes are common to both: each row of indices takes from its own row of values.
        """
        types: dict[str, Attribute] = {"Tparams": type_of(kind), "Tindices": type_of(INT32), "Taxis": type_of(INT32)}
        if batch:
            types["batch_dims"] = batch
        return self.add("GatherV2", [values, indices, self.constant(axis, INT32)], types, name=name)


def saved_model(graph: Graph, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> bytes:
    """Return `saved_model.pb`: one graph tagged `serve` with one signature, all weights constants in it."""
    signature = b"".join(_entry(1, key, _tensor_info(inputs[key])) for key in sorted(inputs))
    signature += b"".join(_entry(2, key, _tensor_info(outputs[key])) for key in sorted(outputs))
    signature += _text(3, "tensorflow/serving/predict")
    graph_def = b"".join(_message(1, node) for node in graph.nodes) + _message(4, _number(1, PRODUCER))
    meta_graph = _message(1, _text(4, "serve")) + _message(2, graph_def) + _entry(5, "serving_default", signature)
    # Field 1 is the version of SavedModel's own schema.
    return _number(1, 1) + _message(2, meta_graph)


def type_of(number: int) -> bytes:
    """Return an attribute that names a type of numbers."""
    return _number(6, number)


def _attribute(value: Attribute) -> bytes:
    if isinstance(value, float):
        return _tag(4, 5) + np.float32(value).tobytes()
    return _number(3, value) if isinstance(value, int) else value


def _tensor_info(tensor: Tensor) -> bytes:
    operation, shape = tensor
    return _text(1, f"{operation}:0") + _number(2, FLOAT) + _message(3, _shape(shape))


def _shape(sizes: Sequence[int]) -> bytes:
    return b"".join(_message(2, _number(1, size)) for size in sizes)


def _entry(tag: int, key: str, value: bytes) -> bytes:
    return _message(tag, _text(1, key) + _message(2, value))


def _text(tag: int, text: str) -> bytes:
    return _message(tag, text.encode())


def _message(tag: int, content: bytes) -> bytes:
    return _tag(tag, 2) + _varint(len(content)) + content


def _number(tag: int, number: int) -> bytes:
    # Negative numbers are written as their 64-bit two's complement.
    return _tag(tag, 0) + _varint(number & (1 << 64) - 1)


def _tag(tag: int, kind: int) -> bytes:
    return _varint(tag << 3 | kind)


def _varint(number: int) -> bytes:
    # Seven bits in a byte, the lowest first; the high bit says that more follow.
    groups = []
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
