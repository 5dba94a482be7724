import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "history"))

from history_samples import recorded, recorder  # noqa: F401
