"""What every command has: options, the settings and the registry that they choose, an answer as tables or JSON."""

import errno
import functools
import getpass
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import TypeAdapter
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.text import Text

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import Problem, RegistryProblem
from scarcegan.project import located, project_root
from scarcegan.registry import Registry
from scarcegan.settings.words_section import USUAL, Words
from scarcegan.storage import is_s3, write_bytes

Config = Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default=DEFAULT_CONFIG)]
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
    default = project_root() / DEFAULT_CONFIG
    file = config or (default if default.is_file() else None)
    return settings.load(settings.tree_of(settings.text_of(file), str(file))) if file else settings.Settings()


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


def user_name() -> str:
    """Return the name of the user at the terminal; a `RegistryProblem` where there is none, as in a bare container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise RegistryProblem(f"expected a user name, the system knows none ({error}): add --who") from error


Who = Annotated[
    str, typer.Option("--who", help="Who decides.", default_factory=user_name, show_default="your user name")
]
VERSION = typer.Argument(metavar="VERSION", help="Version, as in 3 or v3, or its whole ARN in SageMaker.")


@dataclass(frozen=True)
class Answer:
    """What a command answers: a list of records or plain objects, or one of them, for `--json`; what a terminal shows.

    `failed`: the command ends with exit code 1 although it has an answer, as a check does that found something.
    """

    plain: Any
    shown: RenderableType
    failed: bool = False


def answers(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., Answer]], Callable[..., None]]:
    """Add a function to a group, as a command that prints what it returns.

    It has the option `--json`, and those that choose what the function asks for: a parameter `settings` becomes the
    option `--config`; a parameter `registry`, an open registry, the options `--config`, `--registry` and
    `--registry-folder`. One that asks for `config` as well knows whether that option was given.
    """

    def add(function: Callable[..., Answer]) -> Callable[..., None]:
        # Typer keeps the line breaks of a second paragraph, and takes [retention] for a style.
        told = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(function) or "")
        return app.command(name, help=escape(told))(_printing(function))

    return add


def _printing(command: Callable[..., Answer]) -> Callable[..., None]:
    own = inspect.signature(command).parameters
    options: dict[str, Any] = {"as_json": AsJson}
    options |= {"config": Config} if {"settings", "registry"} & own.keys() else {}
    options |= {"backend": Backend, "registry_folder": Folder} if "registry" in own else {}

    @functools.wraps(command)
    def run(as_json: bool = False, **given: Any) -> None:
        if "config" in options:
            given["settings"] = settings_of(given["config"])
        if "registry" in own:
            given["registry"] = chosen_registry(given["settings"].registry, given["backend"], given["registry_folder"])
        try:
            # Whatever prints meanwhile, such as an estimator of one's own: stdout has the answer alone.
            with redirect_stdout(sys.stderr), _in_words(given.get("settings")):
                answer = command(**{name: given[name] for name in own})
        finally:  # a refusal may follow from what cannot be read
            say(*getattr(given.get("registry"), "left_out", ()), style="yellow")
        _print(answer, as_json)
        if answer.failed:
            raise typer.Exit(1)

    # Typer makes arguments and options of the signature that it sees.
    kept = [one for name, one in own.items() if name not in ("settings", "registry")]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in options.items()
        if name not in own
    ]
    run.__signature__ = inspect.Signature(kept + added)  # type: ignore[attr-defined]
    return run


@contextmanager
def _in_words(chosen: settings.Settings | None) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:  # UTF-8 takes any text: it is none
        raise Problem(
            f"expected text in {sys.getfilesystemencoding()}, which this terminal is set to, got "
            f"{error.object!r:.100}: type it in that encoding, or `export LC_ALL=C.UTF-8` and type it in UTF-8"
        ) from error
    except Problem as problem:
        problem.args = (_words(chosen).retell(str(problem)),)
        raise


def _print(answer: Answer, as_json: bool) -> None:
    try:
        if as_json:
            print_json(answer.plain)
        else:
            for part in _parts(answer.shown):
                # A text may hold commands to copy: the terminal breaks its lines, and not rich.
                console().print(part, soft_wrap=isinstance(part, Text))
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever reads has enough, as `head`
            raise
        raise Problem(
            f"cannot write the answer: {error.strerror}; what the command does is done, only the answer is lost: look "
            "at it again where it can be written"
        ) from error


def _parts(shown: RenderableType) -> Iterator[RenderableType]:
    """Yield the tables and texts of an answer one by one."""
    if isinstance(shown, Group):
        for one in shown.renderables:
            yield from _parts(one)
    else:
        yield shown


def print_json(plain: Any) -> None:
    """Print records or plain objects: not through rich, which would wrap long lines. What is no number becomes null."""
    typer.echo(TypeAdapter(Any).dump_json(plain, indent=2))


def _words(chosen: settings.Settings | None) -> Words:
    """Return the words of the settings of a command, or of the project's, as far as it has any."""
    try:
        return (chosen or settings_of(None)).words
    except Problem:
        return USUAL


def say(*lines: str, style: str = "") -> None:
    """Tell something on stderr, as stdout has the answer alone: in yellow what an answer had to leave out."""
    for line in lines:  # no markup: brackets in a message are no styles
        Console(stderr=True, soft_wrap=True, highlight=False).print(line, style=style, markup=False)


def console() -> Console:
    """Return a console on stdout; a pipe has no width, so that tables stay whole there."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)


def place_of(file: str, option: str) -> str:
    """Return where to write the file that an option names, local or `s3://`; a missing folder is a `Problem`."""
    location = located(file, Path.cwd())
    folder = Path(location).parent
    if not is_s3(location) and not folder.is_dir():  # not made: a slip of the finger would hide the file somewhere
        raise Problem(f"expected a folder {folder}, found none: make it, or choose another {option}")
    return location


def write_page(components: Sequence[Any], title: str, file: str) -> Text:
    """Write a card as one page, whole or not at all, and say so."""
    from cards.theme import html_page

    write_bytes(place_of(file, "--html"), html_page(components, title).encode())
    return Text(f"Wrote {file}")
