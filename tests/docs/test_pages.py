"""What a page points at is there: links, files, settings, snippets."""

import ast
import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest

from scarcegan.settings import Settings, load
from scarcegan.settings.section import keys_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
FOLDERS = "scarcegan|flows|cards|tests|config|docs|benchmarks|localaws|notebooks"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def fenced(page, language):
    return re.findall(rf"^ *```{language}\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE)


def prose(page):
    return re.sub(r"^ *```.*?```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def code(page):
    """Return what stands between single backticks, mathematics left out."""
    return re.findall(r"(?<!\$)`([^`]+)`(?!\$)", prose(page))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_to_files_and_headings_that_there_are(page):
    for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"`[^`]*`", "", prose(page))):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        to = (page.parent / file).resolve() if file else page
        assert to.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(to), f"{page.name} links to {target}: no such heading"


@each_page
def test_files_are_where_a_page_says(page):
    named = [name for name in code(page) if re.fullmatch(rf"({FOLDERS})/[\w./-]*", name)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_page
def test_settings_that_a_page_names_exist(page):
    known = {key.name for key in keys_of(Settings)} | set(Settings.model_fields)
    sections = "|".join(Settings.model_fields)
    named = [re.split(r" ?= ?", text)[0] for text in code(page)]
    named = [name for name in named if re.fullmatch(rf"({sections})\.[a-z_.]+|\[\[?({sections})[a-z_.]*\]\]?", name)]
    assert [
        name for name in named if name.strip("[]") not in known and not name.endswith((".md", ".py", ".toml"))
    ] == []


@each_page
def test_a_configuration_on_a_page_is_accepted(page):
    for text in fenced(page, "toml"):
        load(tomllib.loads(text))


@each_page
def test_json_on_a_page_is_valid(page):
    for text in fenced(page, "json"):
        assert all(isinstance(json.loads(line), dict) for line in text.splitlines())


@each_page
def test_python_on_a_page_imports_what_there_is(page):
    for text in fenced(page, "python"):
        for node in ast.walk(ast.parse(dedent(text))):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("scarcegan", "localaws", "cards"):
                assert {alias.name for alias in node.names} <= names_in(Path(find_spec(node.module).origin))


def names_in(file):
    """Return what can be imported from a module or package: what it defines or imports, and its modules."""
    found = {path.stem for path in file.parent.iterdir()} if file.name == "__init__.py" else set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        else:
            found.add(getattr(node, "name", ""))
    return found
