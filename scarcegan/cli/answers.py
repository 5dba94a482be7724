"""What a command answers: tables for people, or JSON."""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console, RenderableType

from scarcegan.cli.options import AsJson, Backend, Config, Folder, chosen_registry, settings_of


@dataclass(frozen=True)
class Answer:
    """What a command answers.

    Attributes:
        plain: for `--json`; moments in it are written as ISO text.
        shown: for the terminal.
    """

    plain: Any
    shown: RenderableType


def answers(command: Callable[..., Answer]) -> Callable[..., None]:
    """Print what a command returns; give it the option `--json`, and those that choose what it asks for.

    A parameter `settings` becomes the option `--config`; a parameter `registry`, an open registry, the options
    `--config`, `--registry` and `--registry-folder`.
    """
    own = inspect.signature(command).parameters
    options: dict[str, Any] = {"config": Config} if {"settings", "registry"} & own.keys() else {}
    options |= {"registry_kind": Backend, "registry_folder": Folder} if "registry" in own else {}

    @functools.wraps(command)
    def run(as_json: bool, **given: Any) -> None:
        if options:
            settings = settings_of(given.pop("config"))
            given |= {"settings": settings} if "settings" in own else {}
        if "registry" in own:
            kind, folder = given.pop("registry_kind"), given.pop("registry_folder")
            given["registry"] = chosen_registry(settings.registry, kind, folder)
        answer = command(**given)
        if as_json:
            text = json.dumps(answer.plain, indent=2, ensure_ascii=False, default=lambda moment: moment.isoformat())
            typer.echo(text)
        else:
            console().print(answer.shown)

    # Typer makes arguments and options of the signature that it sees.
    kept = [one for name, one in own.items() if name not in ("settings", "registry")]
    added = {"as_json": (AsJson, False)} | {name: (kind, None) for name, kind in options.items()}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        kept + [_option(name, kind, default) for name, (kind, default) in added.items()]
    )
    return run


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def console() -> Console:
    """Return a console on stdout; a pipe has no width, so that tables stay whole there."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)
