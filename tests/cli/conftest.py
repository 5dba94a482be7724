import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "history"))
sys.path.insert(0, str(Path(__file__).parents[1] / "cards"))

from history_samples import recorded, recorder  # noqa: F401
