"""Pages that commands write."""

from pathlib import Path

from scarcegan.problems import Problem
from scarcegan.storage import write_bytes


def write_page(page: str, file: Path) -> None:
    """Write a page whole or not at all, also when several commands write it at once.

    Raises:
        Problem: the folder is missing or may not be written to.
    """
    if not file.parent.is_dir():  # not made: a slip of the finger would hide the page somewhere
        raise Problem(f"expected a folder {file.parent}, found none: make it, or choose another file with --html")
    write_bytes(str(file), page.encode())
