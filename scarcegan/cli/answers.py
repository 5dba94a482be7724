"""What a command answers: tables for people, or JSON."""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType

from scarcegan.cli.options import AsJson, Backend, Config, Folder, chosen_registry, settings_of
from scarcegan.problems import Problem
from scarcegan.storage import write_bytes


@dataclass(frozen=True)
class Answer:
    """What a command answers: plain data for `--json` (moments are written as ISO text), and what a terminal shows."""

    plain: Any
    shown: RenderableType


def answers(command: Callable[..., Answer]) -> Callable[..., None]:
    """Print what a command returns; give it the option `--json`, and those that choose what it asks for.

    A parameter `settings` becomes the option `--config`; a parameter `registry`, an open registry, the options
    `--config`, `--registry` and `--registry-folder`.
    """
    own = inspect.signature(command).parameters
    options: dict[str, Any] = {"as_json": AsJson}
    options |= {"config": Config} if {"settings", "registry"} & own.keys() else {}
    options |= {"registry_kind": Backend, "registry_folder": Folder} if "registry" in own else {}

    @functools.wraps(command)
    def run(as_json: bool = False, **given: Any) -> None:
        chosen = {name: given.pop(name) for name in options if name in given}
        if chosen:
            settings = settings_of(chosen["config"])
            given |= {"settings": settings} if "settings" in own else {}
        if "registry" in own:
            given["registry"] = chosen_registry(settings.registry, chosen["registry_kind"], chosen["registry_folder"])
        answer = command(**given)
        if as_json:
            # Not through rich, which would wrap long lines.
            typer.echo(json.dumps(answer.plain, indent=2, ensure_ascii=False, default=lambda one: one.isoformat()))
        else:
            console().print(answer.shown)

    # Typer makes arguments and options of the signature that it sees.
    kept = [one for name, one in own.items() if name not in ("settings", "registry")]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in options.items()
    ]
    run.__signature__ = inspect.Signature(kept + added)  # type: ignore[attr-defined]
    return run


def console() -> Console:
    """Return a console on stdout; a pipe has no width, so that tables stay whole there."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)


def write_page(page: str, file: Path) -> None:
    """Write a page whole or not at all, also when several commands write it; a missing folder is a `Problem`."""
    if not file.parent.is_dir():  # not made: a slip of the finger would hide the page somewhere
        raise Problem(f"expected a folder {file.parent}, found none: make it, or choose another file with --html")
    write_bytes(str(file), page.encode())
