"""TensorFlow without its start-up chatter on standard error; all modules of this room take it from here."""

import importlib
import os
import sys
import tempfile


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
