"""TensorFlow without Keras and without chatter on standard error; all modules of this room take it from here."""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_LEGACY_KERAS = "TF_USE_LEGACY_KERAS"


@contextmanager
def _without_keras() -> Iterator[None]:
    """Let an import of TensorFlow leave Keras out: with scikit-learn and pandas, it takes nearly half of the seconds.

    TensorFlow loads Keras 2 instead of 3 where this variable says so, and does without where that is not installed.
    `tf.keras` asks the variable again at its first use: it stays as it was.
    """
    kept = os.environ.get(_LEGACY_KERAS)
    os.environ[_LEGACY_KERAS] = "1"
    try:
        yield
    finally:
        del os.environ[_LEGACY_KERAS]
        if kept is not None:
            os.environ[_LEGACY_KERAS] = kept


def _import_quietly() -> None:
    """Import TensorFlow; replay what it has said if the import fails.

    Its C++ libraries log before they read TF_CPP_MIN_LOG_LEVEL (tensorflow issue 100442), so the file
    descriptor itself is turned away for the length of the import.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            with _without_keras():
                importlib.import_module("tensorflow")
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


# Once it is loaded, no chatter is left to turn away.
if "tensorflow" not in sys.modules:
    _import_quietly()

import tensorflow as tf  # noqa: E402

__all__ = ["tf"]
