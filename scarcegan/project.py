"""Where the project keeps what it makes: one `.scarcegan` folder, the same from every working directory."""

from pathlib import Path


def project_root() -> Path:
    """Return the repository root, or the working directory where there is no repository.

    The package is installed in editable mode, so its own place tells where the repository is: a flow started
    inside `flows/` and a command typed at the root agree. A plain (non-editable) install, as in a container,
    has no `pyproject.toml` beside the package; the working directory is the project then.
    """
    beside_package = Path(__file__).resolve().parent.parent
    return beside_package if (beside_package / "pyproject.toml").is_file() else Path.cwd()


def project_folder(name: str) -> Path:
    """Return `.scarcegan/<name>` under the project root; the caller creates it when it first writes."""
    return project_root() / ".scarcegan" / name
