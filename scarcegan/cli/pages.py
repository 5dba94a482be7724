"""Pages that commands write."""

import os
from pathlib import Path

from scarcegan.problems import Problem


def write_page(page: str, file: Path) -> None:
    """Write a page whole or not at all.

    Raises:
        Problem: the folder is missing or may not be written to.
    """
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(page, encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        raise Problem(f"expected to write {file}, got: {error.strerror}; choose another file with --html") from error
