"""Which checkout a flow lies in; imported before `scarcegan`, it makes the package beside the flow the one that runs.

The virtual environment may have another checkout's package installed, as with a git worktree. The commit that a run
records is that of the flow's own checkout, and so must the code be.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def is_installed(root):
    """Tell whether pip has installed what lies in a folder."""
    return bool({"site-packages", "dist-packages"} & set(root.parts))


# Not beside the flows that pip has installed: site-packages would come before the standard library. In a job the
# package has another place.
if not is_installed(ROOT) and (ROOT / "scarcegan" / "__init__.py").is_file():
    sys.path.insert(0, str(ROOT))
