"""Options that several commands share, and what they choose: settings file, registry, JSON."""

import getpass
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import typer

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.problems import RegistryProblem, SettingsProblem
from scarcegan.project import located, project_root
from scarcegan.registry import Registry

Config = Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default="config/retrain.toml")]
Backend = Annotated[
    Literal["local", "sagemaker"] | None,
    typer.Option("--registry", help="Registry to work on.", show_default="as in the settings"),
]
Folder = Annotated[
    Path | None,
    typer.Option("--registry-folder", help="Folder of the local registry.", show_default=".scarcegan/registry"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Go ahead where the registry would refuse.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept on record for good.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Number of a run, as in `scarcegan runs list`.")]


def settings_of(config: Path | None) -> settings.Settings:
    """Read a settings file, or raise a `SettingsProblem`; without one, the project's `config/retrain.toml`.

    A plain install has none and takes the default settings.
    """
    default = project_root() / "config" / "retrain.toml"
    file = config or (default if default.is_file() else None)
    try:
        return settings.load(tomllib.loads(file.read_text())) if file else settings.Settings()
    except OSError as error:
        raise SettingsProblem(f"expected settings in {file}, got: {error.strerror}; check --config") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsProblem(f"expected TOML in {file}, got: {error}; mend that line") from error


def chosen_registry(registry: settings.Registry, backend: str | None, folder: Path | None) -> Registry:
    """Open the registry that the options name; the settings say what they leave open.

    A `RegistryProblem` says that `--registry-folder` holds no registry, or contradicts `--registry sagemaker`.
    """
    if backend == "sagemaker" and folder:
        raise RegistryProblem("expected --registry-folder with the local registry only: leave one of both out")
    if folder and not (folder / "registry.sqlite").is_file():
        raise RegistryProblem(f"expected a registry in {folder}, found none: check --registry-folder")
    changes = {"kind": "local", "path": located(str(folder), Path.cwd())} if folder else {}
    return open_registry(registry.model_copy(update=changes | ({"kind": backend} if backend else {})))


def version_number(reference: str) -> int:
    """Return the number in `3`, `v3` or a model package ARN; a `RegistryProblem` if there is none."""
    found = re.fullmatch(r"(?:v|arn:\S+/)?(\d+)", reference.strip())
    if not found:
        raise RegistryProblem(
            f"expected a version number such as 3, or an ARN, got '{reference}': see `scarcegan models list`"
        )
    return int(found[1])


def user_name() -> str:
    """Return the name of the user at the terminal; a `RegistryProblem` where there is none, as in a bare container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise RegistryProblem(f"expected a user name, the system knows none ({error}): add --who") from error


Who = Annotated[
    str, typer.Option("--who", help="Who decides.", default_factory=user_name, show_default="your user name")
]
NUMBER = typer.Argument(metavar="VERSION", help="Version, as in 3 or v3, or ARN.", parser=version_number)
