"""The image of the twin's jobs: a Python that has the libraries and does not have this repository."""

import site
import sys
import sysconfig
import venv
from pathlib import Path


def build_image(folder: Path) -> dict[str, str]:
    """Make the Python environment that jobs run in and return what the image's `ENV` lines would set.

    The libraries are those of the Python that runs this. Their folder is named in a `.pth` file; `.pth` files
    within it do not count then, and so the editable install of this repository is out of sight: a job imports
    what its code package brings, or fails as it would on AWS.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = [sysconfig.get_path("purelib"), *site.getsitepackages()]
    named = folder / "lib" / python / "site-packages" / "host.pth"
    named.write_text("\n".join(dict.fromkeys(packages)) + "\n")
    return {
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",  # otherwise each job calls pip
    }
