"""A stand-in for SageMaker's TensorFlow Serving image: the real handlers, the real SavedModel, no network.

As a command, for a Python that has another TensorFlow: `python serve_archive.py FOLDER < requests.json`.
"""

import importlib.util
import io
import json
import sys
from collections import namedtuple
from pathlib import Path

# The fields that the image's tfs_utils.py gives to handlers.
Context = namedtuple(
    "Context",
    "model_name, model_version, method, rest_uri, grpc_port, channel, custom_attributes, request_content_type, "
    "accept_header, content_length, timeout",
)
Response = namedtuple("Response", "status_code, content")


def find_model(folder):
    """The image's rule: any folder with a number for a name that holds a saved_model.pb."""
    found = [path.parent for path in Path(folder).rglob("saved_model.pb") if path.parent.name.isdigit()]
    assert len(found) == 1, found
    return found[0]


class Image:
    """A started image with an unpacked archive in its model folder."""

    def __init__(self, folder):
        import tensorflow as tf

        self._tf = tf
        self._model = tf.saved_model.load(str(find_model(folder)))
        self.signature = self._model.signatures["serving_default"]
        spec = importlib.util.spec_from_file_location("inference", Path(folder) / "code" / "inference.py")
        self.handlers = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.handlers)

    def invoke(self, body, content_type="text/csv", accept="application/json"):
        """Answer a request as the image does: status, body, content type."""
        context = Context("model", "1", "POST", "http://localhost", 9000, None, None, content_type, accept, 0, 60)
        try:
            request = self.handlers.input_handler(io.BytesIO(body.encode()), context)
            answer, kind = self.handlers.output_handler(self.predict(request), context)
        except Exception as error:
            return 500, json.dumps({"error": str(error)}), "application/json"
        return 200, answer, kind

    def predict(self, request):
        """Answer as TensorFlow Serving's REST interface does, a row format in and out."""
        rows = self._tf.constant(json.loads(request)["instances"], dtype=self._tf.float32)
        columns = {name: value.numpy().tolist() for name, value in self.signature(features=rows).items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return Response(200, json.dumps({"predictions": rows}).encode())


if __name__ == "__main__":
    image = Image(sys.argv[1])
    answers = [image.invoke(*request) for request in json.load(sys.stdin)]
    json.dump({"version": image._tf.__version__, "answers": answers}, sys.stdout)
